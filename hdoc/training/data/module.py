"""`DocumentData`: labelled files or a data set to batches of documents, for Lightning.

Each split is read, checked, divided into sentences and tokenised once, and kept by content (see `cache`).
What is kept knows nothing of classes: they are the labels of train, and the other splits must do with them.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from hdoc.console import say
from hdoc.errors import DataError
from hdoc.tables.labelled import LabelledTable
from hdoc.text.sentences import SentenceRule
from hdoc.tokens.grouping import TOKEN_BUDGET
from hdoc.training.data.cache import open_store
from hdoc.training.data.holdout import hold_out_dev
from hdoc.training.data.split_data import SplitData
from hdoc.training.data.splits import (
    DocumentSplit,
    TrainingBatch,
    class_counts,
    class_names,
    targets,
)
from hdoc.training.data.store import DocumentStore
from hdoc.training.data.tables import open_tables

__all__ = ["DocumentData", "TrainingBatch"]

_CACHE_FOLDER = "~/.cache/hdoc"


class DocumentData(SplitData[DocumentSplit, TrainingBatch]):
    """Documents to train, validate, test and predict on.

    Files are JSON Lines, CSV or TSV (UTF-8, CP949 or UTF-16; plain, .gz or .xz), or Parquet. Rows may have
    an id in the column "id".

    Args:
        train_file: documents to learn from; its labels are the classes.
        dev_file: documents to choose and calibrate by; None to hold out a share of train.
        test_file: documents to report on.
        predict_file: documents without labels.
        dataset: instead of files, a folder or hub name of a data set with a split "train" and perhaps
            "validation" and "test"; "name:configuration" if it has several.
        text_column: where the text is.
        label_column: where the label is; with `multi_label` a list of labels, or one text with | or ;
            between labels.
        multi_label: whether a document may have any number of labels.
        dev_share: share of each class of train that is held out if there are no documents for dev, 0 to 1.
        encoder: "small", a folder or a hub name; its tokenizer is used.
        window: longest sequence the encoder is given, special tokens included.
        split: the rule that finds sentences: "kss", or "lines" if each line is one.
        batch_documents: most documents in a batch.
        batch_tokens: most tokens in a batch; a longer document is a batch of its own.
        group_tokens: most tokens that the encoder is given at once, padding included.
        workers: processes that tokenise what was not yet; None for one on each core.
        cache_folder: where tokenised documents are kept; None for ~/.cache/hdoc.
        seed: of what is held out and of the order in training.

    Attributes:
        labels: the classes in the order of the scores; empty before `setup`, and without training data.
        class_counts: number of training documents of each.
    """

    def __init__(
        self,
        train_file: str | None = None,
        dev_file: str | None = None,
        test_file: str | None = None,
        predict_file: str | None = None,
        dataset: str | None = None,
        text_column: str = "text",
        label_column: str = "label",
        multi_label: bool = False,
        dev_share: float = 0.1,
        encoder: str = "small",
        window: int = 128,
        split: SentenceRule = "kss",
        batch_documents: int = 16,
        batch_tokens: int = 16_384,
        group_tokens: int = TOKEN_BUDGET,
        workers: int | None = None,
        cache_folder: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(
            encoder, window, batch_documents, batch_tokens, group_tokens, dev_share, seed, "documents"
        )
        if dataset is not None and (train_file or dev_file or test_file):
            raise DataError("expected either data.dataset or files, got both; leave one of them out")
        self.files = {"train": train_file, "dev": dev_file, "test": test_file, "predict": predict_file}
        self.dataset = dataset
        self.text_column, self.label_column, self.multi_label = text_column, label_column, multi_label
        self.sentence_rule = split  # the option --data.split has kept the name that users know
        self.workers = (os.cpu_count() or 1) if workers is None else workers
        self.cache_folder = cache_folder
        self.class_counts: list[int] = []

    @cached_property
    def tables(self) -> dict[str, LabelledTable]:
        """The tables of the splits that were given."""
        return open_tables(
            self.files,
            self.dataset,
            self.text_column,
            self.label_column,
            multi_label=self.multi_label,
            cache_folder=self.cache_folder,
        )

    def other_source(self, name: str) -> str:
        """Return that a data set will do as well, for all but predicting."""
        return "" if name == "predict" else f", or data.dataset with a split {name!r}"

    def prepare_data(self) -> None:
        """Find the sentences of what is not in the cache yet, and tokenise them.

        Raises:
            DataError: a file cannot be read, or a row of it cannot be used.
        """
        for name in self.tables:
            self._store(name)

    def read_train(self) -> DocumentSplit:
        """Return train, and set labels and class counts; dev is read or held out."""
        self.labels = class_names(self._store("train"), self.tables["train"])
        train = self.read("train")
        if "dev" in self.tables:
            self._splits["dev"] = self.read("dev")
        elif self.dev_share:
            train, self._splits["dev"] = hold_out_dev(
                train, self.tables["train"], self.labels, self.dev_share, self.seed
            )
        self.class_counts = class_counts(train.targets, len(self.labels))
        n_tokens = int(train.n_tokens(self.tokenizer).sum())
        say(f"train: {len(train):,} documents, {n_tokens:,} tokens, {len(self.labels)} classes")
        return train

    def read(self, name: str) -> DocumentSplit:
        """Return the documents of a split with their classes."""
        store = self._store(name)
        if name == "predict":
            classes = torch.full((len(store),), -1)
        else:
            classes = targets(store, self.tables[name], self.labels)
        return DocumentSplit(store, np.arange(len(store)), classes)

    def _store(self, name: str) -> DocumentStore:
        folder = Path(self.cache_folder or _CACHE_FOLDER).expanduser()
        return open_store(self.tables[name], self.tokenizer, self.sentence_rule, self.workers, folder)

    def texts(self, split: str) -> DocumentSplit:
        """Return the documents of a split that is set up, a sequence of `(id, text)`.

        Args:
            split: "train", "dev", "test" or "predict".
        """
        return self._splits[split]
