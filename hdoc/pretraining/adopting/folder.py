"""Writes an adopted encoder as an ordinary transformers folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save as array_bytes

from hdoc.encoders.config import encoder_window
from hdoc.encoders.eight_bit import eight_bit_bytes
from hdoc.errors import DataError
from hdoc.pretraining.adopting.source import Source

_CARD = """---
license: {licence}
base_model: {name}
---

# {name}, cut to {n_pieces:,} pieces

{n_parameters:.1f} million parameters in {stored}, no pooler. {use}

{provenance}

The vocabulary was cut from {n_uncut:,} pieces to what the corpora below use: special pieces, all that hold
Hangul, and what occurs at least {least} times. Kept pieces have the weights they had; nothing was trained.

{corpora}
"""
_ORDINARY = "An ordinary transformers folder: `AutoModel.from_pretrained`, `AutoTokenizer.from_pretrained`."
_EIGHT_BIT = "hdoc reads the folder (`--model.encoder FOLDER`); other programs do not know weights by rows."


@dataclass(frozen=True, slots=True)
class Origin:
    """How an encoder came to its pieces, for the model card.

    Attributes:
        n_uncut: pieces of the uncut vocabulary.
        least: how often a piece had to occur.
        corpora: names of what was read.
    """

    n_uncut: int
    least: int
    corpora: tuple[str, ...]


def make_folder(folder: Path) -> None:
    """Make a folder if it is not there.

    Raises:
        DataError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make the encoder's folder {folder}: {error.strerror or error}") from error


def write_folder(cut: Source, folder: Path, origin: Origin, dtype: str = "float32") -> None:
    """Write config, weights, tokenizer and model card.

    Args:
        cut: what to write.
        folder: where; files of the same names are replaced.
        origin: for the card.
        dtype: of the weights on disk: float32, or int8 by rows.

    Raises:
        DataError: the folder cannot be written.
    """
    tensors = {name: np.ascontiguousarray(weights) for name, weights in cut.tensors.items()}
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": encoder_window(cut.config),
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        **cut.special,
    }
    content = eight_bit_bytes(tensors) if dtype == "int8" else array_bytes(tensors, metadata={"format": "pt"})
    n_parameters = sum(weights.size for weights in tensors.values())
    try:
        _write_json(folder / "config.json", {**cut.config, "dtype": "float32"})
        (folder / "model.safetensors").write_bytes(content)
        cut.tokenizer.save(str(folder / "tokenizer.json"))
        _write_json(folder / "tokenizer_config.json", settings)
        (folder / "README.md").write_text(_card(cut, origin, n_parameters, dtype), encoding="utf8")
    except OSError as error:
        raise DataError(f"cannot write the encoder's folder {folder}: {error.strerror or error}") from error


def _card(cut: Source, origin: Origin, n_parameters: int, dtype: str) -> str:
    return _CARD.format(
        name=cut.name,
        licence=cut.licence,
        provenance=cut.provenance,
        n_pieces=cut.config["vocab_size"],
        n_parameters=n_parameters / 1e6,
        stored="8 bit by rows" if dtype == "int8" else "32 bit",
        use=_EIGHT_BIT if dtype == "int8" else _ORDINARY,
        n_uncut=origin.n_uncut,
        least=origin.least,
        corpora="\n".join(f"- {name}" for name in origin.corpora),
    )


def _write_json(path: Path, values: object) -> None:
    path.write_text(json.dumps(values, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf8")
