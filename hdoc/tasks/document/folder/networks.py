"""The network of a model folder, in torch or ONNX Runtime, with its weights in place and tried once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_numpy

from hdoc.encoders.config import encoder_width
from hdoc.errors import HdocError, ModelError
from hdoc.tasks.document.shape import NetworkShape

if TYPE_CHECKING:
    from hdoc.tasks.document.engine_onnx import OnnxNetwork
    from hdoc.tasks.document.network import DocumentNetwork

_THROUGH_TRANSFORMERS = "encoder.model."
"""How the names of an encoder's weights begin where transformers computes it."""


def torch_network(
    root: Path, encoder_config: dict[str, Any], shape: NetworkShape, weights: bytes
) -> DocumentNetwork:
    """Build a network for torch, in evaluation mode.

    Args:
        root: the folder, for errors.
        encoder_config: the encoder's transformers config.
        shape: sizes of what stands on it.
        weights: safetensors.

    Raises:
        ModelError: the weights do not fit, or give no finite scores.
    """
    import torch

    from hdoc.encoders.bert import Bert
    from hdoc.encoders.build import build_encoder
    from hdoc.tasks.document.network import DocumentNetwork

    with torch.device("meta"):  # sizes without memory: the weights are put in place below
        network = DocumentNetwork(build_encoder(encoder_config), encoder_width(encoder_config), shape)
    arrays = _weights(root, weights)
    if isinstance(network.encoder, Bert):
        arrays = _own_names(arrays)
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
        network = DocumentNetwork(build_encoder(encoder_config), encoder_width(encoder_config), shape)
    network.load_state_dict(tensors, assign=True)
    network.eval()
    _try(root, network)
    return network


def onnx_network(
    root: Path, encoder_config: dict[str, Any], shape: NetworkShape, weights: bytes
) -> OnnxNetwork:
    """Build a network for ONNX Runtime; see `torch_network`.

    Raises:
        HdocError: ONNX Runtime is not installed.
        ModelError: the weights do not fit, only torch can run the network, or it gives no finite scores.
    """
    try:
        from hdoc.tasks.document.engine_onnx import OnnxNetwork
    except ModuleNotFoundError as error:
        raise HdocError(f"the runtime onnx needs {error.name}; run: pip install onnxruntime") from error

    network = OnnxNetwork(encoder_config, shape, _own_names(_weights(root, weights)))
    seen = np.ones((1, 3), dtype=bool)
    vectors, _, _ = network.read(np.zeros((1, 3), dtype=np.int64), seen, seen)
    _check_scores(root, network.judge(vectors)[0])
    return network


def _weights(root: Path, content: bytes) -> dict[str, NDArray[np.float32]]:
    """Return all weights as 32 bit."""
    path = root / "weights.safetensors"
    try:
        arrays = load_numpy(content)
    except SafetensorError as error:
        raise ModelError(f"{path} is no safetensors file: {error}") from error
    for name, values in sorted(arrays.items()):
        if values.dtype not in (np.float16, np.float32, np.float64) or not np.isfinite(values).all():
            raise ModelError(f"{path}: expected finite numbers in {name}, got others")
    return {name: values.astype(np.float32) for name, values in arrays.items()}


def _own_names(weights: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Name the weights of an encoder that hdoc computes itself as it does.

    Older folders hold RoBERTa as transformers computed it: under a name of its own, and with a pooler.
    """
    return {
        name.replace(_THROUGH_TRANSFORMERS, "encoder.", 1): values
        for name, values in weights.items()
        if not name.startswith(f"{_THROUGH_TRANSFORMERS}pooler.")
    }


def _try(root: Path, network: DocumentNetwork) -> None:
    """Score three pieces, or a model whose sizes fit but do not work would fail at the first document."""
    import torch

    from hdoc.encoders.padding import PaddedWindows

    ids = torch.zeros(1, 3, dtype=torch.long)
    seen = torch.ones(1, 3, dtype=torch.bool)
    with torch.inference_mode():
        vectors = network.read(PaddedWindows(ids, seen, seen)).vectors
        _check_scores(root, network.judge(vectors, [1]).logits.numpy())


def _check_scores(root: Path, logits: NDArray[np.floating[Any]]) -> None:
    if not np.isfinite(logits).all():
        raise ModelError(f"expected finite scores of the model {root}, got others; export it again")


def _shape(shape: Sequence[int] | None) -> str:
    return "none" if shape is None else str(tuple(shape))
