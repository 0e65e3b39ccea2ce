"""`SplitData`: splits of any task to batches, for Lightning. What a task adds: reading its tables."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from pytorch_lightning import LightningDataModule

from hdoc.encoders.pretrained import load_tokenizer
from hdoc.errors import DataError
from hdoc.tokens.tokenizer import PieceTokenizer
from hdoc.training.data.loading import BatchLoader
from hdoc.training.data.sampling import Batch, BatchSampler

AnyBatch = TypeVar("AnyBatch")
AnyBatch_co = TypeVar("AnyBatch_co", covariant=True)

_NEEDED = {"fit": ["train"], "validate": ["train"], "test": ["train", "test"], "predict": ["predict"]}


class Split(Protocol[AnyBatch_co]):
    """Items with their targets."""

    def n_tokens(self, tokenizer: PieceTokenizer) -> NDArray[np.int64]:
        """Return what each item has the encoder read, special tokens included, (items,)."""

    def batch(self, rows: Batch, tokenizer: PieceTokenizer, group_tokens: int) -> AnyBatch_co:
        """Make a batch of the items at some places of this split."""


class Fingerprinted(Protocol):
    """A table whose content is known by a checksum."""

    @property
    def sha256(self) -> str:
        """The SHA-256 of its content, hexadecimal."""


AnySplit = TypeVar("AnySplit", bound=Split[Any])


class SplitData(LightningDataModule, Generic[AnySplit, AnyBatch]):
    """Items to train, validate, test and predict on.

    Args:
        encoder: "small", a folder or a hub name; its tokenizer is used.
        window: longest sequence the encoder is given, special tokens included.
        batch_items: most items in a batch.
        batch_tokens: most tokens in a batch; a longer item is a batch of its own.
        group_tokens: most tokens that the encoder is given at once, padding included.
        dev_share: share of train that is held out if there is nothing for dev, 0 to 1.
        seed: of what is held out and of the order in training.
        items: what they are called, in the plural.

    Attributes:
        labels: the classes in the order of the logits; empty before `setup`, and where there are none.

    Raises:
        DataError: a size or a share is impossible.
    """

    def __init__(
        self,
        encoder: str,
        window: int,
        batch_items: int,
        batch_tokens: int,
        group_tokens: int,
        dev_share: float,
        seed: int,
        items: str,
    ) -> None:
        super().__init__()
        if min(batch_items, batch_tokens, group_tokens) < 1:
            raise DataError(
                f"expected data.batch_{items}, batch_tokens and group_tokens of at least 1, got "
                f"{batch_items}, {batch_tokens} and {group_tokens}"
            )
        if not 0 <= dev_share < 1:
            raise DataError(f"expected data.dev_share of at least 0 and below 1, got {dev_share}")
        self.encoder, self.window = encoder, window
        self.batch_items, self.batch_tokens, self.group_tokens = batch_items, batch_tokens, group_tokens
        self.dev_share, self.seed = dev_share, seed
        self.labels: list[str] = []
        self._splits: dict[str, AnySplit] = {}

    # What a task adds

    @property
    @abstractmethod
    def tables(self) -> Mapping[str, Fingerprinted]:
        """The tables of the splits that were given."""

    @abstractmethod
    def read_train(self) -> AnySplit:
        """Return train, and set `labels`; what is held out of it for dev goes into `_splits`."""

    @abstractmethod
    def read(self, name: str) -> AnySplit:
        """Return another split; its labels must be among those of train."""

    # Splits

    @cached_property
    def tokenizer(self) -> PieceTokenizer:
        """The encoder's tokenizer."""
        return load_tokenizer(self.encoder, self.window)

    @property
    def fingerprint(self) -> dict[str, str]:
        """The SHA-256 of each file (or split of a data set), by the name of the split."""
        return {name: table.sha256 for name, table in self.tables.items()}

    def setup(self, stage: str | None = None) -> None:
        """Load the splits that a stage needs.

        Args:
            stage: "fit", "validate", "test" or "predict"; None for all that there are.

        Raises:
            DataError: a split is missing, has labels that train has not, or train cannot be learnt from.
        """
        for name in _NEEDED.get(stage or "fit", []):
            if name not in self.tables:
                raise DataError(f"expected data.{name}_file, got none; give one{self.other_source(name)}")
        if "train" in self.tables and "train" not in self._splits:
            self._splits["train"] = self.read_train()
        for name in ("test", "predict"):
            if name in self.tables and name not in self._splits and stage in (name, None):
                self._splits[name] = self.read(name)

    def other_source(self, name: str) -> str:
        """Return what could be given for a split in the place of a file, to end an error with."""
        del name
        return ""

    @property
    def has_dev(self) -> bool:
        """Whether there is a dev split, given or held out, once the data are set up."""
        return "dev" in self._splits

    # Batches

    def train_dataloader(self) -> BatchLoader[AnyBatch]:
        """Return batches in another order each epoch; where it stands goes into checkpoints."""
        return self._loader("train", shuffle=True)

    def val_dataloader(self) -> BatchLoader[AnyBatch] | list[Any]:
        """Return batches of dev, always the same; nothing if there is no dev."""
        return self._loader("dev") if self.has_dev else []

    def test_dataloader(self) -> BatchLoader[AnyBatch]:
        """Return batches of test, always the same."""
        return self._loader("test")

    def predict_dataloader(self) -> BatchLoader[AnyBatch]:
        """Return batches of items without labels, always the same."""
        return self._loader("predict")

    def _loader(self, name: str, shuffle: bool = False) -> BatchLoader[AnyBatch]:
        split, trainer = self._splits[name], self.trainer
        sampler = BatchSampler(
            split.n_tokens(self.tokenizer),
            self.batch_items,
            self.batch_tokens,
            shuffle=shuffle,
            seed=self.seed,
            rank=trainer.global_rank if trainer else 0,
            n_ranks=trainer.world_size if trainer else 1,
        )

        def make(rows: Batch) -> AnyBatch:
            batch: AnyBatch = split.batch(rows, self.tokenizer, self.group_tokens)
            return batch

        def n_trained() -> int:
            progress = trainer.fit_loop.epoch_loop.batch_progress.current  # type: ignore[union-attr]
            return int(progress.processed)  # type: ignore[union-attr]

        return BatchLoader(sampler, make, n_trained if shuffle and trainer else None)
