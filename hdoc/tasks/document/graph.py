"""The network as an ONNX graph: windows in; their vectors, word weights and the scores of their pieces out.

`engine_onnx` makes it when it loads a model. What comes after, the attention over a document's sentences, is
small enough for NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hdoc.encoders.onnx.graph import Floats, Graph, add_encoder
from hdoc.encoders.onnx.protobuf import FLOAT

_OUTPUTS = {
    "vectors": ("windows", "value_width"),
    "word_weights": ("windows", "length"),
    "piece_scores": ("windows", "length", "classes"),
}


def reading_graph(
    encoder: Mapping[str, Any],
    kernel_widths: Sequence[int],
    weights: Mapping[str, Floats],
    whole: bool = False,
) -> tuple[bytes, list[str]]:
    """Return the graph that reads windows of a length, and the names of its weights.

    Inputs: `ids` (windows, length), `positions` (length,), int64; `mask` and `piece_mask` (windows, length),
    bool. Outputs: `vectors` (windows, value_width), `word_weights` (windows, length), `piece_scores`
    (windows, length, classes), float32.

    Args:
        encoder: the transformers config of a BERT or RoBERTa.
        kernel_widths: of the word attention.
        weights: all weights of the network.
        whole: put the weights into the graph; without, the runtime is given them.

    Raises:
        ModelError: the encoder is neither, the only ones that hdoc writes itself.
    """
    graph = Graph(weights)
    _add_word_attention(graph, add_encoder(graph, encoder), kernel_widths)
    return graph.model(_OUTPUTS, whole), list(graph.used)


def _add_word_attention(graph: Graph, hidden: str, kernel_widths: Sequence[int]) -> None:
    pieces = graph.add("Cast", "piece_mask", to=FLOAT)
    hidden = graph.add("Mul", hidden, graph.add("Unsqueeze", pieces, graph.shape(2)))
    channels_first = graph.add("Transpose", hidden, perm=[0, 2, 1])
    local = []
    for i, width in enumerate(kernel_widths):
        name = f"word_attention.convolutions.{i}"
        weight, bias = graph.weight(f"{name}.weight"), graph.weight(f"{name}.bias")
        found = graph.add("Conv", channels_first, weight, bias, pads=[width // 2, width // 2])
        local.append(graph.add("Transpose", graph.add("Relu", found), perm=[0, 2, 1]))
    features = graph.add("Concat", *local, axis=2) if local else hidden
    keys = graph.add("Tanh", graph.linear(features, "word_attention.attention.key"))
    query = graph.add("Transpose", graph.weight("word_attention.attention.query.weight"), perm=[1, 0])
    scores = graph.add("Squeeze", graph.add("MatMul", keys, query), graph.shape(2))
    scores = graph.add("Where", "piece_mask", scores, graph.number(-1e30))
    weights = graph.add("Softmax", scores, name="word_weights", axis=-1)
    values = graph.linear(graph.add("Concat", hidden, *local, axis=2), "word_attention.value")
    row = graph.add("Unsqueeze", weights, graph.shape(1))
    graph.add("Squeeze", graph.add("MatMul", row, values), graph.shape(1), name="vectors")
    classes = graph.add("Transpose", graph.weight("classifier.weight"), perm=[1, 0])
    graph.add("MatMul", values, classes, name="piece_scores")
