"""The folder of a document classifier: plain JSON, safetensors and a tokenizer; never pickle, never code.

    config.json          format, name, version, the encoder's config, the network's sizes
    labels.json          the classes in the order of the scores
    calibration.json     the temperature, and the scores that argue for and against nothing
    tokenizer.json       a fast tokenizer
    weights.safetensors  all weights, in 8, 16 or 32 bit
    lexical.safetensors  the lexical part, if there is one
    checksums.json       SHA-256 of each file above; written last, so a folder without it is unfinished
    README.md            the model card

Loading needs no network and executes nothing from the folder.
"""
