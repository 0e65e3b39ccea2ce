"""`DocumentClassifier`: texts to classes and explanations, with one forward pass for both."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from hdoc.batches import TOKEN_BUDGET, pad_windows, token_budget_batches
from hdoc.encoding import Window, word_spans, words_of_pieces
from hdoc.errors import HdocError, InputError, LabelError
from hdoc.explanation import Explanation, ModelIdentity, SentenceShare, WordShare
from hdoc.sentences import Sentence, split_many, split_sentences
from hdoc.storage import StoredModel, load_model

Floats = NDArray[np.float64]

# Documents are encoded together until one of these is reached: enough for dense batches, little memory.
_CHUNK_DOCUMENTS = 64
_CHUNK_CHARACTERS = 200_000


@dataclass(frozen=True, slots=True)
class Classification:
    """The class of a document.

    Attributes:
        label: the most probable class.
        probability: its calibrated probability, 0 to 1.
        probabilities: calibrated probability of every class, most probable first.
        sentences: all sentences with their attention and contribution to `label`, without their words.
    """

    label: str
    probability: float
    probabilities: dict[str, float]
    sentences: tuple[SentenceShare, ...]

    def strongest(self, n: int) -> list[SentenceShare]:
        """Return the `n` sentences that argue most for the label, strongest first."""
        return sorted(self.sentences, key=lambda sentence: -sentence.contribution)[:n]


class DocumentClassifier:
    """A model in use: splits, encodes, classifies and explains.

    Args:
        model: what `load_model` gives.
        device: where to compute, for example "cpu" or "cuda"; a GPU if there is one by default.

    Attributes:
        split: divides a text into sentences as in the model's training.
    """

    def __init__(self, model: StoredModel, device: str | None = None) -> None:
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.network = model.network.to(self.device)
        self.tokenizer = model.tokenizer
        self.labels = model.labels
        self.multi_label = model.multi_label
        self.temperature = model.temperature
        self.identity: ModelIdentity = model.identity
        self._split = model.split
        self.split: Callable[[str], list[Sentence]] = partial(split_sentences, split=model.split)

    @classmethod
    def load(cls, folder: str | Path | None = None, device: str | None = None) -> DocumentClassifier:
        """Load a model folder, or the model that comes with hdoc.

        Args:
            folder: a folder that `hdoc export` or a training wrote; None for the embedded model.
            device: where to compute; a GPU if there is one by default.

        Raises:
            ModelError: the folder is no model, unfinished or damaged.
        """
        return cls(load_model(folder if folder is not None else embedded_model()), device)

    def classify(self, texts: Sequence[str]) -> list[Classification]:
        """Classify documents.

        Args:
            texts: any number of documents of any length.

        Returns:
            One classification a document, in order.

        Raises:
            InputError: a document has nothing to read; the message says which.
        """
        if isinstance(texts, str):
            raise TypeError("expected a list of texts, got one str; write classify([text])")
        results = []
        for i, result in enumerate(self.classify_stream(texts)):
            if isinstance(result, HdocError):
                raise type(result)(f"text {i}: {result}")
            results.append(result)
        return results

    def classify_stream(self, texts: Iterable[str], workers: int = 0) -> Iterator[Classification | HdocError]:
        """Classify any number of documents in little memory.

        Args:
            texts: documents; read as they are needed.
            workers: processes that split sentences while this one encodes; 0 for none.

        Yields:
            For each document, in order, its classification, or the error that it gave.
        """
        waiting: deque[str] = deque()

        def taken() -> Iterator[str]:
            for text in texts:
                waiting.append(text)
                yield text

        chunk: list[_Document] = []
        for sentences in split_many(taken(), workers, self._split):
            text = waiting.popleft()
            chunk.append(self._document(text, sentences))
            characters = sum(len(document.text) for document in chunk)
            if len(chunk) >= _CHUNK_DOCUMENTS or characters >= _CHUNK_CHARACTERS:
                yield from self._classify_chunk(chunk)
                chunk = []
        yield from self._classify_chunk(chunk)

    def explain(self, text: str, target: str | None = None, versus: str | None = None) -> Explanation:
        """Classify a document and say what made it so.

        Args:
            text: the document.
            target: the class to explain; the most probable one by default.
            versus: explain why `target` and not this class; all numbers are then differences.

        Raises:
            InputError: the text has nothing to read.
            LabelError: the model knows no such class, or both are the same.
        """
        for label in (target, versus):
            self._check_label(label)
        analysis = self.analyse([(text, self.split(text))])[0]
        if isinstance(analysis, InputError):
            raise analysis
        return analysis.explanation(target, versus)

    def analyse(self, documents: Sequence[tuple[str, Sequence[Sentence]]]) -> list[Analysis | InputError]:
        """Read documents that are split already, together, so that they share forward passes.

        Args:
            documents: each a text and its sentences.

        Returns:
            For each document, in order, its analysis, or why there is none.
        """
        found = [self._document(text, sentences) for text, sentences in documents]
        readable = [document.windows for document in found if document.windows]
        scores = iter(self._score(readable, words=True) if readable else [])
        return [
            Analysis(self, document, next(scores)) if document.windows else _nothing_to_read()
            for document in found
        ]

    def _document(self, text: str, sentences: Sequence[Sentence]) -> _Document:
        return _Document(text, self.tokenizer.windows(text, sentences) if sentences else [])

    def _classify_chunk(self, chunk: list[_Document]) -> Iterator[Classification | HdocError]:
        readable = [document for document in chunk if document.windows]
        scores = iter(self._score([document.windows for document in readable]) if readable else [])
        for document in chunk:
            yield self._classification(document, next(scores)) if document.windows else _nothing_to_read()

    def _classification(self, document: _Document, scores: _Scores) -> Classification:
        probabilities = self._probabilities(scores.logits)
        label = next(iter(probabilities))
        contributions = scores.sentence_weights * (scores.window_scores @ self._direction(label, None))
        return Classification(
            label=label,
            probability=probabilities[label],
            probabilities=probabilities,
            sentences=tuple(
                SentenceShare(window.start, window.end, float(attention), float(contribution), ())
                for window, attention, contribution in zip(
                    document.windows, scores.sentence_weights, contributions, strict=True
                )
            ),
        )

    @torch.inference_mode()
    def encode(
        self, windows: Sequence[Window], words: bool = False
    ) -> tuple[torch.Tensor, list[PieceScores | None]]:
        """Read windows, of any documents, in groups of similar length.

        Args:
            windows: at least one.
            words: whether to keep what each word piece scored.

        Returns:
            Window vectors (windows, value_width), and for each window the scores of its pieces or None.
        """
        n_special = self.tokenizer.window - self.tokenizer.capacity
        groups = token_budget_batches([len(window.ids) + n_special for window in windows], TOKEN_BUDGET)
        vectors = torch.empty(len(windows), self.network.shape.value_width, device=self.device)
        pieces: list[PieceScores | None] = [None] * len(windows)
        for group in groups:
            padded = pad_windows([windows[i].ids for i in group], self.tokenizer).to(self.device)
            reading = self.network.read(padded)
            vectors[torch.tensor(group, device=self.device)] = reading.vectors
            if words and reading.piece_scores is not None:
                weights, scores = reading.word_weights.cpu().numpy(), reading.piece_scores.cpu().numpy()
                first = len(self.tokenizer.prefix)
                for row, i in enumerate(group):
                    real = slice(first, first + len(windows[i].ids))
                    pieces[i] = PieceScores(weights[row, real].astype(float), scores[row, real].astype(float))
        return vectors, pieces

    @torch.inference_mode()
    def _score(self, documents: Sequence[Sequence[Window]], words: bool = False) -> list[_Scores]:
        """Run the network over the windows of some documents, all with at least one window."""
        vectors, pieces = self.encode(list(chain.from_iterable(documents)), words)
        counts = torch.tensor([len(document) for document in documents], device=self.device)
        verdict = self.network.judge(vectors, counts)
        window_scores = (vectors @ self.network.classifier.weight.T).cpu().numpy().astype(float)
        sentence_weights = verdict.sentence_weights.cpu().numpy().astype(float)
        ends = np.cumsum([len(document) for document in documents]).tolist()
        return [
            _Scores(
                logits, sentence_weights[end - n : end], window_scores[end - n : end], pieces[end - n : end]
            )
            for logits, end, n in zip(
                verdict.logits.cpu().numpy().astype(float), ends, map(len, documents), strict=True
            )
        ]

    def _probabilities(self, logits: Floats) -> dict[str, float]:
        scaled = logits / self.temperature
        if self.multi_label:
            values = 1 / (1 + np.exp(-scaled))
        else:
            powers = np.exp(scaled - scaled.max())
            values = powers / powers.sum()
        order = np.argsort(-values, kind="stable")
        return {self.labels[i]: float(values[i]) for i in order}

    def _bias(self) -> Floats:
        bias: Floats = self.network.classifier.bias.detach().cpu().numpy().astype(float)
        return bias

    def _direction(self, target: str, versus: str | None) -> Floats:
        """Return the vector over classes that a score is multiplied with: +1 target, -1 versus."""
        direction = np.zeros(len(self.labels))
        direction[self.labels.index(target)] = 1
        if versus is not None:
            direction[self.labels.index(versus)] = -1
        return direction

    def _check_label(self, label: str | None) -> None:
        if label is not None and label not in self.labels:
            raise LabelError(f"the model has no class {label!r}; it has: {', '.join(self.labels)}")


@dataclass(frozen=True, slots=True)
class Analysis:
    """One document after its forward pass: its class, and the evidence for any class, at no further cost.

    `DocumentClassifier.analyse` makes it.

    Attributes:
        classifier: what made it.
    """

    classifier: DocumentClassifier
    _document: _Document
    _scores: _Scores

    @property
    def text(self) -> str:
        """The document."""
        return self._document.text

    def classification(self) -> Classification:
        """Return the document's class."""
        return self.classifier._classification(self._document, self._scores)

    def explanation(self, target: str | None = None, versus: str | None = None) -> Explanation:
        """Say what speaks for a class.

        Args:
            target: the class to explain; the most probable one by default.
            versus: explain why `target` and not this class; all numbers are then differences.

        Raises:
            LabelError: the model knows no such class, or both are the same.
        """
        classifier = self.classifier
        for asked in (target, versus):
            classifier._check_label(asked)
        probabilities = classifier._probabilities(self._scores.logits)
        label = next(iter(probabilities))
        target = target or label
        if target == versus:
            raise LabelError(f"expected two different classes to compare, got {target!r} twice")
        direction = classifier._direction(target, versus)
        sentences = _explained(self._document, self._scores, direction)
        bias = float(classifier._bias() @ direction)
        return Explanation(
            model=classifier.identity,
            label=label,
            probability=probabilities[label],
            probabilities=probabilities,
            target=target,
            versus=versus,
            logit=bias + sum(sentence.contribution for sentence in sentences),
            bias=bias,
            method="contribution",
            coverage=_coverage(self._document),
            n_characters=len(self._document.text),
            sentences=sentences,
        )

    def contributions(self, labels: Sequence[str]) -> list[Floats]:
        """Return what each word adds to the logits of some classes.

        Args:
            labels: the classes.

        Returns:
            For each sentence an array (words, classes); the bias and all words add up to the logit.

        Raises:
            LabelError: the model knows no such class.
        """
        for label in labels:
            self.classifier._check_label(label)
        columns = [self.classifier.labels.index(label) for label in labels]
        found = []
        for window, weight, pieces in zip(
            self._document.windows, self._scores.sentence_weights.tolist(), self._scores.pieces, strict=True
        ):
            spans = word_spans(self._document.text, window)
            owners = words_of_pieces(window, spans)
            shares = np.zeros((len(spans), len(columns)))
            if pieces is not None:
                np.add.at(shares, owners, weight * pieces.weights[:, None] * pieces.scores[:, columns])
            found.append(shares)
        return found

    def bias(self, label: str) -> float:
        """Return the part of a class's logit that does not depend on the text."""
        self.classifier._check_label(label)
        return float(self.classifier._bias()[self.classifier.labels.index(label)])


