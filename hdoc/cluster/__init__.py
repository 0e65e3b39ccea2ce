"""More documents than one machine holds: `hdoc classify --engine ray`.

`plan` says which rows make a block, `worker` turns one block into one file, `ray_data` brings blocks to
workers and alone knows Ray, `classify` is the command.
"""
