"""Splits of a data set from a hub or from a local folder, as tables like those in files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import ClassLabel, Dataset, DatasetDict, DownloadConfig, load_dataset, load_from_disk

from hdoc.console import say
from hdoc.errors import DataError
from hdoc.tables import Row, Table

# What the splits are called, most usual name first.
_SPLITS = {"train": ("train",), "dev": ("validation", "dev", "valid"), "test": ("test",)}
_ROWS_AT_A_TIME = 1_000


@dataclass(frozen=True)
class DatasetTable(Table):
    """One split of a data set; class numbers come out as the names they stand for.

    Attributes:
        dataset: the split.
    """

    dataset: Dataset

    def count(self) -> int:
        """Count the rows."""
        return len(self.dataset)

    def is_empty(self, column: str) -> bool:
        """Whether a column has no value in any row."""
        return all(row.values[column] is None for row in self._rows([column]))

    def sha256(self, columns: Sequence[str]) -> str:
        """Hash the content of some columns."""
        digest = hashlib.sha256()
        for row in self._rows(columns):
            digest.update(json.dumps([row.values.get(column) for column in columns], default=str).encode())
        return digest.hexdigest()

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        wanted = [column for column in columns if column in self.columns]
        names = {column: _class_names(self.dataset.features[column]) for column in wanted}
        number = 0
        for batch in self.dataset.select_columns(wanted).iter(_ROWS_AT_A_TIME):
            for values in zip(*(batch[column] for column in wanted), strict=True):
                number += 1
                yield Row(number, {c: _named(v, names[c]) for c, v in zip(wanted, values, strict=True)})


def load_splits(name: str, label_column: str, cache_folder: str | None) -> dict[str, DatasetTable]:
    """Load the splits "train", "dev" and "test", those that there are and that have labels.

    Args:
        name: a folder of data files, a folder that `save_to_disk` wrote, or a hub name, with a colon before
            the configuration if there are several ("klue/klue:ynat").
        label_column: column that must not be empty throughout, as it is where a hub keeps labels secret.
        cache_folder: where downloads are kept; None for the place that datasets uses.

    Raises:
        DataError: there is no such data set, or it has no split "train".
    """
    folder = Path(name).expanduser()
    try:
        if (folder / "dataset_dict.json").is_file():
            loaded = load_from_disk(str(folder))
        elif folder.is_dir():
            loaded = load_dataset(str(folder), cache_dir=cache_folder)
        else:
            path, _, configuration = name.partition(":")
            loaded = load_dataset(
                path,
                configuration or None,
                cache_dir=cache_folder,
                download_config=DownloadConfig(max_retries=1),
            )
    except (
        Exception
    ) as error:  # what datasets raises for missing data, broken data and no network has no one kind
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise DataError(
            f"{name}: expected a data set in a folder or on a hub, but: {reason.rstrip('.')}; check "
            "data.dataset and the network connection, or give data.train_file instead"
        ) from error
    return _named_splits(name, label_column, loaded)


def _named_splits(name: str, label_column: str, loaded: DatasetDict) -> dict[str, DatasetTable]:
    splits = {}
    for split, names in _SPLITS.items():
        found = next((there for there in names if there in loaded), None)
        if found is None:
            continue
        table = DatasetTable(Path(name), tuple(loaded[found].column_names), loaded[found])
        if split != "train" and label_column in table.columns and table.is_empty(label_column):
            say(f"{name}: split {found!r} has no labels and is left out")
        else:
            splits[split] = table
    if "train" not in splits:
        there = ", ".join(map(repr, loaded))
        raise DataError(f"{name}: expected a split 'train', got {there}; rename one, or give data.train_file")
    return splits


def _class_names(feature: Any) -> list[str] | None:
    feature = getattr(feature, "feature", feature)  # of a list
    return list(feature.names) if isinstance(feature, ClassLabel) else None


def _named(value: Any, names: list[str] | None) -> Any:
    if names is None or value is None:
        return value
    if isinstance(value, list):
        return [_named(entry, names) for entry in value]
    return names[value] if value >= 0 else None  # hidden labels of test splits are -1
