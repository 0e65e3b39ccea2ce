"""The network of a model folder, in torch or ONNX Runtime, with its weights in place and tried once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hdoc.encoders.config import encoder_width
from hdoc.errors import HdocError, ModelError
from hdoc.tasks.document.shape import NetworkShape
from hdoc.tasks.stored import filled, own_names, read_weights

if TYPE_CHECKING:
    from hdoc.tasks.document.engine_onnx import OnnxNetwork
    from hdoc.tasks.document.network import DocumentNetwork


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
    from hdoc.encoders.build import build_encoder
    from hdoc.tasks.document.network import DocumentNetwork

    def build() -> DocumentNetwork:
        return DocumentNetwork(build_encoder(encoder_config), encoder_width(encoder_config), shape)

    network = filled(root, build, weights)
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

    network = OnnxNetwork(encoder_config, shape, own_names(read_weights(root, weights)))
    seen = np.ones((1, 3), dtype=bool)
    vectors, _, _ = network.read(np.zeros((1, 3), dtype=np.int64), seen, seen)
    _check_scores(root, network.judge(vectors)[0])
    return network


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
