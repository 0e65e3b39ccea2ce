"""Reading a model folder; whatever is wrong with it is one clear error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_numpy
from tokenizers import Tokenizer

from hdoc.encoders.config import encoder_window
from hdoc.encoders.precision import Runtime
from hdoc.errors import HdocError, ModelError
from hdoc.storage.identity import check_format, identity_of
from hdoc.storage.reading import json_object, json_value, read_files, short
from hdoc.tasks.document.folder.calibration import read_origin, read_temperature
from hdoc.tasks.document.folder.model import LEXICAL, LEXICAL_TENSORS, PARTS, READABLE, StoredModel
from hdoc.tasks.document.folder.networks import onnx_network, torch_network
from hdoc.tasks.document.lexical import LexicalScores
from hdoc.tasks.document.shape import NetworkShape
from hdoc.text.sentences import SentenceRule
from hdoc.tokens.tokenizer import PieceTokenizer

# No encoder comes near these; beyond them, only building the network would take hours.
_LARGEST_SIZE = 10_000_000
_MOST_LAYERS = 1_000
_MOST_KERNELS = 100


def load_model(folder: str | Path, runtime: Runtime = "torch") -> StoredModel:
    """Read a model folder.

    Args:
        folder: what `save_model` wrote.
        runtime: what is to run the network.

    Raises:
        HdocError: ONNX Runtime is not installed.
        ModelError: it is missing, unfinished, damaged, of another format, or its parts do not fit together.
    """
    root = Path(folder)
    parts, checksum = read_files(root, PARTS, (LEXICAL,))
    config = json_object(root / "config.json", parts["config.json"])
    check_format(root, config, READABLE)
    network = onnx_network if runtime == "onnx" else torch_network
    try:
        labels = _labels(root, parts["labels.json"])
        _check_sizes(root, config)
        sizes = dict(config["network"], kernel_widths=tuple(config["network"]["kernel_widths"]))
        if sizes["n_classes"] != len(labels):
            raise ModelError(
                f"{root / 'labels.json'} does not fit config.json: {len(labels)} classes, "
                f"expected {short(sizes['n_classes'])}"
            )
        tokenizer = PieceTokenizer(
            Tokenizer.from_buffer(parts["tokenizer.json"]), config["window"], config["pad_id"]
        )
        _check_tokenizer(root, tokenizer, config["encoder"])
        return StoredModel(
            network=network(root, config["encoder"], NetworkShape(**sizes), parts["weights.safetensors"]),
            tokenizer=tokenizer,
            encoder_config=config["encoder"],
            labels=labels,
            multi_label=bool(config["multi_label"]),
            temperature=read_temperature(root, parts["calibration.json"]),
            identity=identity_of(config, checksum),
            sentence_rule=_sentence_rule(root, config),
            lexical=_lexical(root, parts, len(labels), tokenizer),
            origin=read_origin(root, parts["calibration.json"], len(labels)),
            runtime=runtime,
        )
    except HdocError:
        raise
    except ImportError as error:
        raise HdocError(
            f"running a model in {runtime} needs {error.name}, which is not installed; run: pip install "
            f"{error.name}{'' if runtime == 'onnx' else ', or choose --runtime onnx'}"
        ) from error
    except Exception as error:  # tokenizers raises bare Exception; whatever is wrong, the folder is at fault
        reason = f"{type(error).__name__}: {short(error)}"
        raise ModelError(f"the parts of the model {root} do not fit together: {reason}") from error


def _labels(root: Path, content: bytes) -> tuple[str, ...]:
    labels = json_value(root / "labels.json", content)
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels) or len(labels) < 1:
        raise ModelError(f"expected a list of class names in {root / 'labels.json'}")
    if len(set(labels)) < len(labels):
        raise ModelError(f"{root / 'labels.json'} names a class twice")
    return tuple(labels)


def _sentence_rule(root: Path, config: Mapping[str, Any]) -> SentenceRule:
    # The file calls it "split"; models before this entry were all trained with kss.
    rule: SentenceRule = config.get("split", "kss")
    if rule not in get_args(SentenceRule):
        raise ModelError(
            f"expected split to be one of {', '.join(get_args(SentenceRule))} in {root / 'config.json'}, "
            f"got {rule!r}"
        )
    return rule


def _lexical(
    root: Path, parts: Mapping[str, bytes], n_classes: int, tokenizer: PieceTokenizer
) -> LexicalScores | None:
    if LEXICAL not in parts:
        return None
    try:
        tensors = load_numpy(parts[LEXICAL])
    except SafetensorError as error:
        raise ModelError(f"{root / LEXICAL} is no safetensors file: {error}") from error
    tensors.setdefault("keys", np.zeros(0, dtype=np.int64))  # in format 3 there were none
    n_pieces = tokenizer.tokenizer.get_vocab_size()
    n_features = n_pieces + len(tensors["keys"])
    shapes = ((n_features,), (n_features, n_classes), (n_classes,), (n_features - n_pieces,))
    expected = dict(zip(LEXICAL_TENSORS, shapes, strict=True))
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if found != expected:
        raise ModelError(f"expected tensors {expected} in {root / LEXICAL}, got {found}; export it again")
    idf, weights, bias = (tensors[name].astype(np.float32) for name in LEXICAL_TENSORS[:3])
    keys = tensors["keys"].astype(np.int64)
    if np.any(keys[1:] <= keys[:-1]):
        raise ModelError(f"expected ascending keys in {root / LEXICAL}; export it again")
    return LexicalScores(idf, weights, bias, tokenizer.spelling, keys)


def _check_sizes(root: Path, config: Mapping[str, Any]) -> None:
    """Refuse sizes that no model has, before anything is built of them."""
    for name, value in _numbers(config["encoder"]):
        most = _MOST_LAYERS if "layer" in str(name) else _LARGEST_SIZE
        if isinstance(value, int) and value > most:
            raise ModelError(f"expected at most {most:,} for {name} in {root / 'config.json'}, got {value:,}")
    if len(config["network"]["kernel_widths"]) > _MOST_KERNELS:
        raise ModelError(
            f"expected at most {_MOST_KERNELS} kernel_widths in {root / 'config.json'}, got more"
        )


def _numbers(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _numbers(part, key)
    elif isinstance(value, list):
        for part in value:
            yield from _numbers(part, name)
    else:
        yield name, value


def _check_tokenizer(root: Path, tokenizer: PieceTokenizer, encoder_config: Mapping[str, Any]) -> None:
    """Refuse a tokenizer that gives ids or positions for which the encoder has no vectors."""
    n_pieces = 1 + max(tokenizer.tokenizer.get_vocab().values(), default=-1)
    n_vectors = encoder_config.get("vocab_size")
    if n_vectors is not None and not (0 <= tokenizer.pad_id < n_vectors and 0 < n_pieces <= n_vectors):
        raise ModelError(
            f"{root / 'tokenizer.json'} does not fit config.json: {n_pieces:,} pieces and padding "
            f"{tokenizer.pad_id}, but the encoder has {n_vectors:,} vectors"
        )
    longest = encoder_window(encoder_config)
    if "max_position_embeddings" in encoder_config and tokenizer.window > longest:
        raise ModelError(
            f"expected a window of at most {longest} in {root / 'config.json'}, got {tokenizer.window}"
        )
