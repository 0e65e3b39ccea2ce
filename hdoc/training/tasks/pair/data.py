"""`PairData`: files of labelled pairs to batches, for Lightning.

Pairs are short and are held in memory as word pieces; a text is not divided into sentences.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch
from pytorch_lightning import LightningDataModule

from hdoc.console import say
from hdoc.encoders.pretrained import load_tokenizer
from hdoc.errors import DataError
from hdoc.tokens.grouping import TOKEN_BUDGET
from hdoc.tokens.tokenizer import PieceTokenizer
from hdoc.training.data.holdout import hold_out
from hdoc.training.data.loading import BatchLoader
from hdoc.training.data.sampling import Batch, BatchSampler
from hdoc.training.tasks.pair.splits import PairBatch, PairSplit, class_names, class_targets, score_range
from hdoc.training.tasks.pair.table import PairRow, PairTable

# Scores are held out for dev by tenths of their range, as classes are by class.
_SCORE_BINS = 10


class PairData(LightningDataModule):
    """Pairs to train, validate, test and predict on.

    Files are JSON Lines, CSV or TSV (UTF-8, CP949 or UTF-16; plain, .gz or .xz), or Parquet. Rows may have
    an id in the column "id".

    Args:
        train_file: pairs to learn from; its labels are the classes, or its scores the range of scores.
        dev_file: pairs to choose and calibrate by; None to hold out a share of train.
        test_file: pairs to report on.
        predict_file: pairs without labels.
        a_column: where the first text is.
        b_column: where the second text is.
        label_column: where the label is, or the score.
        regression: whether labels are scores.
        dev_share: share of train that is held out if there is no file for dev, 0 to 1; of each class alike.
        encoder: "small", a folder or a hub name; its tokenizer is used.
        window: longest sequence the encoder is given, special tokens included.
        batch_pairs: most pairs in a batch.
        batch_tokens: most tokens in a batch; a longer pair is a batch of its own.
        group_tokens: most tokens that the encoder is given at once, padding included.
        seed: of what is held out and of the order in training.

    Attributes:
        labels: the classes in the order of the logits; empty before `setup`, and where labels are scores.
        scores: the lowest and the highest score of train; None before `setup`, and where there are classes.
    """

    dataset = None  # pairs are read from files alone

    def __init__(
        self,
        train_file: str | None = None,
        dev_file: str | None = None,
        test_file: str | None = None,
        predict_file: str | None = None,
        a_column: str = "a",
        b_column: str = "b",
        label_column: str = "label",
        regression: bool = False,
        dev_share: float = 0.1,
        encoder: str = "small",
        window: int = 128,
        batch_pairs: int = 32,
        batch_tokens: int = 16_384,
        group_tokens: int = TOKEN_BUDGET,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if min(batch_pairs, batch_tokens, group_tokens) < 1:
            raise DataError("expected data.batch_pairs, batch_tokens and group_tokens of at least 1")
        if not 0 <= dev_share < 1:
            raise DataError(f"expected data.dev_share of at least 0 and below 1, got {dev_share}")
        self.files = {"train": train_file, "dev": dev_file, "test": test_file, "predict": predict_file}
        self.columns = (a_column, b_column, label_column)
        self.regression = regression
        self.dev_share = dev_share
        self.encoder, self.window = encoder, window
        self.batch_pairs, self.batch_tokens, self.group_tokens = batch_pairs, batch_tokens, group_tokens
        self.seed = seed
        self.labels: list[str] = []
        self.scores: tuple[float, float] | None = None
        self._splits: dict[str, PairSplit] = {}

    @cached_property
    def tokenizer(self) -> PieceTokenizer:
        """The encoder's tokenizer."""
        return load_tokenizer(self.encoder, self.window)

    @cached_property
    def _tables(self) -> dict[str, PairTable]:
        """The tables of the splits that were given."""
        a, b, label = self.columns
        return {
            name: PairTable.open(file, a, b, None if name == "predict" else label, self.regression)
            for name, file in self.files.items()
            if file is not None
        }

    @property
    def fingerprint(self) -> dict[str, str]:
        """The SHA-256 of each file, by the name of the split."""
        return {name: table.sha256 for name, table in self._tables.items()}

    def setup(self, stage: str | None = None) -> None:
        """Load the splits that a stage needs.

        Args:
            stage: "fit", "validate", "test" or "predict"; None for all that there are.

        Raises:
            DataError: a split is missing, cannot be used, or has labels that train has not.
        """
        needed = {"fit": ["train"], "validate": ["train"], "test": ["train", "test"], "predict": ["predict"]}
        for name in needed.get(stage or "fit", []):
            if name not in self._tables:
                raise DataError(f"expected data.{name}_file, got none; give one")
        if "train" in self._tables and "train" not in self._splits:
            self._setup_training()
        for name in ("test", "predict"):
            if name in self._tables and name not in self._splits and stage in (name, None):
                self._splits[name] = self._split(name, self._tables[name].rows())

    def _setup_training(self) -> None:
        table = self._tables["train"]
        rows = table.rows()
        if self.regression:
            self.scores = score_range(rows, table)
        else:
            self.labels = class_names(rows, table)
        train = self._split("train", rows)
        if "dev" in self._tables:
            self._splits["dev"] = self._split("dev", self._tables["dev"].rows())
        elif self.dev_share:
            stays, held_out = hold_out(self._strata(train), self.dev_share, self.seed)
            each = "tenth of the scores" if self.regression else "class"
            say(
                f"no data.dev_file: {len(held_out):,} of {len(train):,} pairs of {table.name} are held out "
                f"for dev, {self.dev_share:.0%} of each {each} (seed {self.seed})"
            )
            train, self._splits["dev"] = train.part(stays), train.part(held_out)
        self._splits["train"] = train
        what = f"{len(self.labels)} classes"
        if self.scores is not None:
            what = f"scores from {self.scores[0]:g} to {self.scores[1]:g}"
        say(f"train: {len(train):,} pairs, {int(train.n_tokens.sum()):,} tokens, {what}")

    def _strata(self, train: PairSplit) -> Any:
        """Return what each pair is held out with a share of, (pairs,)."""
        if self.scores is None:
            return train.targets.numpy()
        low, high = self.scores
        shares = (train.targets.numpy() - low) / (high - low)
        return np.minimum((shares * _SCORE_BINS).astype(np.int64), _SCORE_BINS - 1)

    def _split(self, name: str, rows: list[PairRow]) -> PairSplit:
        table = self._tables[name]
        split = PairSplit(table, rows, self.tokenizer)
        if name != "predict":
            if self.regression:
                split.targets = torch.tensor([float(row.target) for row in rows if row.target is not None])
            else:
                split.targets = class_targets(rows, table, self.labels)
        return split

    def ids(self, split: str) -> list[str]:
        """Return the ids of the pairs of a split that is set up."""
        return self._splits[split].ids

    @property
    def has_dev(self) -> bool:
        """Whether there is a dev split, given or held out, once the data are set up."""
        return "dev" in self._splits

    def train_dataloader(self) -> BatchLoader[PairBatch]:
        """Return batches in another order each epoch; where it stands goes into checkpoints."""
        return self._loader("train", shuffle=True)

    def val_dataloader(self) -> BatchLoader[PairBatch] | list[Any]:
        """Return batches of dev, always the same; nothing if there is no dev."""
        return self._loader("dev") if self.has_dev else []

    def test_dataloader(self) -> BatchLoader[PairBatch]:
        """Return batches of test, always the same."""
        return self._loader("test")

    def predict_dataloader(self) -> BatchLoader[PairBatch]:
        """Return batches of pairs without labels, always the same."""
        return self._loader("predict")

    def _loader(self, name: str, shuffle: bool = False) -> BatchLoader[PairBatch]:
        split, trainer = self._splits[name], self.trainer
        sampler = BatchSampler(
            split.n_tokens,
            self.batch_pairs,
            self.batch_tokens,
            shuffle=shuffle,
            seed=self.seed,
            rank=trainer.global_rank if trainer else 0,
            n_ranks=trainer.world_size if trainer else 1,
        )

        def make(rows: Batch) -> PairBatch:
            return split.batch(rows, self.tokenizer, self.group_tokens)

        def n_trained() -> int:
            progress = trainer.fit_loop.epoch_loop.batch_progress.current  # type: ignore[union-attr]
            return int(progress.processed)  # type: ignore[union-attr]

        return BatchLoader(sampler, make, n_trained if shuffle and trainer else None)
