"""The folder of a model of pairs: plain JSON, safetensors and a tokenizer; never pickle, never code.

    config.json          format, task, name, version, the encoder's config, the range of scores
    labels.json          the classes in the order of the logits; none in a model of scores
    calibration.json     the temperature
    tokenizer.json       a fast tokenizer
    weights.safetensors  all weights, in 8, 16 or 32 bit
    checksums.json       SHA-256 of each file above; written last, so a folder without it is unfinished
    README.md            the model card

Loading needs no network and executes nothing from the folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hdoc.encoders.config import encoder_width
from hdoc.encoders.precision import StoredWeights
from hdoc.errors import HdocError, ModelError
from hdoc.explanation import ModelIdentity
from hdoc.storage.identity import FORMAT, check_format, identity_of, task_of
from hdoc.storage.reading import json_object, json_value, read_files, short
from hdoc.storage.writing import whole_folder, write_json
from hdoc.tasks.stored import (
    check_sizes,
    filled,
    read_labels,
    read_temperature,
    read_tokenizer,
    temperature_content,
    weight_bytes,
)
from hdoc.tasks.temperature import UNCALIBRATED, Temperature
from hdoc.tokens.tokenizer import PieceTokenizer

if TYPE_CHECKING:
    from hdoc.tasks.pair.network import PairNetwork, PairShape

FORMAT_VERSION = 1
PARTS = ("config.json", "labels.json", "calibration.json", "tokenizer.json", "weights.safetensors")


@dataclass(frozen=True, slots=True)
class StoredPairModel:
    """A model and all that is needed to use it.

    Attributes:
        network: in evaluation mode, 32 bit.
        tokenizer: with the window it was trained with.
        labels: class names in the order of the logits; none in a model of scores.
        temperature: what logits are divided by before they become probabilities.
        identity: name, version and checksum.
    """

    network: PairNetwork
    tokenizer: PieceTokenizer
    labels: tuple[str, ...]
    temperature: Temperature
    identity: ModelIdentity


def save_model(
    folder: str | Path,
    network: PairNetwork,
    tokenizer: PieceTokenizer,
    *,
    encoder_config: Mapping[str, Any],
    labels: Sequence[str] = (),
    temperature: Temperature = UNCALIBRATED,
    name: str = "pair",
    version: str = "1",
    card: str = "",
    weights: StoredWeights = "32bit",
) -> None:
    """Write a model folder, whole or not at all.

    Args:
        folder: where; an hdoc model already there is replaced, anything else is refused.
        network: the trained network.
        tokenizer: its tokenizer.
        encoder_config: the encoder's transformers config.
        labels: class names in the order of the logits; none for a model of scores.
        temperature: what logits are divided by before they become probabilities.
        name: the model's name.
        version: the model's version.
        card: the model card, Markdown.
        weights: how many bits they have in the folder.

    Raises:
        ModelError: the folder holds something else, or cannot be written.
    """
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "task": "pair",
        "name": name,
        "version": version,
        "window": tokenizer.window,
        "pad_id": tokenizer.pad_id,
        "scores": [network.shape.low, network.shape.high] if network.shape.regression else None,
        # Where the encoder was loaded from is nobody's business but the trainer's.
        "encoder": {key: value for key, value in encoder_config.items() if key != "_name_or_path"},
    }
    with whole_folder(folder, PARTS) as draft:
        write_json(draft / "config.json", config)
        write_json(draft / "labels.json", list(labels))
        write_json(draft / "calibration.json", temperature_content(temperature))
        tokenizer.tokenizer.save(str(draft / "tokenizer.json"))
        (draft / "weights.safetensors").write_bytes(weight_bytes(network, weights))
        (draft / "README.md").write_text(card, encoding="utf-8")


def load_model(folder: str | Path) -> StoredPairModel:
    """Read a model folder; whatever is wrong with it is one clear error.

    Raises:
        ModelError: it is missing, unfinished, damaged, of another task or format, or its parts do not fit.
    """
    root = Path(folder)
    found = task_of(root)
    if found != "pair":
        raise ModelError(
            f"expected a model of the task pair in {root}, got one of {short(found)}; hdoc.load loads any"
        )
    parts, checksum = read_files(root, PARTS)
    config = json_object(root / "config.json", parts["config.json"])
    check_format(root, config, (FORMAT_VERSION,))
    try:
        scores = _scores(root, config)
        labels = () if scores else read_labels(root, parts["labels.json"])
        named = json_value(root / "labels.json", parts["labels.json"])
        if scores and named != []:
            raise ModelError(
                f"{root / 'labels.json'} does not fit config.json: expected no classes in a model of "
                f"scores, got {short(named)}"
            )
        check_sizes(root, config["encoder"])
        return StoredPairModel(
            network=_network(root, config["encoder"], len(labels), scores, parts["weights.safetensors"]),
            tokenizer=read_tokenizer(root, parts["tokenizer.json"], config),
            labels=labels,
            temperature=read_temperature(root, parts["calibration.json"]),
            identity=identity_of(config, checksum),
        )
    except HdocError:
        raise
    except Exception as error:  # tokenizers raises bare Exception; whatever is wrong, the folder is at fault
        reason = f"{type(error).__name__}: {short(error)}"
        raise ModelError(f"the parts of the model {root} do not fit together: {reason}") from error


def _scores(root: Path, config: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the lowest and the highest score, or None in a model of classes."""
    scores = config["scores"]
    if scores is None:
        return None
    is_range = isinstance(scores, list) and len(scores) == 2
    if not is_range or not all(isinstance(x, int | float) and isfinite(x) for x in scores):
        raise ModelError(
            f"expected the lowest and highest score in {root / 'config.json'}, got {short(scores)}"
        )
    low, high = map(float, scores)
    if low >= high:
        raise ModelError(
            f"expected a lowest score below the highest in {root / 'config.json'}, got {low:g} and {high:g}"
        )
    return low, high


def _network(
    root: Path,
    encoder_config: dict[str, Any],
    n_classes: int,
    scores: tuple[float, float] | None,
    weights: bytes,
) -> PairNetwork:
    import torch

    from hdoc.encoders.build import build_encoder
    from hdoc.tasks.pair.network import PairNetwork, PairShape
    from hdoc.tokens.batches import DocumentBatch
    from hdoc.tokens.flat_windows import FlatWindows, WindowGroup

    shape: PairShape = PairShape(n_classes) if scores is None else PairShape(0, *scores)

    def build() -> PairNetwork:
        return PairNetwork(build_encoder(encoder_config), encoder_width(encoder_config), shape)

    network = filled(root, build, weights)
    # A pair is read, or a model whose sizes fit but do not work would fail at the first one.
    ids, pieces = np.zeros(6, dtype=np.int64), np.ones(6, dtype=bool)
    windows = FlatWindows(ids, pieces, np.array([3, 3]), (WindowGroup(2, 3),), 0)
    with torch.inference_mode():
        found = network(DocumentBatch(windows, np.arange(2), np.ones(2, dtype=np.int64)))
    if not bool(found.isfinite().all()):
        raise ModelError(f"expected finite scores of the model {root}, got others; export it again")
    return network
