"""Documents that are split and tokenised already: real ones, and random ones of any length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, islice

import numpy as np

from hdoc.tables.records import read_records
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.tokens.tokenizer import Window

Document = list[Window]

_SHORTEST, _LONGEST = 5, 45


def texts_of(source: str, n_documents: int) -> list[str]:
    """Return the texts of the first documents of a table or folder."""
    records = islice(read_records([source]), n_documents)
    return [record.text for record in records if record.text is not None]


def documents_of(classifier: DocumentClassifier, texts: Iterable[str]) -> list[Document]:
    """Return the windows of texts."""
    return [classifier.tokenizer.windows(text, classifier.split(text)) for text in texts]


def random_document(classifier: DocumentClassifier, n_sentences: int, seed: int = 0) -> Document:
    """Return a document of sentences of 5 to 45 random pieces, hardly two of them equal."""
    random = np.random.default_rng(seed)
    n_pieces = classifier.tokenizer.tokenizer.get_vocab_size()
    return [
        sentence(random.integers(n_pieces, size=length).tolist())
        for length in random.integers(_SHORTEST, _LONGEST + 1, size=n_sentences)
    ]


def sentence(ids: Sequence[int]) -> Window:
    """Return a window of pieces of one character each."""
    return Window(0, len(ids), tuple(ids), tuple(range(len(ids))))


def length(classifier: DocumentClassifier, window: Window) -> int:
    """Return the tokens of a window, special tokens included."""
    return len(window.ids) + classifier.tokenizer.n_special


def n_tokens(classifier: DocumentClassifier, documents: Iterable[Document]) -> int:
    """Return the real tokens of documents, special tokens included."""
    return sum(length(classifier, window) for window in chain.from_iterable(documents))
