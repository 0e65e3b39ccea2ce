"""A document classifier as MLflow runs it: a table of texts becomes a table of labels and their evidence.

No cell is ever null: what is missing is an empty text, list or mapping, or 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hdoc.errors import HdocError, InputError
from hdoc.explanation import strongest
from hdoc.tasks.document.analysis import Analysis, Classification
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.tasks.document.rows import quoted

if TYPE_CHECKING:
    from pandas import DataFrame

# Documents that are read together; those of a table can be many, their analyses are large.
_CHUNK_DOCUMENTS = 32


class TextModel:
    """A model in the form that MLflow asks for.

    Args:
        classifier: the model.
    """

    def __init__(self, classifier: DocumentClassifier) -> None:
        self.classifier = classifier

    def predict(self, table: DataFrame, params: Mapping[str, Any] | None = None) -> DataFrame:
        """Classify the texts of a table.

        Args:
            table: has a column `text`; others do not matter.
            params: `explain` (True): whether to give the evidence; `top` (3): how many sentences and
                words; `abstain_below` (0.0): no label is given if its probability is below this.

        Returns:
            A row for each text, in order: `label`, `probability`, `probabilities` (label to number, most
            probable first), `sentences` and `words` (each `start`, `end`, `text`, `contribution`, which is
            below 0 where it argues against the label; strongest first) and `error`. A text that cannot be
            classified has only an error.

        Raises:
            InputError: a parameter is out of range.
        """
        from pandas import DataFrame

        asked = {"explain": True, "top": 3, "abstain_below": 0.0, **(params or {})}
        explain, top, abstain_below = bool(asked["explain"]), int(asked["top"]), float(asked["abstain_below"])
        if top < 1 or not 0 <= abstain_below <= 1:
            raise InputError(
                f"expected top of at least 1 and abstain_below from 0 to 1, got {top} and {abstain_below}"
            )
        texts = table["text"].tolist()
        found = self._analysed(texts) if explain else self._classified(texts)
        rows = []
        for text, result in zip(texts, found, strict=True):
            row = _row(text, result, top)
            if row["probability"] < abstain_below:
                row["label"] = ""
            rows.append(row)
        return DataFrame(rows, columns=list(_row("", InputError(""), top)), index=table.index)

    def _analysed(self, texts: list[Any]) -> Iterator[Analysis | HdocError]:
        split = self.classifier.split
        for start in range(0, len(texts), _CHUNK_DOCUMENTS):
            given = texts[start : start + _CHUNK_DOCUMENTS]
            readable = [(text, split(text)) for text in given if isinstance(text, str)]
            yield from _with_errors(given, iter(self.classifier.analyse(readable)))

    def _classified(self, texts: list[Any]) -> Iterator[Classification | HdocError]:
        readable = (text for text in texts if isinstance(text, str))
        yield from _with_errors(texts, self.classifier.classify_stream(readable))


def _with_errors(texts: list[Any], results: Iterator[Any]) -> Iterator[Any]:
    for text in texts:
        yield next(results) if isinstance(text, str) else InputError("expected a text, got none")


def _row(text: str, result: Analysis | Classification | HdocError, top: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "label": "",
        "probability": 0.0,
        "probabilities": {},
        "sentences": [],
        "words": [],
        "error": "",
    }
    if isinstance(result, HdocError):
        return {**row, "error": str(result)}
    found = result.classification() if isinstance(result, Analysis) else result
    row |= {
        "label": found.label,
        "probability": found.probability,
        "probabilities": found.probabilities,
    }
    if isinstance(result, Analysis):
        words = [word for sentence in result.explanation().sentences for word in sentence.words]
        row |= {
            "sentences": quoted(text, found.strongest(top)),
            "words": quoted(text, strongest(words, top)),
        }
    return row
