"""`PairData`: files of labelled pairs to batches, for Lightning.

Pairs are short and are held in memory as word pieces; a text is not divided into sentences.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch

from hdoc.console import say
from hdoc.tokens.grouping import TOKEN_BUDGET
from hdoc.training.data.holdout import hold_out
from hdoc.training.data.split_data import SplitData
from hdoc.training.tasks.pair.splits import PairBatch, PairSplit, class_names, class_targets, score_range
from hdoc.training.tasks.pair.table import PairRow, PairTable

# Scores are held out for dev by tenths of their range, as classes are by class.
_SCORE_BINS = 10


class PairData(SplitData[PairSplit, PairBatch]):
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
        super().__init__(encoder, window, batch_pairs, batch_tokens, group_tokens, dev_share, seed, "pairs")
        self.files = {"train": train_file, "dev": dev_file, "test": test_file, "predict": predict_file}
        self.columns = (a_column, b_column, label_column)
        self.regression = regression
        self.scores: tuple[float, float] | None = None

    @cached_property
    def tables(self) -> dict[str, PairTable]:
        """The tables of the splits that were given."""
        a, b, label = self.columns
        return {
            name: PairTable.open(file, a, b, None if name == "predict" else label, self.regression)
            for name, file in self.files.items()
            if file is not None
        }

    def read_train(self) -> PairSplit:
        """Return train, and set labels or scores; dev is read or held out."""
        table = self.tables["train"]
        rows = table.rows()
        if self.regression:
            self.scores = score_range(rows, table)
        else:
            self.labels = class_names(rows, table)
        train = self._split("train", rows)
        if "dev" in self.tables:
            self._splits["dev"] = self.read("dev")
        elif self.dev_share:
            stays, held_out = hold_out(self._strata(train), self.dev_share, self.seed)
            each = "tenth of the scores" if self.regression else "class"
            say(
                f"no data.dev_file: {len(held_out):,} of {len(train):,} pairs of {table.name} are held out "
                f"for dev, {self.dev_share:.0%} of each {each} (seed {self.seed})"
            )
            train, self._splits["dev"] = train.part(stays), train.part(held_out)
        what = f"{len(self.labels)} classes"
        if self.scores is not None:
            what = f"scores from {self.scores[0]:g} to {self.scores[1]:g}"
        n_tokens = int(train.n_tokens(self.tokenizer).sum())
        say(f"train: {len(train):,} pairs, {n_tokens:,} tokens, {what}")
        return train

    def read(self, name: str) -> PairSplit:
        """Return the pairs of a split with their classes or scores."""
        return self._split(name, self.tables[name].rows())

    def _strata(self, train: PairSplit) -> Any:
        """Return what each pair is held out with a share of, (pairs,)."""
        if self.scores is None:
            return train.targets.numpy()
        low, high = self.scores
        shares = (train.targets.numpy() - low) / (high - low)
        return np.minimum((shares * _SCORE_BINS).astype(np.int64), _SCORE_BINS - 1)

    def _split(self, name: str, rows: list[PairRow]) -> PairSplit:
        table = self.tables[name]
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
