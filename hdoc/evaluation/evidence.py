"""The words and sentences that argue most for and against each class over a whole data set.

What one document's explanation cannot show stands out here: by-lines, boiler-plate and other leaks that a
model learned from its data. Where a document has one class only differences between classes count, so each
contribution is taken less its mean over all classes; a word that argues for all of them argues for none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdoc.errors import HdocError
from hdoc.evaluation.examples import Example
from hdoc.rendering.symbols import clip, visible_line
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.text.sentences import FindSentences

Floats = NDArray[np.float64]

_CHUNK_DOCUMENTS, _CHUNK_CHARACTERS = 16, 100_000
_LONGEST_WORD, _LONGEST_SENTENCE = 60, 300
# Beyond this many entries those that weigh least are forgotten; what leads the lists is far above them.
_MOST_ENTRIES = 400_000
# A word of a single document says nothing about the data set, however much it weighs there.
_FEWEST_DOCUMENTS = 2


@dataclass(frozen=True, slots=True)
class Evidence:
    """One word or sentence over the data set.

    Attributes:
        text: its spelling.
        contribution: to the class's logit, summed over all its occurrences.
        documents: how many documents hold it.
        occurrences: how often it stands there.
        share_of_class: share of these documents whose right class it is.
        example: id of the document where it weighs most.
    """

    text: str
    contribution: float
    documents: int
    occurrences: int
    share_of_class: float
    example: str


@dataclass(frozen=True, slots=True)
class ClassEvidence:
    """What argues for and against one class.

    Attributes:
        label: the class.
        documents: how many documents are of it.
        words_for: strongest first.
        words_against: strongest first.
        sentences_for: strongest first.
        sentences_against: strongest first.
    """

    label: str
    documents: int
    words_for: tuple[Evidence, ...]
    words_against: tuple[Evidence, ...]
    sentences_for: tuple[Evidence, ...]
    sentences_against: tuple[Evidence, ...]


@dataclass
class _Entry:
    """Sums over the occurrences of one spelling; (classes,) each."""

    contributions: Floats
    documents: Floats
    peaks: Floats
    examples: list[str]
    n_documents: int = 0
    n_occurrences: int = 0


@dataclass
class _Sums:
    n_classes: int
    longest: int
    entries: dict[str, _Entry] = field(default_factory=dict)

    def add(self, spellings: Sequence[str], shares: Floats, truth: Floats, name: str) -> None:
        """Add a document: shares (items, classes) of its items, and its classes as 0 and 1."""
        inside: dict[str, list[int]] = {}
        for i, spelling in enumerate(spellings):
            inside.setdefault(clip(visible_line(spelling), self.longest), []).append(i)
        for spelling, places in inside.items():
            entry = self.entries.get(spelling)
            if entry is None:
                first, second, third = np.zeros((3, self.n_classes))
                entry = _Entry(first, second, third, [""] * self.n_classes)
                self.entries[spelling] = entry
            total = shares[places].sum(axis=0)
            entry.contributions += total
            entry.documents += truth
            for column in np.flatnonzero(np.abs(total) > entry.peaks).tolist():
                entry.peaks[column] = abs(total[column])
                entry.examples[column] = name
            entry.n_documents += 1
            entry.n_occurrences += len(places)
        if len(self.entries) > _MOST_ENTRIES:
            weights = {
                spelling: np.abs(entry.contributions).max() for spelling, entry in self.entries.items()
            }
            kept = sorted(weights, key=lambda spelling: -weights[spelling])[: _MOST_ENTRIES // 2]
            self.entries = {spelling: self.entries[spelling] for spelling in kept}

    def strongest(self, column: int, sign: int, n: int, n_documents: int = 1) -> tuple[Evidence, ...]:
        """Return the items of so many documents that argue most for (sign 1) or against (-1) a class."""
        known = (item for item in self.entries.items() if item[1].n_documents >= n_documents)
        order = sorted(known, key=lambda item: -sign * item[1].contributions[column])[:n]
        return tuple(
            Evidence(
                spelling,
                float(entry.contributions[column]),
                entry.n_documents,
                entry.n_occurrences,
                float(entry.documents[column] / entry.n_documents),
                entry.examples[column],
            )
            for spelling, entry in order
            if sign * entry.contributions[column] > 0
        )


def gather_evidence(
    classifier: DocumentClassifier,
    examples: Sequence[Example],
    find_sentences: FindSentences,
    n_strongest: int = 20,
    advance: Callable[[], None] = lambda: None,
) -> list[ClassEvidence]:
    """List the strongest evidence of each class over a data set; one forward pass a document.

    Words count from two documents on, so that what is listed is the data set's and not one text's.

    Args:
        classifier: the model.
        examples: the data set.
        find_sentences: divides a text into sentences.
        n_strongest: words, and sentences, on each side.
        advance: called after each document.
    """
    labels = classifier.labels
    words, sentences = _Sums(len(labels), _LONGEST_WORD), _Sums(len(labels), _LONGEST_SENTENCE)
    for chunk in _chunks(examples):
        analyses = classifier.analyse([(example.text, find_sentences(example.text)) for example in chunk])
        for example, analysis in zip(chunk, analyses, strict=True):
            if isinstance(analysis, HdocError):
                raise type(analysis)(f"document {example.id}: {analysis}")
            truth = np.array([float(label in example.labels) for label in labels])
            shares = analysis.contributions(labels)
            if not classifier.multi_label:
                shares = [part - part.mean(axis=1, keepdims=True) for part in shares]
            spans = analysis.explanation().sentences
            words.add(
                [example.text[word.start : word.end] for sentence in spans for word in sentence.words],
                np.concatenate(shares),
                truth,
                example.id,
            )
            sentences.add(
                [example.text[sentence.start : sentence.end] for sentence in spans],
                np.stack([part.sum(axis=0) for part in shares]),
                truth,
                example.id,
            )
            advance()
    return [
        ClassEvidence(
            label,
            sum(label in example.labels for example in examples),
            *(
                words.strongest(i, sign, n_strongest, min(_FEWEST_DOCUMENTS, len(examples)))
                for sign in (1, -1)
            ),
            *(sentences.strongest(i, sign, n_strongest) for sign in (1, -1)),
        )
        for i, label in enumerate(labels)
    ]


def evidence_rows(evidence: Sequence[ClassEvidence]) -> list[dict[str, Any]]:
    """Return one flat row for each item, as for a table in a file."""
    rows = []
    for found in evidence:
        for unit, side, items in sides(found):
            for rank, item in enumerate(items, start=1):
                rows.append(
                    {
                        "label": found.label,
                        "unit": unit,
                        "side": side,
                        "rank": rank,
                        "text": item.text,
                        "contribution": item.contribution,
                        "documents": item.documents,
                        "occurrences": item.occurrences,
                        "share_of_class": item.share_of_class,
                        "example": item.example,
                    }
                )
    return rows


def sides(found: ClassEvidence) -> list[tuple[str, str, tuple[Evidence, ...]]]:
    """Return unit, side and items of the four lists of a class."""
    return [
        ("word", "for", found.words_for),
        ("word", "against", found.words_against),
        ("sentence", "for", found.sentences_for),
        ("sentence", "against", found.sentences_against),
    ]


def _chunks(examples: Sequence[Example]) -> Iterable[list[Example]]:
    chunk: list[Example] = []
    size = 0
    for example in examples:
        chunk.append(example)
        size += len(example.text)
        if len(chunk) == _CHUNK_DOCUMENTS or size > _CHUNK_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
