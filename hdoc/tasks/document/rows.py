"""Many documents: records in, rows out, one a document and in order, in flat memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from typing import Any

from hdoc.errors import HdocError
from hdoc.tables.records import Record
from hdoc.tasks.document.classifier import Classification, DocumentClassifier


def classify_records(
    classifier: DocumentClassifier,
    records: Iterable[Record],
    n_sentences: int = 3,
    workers: int = 0,
    abstain_below: float = 0.0,
) -> Generator[dict[str, Any], None, None]:
    """Classify records as they come.

    Args:
        classifier: the model.
        records: documents, or the errors that stand in their place; read as they are needed.
        n_sentences: the strongest sentences to give with each label.
        workers: processes that split sentences; 0 for none.
        abstain_below: a document whose most probable class is less probable than this gets no label.

    Yields:
        A row for each record: id, label, probability, probabilities, sentences and error. A document that
        cannot be classified has an error and None in all else; one that is too unsure has None as its label
        and everything else, so that a person sees what it might be.
    """
    waiting: deque[Record] = deque()

    def texts() -> Iterator[str]:
        for record in records:
            waiting.append(record)
            if record.text is not None:
                yield record.text

    for result in classifier.classify_stream(texts(), workers):
        while waiting[0].text is None:
            yield _row(waiting.popleft(), None, n_sentences)
        row = _row(waiting.popleft(), result, n_sentences)
        if row["error"] is None and row["probability"] < abstain_below:
            row["label"] = None
        yield row
    while waiting:
        yield _row(waiting.popleft(), None, n_sentences)


def _row(record: Record, result: Classification | HdocError | None, n_sentences: int) -> dict[str, Any]:
    if not isinstance(result, Classification) or record.text is None:
        error = record.error if result is None else str(result)
        return dict.fromkeys(("label", "probability", "probabilities", "sentences")) | {
            "id": record.id,
            "error": error,
        }
    return {
        "id": record.id,
        "label": result.label,
        "probability": result.probability,
        "probabilities": result.probabilities,
        "sentences": [
            {
                "start": sentence.start,
                "end": sentence.end,
                "text": record.text[sentence.start : sentence.end],
                "contribution": sentence.contribution,
            }
            for sentence in result.strongest(n_sentences)
        ],
        "error": None,
    }
