"""A model folder of any task: plain JSON, safetensors and a tokenizer; never pickle, never code.

    config.json      format, task, name, version, and what the task's model is built from
    checksums.json   SHA-256 of each file of the model; written last, so a folder without it is unfinished
    README.md        the model card

All other files are the task's own. Loading needs no network and executes nothing from the folder.
"""
