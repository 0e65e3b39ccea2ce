"""`DocumentClassifier`: texts to classes and explanations, with one forward pass for both."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdoc.encoders.precision import Runtime
from hdoc.errors import HdocError, InputError
from hdoc.explanation import Explanation, ModelIdentity
from hdoc.tasks.classes import Classes
from hdoc.tasks.document.analysis import Analysis, Classification
from hdoc.tasks.document.engine import Vectors
from hdoc.tasks.document.engine_choice import engine_of
from hdoc.tasks.document.folder.loading import load_model
from hdoc.tasks.document.folder.model import StoredModel
from hdoc.tasks.document.rows import result_rows
from hdoc.tasks.document.scores import Document, PieceScores
from hdoc.tasks.location import find_model
from hdoc.text.sentences import Sentence, split_many, split_sentences
from hdoc.tokens.tokenizer import Window

if TYPE_CHECKING:
    import torch

    from hdoc.encoders.precision import Precision
    from hdoc.tables.records import Record
    from hdoc.tasks.document.network import DocumentNetwork

__all__ = ["Analysis", "Classification", "DocumentClassifier"]

# Documents are encoded together until one of these is reached: enough for dense batches, little memory.
_CHUNK_DOCUMENTS = 64
_CHUNK_CHARACTERS = 200_000


class DocumentClassifier:
    """A model in use: splits, encodes, classifies and explains.

    Args:
        model: what `load_model` gives.
        device: where to compute, for example "cpu" or "cuda"; a GPU if there is one by default.
        precision: of matrix products; "auto" takes bfloat16 where the processor multiplies it faster. In
            bfloat16 a document's scores depend, by some hundredths, on the documents it is read with. "int8"
            is for ONNX Runtime, and needs the library onnx.

    Attributes:
        engine: what runs the network.
        split: divides a text into sentences as in the model's training.
        task: the name of its task, as model folders have it.

    Raises:
        HdocError: the device or precision is none of ONNX Runtime's, which has the CPU, float32 and int8, or
            none of torch's, which has no int8; or int8 needs a library that is not installed.
    """

    task = "document"

    def __init__(
        self, model: StoredModel, device: str | None = None, precision: Precision = "float32"
    ) -> None:
        self.engine = engine_of(model, device, precision)
        self.tokenizer = model.tokenizer
        self.labels = model.labels
        self.multi_label = model.multi_label
        self.temperature = model.temperature
        self.identity: ModelIdentity = model.identity
        self._sentence_rule = model.sentence_rule
        self.split: Callable[[str], list[Sentence]] = partial(split_sentences, rule=model.sentence_rule)

    @property
    def network(self) -> DocumentNetwork:
        """The network in torch, in evaluation mode.

        Raises:
            HdocError: it runs in ONNX Runtime.
        """
        from hdoc.tasks.document.engine_torch import TorchEngine

        if not isinstance(self.engine, TorchEngine):
            raise HdocError("expected the model in torch, which this needs; use the runtime torch")
        return self.engine.network

    @property
    def device(self) -> torch.device:
        """Where the network in torch computes."""
        return self.network.classifier.weight.device

    @property
    def classes(self) -> Classes:
        """The classes and their calibration."""
        return Classes(self.labels, self.multi_label, self.temperature, self.engine.bias)

    @classmethod
    def load(
        cls,
        folder: str | Path | None = None,
        device: str | None = None,
        runtime: Runtime = "torch",
        precision: Precision = "float32",
    ) -> DocumentClassifier:
        """Load a model folder, or the model that comes with hdoc.

        Args:
            folder: a folder that `hdoc export` or a training wrote, or a model of an MLflow registry, such
                as models:/NAME@ALIAS; None for the embedded model.
            device: where to compute; a GPU if there is one by default.
            runtime: what runs the network: "torch", or "onnx", which starts faster and is for the CPU.
            precision: of matrix products, see `DocumentClassifier`.

        Raises:
            ModelError: the folder is no model, unfinished or damaged.
            HdocError: the registry cannot be reached, or has no such model.
        """
        return cls(load_model(find_model(folder), runtime), device, precision)

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

    def predict(
        self, records: Iterable[Record], workers: int = 0, **options: Any
    ) -> Generator[dict[str, Any], None, None]:
        """Give a row for each record, in order, in flat memory; see `hdoc.tasks.task.Model`.

        Args:
            records: documents, or the errors that stand in their place; read as they are needed.
            workers: processes that split sentences while this one encodes; 0 for none.
            options: `top` and `abstain_below`, see `result_rows`.
        """
        return result_rows(partial(self.classify_stream, workers=workers), records, **options)

    def classify_stream(self, texts: Iterable[str], workers: int = 0) -> Iterator[Classification | HdocError]:
        """Classify any number of documents in little memory.

        Args:
            texts: documents; read as they are needed.
            workers: processes that split sentences while this one encodes; 0 for none.

        Yields:
            For each document, in order, its classification, or the error that it gave.
        """
        for analysis in self.analyse_stream(texts, workers):
            yield analysis.classification() if isinstance(analysis, Analysis) else analysis

    def analyse_stream(self, texts: Iterable[str], workers: int = 0) -> Iterator[Analysis | HdocError]:
        """Read any number of documents in little memory; the scores of their words are not kept.

        Args:
            texts: documents; read as they are needed.
            workers: processes that split sentences while this one encodes; 0 for none.

        Yields:
            For each document, in order, its analysis, or the error that it gave.
        """
        waiting: deque[str] = deque()

        def taken() -> Iterator[str]:
            for text in texts:
                waiting.append(text)
                yield text

        chunk: list[Document] = []
        for sentences in split_many(taken(), workers, self._sentence_rule):
            text = waiting.popleft()
            chunk.append(self._document(text, sentences))
            characters = sum(len(document.text) for document in chunk)
            if len(chunk) >= _CHUNK_DOCUMENTS or characters >= _CHUNK_CHARACTERS:
                yield from self._analyses(chunk)
                chunk = []
        yield from self._analyses(chunk)

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
        self.classes.check(target, versus)
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
        return self._analyses([self._document(text, sentences) for text, sentences in documents], words=True)

    def encode(
        self, windows: Sequence[Window], words: bool = False
    ) -> tuple[Vectors, list[PieceScores | None]]:
        """Read windows, of any documents; see `Engine.encode`."""
        return self.engine.encode(windows, words)

    def _document(self, text: str, sentences: Sequence[Sentence]) -> Document:
        return Document(text, self.tokenizer.windows(text, sentences) if sentences else [])

    def _analyses(self, documents: Sequence[Document], words: bool = False) -> list[Analysis | InputError]:
        readable = [document.windows for document in documents if document.windows]
        scores = iter(self.engine.score(readable, words) if readable else [])
        classes = self.classes
        return [
            Analysis(self.identity, classes, document, next(scores))
            if document.windows
            else InputError("expected a text with words, got one with nothing to read")
            for document in documents
        ]
