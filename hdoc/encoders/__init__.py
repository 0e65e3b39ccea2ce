"""Encoders: hdoc's own BERT, or any other through transformers, and how they run fast.

`pretrained` loads one by name, `build` makes one from its config, `bert` is BERT itself; `packing`
and `flash` give it windows without padding, `padding` with; `onnx/` writes it for another runtime.
"""
