"""The documents of a task: those of a shipped config, or a table of the user's own.

A table without documents for dev or test is divided here, once, the same share of each class; a limit on
documents takes the same share of each class too. What is chosen depends on the table alone, so every entry
and every seed has the same documents.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.entries import Base
from hdoc.errors import HdocError
from hdoc.tables import is_table, open_table

SPLITS = ("train", "dev", "test")
DEV_SHARE, TEST_SHARE = 0.1, 0.2


@dataclass(frozen=True, slots=True)
class Task:
    """Documents and the config that all entries start from.

    Attributes:
        name: of the task.
        config: name or file of the training config.
        files: train, dev and test.
        text_column: where the text is.
        label_column: where the label is.
        base: what the config says of values that entries depend on.
    """

    name: str
    config: str
    files: Mapping[str, Path]
    text_column: str
    label_column: str
    base: Base

    def arguments(self) -> list[str]:
        """Return what the training command is told of the task."""
        files = [part for split in SPLITS for part in (f"--data.{split}_file", str(self.files[split]))]
        columns = ["--data.text_column", self.text_column, "--data.label_column", self.label_column]
        return ["--config", self.config, *files, *columns]

    def fingerprint(self) -> str:
        """Return a hash of documents, config and encoder; another means that former runs tell nothing."""
        values = json.dumps(_read_config(Path(self.config)), sort_keys=True)  # comments decide nothing
        digest = hashlib.sha256(values.encode())
        for split in SPLITS:
            with self.files[split].open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        digest.update(_encoder_fingerprint(self.base.encoder))
        return digest.hexdigest()

    def lengths(self, split: str) -> NDArray[np.int64]:
        """Return the characters of each document of a split."""
        rows = open_table(self.files[split]).rows([self.text_column])
        return np.array([len(row.values[self.text_column]) for row in rows])


def shipped_task(name: str, config: Path, encoder: str | None = None) -> Task:
    """Return the task of a training config.

    Args:
        name: of the task.
        config: its file.
        encoder: another encoder than the config's.

    Raises:
        HdocError: a file that the config names is not there.
    """
    values = _read_config(config)
    files = {split: Path(values["data"][f"{split}_file"]) for split in SPLITS}
    for file in files.values():
        if not file.is_file():
            raise HdocError(
                f"expected {file}, as {config.name} says, found no such file; make it with: "
                f"python scripts/{name}.py"
            )
    data = values["data"]
    return Task(name, str(config), files, data["text_column"], data["label_column"], _base(values, encoder))


def own_task(
    files: Mapping[str, Path],
    config: Path,
    folder: Path,
    text_column: str = "text",
    label_column: str = "label",
    encoder: str | None = None,
) -> Task:
    """Return a task of the user's own tables.

    Args:
        files: at least train; without dev or test these are taken out of train.
        config: gives the values of training.
        folder: for the parts of a table that is divided.
        text_column: where the text is.
        label_column: where the label is.
        encoder: another encoder than the config's.

    Raises:
        HdocError: a file cannot be read, a row cannot be used, or a class has too few documents.
    """
    name = files["train"].name.partition(".")[0]
    task = Task(
        name, str(config), dict(files), text_column, label_column, _base(_read_config(config), encoder)
    )
    shares = {"test": TEST_SHARE, "dev": DEV_SHARE}
    missing = [split for split in SPLITS if split not in files]
    if not missing:
        return task
    labels = {split: _labels(path, text_column, label_column) for split, path in files.items()}
    parts = _divide(labels["train"], {split: shares[split] for split in missing}, files["train"])
    parts |= {split: np.arange(len(labels[split])) for split in SPLITS if split not in parts}
    made = {
        split: _write(
            files.get(split, files["train"]), places, folder / f"{split}.jsonl", text_column, label_column
        )
        for split, places in parts.items()
    }
    return replace(task, files=made, text_column="text", label_column="label")


def limit(task: Task, n_documents: int, folder: Path) -> Task:
    """Return the task with at most so many documents in each split, the same share of each class.

    Raises:
        HdocError: there are more classes than documents.
    """
    files = {}
    for split in SPLITS:
        labels = _labels(task.files[split], task.text_column, task.label_column)
        n_classes = len(set(labels))
        if n_classes > n_documents:
            raise HdocError(
                f"expected --max-documents of at least the {n_classes} classes of {task.files[split]}, "
                f"got {n_documents}"
            )
        places = _sample(labels, n_documents)
        target = folder / f"{split}.jsonl"
        files[split] = _write(task.files[split], places, target, task.text_column, task.label_column)
    return replace(task, files=files, text_column="text", label_column="label")


def _read_config(config: Path) -> dict[str, Any]:
    import yaml

    values: dict[str, Any] = yaml.safe_load(config.read_text(encoding="utf-8"))
    return values


def _base(values: Mapping[str, Any], encoder: str | None) -> Base:
    model = values["model"]
    return Base(
        encoder or model["encoder"],
        float(model["optimiser"]["encoder_rate"]),
        float(model["optimiser"]["head_rate"]),
        model.get("head", {}).get("context", "convolution"),
    )


def _encoder_fingerprint(encoder: str) -> bytes:
    from importlib.resources import files

    folder = Path(str(files("hdoc"))) / "assets" / "encoder" if encoder == "small" else Path(encoder)
    weights = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    return b"".join(hashlib.sha256(path.read_bytes()).digest() for path in weights) or encoder.encode()


def _labels(path: Path, text_column: str, label_column: str) -> list[str]:
    """Return the label of each row, after a look at whether every row can be used."""
    if not path.is_file() or not is_table(path):
        raise HdocError(f"expected a .jsonl, .csv, .tsv or .parquet file of documents, {path} is none")
    table = open_table(path)
    table.require(text_column, "--text-column")
    table.require(label_column, "--label-column")
    labels = []
    for row in table.rows([text_column, label_column]):
        text, label = row.values.get(text_column), row.values.get(label_column)
        if row.error or not isinstance(text, str) or not text.strip() or isinstance(label, list | dict):
            problem = row.error or f"expected a text in {text_column!r} and one label in {label_column!r}"
            raise HdocError(f"{path}, row {row.number}: {problem}; repair or delete the row")
        if label is None or not str(label).strip():
            raise HdocError(
                f"{path}, row {row.number}: expected a label in {label_column!r}, got none; write one or "
                "delete the row"
            )
        labels.append(str(label).strip())
    return labels


def _divide(labels: Sequence[str], shares: Mapping[str, float], path: Path) -> dict[str, NDArray[np.int64]]:
    """Divide documents into train and other splits, the same share of each class in all."""
    generator = np.random.default_rng(0)
    places: dict[str, list[int]] = {"train": [], **{split: [] for split in shares}}
    names = np.array(labels)
    for name in np.unique(names).tolist():
        members = generator.permutation(np.flatnonzero(names == name)).tolist()
        if len(members) <= len(shares):
            raise HdocError(
                f"{path}: expected at least {len(shares) + 1} documents with the label {name!r}, to be "
                f"learnt and judged by, got {len(members)}; add some, or give --dev and --test"
            )
        n_members = len(members)
        for split, share in shares.items():
            n_taken = max(1, round(share * n_members))
            places[split] += members[:n_taken]
            members = members[n_taken:]
        places["train"] += members
    return {split: np.sort(np.array(chosen)) for split, chosen in places.items()}


def _sample(labels: Sequence[str], n_documents: int) -> NDArray[np.int64]:
    """Choose documents, at least one of each class."""
    if len(labels) <= n_documents:
        return np.arange(len(labels))
    generator = np.random.default_rng(0)
    names = np.array(labels)
    classes = [generator.permutation(np.flatnonzero(names == name)) for name in np.unique(names)]
    share = n_documents / len(labels)
    n_each = np.array([max(1, int(share * len(members))) for members in classes])
    while n_each.sum() > n_documents:  # many small classes got their one document
        n_each[n_each.argmax()] -= 1
    while n_each.sum() < n_documents:  # what rounding down left over goes where most is missing
        left = np.array([len(members) * share for members in classes]) - n_each
        n_each[left.argmax()] += 1
    return np.sort(np.concatenate([members[:n] for members, n in zip(classes, n_each, strict=True)]))


def _write(
    source: Path, places: NDArray[np.int64], target: Path, text_column: str, label_column: str
) -> Path:
    """Write some rows of a table as JSON Lines with id, text and label."""
    target.parent.mkdir(parents=True, exist_ok=True)
    wanted = set(places.tolist())
    with target.open("w", encoding="utf-8") as file:
        for place, row in enumerate(open_table(source).rows([text_column, label_column])):
            if place in wanted:
                line = {
                    "id": str(row.number),
                    "text": row.values[text_column],
                    "label": str(row.values[label_column]).strip(),
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return target
