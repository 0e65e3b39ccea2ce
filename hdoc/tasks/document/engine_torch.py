"""The network in torch, on a CPU or a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor

from hdoc.encoders import flash
from hdoc.encoders.bert import Bert
from hdoc.encoders.packing import PackedWindows
from hdoc.encoders.padding import pad_groups
from hdoc.encoders.precision import Precision, has_bfloat16
from hdoc.tasks.document.engine import Engine, Vectors, WindowReadings
from hdoc.tasks.document.lexical import LexicalScores
from hdoc.tasks.document.network import DocumentNetwork, Reading
from hdoc.tasks.document.scores import Floats
from hdoc.tokens.flat_windows import FlatWindows
from hdoc.tokens.grouping import equal_length_groups
from hdoc.tokens.tokenizer import PieceTokenizer

# Tokens of one forward pass. On a CPU: of more, what is between two layers would not fit its caches.
# On a GPU: enough that its start costs nothing beside it, 200 MB for what a BERT-base widens a layer to.
_PACKED_TOKENS = {"cpu": 2048, "cuda": 32_768}


class TorchEngine(Engine):
    """Runs a network in torch.

    Args:
        network: in evaluation mode.
        tokenizer: its tokenizer.
        device: where to compute, for example "cpu" or "cuda"; a GPU if there is one by default.
        origin: the score of a piece that argues neither for nor against a class, (classes,); 0 by default.
        precision: of matrix products; "auto" takes bfloat16 where the processor multiplies it faster. All
            sums over words are of the values that came out, so they hold in either.
        lexical: what is added to the network's scores; None for nothing.
    """

    def __init__(
        self,
        network: DocumentNetwork,
        tokenizer: PieceTokenizer,
        device: str | None = None,
        origin: Floats | None = None,
        precision: Precision = "float32",
        lexical: LexicalScores | None = None,
    ) -> None:
        super().__init__(tokenizer, network.shape.n_classes, origin, lexical)
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.network = network.to(self.device)
        self.half = precision == "bfloat16" or (precision == "auto" and has_bfloat16(self.device))
        self.packs = isinstance(network.encoder, Bert) and self._attends_packed(network.encoder)

    @property
    def description(self) -> str:
        """What computes, and how exactly."""
        return f"torch, {self.device}, {'bfloat16' if self.half else 'float32'}"

    @property
    def head(self) -> tuple[Vectors, Vectors]:
        """Weights (classes, value_width) and bias (classes,) of the class scores."""
        head = self.network.classifier
        return _array(head.weight), _array(head.bias)

    def group(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return which windows of these lengths make up each group; of equal length if it packs."""
        return equal_length_groups(lengths, self._tokens) if self.packs else super().group(lengths)

    @torch.inference_mode()
    def read(self, windows: FlatWindows, words: bool) -> WindowReadings:
        """Read windows, at least one; the scores of their pieces only if `words`."""
        with self._precision():
            if self.packs:
                parts = map(PackedWindows.of, windows.parts(self._tokens))
                readings = [self.network.read_packed(part.to(self.device)) for part in parts]
            else:
                groups = pad_groups(windows, self.device)
                readings = [_packed(self.network.read(group), group.piece_mask) for group in groups]
        # Nothing is fetched before all is under way: a GPU would wait for it.
        scores = [reading.piece_scores for reading in readings if reading.piece_scores is not None]
        return WindowReadings(
            _array(torch.cat([reading.vectors for reading in readings])),
            _array(torch.cat([reading.word_weights for reading in readings])),
            _array(torch.cat(scores)) if words else None,
        )

    @torch.inference_mode()
    def weigh(self, vectors: Vectors, counts: Sequence[int]) -> tuple[Vectors, Vectors]:
        """Weigh the windows of documents; see `Engine.weigh`."""
        given = torch.from_numpy(vectors).to(self.device)
        verdict = self.network.judge(given, counts)
        return _array(verdict.logits), _array(verdict.sentence_weights)

    @property
    def _tokens(self) -> int:
        return _PACKED_TOKENS.get(self.device.type, _PACKED_TOKENS["cpu"])

    def _attends_packed(self, encoder: Bert) -> bool:
        """Many small attentions cost a CPU next to nothing; a GPU needs a kernel that does them at once."""
        head_width = encoder.shape.hidden_size // encoder.shape.num_attention_heads
        return self.device.type == "cpu" or (self.half and flash.runs_on(self.device, head_width))

    def _precision(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, torch.bfloat16) if self.half else nullcontext()


def _packed(reading: Reading, piece_mask: Tensor) -> Reading:
    """Leave out all but the word pieces of a padded group."""
    scores = reading.piece_scores
    return Reading(
        reading.vectors, reading.word_weights[piece_mask], None if scores is None else scores[piece_mask]
    )


def _array(tensor: Tensor) -> Vectors:
    array: Vectors = tensor.detach().float().cpu().numpy().astype(np.float32, copy=False)
    return array
