"""Encoders: hdoc's own BERT, or any other through transformers, and how they run fast.

`pretrained` loads one by name, `build` makes one from its config, `bert` is BERT itself; `packing`, `batches`
and `flash` give it windows without padding; `onnx/` writes it for another runtime.
"""
