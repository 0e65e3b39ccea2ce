"""`PairClassifier`: pairs of texts to classes or scores."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from hdoc.encoders.precision import Precision, Runtime, has_bfloat16
from hdoc.errors import HdocError, InputError
from hdoc.explanation import ModelIdentity
from hdoc.tables.records import Record
from hdoc.tasks.location import find_model
from hdoc.tasks.pair.folder import StoredPairModel, load_model
from hdoc.tasks.pair.results import NO_RESULT, Comparison, of_logits, of_scores
from hdoc.text.sentences import Sentence, split_sentences
from hdoc.tokens.batches import batch_documents
from hdoc.tokens.grouping import TOKEN_BUDGET
from hdoc.tokens.tokenizer import PieceTokenizer

if TYPE_CHECKING:
    Mean = NDArray[np.float32]

# Pairs that are read together.
_CHUNK_PAIRS = 64


class PairClassifier:
    """A model of pairs in use.

    Args:
        model: what `load_model` gives.
        device: where to compute, for example "cpu" or "cuda"; a GPU if there is one by default.
        precision: of matrix products; "auto" takes bfloat16 where the processor multiplies it faster.

    Attributes:
        task: the name of its task, as model folders have it.
        labels: the classes; none in a model of scores.
        split: leaves a text whole; a server sends it to its processes.

    Raises:
        HdocError: int8, which torch has not.
    """

    task = "pair"
    multi_label = False

    def __init__(
        self, model: StoredPairModel, device: str | None = None, precision: Precision = "float32"
    ) -> None:
        if precision == "int8":
            raise HdocError("expected float32 or bfloat16 for a model of pairs, got int8; leave it out")
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.network = model.network.to(self.device)
        self.tokenizer = model.tokenizer
        self.labels = model.labels
        self.temperature = model.temperature
        self.identity: ModelIdentity = model.identity
        self.split: Callable[[str], list[Sentence]] = partial(split_sentences, rule="lines")
        self._half = precision == "bfloat16" or (precision == "auto" and has_bfloat16(self.device))

    @classmethod
    def load(
        cls,
        folder: str | Path,
        device: str | None = None,
        runtime: Runtime = "torch",
        precision: Precision = "float32",
    ) -> PairClassifier:
        """Load a model folder.

        Args:
            folder: a folder that `hdoc export` or a training wrote, or a model of an MLflow registry, such
                as models:/NAME@ALIAS.
            device: where to compute; a GPU if there is one by default.
            runtime: "torch", which is the only one for pairs.
            precision: of matrix products, see `PairClassifier`.

        Raises:
            ModelError: the folder is no model of pairs, unfinished or damaged.
            HdocError: the runtime is another, or the registry cannot be reached or has no such model.
        """
        if runtime != "torch":
            raise HdocError(f"expected the runtime torch for a model of pairs, got {runtime}; leave it out")
        return cls(load_model(find_model(folder)), device, precision)

    def compare(self, pairs: Sequence[tuple[str, str]]) -> list[Comparison]:
        """Compare the texts of pairs.

        Args:
            pairs: any number; texts of any length, which are read whole.

        Returns:
            What each pair came to, in order.

        Raises:
            InputError: a text has nothing to read; the message says which.
        """
        found: list[Comparison] = []
        for result in self._stream(iter(pairs)):
            if isinstance(result, InputError):
                raise InputError(f"pair {len(found)}: {result}")
            found.append(result)
        return found

    def predict(
        self, records: Iterable[Record], workers: int = 0, **options: Any
    ) -> Generator[dict[str, Any], None, None]:
        """Give a row for each record, in order, in flat memory; see `hdoc.tasks.task.Model`.

        Args:
            records: pairs, or the errors that stand in their place; read as they are needed.
            workers: of no use here: nothing is divided into sentences.
            options: none.
        """
        del workers
        if options:
            raise TypeError(f"expected no options, got {', '.join(options)}")
        source = iter(records)
        while chunk := list(islice(source, _CHUNK_PAIRS)):
            texts = [(one.values["a"], one.values["b"]) for one in chunk if one.values is not None]
            results = iter(self._chunk(texts))
            for record in chunk:
                result = record.error if record.values is None else next(results)
                cells = result.row() if isinstance(result, Comparison) else NO_RESULT
                error = None if isinstance(result, Comparison) else str(result)
                yield {"id": record.id, **cells, "error": error}

    def analyse(self, documents: Sequence[tuple[str, Sequence[Sentence]]]) -> list[Mean | InputError]:
        """Read texts that are not paired yet, together.

        Args:
            documents: each a text and its sentences, which do not matter.

        Returns:
            For each text, in order, its mean hidden state, (hidden_width,), or why there is none.
        """
        return self._means([text for text, _ in documents])

    @torch.inference_mode()
    def judge(self, first: Sequence[Mean], second: Sequence[Mean]) -> list[Comparison]:
        """Compare pairs by the means of their texts, as `analyse` gives them."""
        if not first:
            return []
        a, b = (torch.from_numpy(np.stack(means)).to(self.device) for means in (first, second))
        found = self.network.judge(a, b).double().cpu().numpy()
        if self.network.shape.regression:
            return of_scores(found, self.network.shape.low, self.network.shape.high)
        return of_logits(found, self.labels, self.temperature)

    def _stream(self, pairs: Iterator[tuple[str, str]]) -> Iterator[Comparison | InputError]:
        while chunk := list(islice(pairs, _CHUNK_PAIRS)):
            yield from self._chunk(chunk)

    def _chunk(self, pairs: Sequence[tuple[str, str]]) -> list[Comparison | InputError]:
        """Compare pairs together; a text that several of them have is read once."""
        texts = list(dict.fromkeys(text for pair in pairs for text in pair))
        means: dict[str, Mean] = {}
        wrong: dict[str, InputError] = {}
        for text, mean in zip(texts, self._means(texts), strict=True):
            if isinstance(mean, InputError):
                wrong[text] = mean
            else:
                means[text] = mean
        readable = [(a, b) for a, b in pairs if a in means and b in means]
        judged = iter(self.judge([means[a] for a, _ in readable], [means[b] for _, b in readable]))
        return [wrong.get(a) or wrong.get(b) or next(judged) for a, b in pairs]

    @torch.inference_mode()
    def _means(self, texts: Sequence[str]) -> list[Mean | InputError]:
        windows = [text_windows(text, self.tokenizer) for text in texts]
        readable = [one for one in windows if one]
        means: Iterator[Mean] = iter(())
        if readable:
            precision = torch.autocast(self.device.type, torch.bfloat16) if self._half else nullcontext()
            with precision:
                batch = batch_documents(readable, self.tokenizer)
                means = iter(self.network.means(batch, TOKEN_BUDGET).cpu().numpy())
        wrong = "expected a text with words, got one with nothing to read"
        return [next(means) if one else InputError(wrong) for one in windows]


def text_windows(text: str, tokenizer: PieceTokenizer) -> list[tuple[int, ...]]:
    """Return the piece ids of a text, in one window if it fits and in several if not; nothing is cut.

    Args:
        text: any; it is not divided into sentences.
        tokenizer: the encoder's.
    """
    windows = tokenizer.windows(text, [Sentence(text, 0, len(text))])
    return [window.ids for window in windows]
