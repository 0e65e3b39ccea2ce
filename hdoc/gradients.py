"""A document's score as a function of the embeddings of its word pieces, and its gradients, by captum.

Memory is bounded: windows are read, and differentiated, a few at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from hdoc.batches import PaddedWindows, pad_windows, token_budget_batches
from hdoc.classifier import DocumentClassifier
from hdoc.deletion import Floats
from hdoc.encoding import Window
from hdoc.errors import HdocError

Advance = Callable[[int, int], None]
"""Called with how many steps of how many are done."""

N_STEPS = 50
# What a backward pass holds in memory at once, in tokens with all their activations.
_TOKENS_WITH_GRADIENT = 4096


class EmbeddedDocument:
    """A document's score as a function of the embeddings of its word pieces, (variants, pieces, width).

    Special tokens keep their own embeddings.
    """

    def __init__(
        self,
        classifier: DocumentClassifier,
        windows: Sequence[Window],
        direction: Floats,
        advance: Advance | None = None,
    ) -> None:
        self.network = classifier.network
        self.embedding = _embedding(classifier.network.encoder)
        self.tokenizer = classifier.tokenizer
        self.direction = torch.tensor(direction, dtype=torch.float32, device=classifier.device)
        self.device = classifier.device
        self.ids = torch.tensor([piece for window in windows for piece in window.ids], device=self.device)
        self.advance = advance
        self.n_done, self.n_steps = 0, 1
        lengths = [len(window.ids) + self.tokenizer.window - self.tokenizer.capacity for window in windows]
        self.n_tokens = sum(lengths)
        order = token_budget_batches(lengths, _TOKENS_WITH_GRADIENT)
        self.rows = torch.tensor([i for group in order for i in group], device=self.device).argsort()
        starts = np.cumsum([0, *(len(window.ids) for window in windows)])
        self.groups = [
            (
                pad_windows([windows[i].ids for i in group], self.tokenizer).to(self.device),
                torch.from_numpy(np.concatenate([np.arange(starts[i], starts[i + 1]) for i in group])).to(
                    self.device
                ),
            )
            for group in order
        ]

    def gradient(self) -> Floats:
        """Return gradient times embedding of each piece, (pieces,)."""
        method = captum_methods("gradient").InputXGradient(self._score)
        return _summed(method.attribute(self._embedded(self.ids).requires_grad_()))

    def integrated_gradients(self) -> Floats:
        """Return integrated gradients of each piece, (pieces,); they sum to the score minus that of masks."""
        method = captum_methods("integrated-gradients").IntegratedGradients(self._score)
        self.n_steps = N_STEPS
        found = method.attribute(
            self._embedded(self.ids).requires_grad_(),
            baselines=self._embedded(torch.full_like(self.ids, self._mask_id())),
            n_steps=N_STEPS,
            internal_batch_size=max(1, _TOKENS_WITH_GRADIENT // self.n_tokens),
        )
        return _summed(found)

    def _embedded(self, ids: Tensor) -> Tensor:
        with torch.no_grad():
            embedded: Tensor = self.embedding(ids).unsqueeze(0)
        return embedded

    def _mask_id(self) -> int:
        known = (self.tokenizer.tokenizer.token_to_id(name) for name in ("[MASK]", "<mask>"))
        return next((mask for mask in known if mask is not None), self.tokenizer.pad_id)

    def _score(self, embeddings: Tensor) -> Tensor:
        n_variants = len(embeddings)
        vectors = []
        for windows, columns in self.groups:
            given = embeddings[:, columns]
            if len(self.groups) > 1:
                # One group's activations at a time: they are computed again when its turn comes to go back.
                read: Tensor = checkpoint(self._read, windows, given, use_reentrant=False)
            else:
                read = self._read(windows, given)
            vectors.append(read.reshape(n_variants, -1, read.shape[-1]))
        joined = torch.cat(vectors, dim=1)[:, self.rows]
        counts = torch.full((n_variants,), len(self.rows), device=self.device)
        logits = self.network.judge(joined.flatten(0, 1), counts).logits
        self.n_done += n_variants
        if self.advance is not None:
            self.advance(min(self.n_done, self.n_steps), self.n_steps)
        return logits @ self.direction

    def _read(self, windows: PaddedWindows, given: Tensor) -> Tensor:
        """Read each variant of some windows with these embeddings in the place of their pieces' own."""
        n = len(given)
        piece_mask = windows.piece_mask.repeat(n, 1)

        def put(_module: nn.Module, _ids: Any, own: Tensor) -> Tensor:
            return own.masked_scatter(piece_mask.unsqueeze(-1), given.to(own.dtype))

        hook = self.embedding.register_forward_hook(put)
        try:
            repeated = PaddedWindows(windows.ids.repeat(n, 1), windows.mask.repeat(n, 1), piece_mask)
            return self.network.read(repeated).vectors
        finally:
            hook.remove()


def _embedding(encoder: nn.Module) -> nn.Module:
    """Return the layer that looks up the embeddings of token ids."""
    from hdoc.bert import Bert
    from hdoc.encoder import TransformersEncoder

    if isinstance(encoder, Bert):
        return encoder.embeddings.word_embeddings
    if isinstance(encoder, TransformersEncoder):
        layer: nn.Module = encoder.model.get_input_embeddings()  # type: ignore[operator]
        return layer
    raise TypeError(f"expected an encoder of hdoc, got {type(encoder).__name__}")


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Have only the embeddings differentiated: gradients of weights would take most of the memory."""
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    try:
        for parameter in learning:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)


def _summed(found: Tensor) -> Floats:
    summed: Floats = found[0].sum(dim=-1).detach().cpu().numpy().astype(float)
    return summed


def captum_methods(method: str) -> Any:
    """Import captum, which a method needs.

    Raises:
        HdocError: it is not installed.
    """
    try:
        import captum.attr
    except ImportError as error:
        raise HdocError(f"the method {method} needs captum; run: pip install 'hdoc[evaluate]'") from error
    return captum.attr
