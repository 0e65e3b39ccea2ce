"""Reading a model folder; whatever is wrong with it is one clear error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_numpy

from hdoc.encoders.eight_bit import is_eight_bit
from hdoc.encoders.precision import Runtime
from hdoc.errors import HdocError, ModelError
from hdoc.storage.identity import check_format, identity_of
from hdoc.storage.reading import json_object, read_files, short
from hdoc.tasks.document.folder.calibration import read_origin
from hdoc.tasks.document.folder.model import LEXICAL, LEXICAL_TENSORS, PARTS, READABLE, StoredModel
from hdoc.tasks.document.folder.networks import onnx_network, torch_network
from hdoc.tasks.document.lexical import LexicalScores
from hdoc.tasks.document.shape import NetworkShape
from hdoc.tasks.stored import check_sizes, read_labels, read_temperature, read_tokenizer
from hdoc.text.sentences import SentenceRule
from hdoc.tokens.tokenizer import PieceTokenizer

# No network comes near it; beyond it, only building the network would take hours.
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
    _check_weights(root, config, parts["weights.safetensors"])
    network = onnx_network if runtime == "onnx" else torch_network
    try:
        labels = read_labels(root, parts["labels.json"])
        check_sizes(root, config["encoder"])
        _check_kernels(root, config)
        sizes = dict(config["network"], kernel_widths=tuple(config["network"]["kernel_widths"]))
        if sizes["n_classes"] != len(labels):
            raise ModelError(
                f"{root / 'labels.json'} does not fit config.json: {len(labels)} classes, "
                f"expected {short(sizes['n_classes'])}"
            )
        tokenizer = read_tokenizer(root, parts["tokenizer.json"], config)
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


def _check_weights(root: Path, config: Mapping[str, Any], weights: bytes) -> None:
    """Refuse weights that are stored otherwise than the config says."""
    said, found = config.get("weights") == "8bit", is_eight_bit(weights)
    if said != found:
        raise ModelError(
            f"{root / 'weights.safetensors'} does not fit config.json: expected weights "
            f"{'in 8 bit' if said else 'in 16 or 32 bit'}, got others; export it again"
        )


def _check_kernels(root: Path, config: Mapping[str, Any]) -> None:
    """Refuse more convolutions than any model has, before anything is built of them."""
    if len(config["network"]["kernel_widths"]) > _MOST_KERNELS:
        raise ModelError(
            f"expected at most {_MOST_KERNELS} kernel_widths in {root / 'config.json'}, got more"
        )
