"""What a model says when parts of a text are gone.

Parts are deleted, not masked, and the division into sentences stays that of the whole text: what is left
of a sentence is still a sentence of its own, neighbours never merge, and nothing is split anew. So only
what was deleted can change a score. A text of which nothing is left scores what the bias alone scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdoc.explanation import Explanation
from hdoc.tasks.classes import probabilities, sigmoid
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.tasks.document.engine import Vectors
from hdoc.text.sentences import Sentence
from hdoc.tokens.flat_windows import Ids
from hdoc.tokens.tokenizer import Window

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Sentence vectors that are remembered, and vectors (padding included) that are judged at once.
_MOST_REMEMBERED = 20_000
_MOST_JUDGED = 50_000


@dataclass(frozen=True, slots=True)
class SplitText:
    """A text as the sentences and words of its explanation.

    Attributes:
        sentences: spelling of each sentence.
        words: spellings of the words of each sentence.
    """

    sentences: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, text: str, explanation: Explanation) -> SplitText:
        """Cut a text where its explanation says."""
        return cls(
            tuple(text[sentence.start : sentence.end] for sentence in explanation.sentences),
            tuple(
                tuple(text[word.start : word.end] for word in sentence.words)
                for sentence in explanation.sentences
            ),
        )

    @property
    def n_words(self) -> int:
        """How many words all sentences have."""
        return sum(map(len, self.words))

    def with_sentences(self, kept: Flags) -> list[str]:
        """Return the sentences where `kept`, (sentences,), is True."""
        return [sentence for sentence, keep in zip(self.sentences, kept.tolist(), strict=True) if keep]

    def with_words(self, kept: Flags) -> list[str]:
        """Return what is left of each sentence, without empty ones.

        Args:
            kept: True for each word that stays, over all sentences in order, (words,).
        """
        left = []
        end = 0
        for sentence, words in zip(self.sentences, self.words, strict=True):
            flags = kept[end : end + len(words)].tolist()
            end += len(words)
            if all(flags):
                left.append(sentence)
            elif any(flags):
                left.append(" ".join(word for word, keep in zip(words, flags, strict=True) if keep))
        return left


class Scorer:
    """Scores texts that are split already; of many variants of one text it encodes each sentence once.

    That changes no number: a sentence's vector depends on that sentence alone, and so do its word pieces.

    Args:
        classifier: the model.

    Attributes:
        n_tokens: tokens encoded so far, special tokens included.
    """

    def __init__(self, classifier: DocumentClassifier) -> None:
        self.classifier = classifier
        self.n_tokens = 0
        self._vectors: dict[str, Vectors] = {}
        self._width = classifier.engine.head[0].shape[1]
        self._ids: dict[str, Ids] = {}

    def probabilities(
        self, documents: Iterable[Sequence[str]], target: str, versus: str | None = None
    ) -> Floats:
        """Return the target's calibrated probability in each document, (documents,).

        Args:
            documents: each a list of sentences.
            target: a class of the model.
            versus: a class to compare with; the probability is then that of the target among these two.
        """
        labels, temperature = self.classifier.labels, self.classifier.temperature
        logits = self.logits(documents)
        if versus is not None:
            scaled = temperature(logits)
            return sigmoid(scaled[:, labels.index(target)] - scaled[:, labels.index(versus)])
        found: Floats = probabilities(logits, temperature, self.classifier.multi_label)
        return found[:, labels.index(target)]

    def logits(self, documents: Iterable[Sequence[str]]) -> Floats:
        """Return the scores of all classes, (documents, classes)."""
        given = [list(document) for document in documents]
        rows = np.empty((len(given), len(self.classifier.labels)))
        for chunk in _chunks([len(document) for document in given]):
            self._encode(sentence for i in chunk for sentence in given[i])
            rows[chunk] = self.classifier.engine.judge([self._document(given[i]) for i in chunk])
        return rows

    def _document(self, sentences: Sequence[str]) -> tuple[Vectors, Ids]:
        no_vectors, no_ids = np.empty((0, self._width), dtype=np.float32), np.empty(0, dtype=np.int64)
        vectors = np.concatenate([no_vectors, *(self._vectors[sentence] for sentence in sentences)])
        return vectors, np.concatenate([no_ids, *(self._ids[sentence] for sentence in sentences)])

    def _encode(self, sentences: Iterable[str]) -> None:
        if len(self._vectors) > _MOST_REMEMBERED:
            self._vectors.clear()
            self._ids.clear()
        wanted = list(dict.fromkeys(sentences))
        tokenizer = self.classifier.tokenizer
        windows: list[Window] = []
        counts: dict[str, int] = {}
        for sentence in wanted:
            if sentence not in self._vectors:
                found = tokenizer.windows(sentence, [Sentence(sentence, 0, len(sentence))])
                windows.extend(found)
                self._ids[sentence] = np.array([i for window in found for i in window.ids], dtype=np.int64)
                counts[sentence] = len(found)
        if windows:
            self.n_tokens += sum(len(window.ids) + tokenizer.n_special for window in windows)
            vectors, _ = self.classifier.encode(windows)
            parts = np.split(vectors, np.cumsum(list(counts.values()))[:-1])
            self._vectors.update(zip(counts, parts, strict=True))


def _chunks(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield consecutive indices whose documents, padded to the longest, are not too much at once."""
    chunk: list[int] = []
    longest = 1
    for i, length in enumerate(lengths):
        longest = max(longest, length)
        if chunk and longest * (len(chunk) + 1) > _MOST_JUDGED:
            yield chunk
            chunk, longest = [], max(1, length)
        chunk.append(i)
    if chunk:
        yield chunk
