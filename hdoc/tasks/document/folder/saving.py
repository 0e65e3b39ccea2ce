"""Writing the folder of a document classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save as array_bytes

from hdoc.encoders.precision import StoredWeights
from hdoc.storage.identity import FORMAT
from hdoc.storage.writing import whole_folder, write_json
from hdoc.tasks.document.folder.calibration import calibration_content
from hdoc.tasks.document.folder.model import (
    EIGHT_BIT_VERSION,
    FORMAT_VERSION,
    LEXICAL,
    LEXICAL_TENSORS,
    PARTS,
)
from hdoc.tasks.document.lexical import LexicalScores
from hdoc.tasks.stored import weight_bytes
from hdoc.tasks.temperature import UNCALIBRATED, Temperature
from hdoc.text.sentences import SentenceRule
from hdoc.tokens.tokenizer import PieceTokenizer

if TYPE_CHECKING:
    from hdoc.tasks.document.network import DocumentNetwork


def save_model(
    folder: str | Path,
    network: DocumentNetwork,
    tokenizer: PieceTokenizer,
    *,
    encoder_config: Mapping[str, Any],
    labels: list[str],
    multi_label: bool = False,
    temperature: Temperature = UNCALIBRATED,
    name: str = "hdoc",
    version: str = "1",
    card: str = "",
    weights: StoredWeights = "32bit",
    sentence_rule: SentenceRule = "kss",
    lexical: LexicalScores | None = None,
    origin: Sequence[float] | None = None,
) -> None:
    """Write a model folder, whole or not at all.

    Args:
        folder: where; an hdoc model already there is replaced, anything else is refused.
        network: the trained network.
        tokenizer: its tokenizer.
        encoder_config: the encoder's transformers config.
        labels: class names in the order of the scores.
        multi_label: whether a document may have several classes.
        temperature: what logits are divided by before they become probabilities.
        name: the model's name.
        version: the model's version.
        card: the model card, Markdown.
        weights: how many bits they have in the folder; the lexical part's have 16 where the network's have 8.
        sentence_rule: how texts became sentences in training, and are to from now on.
        lexical: what is added to the network's scores.
        origin: the score of a piece that argues neither for nor against a class, one number a class.

    Raises:
        ModelError: the folder holds something else, or cannot be written.
    """
    config = {
        "format": FORMAT,
        "format_version": EIGHT_BIT_VERSION if weights == "8bit" else FORMAT_VERSION,
        "task": "document",
        "name": name,
        "version": version,
        "multi_label": multi_label,
        "window": tokenizer.window,
        "pad_id": tokenizer.pad_id,
        "split": sentence_rule,  # the file has kept its older name
        "network": asdict(network.shape),
        # Where the encoder was loaded from is nobody's business but the trainer's.
        "encoder": {name: value for name, value in encoder_config.items() if name != "_name_or_path"},
    }
    if weights == "8bit":
        config["weights"] = weights
    with whole_folder(folder, (*PARTS, LEXICAL)) as draft:
        write_json(draft / "config.json", config)
        write_json(draft / "labels.json", labels)
        write_json(draft / "calibration.json", calibration_content(temperature, origin))
        tokenizer.tokenizer.save(str(draft / "tokenizer.json"))
        # Not save_file: it would make a file that only its owner may read.
        (draft / "weights.safetensors").write_bytes(weight_bytes(network, weights))
        (draft / "README.md").write_text(card, encoding="utf-8")
        if lexical is not None:
            (draft / LEXICAL).write_bytes(_lexical_bytes(lexical, weights))


def _lexical_bytes(lexical: LexicalScores, weights: StoredWeights) -> bytes:
    dtype = np.float32 if weights == "32bit" else np.float16
    values = (lexical.idf.astype(dtype), lexical.weights.astype(dtype), lexical.bias.astype(dtype))
    arrays = dict(zip(LEXICAL_TENSORS, (*values, lexical.keys.astype(np.int64)), strict=True))
    return array_bytes({name: np.ascontiguousarray(value) for name, value in arrays.items()})
