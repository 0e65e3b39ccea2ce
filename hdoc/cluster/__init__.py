"""More documents than one machine holds: `hdoc classify --engine ray`.

Only `engine` knows Ray; `plan` says which rows make a block, `worker` turns one block into one file.
"""
