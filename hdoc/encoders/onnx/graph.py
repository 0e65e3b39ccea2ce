"""An encoder as an ONNX graph: windows in, hidden states out.

The graph is written node by node, in two milliseconds, and names its weights as the model folder does, so
that it need not be kept with a model; a task adds what stands on the encoder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdoc.encoders.config import first_position
from hdoc.encoders.onnx import protobuf
from hdoc.encoders.onnx.protobuf import BOOL, FLOAT, INT64, Attribute
from hdoc.errors import ModelError

Floats = NDArray[np.float32]

INPUTS = (
    protobuf.value("ids", INT64, ("windows", "length")),
    protobuf.value("positions", INT64, ("length",)),
    protobuf.value("mask", BOOL, ("windows", "length")),
    protobuf.value("piece_mask", BOOL, ("windows", "length")),
)
"""What every graph takes: token ids, the positions of a window, and what are tokens and word pieces."""


_KINDS = ("bert", "roberta", "xlm-roberta")


class Graph:
    """Nodes as they are added; each has one output, named after it.

    Args:
        weights: all weights of the network by name, 32 bit.

    Attributes:
        used: the weights that nodes name.
    """

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self.weights = weights
        self.nodes: list[bytes] = []
        self.constants: dict[str, bytes] = {}
        self.used: dict[str, Floats] = {}

    def add(self, kind: str, *inputs: str, name: str = "", **attributes: Attribute) -> str:
        """Add a node; returns the name of its output."""
        name = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(protobuf.node(kind, inputs, name, attributes))
        return name

    def weight(self, name: str) -> str:
        """Use a weight; returns its name.

        Raises:
            ModelError: the model has no such weight.
        """
        if name not in self.weights:
            raise ModelError(f"expected a weight {name} in the model, found none")
        self.used[name] = self.weights[name]
        return name

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Add a constant, once; returns its name."""
        self.constants.setdefault(name, protobuf.tensor(name, value))
        return name

    def number(self, value: float) -> str:
        """Add a number as a constant."""
        return self.constant(f"number_{value}", np.array(value, dtype=np.float32))

    def shape(self, *sizes: int) -> str:
        """Add sizes as a constant."""
        return self.constant("shape_" + "_".join(map(str, sizes)), np.array(sizes, dtype=np.int64))

    def linear(self, rows: str, name: str) -> str:
        """Multiply rows by a linear layer's weight, and add its bias."""
        weight = self.add("Transpose", self.weight(f"{name}.weight"), perm=[1, 0])
        return self.add("Add", self.add("MatMul", rows, weight), self.weight(f"{name}.bias"))

    def normalised(self, rows: str, name: str, epsilon: float) -> str:
        """Normalise rows as a LayerNorm does."""
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.add("LayerNormalization", rows, scale, bias, axis=-1, epsilon=epsilon)

    def model(self, outputs: Mapping[str, Sequence[str]], whole: bool) -> bytes:
        """Return the model.

        Args:
            outputs: names of nodes, and a name for each size of what they give, which is float32.
            whole: put the weights into the graph; without, the runtime is given them.
        """
        weights = (
            protobuf.tensor(name, values) if whole else protobuf.tensor_elsewhere(name, values.shape)
            for name, values in self.used.items()
        )
        found = [protobuf.value(name, FLOAT, sizes) for name, sizes in outputs.items()]
        constants = [*self.constants.values(), *weights]
        return protobuf.model("reading", self.nodes, constants, INPUTS, found)


def add_encoder(graph: Graph, config: Mapping[str, Any]) -> str:
    """Add a BERT or RoBERTa; returns the name of its hidden states, (windows, length, width).

    Args:
        graph: its weights begin with `encoder.`.
        config: the encoder's transformers config.

    Raises:
        ModelError: the encoder is neither, the only ones that hdoc writes itself, or has another activation.
    """
    kind, activation = config.get("model_type"), config.get("hidden_act", "gelu")
    if kind not in _KINDS or activation != "gelu":
        raise ModelError(
            f"expected a BERT or RoBERTa with gelu, the encoders that ONNX Runtime can run for hdoc, got "
            f"{kind!r} with {activation!r}; use the runtime torch"
        )
    epsilon = float(config.get("layer_norm_eps", 1e-12))
    prefix = "encoder.embeddings"
    words = graph.add("Gather", graph.weight(f"{prefix}.word_embeddings.weight"), "ids")
    positions = "positions"
    if first_position(config):
        shift = graph.constant("first_position", np.array(first_position(config), dtype=np.int64))
        positions = graph.add("Add", positions, shift)
    places = graph.add("Gather", graph.weight(f"{prefix}.position_embeddings.weight"), positions)
    hidden = graph.add("Add", words, places)
    if config.get("type_vocab_size", 2):  # every token is of the first type
        types = graph.weight(f"{prefix}.token_type_embeddings.weight")
        first = graph.constant("first", np.array(0, dtype=np.int64))
        hidden = graph.add("Add", hidden, graph.add("Gather", types, first))
    hidden = graph.normalised(hidden, f"{prefix}.LayerNorm", epsilon)
    # (windows, 1, 1, length): nothing is added to the scores of tokens, minus much to those of padding.
    keep = graph.add("Unsqueeze", "mask", graph.shape(1, 2))
    offsets = graph.add("Where", keep, graph.number(0.0), graph.number(-1e30))
    for i in range(int(config["num_hidden_layers"])):
        hidden = _layer(graph, hidden, offsets, f"encoder.encoder.layer.{i}", config, epsilon)
    return hidden


def _layer(
    graph: Graph, hidden: str, offsets: str, prefix: str, config: Mapping[str, Any], epsilon: float
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
