"""The network in ONNX Runtime and NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from hdoc.errors import ModelError
from hdoc.tasks.document.engine import Engine, Vectors, WindowReadings
from hdoc.tasks.document.graph import reading_graph
from hdoc.tasks.document.lexical import LexicalScores
from hdoc.tasks.document.scores import Floats
from hdoc.tasks.document.shape import NetworkShape
from hdoc.tokens.flat_windows import Flags, FlatWindows, Ids
from hdoc.tokens.tokenizer import PieceTokenizer

_ERRORS_ONLY = 3


class OnnxNetwork:
    """A network that ONNX Runtime runs; what `DocumentNetwork` computes, to rounding.

    Args:
        encoder_config: the transformers config of a BERT or RoBERTa.
        shape: sizes of what stands on it.
        weights: all weights by name, 32 bit.

    Raises:
        ModelError: it has parts that only torch can run here.
    """

    def __init__(
        self, encoder_config: Mapping[str, Any], shape: NetworkShape, weights: Mapping[str, Vectors]
    ) -> None:
        if shape.context not in ("none", "convolution"):
            raise ModelError(
                "expected the context none or convolution, which ONNX Runtime can run for hdoc, got "
                f"{shape.context}; use the runtime torch"
            )
        self.shape = shape
        self.encoder_config = encoder_config
        graph, names = reading_graph(encoder_config, shape.kernel_widths, weights)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        # Held, as the runtime reads them where they are.
        self._values = {name: onnxruntime.OrtValue.ortvalue_from_numpy(weights[name]) for name in names}
        options.add_external_initializers(names, list(self._values.values()))
        self.precision = "float32"
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.weights = {name: values for name, values in weights.items() if not name.startswith("encoder.")}

    def quantise(self) -> None:
        """Multiply in 8 bit integers from now on; takes some seconds.

        Raises:
            HdocError: the library onnx, which that needs, is not installed.
        """
        from hdoc.encoders.onnx.quantization import quantized

        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        graph = quantized(self.whole_graph())
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.precision = "int8"

    def whole_graph(self) -> bytes:
        """Return the graph with its weights in it, all in 32 bit."""
        weights = {name: value.numpy() for name, value in self._values.items()}
        return reading_graph(self.encoder_config, self.shape.kernel_widths, weights, whole=True)[0]

    def read(self, ids: Ids, mask: Flags, piece_mask: Flags) -> tuple[Vectors, Vectors, Vectors]:
        """Read windows that are padded to one length.

        Args:
            ids: token ids, special tokens included, (windows, length).
            mask: True at tokens, False at padding, (windows, length).
            piece_mask: True at word pieces, False at special tokens and padding, (windows, length).

        Returns:
            Vectors (windows, value_width), word weights (windows, length) and piece scores (windows, length,
            classes).
        """
        positions = np.arange(ids.shape[1])
        vectors, weights, scores = self._session.run(
            ["vectors", "word_weights", "piece_scores"],
            {"ids": ids, "positions": positions, "mask": mask, "piece_mask": piece_mask},
        )
        return vectors, weights, scores

    def judge(self, vectors: Vectors) -> tuple[Vectors, Vectors]:
        """Weigh and score the windows of one document.

        Args:
            vectors: (windows, value_width).

        Returns:
            Logits (classes,) and weights (windows,).
        """
        keys = np.tanh(self._linear(self._context(vectors), "sentence_attention.attention.key"))
        scores = keys @ self.weights["sentence_attention.attention.query.weight"][0]
        powers = np.exp(scores - scores.max())
        weights = powers / powers.sum()
        return self._linear(weights @ vectors, "classifier"), weights

    def _context(self, vectors: Vectors) -> Vectors:
        """Return the keys of windows, which have seen their neighbours."""
        if self.shape.context == "none":
            return vectors
        name = "sentence_attention.context.convolution"
        weight = self.weights[f"{name}.weight"]  # (channels, width, 3)
        spaced = np.pad(vectors, ((1, 1), (0, 0)))
        seen = self.weights[f"{name}.bias"] + sum(
            spaced[i : i + len(vectors)] @ weight[:, :, i].T for i in range(weight.shape[2])
        )
        keys: Vectors = vectors + np.maximum(seen, 0)
        return keys

    def _linear(self, rows: NDArray[np.float32], name: str) -> Vectors:
        found: Vectors = rows @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return found


class OnnxEngine(Engine):
    """Runs a network in ONNX Runtime on the CPU.

    Args:
        network: the network.
        tokenizer: its tokenizer.
        origin: the score of a piece that argues neither for nor against a class, (classes,); 0 by default.
        lexical: what is added to the network's scores; None for nothing.
    """

    def __init__(
        self,
        network: OnnxNetwork,
        tokenizer: PieceTokenizer,
        origin: Floats | None = None,
        lexical: LexicalScores | None = None,
    ) -> None:
        super().__init__(tokenizer, network.shape.n_classes, origin, lexical)
        self.network = network

    @property
    def description(self) -> str:
        """What computes, and how exactly."""
        return f"ONNX Runtime, cpu, {self.network.precision}"

    @property
    def head(self) -> tuple[Vectors, Vectors]:
        """Weights (classes, value_width) and bias (classes,) of the class scores."""
        return self.network.weights["classifier.weight"], self.network.weights["classifier.bias"]

    def read(self, windows: FlatWindows, words: bool) -> WindowReadings:
        """Read windows, at least one; the scores of their pieces only if `words`."""
        vectors, weights, scores = [], [], []
        for ids, mask, piece_mask in windows.rectangles():
            found, word_weights, piece_scores = self.network.read(ids, mask, piece_mask)
            vectors.append(found)
            weights.append(word_weights[piece_mask])
            if words:
                scores.append(piece_scores[piece_mask])
        return WindowReadings(
            np.concatenate(vectors), np.concatenate(weights), np.concatenate(scores) if words else None
        )

    def weigh(self, vectors: Vectors, counts: Sequence[int]) -> tuple[Vectors, Vectors]:
        """Weigh the windows of documents; see `Engine.weigh`."""
        verdicts = [self.network.judge(part) for part in np.split(vectors, np.cumsum(counts)[:-1])]
        logits, weights = zip(*verdicts, strict=True)
        return np.stack(logits), np.concatenate(weights)
