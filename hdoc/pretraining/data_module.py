"""Batches of masked rows for Lightning, each a pure function of the seed and the batch's number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from hdoc.pretraining.masking import Vocabulary, mask_row
from hdoc.pretraining.next_sentence import NO_PAIR, paired_row
from hdoc.pretraining.packed_rows import MASKING, PackedRows
from hdoc.pretraining.shards import HELD_OUT, read_manifest, read_shard
from hdoc.pretraining.tokenizer import (
    CLS_ID,
    MASK_ID,
    SEP_ID,
    SPECIAL_TOKENS,
    load_tokenizer,
)


class Batch(TypedDict):
    """Rows for one forward pass; chosen positions count through the flattened rows.

    Shapes: `input_ids` and `token_type_ids` (rows, pieces); `positions`, `labels` and `sources` (chosen);
    `pairs` (rows): 0 where the second part follows the first, 1 where it is random, -100 where there is none.
    """

    input_ids: Tensor
    token_type_ids: Tensor
    positions: Tensor
    labels: Tensor
    sources: Tensor
    pairs: Tensor


@dataclass(frozen=True, eq=False)
class MaskedRows:
    """Batch number n: the same rows, masked in the same way, whenever and wherever it is asked for.

    Attributes:
        rows: where rows come from.
        vocabulary: the pieces as masking sees them.
        n_rows: rows in a batch.
        mask_share: share of the pieces that are to be guessed.
        whole_words: mask eojeols as a whole.
        next_sentence: make the rows pairs.
    """

    rows: PackedRows
    vocabulary: Vocabulary
    n_rows: int
    mask_share: float = 0.15
    whole_words: bool = False
    next_sentence: bool = False

    def __getitem__(self, number: int) -> Batch:
        """Return batch `number`, which holds row `number * n_rows` and those after it."""
        columns: dict[str, list[NDArray[np.int64]]] = {name: [] for name in Batch.__annotations__}
        for place in range(self.n_rows):
            index = number * self.n_rows + place
            row, parts, source, pair = self._row(index)
            generator = np.random.default_rng([self.rows.seed, MASKING, index])
            masked, chosen = mask_row(row, self.vocabulary, generator, self.mask_share, self.whole_words)
            columns["input_ids"].append(masked[None])
            columns["token_type_ids"].append(parts[None])
            columns["positions"].append(chosen + place * len(row))
            columns["labels"].append(row[chosen])
            columns["sources"].append(np.full(len(chosen), source))
            columns["pairs"].append(np.asarray([pair]))
        tensors = {name: torch.from_numpy(np.concatenate(values)) for name, values in columns.items()}
        return cast(Batch, tensors)

    def _row(self, index: int) -> tuple[NDArray[np.int64], NDArray[np.int64], int, int]:
        if self.next_sentence:
            return paired_row(self.rows, index, SEP_ID)
        row, source = self.rows[index]
        return row, np.zeros_like(row), source, NO_PAIR


class BatchStream(IterableDataset[Batch]):
    """Batches `first`, `first + step`, … up to `stop`, without end if there is none."""

    def __init__(self, batches: MaskedRows, first: int = 0, step: int = 1, stop: int | None = None) -> None:
        super().__init__()
        self.batches = batches
        self.first = first
        self.step = step
        self.stop = stop

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        # Workers deliver in turn, so each takes every n-th batch.
        number = self.first + self.step * (worker.id if worker else 0)
        step = self.step * (worker.num_workers if worker else 1)
        while self.stop is None or number < self.stop:
            yield self.batches[number]
            number += step


class PretrainingData(LightningDataModule):
    """Rows from a folder of token shards.

    Args:
        folder: what `prepare` wrote.
        rows: rows in one forward pass of one process.
        row_length: pieces in a row.
        mask_share: share of the pieces that are to be guessed.
        whole_words: mask eojeols as a whole instead of single pieces.
        next_sentence: make rows of two parts, of which the second follows the first in half the rows.
        validation_rows: rows of held-out text to watch the loss on.
        workers: processes that make batches; 0 makes them in the training process.
        seed: order of the documents and choice of the masks.
    """

    def __init__(
        self,
        folder: str,
        rows: int = 16,
        row_length: int = 128,
        mask_share: float = 0.15,
        whole_words: bool = False,
        next_sentence: bool = False,
        validation_rows: int = 256,
        workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.rows = rows
        self.row_length = row_length
        self.mask_share = mask_share
        self.whole_words = whole_words
        self.next_sentence = next_sentence
        self.validation_rows = validation_rows
        self.workers = workers
        self.seed = seed

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What `prepare` wrote about the corpus.

        Raises:
            DataError: the folder holds no prepared corpus.
        """
        return read_manifest(self.folder)

    @property
    def source_names(self) -> list[str]:
        """Names of the sources, in the order of their numbers in a batch."""
        return [source["name"] for source in self.manifest["sources"]]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The pieces as masking sees them."""
        tokenizer = load_tokenizer(self.folder / "tokenizer")
        size = tokenizer.get_vocab_size()
        pieces = (tokenizer.id_to_token(number) or "" for number in range(size))
        continues = np.fromiter((piece.startswith("##") for piece in pieces), dtype=bool, count=size)
        return Vocabulary(size, MASK_ID, len(SPECIAL_TOKENS), continues)

    def piece_counts(self) -> NDArray[np.int64]:
        """Count each piece over the sources, a source as much as its weight, shape (vocabulary)."""
        counts = np.zeros(self.vocabulary.size)
        for source in self.manifest["sources"]:
            found = np.bincount(read_shard(self.folder / source["name"]).tokens, minlength=len(counts))
            counts += found / found.sum() * source["weight"]
        counts[: self.vocabulary.n_special] = 0
        # As many as the corpus has tokens, so that one unseen piece stays as rare as it is.
        total = sum(source["tokens"] for source in self.manifest["sources"])
        scaled: NDArray[np.int64] = (counts / counts.sum() * total).astype(np.int64)
        return scaled

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return endless batches, from the one on that the trainer has come to."""
        trainer = self.trainer
        rank, n_processes, done = 0, 1, 0
        if trainer is not None:
            rank, n_processes = trainer.global_rank, trainer.world_size
            done = trainer.global_step * trainer.accumulate_grad_batches
        batches = self._batches(self.folder, self.rows, self.seed)
        return self._loader(BatchStream(batches, done * n_processes + rank, n_processes))

    def val_dataloader(self) -> DataLoader[Batch] | list[Any]:
        """Return batches of held-out text, always the same."""
        names = [name for name in self.source_names if len(self._held_out(name)) >= self.row_length]
        if len(names) < len(self.source_names) or not self.validation_rows:
            return []  # too little was set aside to watch every source
        batches = self._batches(self.folder / HELD_OUT, self.rows, seed=0)
        return self._loader(BatchStream(batches, stop=max(1, self.validation_rows // self.rows)))

    def _held_out(self, name: str) -> NDArray[np.uint16]:
        return read_shard(self.folder / HELD_OUT / name).tokens

    def _batches(self, folder: Path, n_rows: int, seed: int) -> MaskedRows:
        sources = self.manifest["sources"]
        shards = [read_shard(folder / source["name"]) for source in sources]
        weights = [source["weight"] for source in sources]
        packed = PackedRows(shards, weights, self.row_length, CLS_ID, seed)
        return MaskedRows(
            packed, self.vocabulary, n_rows, self.mask_share, self.whole_words, self.next_sentence
        )

    def _loader(self, stream: BatchStream) -> DataLoader[Batch]:
        # The stream gives whole batches.
        return DataLoader(stream, batch_size=None, num_workers=self.workers)
