"""Results as rows of plain data: a row for each document, and in it an object for each sentence or word.

Many documents become rows in order and in flat memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hdoc.errors import HdocError
from hdoc.explanation import SentenceShare, WordShare
from hdoc.tasks.document.analysis import Classification

if TYPE_CHECKING:
    from hdoc.tables.records import Record


@dataclass(frozen=True, slots=True)
class QuotedShare:
    """A sentence or word with its spelling, for readers that do not have the text at hand.

    Attributes:
        start: first character in the text.
        end: one past the last character.
        text: its spelling.
        contribution: signed share of the label's logit; below 0 it argues against the label.
    """

    start: int
    end: int
    text: str
    contribution: float


def quoted(text: str, shares: Iterable[SentenceShare | WordShare]) -> list[dict[str, Any]]:
    """Return shares of a text as plain data with the fields of `QuotedShare`."""
    return [
        asdict(QuotedShare(share.start, share.end, text[share.start : share.end], share.contribution))
        for share in shares
    ]


def result_rows(
    classify: Callable[[Iterable[str]], Iterable[Classification | HdocError]],
    records: Iterable[Record],
    top: int = 3,
    abstain_below: float = 0.0,
) -> Generator[dict[str, Any], None, None]:
    """Classify records as they come.

    Args:
        classify: gives for each text, in order, its class or the error that it gave.
        records: documents, or the errors that stand in their place; read as they are needed.
        top: most sentences to give with each label: the strongest, for it or against it.
        abstain_below: a document whose most probable class is less probable than this gets no label.

    Yields:
        A row for each record: id, label, probability, probabilities, sentences and error. A document that
        cannot be classified has an error and None in all else; one that is too unsure has None as its label
        and everything else, so that a person sees what it might be. Sentences are those of `quoted`.
    """
    waiting: deque[Record] = deque()

    def texts() -> Iterator[str]:
        for record in records:
            waiting.append(record)
            if record.text is not None:
                yield record.text

    for result in classify(texts()):
        while waiting[0].text is None:
            yield _row(waiting.popleft(), None, top)
        row = _row(waiting.popleft(), result, top)
        if row["error"] is None and row["probability"] < abstain_below:
            row["label"] = None
        yield row
    while waiting:
        yield _row(waiting.popleft(), None, top)


def _row(record: Record, result: Classification | HdocError | None, top: int) -> dict[str, Any]:
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
        "sentences": quoted(record.text, result.strongest(top)),
        "error": None,
    }
