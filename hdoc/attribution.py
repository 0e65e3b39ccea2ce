"""Other ways to explain, in the same `Explanation`: attention, gradient, integrated gradients, occlusion.

    contribution          the model's own sum over words (`DocumentClassifier.explain`)
    attention             sentence weight times word weight; never negative, the same for every class
    gradient              gradient of the logit times embedding (Shrikumar et al. 2017)
    integrated-gradients  from a text of mask tokens, 50 steps (Sundararajan et al. 2017)
    occlusion             how much the logit falls when the word is deleted (Zeiler & Fergus 2014)

The last three go through captum. A lexical part is a sum over pieces already, so gradients are taken of the
network, and that sum is added. Word pieces are summed to words, words to sentences. Only contributions
are shares of the logit. So that every explanation still adds up, `logit` is always the model's own, and
`bias` is, for the other methods, whatever their scores leave over: a remainder, not a part of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from hdoc.batches import PaddedWindows, pad_windows, token_budget_batches
from hdoc.classifier import DocumentClassifier
from hdoc.deletion import Floats, Scorer, SplitText
from hdoc.encoding import Window, word_spans, words_of_pieces
from hdoc.errors import HdocError, InputError
from hdoc.explanation import Explanation
from hdoc.sentences import Sentence

Method = Literal["contribution", "attention", "gradient", "integrated-gradients", "occlusion"]
METHODS: tuple[Method, ...] = get_args(Method)
Advance = Callable[[int, int], None]
"""Called with how many steps of how many are done."""

N_STEPS = 50
# What a backward pass holds in memory at once: tokens with all their activations, and variants of a text.
_TOKENS_WITH_GRADIENT = 1024
_VARIANTS = 64


def explain_by(
    method: Method,
    classifier: DocumentClassifier,
    text: str,
    target: str | None = None,
    versus: str | None = None,
    *,
    sentences: Sequence[Sentence] | None = None,
    advance: Advance | None = None,
) -> Explanation:
    """Explain a document by any method.

    Memory is bounded: long documents are encoded, and differentiated, a few windows at a time.

    Args:
        method: one of `METHODS`.
        classifier: the model.
        text: the document.
        target: the class to explain; the most probable one by default.
        versus: explain why `target` and not this class; all numbers are then differences.
        sentences: the document's sentences, where they are known already.
        advance: called as slow methods get on.

    Raises:
        InputError: the text has nothing to read.
        LabelError: the model knows no such class, or both are the same.
        HdocError: the method needs captum, which is not installed.
    """
    sentences = classifier.split(text) if sentences is None else sentences
    analysis = classifier.analyse([(text, sentences)])[0]
    if isinstance(analysis, InputError):
        raise analysis
    explanation = analysis.explanation(target, versus)
    if method == "contribution":
        return explanation
    return rescored(
        explanation, method, _word_scores(method, classifier, text, sentences, explanation, advance)
    )


def explain_labels(
    method: Method, classifier: DocumentClassifier, text: str, *, advance: Advance | None = None
) -> list[Explanation]:
    """Explain each class that a document is given: one, unless the model gives several.

    Args:
        method: one of `METHODS`.
        classifier: the model.
        text: the document.
        advance: called as slow methods get on, for each class anew.

    Returns:
        The most probable class first.

    Raises:
        InputError: the text has nothing to read.
        HdocError: the method needs captum, which is not installed.
    """
    sentences = classifier.split(text)
    analysis = classifier.analyse([(text, sentences)])[0]
    if isinstance(analysis, InputError):
        raise analysis
    labels = analysis.classes.assigned(analysis.classes.probabilities(analysis.scores.logits))
    if method == "contribution":
        return [analysis.explanation(label) for label in labels]
    return [
        explain_by(method, classifier, text, label, sentences=sentences, advance=advance) for label in labels
    ]


def rescored(explanation: Explanation, method: str, scores: Floats) -> Explanation:
    """Return the explanation with other scores in the place of its contributions.

    Args:
        explanation: gives everything else.
        method: what computed the scores.
        scores: of all words in text order, (words,).
    """
    values = scores.tolist()
    sentences = []
    end = 0
    for sentence in explanation.sentences:
        own = values[end : end + len(sentence.words)]
        end += len(own)
        words = tuple(
            replace(word, contribution=value) for word, value in zip(sentence.words, own, strict=True)
        )
        sentences.append(replace(sentence, contribution=sum(own), words=words))
    bias = explanation.logit - sum(sentence.contribution for sentence in sentences)
    return replace(explanation, method=method, bias=bias, sentences=tuple(sentences))


def _word_scores(
    method: Method,
    classifier: DocumentClassifier,
    text: str,
    sentences: Sequence[Sentence],
    explanation: Explanation,
    advance: Advance | None,
) -> Floats:
    if method == "attention":
        weights = [s.attention * word.attention for s in explanation.sentences for word in s.words]
        return np.array(weights)
    direction = np.zeros(len(classifier.labels))
    direction[classifier.labels.index(explanation.target)] = 1
    if explanation.versus is not None:
        direction[classifier.labels.index(explanation.versus)] = -1
    if method == "occlusion":
        return _occlusion(classifier, SplitText.of(text, explanation), direction, advance)
    windows = classifier.tokenizer.windows(text, sentences)
    document = _EmbeddedDocument(classifier, windows, direction, advance)
    with _frozen(classifier.network):
        pieces = document.gradient() if method == "gradient" else document.integrated_gradients()
    if classifier.lexical is not None:
        ids = np.array([piece for window in windows for piece in window.ids])
        pieces = pieces + classifier.lexical.shares(ids) @ direction
    scores = []
    starts = np.cumsum([0, *(len(window.ids) for window in windows)]).tolist()
    for window, (start, end) in zip(windows, pairwise(starts), strict=True):
        spans = word_spans(text, window)
        scores.append(np.bincount(words_of_pieces(window, spans), pieces[start:end], len(spans)))
    return np.concatenate(scores)


def _occlusion(
    classifier: DocumentClassifier, split: SplitText, direction: Floats, advance: Advance | None
) -> Floats:
    """Delete each word by itself; a sentence that stays as it is is not encoded again."""
    scorer = Scorer(classifier)
    n_done = 0

    def logits(kept: Tensor) -> Tensor:
        nonlocal n_done
        values = scorer.logits(split.with_words(flags) for flags in kept.numpy() > 0) @ direction
        n_done += len(kept)
        if advance is not None:
            advance(min(n_done - 1, split.n_words), split.n_words)  # the whole text is scored too
        return torch.from_numpy(values)

    ablation = _captum("occlusion").FeatureAblation(logits)
    falls: Tensor = ablation.attribute(
        torch.ones(1, split.n_words), baselines=0, perturbations_per_eval=_VARIANTS
    )
    return falls[0].double().numpy()


class _EmbeddedDocument:
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
        method = _captum("gradient").InputXGradient(self._score)
        return _summed(method.attribute(self._embedded(self.ids).requires_grad_()))

    def integrated_gradients(self) -> Floats:
        """Return integrated gradients of each piece, (pieces,); they sum to the score minus that of masks."""
        method = _captum("integrated-gradients").IntegratedGradients(self._score)
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
def _frozen(network: nn.Module) -> Iterator[None]:
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


def _captum(method: str) -> Any:
    try:
        import captum.attr
    except ImportError as error:
        raise HdocError(f"the method {method} needs captum; run: pip install 'hdoc[evaluate]'") from error
    return captum.attr
