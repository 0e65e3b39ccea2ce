"""Which engine runs a model that was loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hdoc.encoders.precision import Precision
from hdoc.errors import HdocError
from hdoc.tasks.document.engine import Engine
from hdoc.tasks.document.folder.model import StoredModel

if TYPE_CHECKING:
    from hdoc.tasks.document.network import DocumentNetwork


def engine_of(model: StoredModel, device: str | None, precision: Precision) -> Engine:
    """Return what runs a model; only the runtime that it was loaded for is imported.

    Raises:
        HdocError: the runtime has no such device or precision.
    """
    if model.runtime == "onnx":
        from hdoc.tasks.document.engine_onnx import OnnxEngine, OnnxNetwork

        if device not in (None, "cpu") or precision == "bfloat16":
            raise HdocError(
                f"expected the device cpu and float32, which ONNX Runtime has here, got {device} and "
                f"{precision}; use the runtime torch"
            )
        onnx_network = cast("OnnxNetwork", model.network)
        if precision == "int8":
            onnx_network.quantise()
        return OnnxEngine(onnx_network, model.tokenizer, model.origin, model.lexical)
    if precision == "int8":
        raise HdocError("expected the runtime onnx with the precision int8, got torch, which has none here")
    from hdoc.tasks.document.engine_torch import TorchEngine

    network = cast("DocumentNetwork", model.network)
    return TorchEngine(network, model.tokenizer, device, model.origin, precision, model.lexical)
