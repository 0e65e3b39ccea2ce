"""The network as an ONNX graph: windows in; their vectors, word weights and the scores of their pieces out.

The graph is written node by node, in two milliseconds, and names its weights as the model folder does, so
that it need not be kept with a model: `hdoc.tasks.document.engine_onnx` makes it when it loads one. What comes after,
the attention over a document's sentences, is small enough for NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdoc.encoders.onnx import protobuf
from hdoc.encoders.onnx.protobuf import BOOL, FLOAT, INT64, Attribute
from hdoc.errors import ModelError

Floats = NDArray[np.float32]


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
        encoder: a BERT's transformers config.
        kernel_widths: of the word attention.
        weights: all weights of the network.
        whole: put the weights into the graph; without, the runtime is given them.

    Raises:
        ModelError: the encoder is not a plain BERT, the only one that hdoc writes itself.
    """
    kind, activation = encoder.get("model_type"), encoder.get("hidden_act", "gelu")
    if (kind, activation) != ("bert", "gelu"):
        raise ModelError(
            f"expected a BERT with gelu, the encoder that ONNX Runtime can run for hdoc, got {kind!r} with "
            f"{activation!r}; use the runtime torch"
        )
    graph = _Graph(weights)
    hidden = _bert(graph, encoder)
    _word_attention(graph, hidden, kernel_widths)
    return graph.model(whole), list(graph.used)


class _Graph:
    """Nodes as they are added; each has one output, named after it."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self.weights = weights
        self.nodes: list[bytes] = []
        self.constants: dict[str, bytes] = {}
        self.used: dict[str, Floats] = {}

    def add(self, kind: str, *inputs: str, name: str = "", **attributes: Attribute) -> str:
        name = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(protobuf.node(kind, inputs, name, attributes))
        return name

    def weight(self, name: str) -> str:
        if name not in self.weights:
            raise ModelError(f"expected a weight {name} in the model, found none")
        self.used[name] = self.weights[name]
        return name

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants.setdefault(name, protobuf.tensor(name, value))
        return name

    def number(self, value: float) -> str:
        return self.constant(f"number_{value}", np.array(value, dtype=np.float32))

    def shape(self, *sizes: int) -> str:
        return self.constant("shape_" + "_".join(map(str, sizes)), np.array(sizes, dtype=np.int64))

    def linear(self, rows: str, name: str) -> str:
        weight = self.add("Transpose", self.weight(f"{name}.weight"), perm=[1, 0])
        return self.add("Add", self.add("MatMul", rows, weight), self.weight(f"{name}.bias"))

    def normalised(self, rows: str, name: str, epsilon: float) -> str:
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.add("LayerNormalization", rows, scale, bias, axis=-1, epsilon=epsilon)

    def model(self, whole: bool) -> bytes:
        weights = (
            protobuf.tensor(name, values) if whole else protobuf.tensor_elsewhere(name, values.shape)
            for name, values in self.used.items()
        )
        return protobuf.model(
            "reading",
            self.nodes,
            [*self.constants.values(), *weights],
            [
                protobuf.value("ids", INT64, ("windows", "length")),
                protobuf.value("positions", INT64, ("length",)),
                protobuf.value("mask", BOOL, ("windows", "length")),
                protobuf.value("piece_mask", BOOL, ("windows", "length")),
            ],
            [
                protobuf.value("vectors", FLOAT, ("windows", "value_width")),
                protobuf.value("word_weights", FLOAT, ("windows", "length")),
                protobuf.value("piece_scores", FLOAT, ("windows", "length", "classes")),
            ],
        )


def _bert(graph: _Graph, config: Mapping[str, Any]) -> str:
    epsilon = float(config.get("layer_norm_eps", 1e-12))
    prefix = "encoder.embeddings"
    words = graph.add("Gather", graph.weight(f"{prefix}.word_embeddings.weight"), "ids")
    places = graph.add("Gather", graph.weight(f"{prefix}.position_embeddings.weight"), "positions")
    kinds = graph.weight(f"{prefix}.token_type_embeddings.weight")
    kind = graph.add("Gather", kinds, graph.constant("first", np.array(0, dtype=np.int64)))
    hidden = graph.add("Add", graph.add("Add", words, places), kind)
    hidden = graph.normalised(hidden, f"{prefix}.LayerNorm", epsilon)
    # (windows, 1, 1, length): nothing is added to the scores of tokens, minus much to those of padding.
    keep = graph.add("Unsqueeze", "mask", graph.shape(1, 2))
    offsets = graph.add("Where", keep, graph.number(0.0), graph.number(-1e30))
    for i in range(int(config["num_hidden_layers"])):
        hidden = _layer(graph, hidden, offsets, f"encoder.encoder.layer.{i}", config, epsilon)
    return hidden


def _layer(
    graph: _Graph, hidden: str, offsets: str, prefix: str, config: Mapping[str, Any], epsilon: float
) -> str:
    n_heads = int(config["num_attention_heads"])
    head_width = int(config["hidden_size"]) // n_heads
    own = f"{prefix}.attention.self"
    query, key, value = (
        graph.add("Reshape", graph.linear(hidden, f"{own}.{part}"), graph.shape(0, 0, n_heads, head_width))
        for part in ("query", "key", "value")
    )
    query = graph.add("Mul", graph.add("Transpose", query, perm=[0, 2, 1, 3]), graph.number(head_width**-0.5))
    key = graph.add("Transpose", key, perm=[0, 2, 3, 1])
    value = graph.add("Transpose", value, perm=[0, 2, 1, 3])
    scores = graph.add("Add", graph.add("MatMul", query, key), offsets)
    mixed = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), value)
    mixed = graph.add("Reshape", graph.add("Transpose", mixed, perm=[0, 2, 1, 3]), graph.shape(0, 0, -1))
    mixed = graph.linear(mixed, f"{prefix}.attention.output.dense")
    attended = graph.normalised(
        graph.add("Add", mixed, hidden), f"{prefix}.attention.output.LayerNorm", epsilon
    )
    widened = graph.add("Gelu", graph.linear(attended, f"{prefix}.intermediate.dense"))
    narrowed = graph.linear(widened, f"{prefix}.output.dense")
    return graph.normalised(graph.add("Add", narrowed, attended), f"{prefix}.output.LayerNorm", epsilon)


def _word_attention(graph: _Graph, hidden: str, kernel_widths: Sequence[int]) -> None:
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
