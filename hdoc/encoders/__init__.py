"""Encoders: hdoc's own BERT and RoBERTa, or any other through transformers, and how they run fast.

`pretrained` loads one by name, `build` makes one from its config; `bert` and `roberta` are the networks.
`packing` and `flash` give them windows without padding, `padding` with; `onnx/` is another runtime.
"""
