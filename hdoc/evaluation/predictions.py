"""What a model says about each document of a data set, kept as it goes in a progress file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from hdoc.errors import HdocError
from hdoc.evaluation.examples import Example
from hdoc.evaluation.progress_file import ProgressFile
from hdoc.tasks.document.classifier import Analysis, Classification, DocumentClassifier
from hdoc.text.sentences import FindSentences

_CHUNK = 16


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model said about one document.

    Attributes:
        id: the document's name.
        truth: its right classes.
        probabilities: of all classes in the model's order, calibrated.
        n_characters: length of the text.
        n_sentences: its sentences, the parts of long ones counted one by one.
        parts: logits of all classes by each part of the model; empty where nobody asked for them.
    """

    id: str
    truth: tuple[str, ...]
    probabilities: tuple[float, ...]
    n_characters: int
    n_sentences: int
    parts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, example: Example, result: Classification, labels: Sequence[str]) -> Prediction:
        """Set what a model said beside what is right.

        Args:
            example: the document.
            result: what the model said.
            labels: its classes, in its order.
        """
        chances = tuple(result.probabilities[label] for label in labels)
        return cls(example.id, example.labels, chances, len(example.text), len(result.sentences))

    @classmethod
    def analysed(cls, example: Example, analysis: Analysis, labels: Sequence[str]) -> Prediction:
        """The same, with the logits of each part of the model."""
        parts = {name: tuple(logits.tolist()) for name, logits in analysis.scores.parts().items()}
        return replace(cls.of(example, analysis.classification(), labels), parts=parts)


def predict(
    classifier: DocumentClassifier,
    examples: Sequence[Example],
    find_sentences: FindSentences | None,
    progress_file: ProgressFile,
    workers: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> list[Prediction]:
    """Classify all documents that are not in the progress file yet; returns the predictions of all.

    Args:
        classifier: the model.
        examples: the documents.
        find_sentences: divides a text into sentences; None for hdoc's own way, in worker processes.
        progress_file: of predictions, open.
        workers: processes that find sentences.
        advance: called after each document.
    """
    waiting = [(str(i), example) for i, example in enumerate(examples) if str(i) not in progress_file]
    texts = (example.text for _, example in waiting)
    if find_sentences is None:
        results = classifier.analyse_stream(texts, workers)
    else:
        results = _analysed(classifier, [example.text for _, example in waiting], find_sentences)
    for (key, example), result in zip(waiting, results, strict=True):
        if not isinstance(result, Analysis):
            raise type(result)(f"document {example.id}: {result}")
        progress_file.add(key, asdict(Prediction.analysed(example, result, classifier.labels)))
        advance()
    rows = [progress_file.rows[str(i)] for i in range(len(examples))]
    return [
        Prediction(**{**row, "truth": tuple(row["truth"]), "probabilities": tuple(row["probabilities"])})
        for row in rows
    ]


def _analysed(
    classifier: DocumentClassifier, texts: Sequence[str], find_sentences: FindSentences
) -> Iterator[Analysis | HdocError]:
    for start in range(0, len(texts), _CHUNK):
        chunk = texts[start : start + _CHUNK]
        yield from classifier.analyse([(text, find_sentences(text)) for text in chunk])
