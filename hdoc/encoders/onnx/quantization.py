"""Matrix products of a graph in 8 bit integers, whose scales are found as the numbers come (dynamic).

What a score is the sum of stays in 32 bit, so that the shares of words still add up to it.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hdoc.errors import HdocError

# Weighted by attention, its output is what the class scores are made of.
_EXACT = ["make piece_scores"]


def quantized(graph: bytes) -> bytes:
    """Return a graph, which has its weights in it, with the products of its linear layers in 8 bit.

    Raises:
        HdocError: the library onnx, which quantising needs, is not installed.
    """
    try:
        import onnx
        from onnxruntime import quantization
    except ImportError as error:
        raise HdocError(f"the precision int8 needs {error.name}; run: pip install onnx") from error
    with TemporaryDirectory() as folder:
        target = Path(folder) / "int8.onnx"
        quantization.quantize_dynamic(
            _with_plain_weights(onnx.load_from_string(graph)),
            target,
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=_EXACT,
            per_channel=True,  # a scale for each column of weights
        )
        return target.read_bytes()


def _with_plain_weights(model: Any) -> Any:
    """Turn weights around beforehand, as only plain ones are quantised."""
    from onnx import helper, numpy_helper

    stored = model.graph.initializer
    weights = {item.name: item for item in stored}
    turned = [node for node in model.graph.node if node.op_type == "Transpose" and node.input[0] in weights]
    for node in turned:
        values = numpy_helper.to_array(weights[node.input[0]]).T
        stored.append(numpy_helper.from_array(values.copy(), node.output[0]))
        model.graph.node.remove(node)
    used = {name for node in model.graph.node for name in node.input}
    for item in weights.values():
        if item.name not in used:
            stored.remove(item)
    # Or the quantiser would ask, on standard error, for what has just been done.
    helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})
    return model
