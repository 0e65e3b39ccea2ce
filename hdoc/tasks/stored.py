"""What the model folders of all tasks hold alike: classes, temperature, sizes, tokenizer and weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from safetensors.numpy import save as array_bytes

from hdoc.encoders import eight_bit
from hdoc.encoders.config import encoder_window
from hdoc.encoders.eight_bit import Weights
from hdoc.encoders.precision import StoredWeights
from hdoc.errors import ModelError
from hdoc.storage.reading import json_object, json_value, short
from hdoc.tasks.temperature import Temperature
from hdoc.tokens.tokenizer import PieceTokenizer

if TYPE_CHECKING:
    from torch import nn

    Network = TypeVar("Network", bound=nn.Module)

# No encoder comes near these; beyond them, only building the network would take hours.
_LARGEST_SIZE = 10_000_000
_MOST_LAYERS = 1_000
_LEAST_TEMPERATURE = 1e-6
_THROUGH_TRANSFORMERS = "encoder.model."
"""How the names of an encoder's weights begin where transformers computes it."""


def read_labels(root: Path, content: bytes) -> tuple[str, ...]:
    """Return the classes that `labels.json` of a folder holds, in the order of the scores."""
    labels = json_value(root / "labels.json", content)
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels) or len(labels) < 1:
        raise ModelError(f"expected a list of class names in {root / 'labels.json'}")
    if len(set(labels)) < len(labels):
        raise ModelError(f"{root / 'labels.json'} names a class twice")
    return tuple(labels)


def temperature_content(temperature: Temperature) -> dict[str, Any]:
    """Return what `calibration.json` is to hold of a temperature."""
    content: dict[str, Any] = {"temperature": temperature.base}
    if temperature.spread:
        content["temperature_spread"] = temperature.spread
    return content


def read_temperature(root: Path, content: bytes) -> Temperature:
    """Return the temperature that the file of a folder holds."""
    calibration = json_object(root / "calibration.json", content)
    temperature, spread = calibration.get("temperature"), calibration.get("temperature_spread", 0.0)
    if not isinstance(temperature, int | float) or not _LEAST_TEMPERATURE < temperature < float("inf"):
        raise ModelError(
            f"expected a temperature above {_LEAST_TEMPERATURE} in {root / 'calibration.json'}, "
            f"got {short(temperature)}"
        )
    if not isinstance(spread, int | float) or not 0 <= spread < float("inf"):
        raise ModelError(
            f"expected a temperature_spread of 0 or more in {root / 'calibration.json'}, got {short(spread)}"
        )
    return Temperature(float(temperature), float(spread))


def check_sizes(root: Path, encoder_config: Mapping[str, Any]) -> None:
    """Refuse sizes that no encoder has, before anything is built of them."""
    for name, value in _numbers(encoder_config):
        most = _MOST_LAYERS if "layer" in str(name) else _LARGEST_SIZE
        if isinstance(value, int) and value > most:
            raise ModelError(f"expected at most {most:,} for {name} in {root / 'config.json'}, got {value:,}")


def _numbers(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _numbers(part, key)
    elif isinstance(value, list):
        for part in value:
            yield from _numbers(part, name)
    else:
        yield name, value


def read_tokenizer(root: Path, content: bytes, config: Mapping[str, Any]) -> PieceTokenizer:
    """Return the tokenizer that a folder holds.

    Args:
        root: the folder, for errors.
        content: of `tokenizer.json`.
        config: the folder's `config.json`: `window`, `pad_id`, and the encoder's transformers config as
            `encoder`.
    """
    from tokenizers import Tokenizer

    tokenizer = PieceTokenizer(Tokenizer.from_buffer(content), config["window"], config["pad_id"])
    _check_tokenizer(root, tokenizer, config["encoder"])
    return tokenizer


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


def read_weights(root: Path, content: bytes) -> Weights:
    """Return all weights that `weights.safetensors` of a folder holds, as 32 bit."""
    return eight_bit.read_weights(root / "weights.safetensors", content)


def weight_bytes(network: nn.Module, weights: StoredWeights) -> bytes:
    """Return what `weights.safetensors` of a folder is to hold of a network."""
    arrays = {key: value.detach().cpu().float().numpy() for key, value in network.state_dict().items()}
    if weights == "8bit":
        return eight_bit.eight_bit_bytes(arrays)
    dtype = np.float16 if weights == "16bit" else np.float32
    return array_bytes({name: np.ascontiguousarray(array.astype(dtype)) for name, array in arrays.items()})


def own_names(weights: Weights) -> Weights:
    """Name the weights of an encoder that hdoc computes itself as it does.

    Older folders hold RoBERTa as transformers computed it: under a name of its own, and with a pooler.
    """
    return {
        name.replace(_THROUGH_TRANSFORMERS, "encoder.", 1): values
        for name, values in weights.items()
        if not name.startswith(f"{_THROUGH_TRANSFORMERS}pooler.")
    }


def filled(root: Path, build: Callable[[], Network], weights: bytes) -> Network:
    """Build a network for torch with the weights of a folder, in evaluation mode.

    Args:
        root: the folder, for errors.
        build: builds it with any weights, around an `encoder`.
        weights: safetensors.

    Raises:
        ModelError: the weights do not fit.
    """
    import torch

    from hdoc.encoders.bert import Bert

    with torch.device("meta"):  # sizes without memory: the weights are put in place below
        network = build()
    arrays = read_weights(root, weights)
    if isinstance(network.encoder, Bert):
        arrays = own_names(arrays)
    tensors = {name: torch.from_numpy(values) for name, values in arrays.items()}
    wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise ModelError(
                f"{root / 'weights.safetensors'} does not fit config.json: {name} has shape "
                f"{_shape(found.get(name))}, expected {_shape(wanted.get(name))}"
            )
    if len(list(network.buffers())) > 0:  # tables that are computed, not stored, need a real device
        network = build()
    network.load_state_dict(tensors, assign=True)
    return network.eval()


def _shape(shape: Sequence[int] | None) -> str:
    return "none" if shape is None else str(tuple(shape))