@dataclass(frozen=True, slots=True)
class _Document:
    text: str
    windows: list[Window]


@dataclass(frozen=True, slots=True)
class PieceScores:
    """Weights (pieces,) and class scores (pieces, classes) of the word pieces of one window."""

    weights: Floats
    scores: Floats


@dataclass(frozen=True, slots=True)
class _Scores:
    """Of one document: logits (classes,), sentence weights (windows,), window scores (windows, classes)."""

    logits: Floats
    sentence_weights: Floats
    window_scores: Floats
    pieces: Sequence[PieceScores | None]


def embedded_model() -> Path:
    """Return the folder of the model that comes with hdoc."""
    return Path(str(files("hdoc"))) / "assets" / "model"


def _explained(document: _Document, scores: _Scores, direction: Floats) -> tuple[SentenceShare, ...]:
    sentences = []
    for window, weight, pieces in zip(
        document.windows, scores.sentence_weights.tolist(), scores.pieces, strict=True
    ):
        if pieces is None:
            raise ValueError("expected the scores of every word piece; ask for them with words=True")
        spans = word_spans(document.text, window)
        owners = words_of_pieces(window, spans)
        attention = np.bincount(owners, pieces.weights, len(spans))
        shares = np.bincount(owners, weight * pieces.weights * (pieces.scores @ direction), len(spans))
        words = tuple(
            WordShare(start, end, a, c)
            for (start, end), a, c in zip(spans, attention.tolist(), shares.tolist(), strict=True)
        )
        sentences.append(SentenceShare(window.start, window.end, weight, float(shares.sum()), words))
    return tuple(sentences)


def _coverage(document: _Document) -> float:
    solid = len("".join(document.text.split()))
    read = sum(len("".join(document.text[window.start : window.end].split())) for window in document.windows)
    return read / solid


def _nothing_to_read() -> InputError:
    return InputError("expected a text with words, got one with nothing to read")
