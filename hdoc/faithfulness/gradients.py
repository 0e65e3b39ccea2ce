"""A document's score as a function of the embeddings of its word pieces, and its gradients, by captum.

Embeddings are those that the first layer gets: piece and position together, after the LayerNorm. Before it
a gradient times its input says nothing, since LayerNorm undoes any scaling of what it is given.

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

from hdoc.encoders.padding import PaddedWindows, pad_windows
from hdoc.errors import HdocError
from hdoc.faithfulness.deletion import Floats
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.tokens.grouping import similar_length_groups
from hdoc.tokens.tokenizer import Window

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
        self.embeddings = _embeddings(classifier.network.encoder)
        self.length_first = _length_first(classifier.network.encoder, self.embeddings, classifier.device)
        self.tokenizer = classifier.tokenizer
        self.direction = torch.tensor(direction, dtype=torch.float32, device=classifier.device)
        self.device = classifier.device
        self.ids = torch.tensor([piece for window in windows for piece in window.ids], device=self.device)
        self.advance = advance
        self.n_done, self.n_steps = 0, 1
        lengths = [len(window.ids) + self.tokenizer.n_special for window in windows]
        self.n_tokens = sum(lengths)
        order = similar_length_groups(lengths, _TOKENS_WITH_GRADIENT)
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
        return _summed(method.attribute(self._embedded().requires_grad_()))

    def integrated_gradients(self) -> Floats:
        """Return integrated gradients of each piece, (pieces,); they sum to the score minus that of masks."""
        method = captum_methods("integrated-gradients").IntegratedGradients(self._score)
        self.n_steps = N_STEPS
        found = method.attribute(
            self._embedded().requires_grad_(),
            baselines=self._embedded(self._mask_id()),
            n_steps=N_STEPS,
            internal_batch_size=max(1, _TOKENS_WITH_GRADIENT // self.n_tokens),
        )
        return _summed(found)

    def _embedded(self, instead: int | None = None) -> Tensor:
        """Return the embeddings of all pieces, or of as many `instead`, (1, pieces, width)."""
        parts: list[Tensor] = []
        columns = torch.cat([columns for _, columns in self.groups])

        def take(own: Tensor) -> Tensor:
            parts.append(own[windows.piece_mask])
            return own

        with torch.no_grad(), self._through(take):
            for windows, _ in self.groups:
                ids = windows.ids if instead is None else windows.ids.masked_fill(windows.piece_mask, instead)
                self.network.encoder(ids, windows.mask)
        return torch.cat(parts)[columns.argsort()].unsqueeze(0)

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
        logits = self.network.judge(joined.flatten(0, 1), [len(self.rows)] * n_variants).logits
        self.n_done += n_variants
        if self.advance is not None:
            self.advance(min(self.n_done, self.n_steps), self.n_steps)
        return logits @ self.direction

    def _read(self, windows: PaddedWindows, given: Tensor) -> Tensor:
        """Read each variant of some windows with these embeddings in the place of their pieces' own."""
        n = len(given)
        piece_mask = windows.piece_mask.repeat(n, 1)

        def put(own: Tensor) -> Tensor:
            return own.masked_scatter(piece_mask.unsqueeze(-1), given.to(own.dtype))

        repeated = PaddedWindows(windows.ids.repeat(n, 1), windows.mask.repeat(n, 1), piece_mask)
        with self._through(put):
            return self.network.read(repeated).vectors

    @contextmanager
    def _through(self, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
        """Change embeddings (sequences, length, width) on their way to the first layer."""

        def hook(_module: nn.Module, _inputs: Any, own: Tensor) -> Tensor:
            return change(own.transpose(0, 1)).transpose(0, 1) if self.length_first else change(own)

        with _hooked(self.embeddings, hook):
            yield


@contextmanager
def _hooked(module: nn.Module, hook: Callable[[nn.Module, Any, Tensor], Tensor | None]) -> Iterator[None]:
    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def _length_first(encoder: nn.Module, embeddings: nn.Module, device: torch.device) -> bool:
    """Whether embeddings are (length, sequences, width), as XLNet has them: it tries one sequence of two."""
    shapes: list[torch.Size] = []

    def look(_module: nn.Module, _inputs: Any, own: Tensor) -> None:
        shapes.append(own.shape)

    ids = torch.zeros(1, 2, dtype=torch.long, device=device)
    with torch.no_grad(), _hooked(embeddings, look):
        encoder(ids, torch.ones_like(ids, dtype=torch.bool))
    return shapes[0][0] == 2


def _embeddings(encoder: nn.Module) -> nn.Module:
    """Return the module whose output the first layer gets; of models without one, the table of pieces."""
    from hdoc.encoders.bert import Bert
    from hdoc.encoders.build import TransformersEncoder

    if isinstance(encoder, Bert):
        return encoder.embeddings
    if isinstance(encoder, TransformersEncoder):
        whole = getattr(encoder.model, "embeddings", None)
        layer: nn.Module = whole if isinstance(whole, nn.Module) else encoder.model.get_input_embeddings()  # type: ignore[operator]
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
