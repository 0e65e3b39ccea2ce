"""The documents of a task: those of a shipped config, or a table of the user's own.

A table without documents for dev or test is divided once, by stratified sampling; a limit on documents draws
a stratified sample too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.entries import Base
from benchmarks.quality.labelled_rows import read_labels, write_rows
from benchmarks.quality.stratified_sampling import divide, sample
from hdoc.errors import HdocError
from hdoc.tables import open_table

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
    labels = {split: read_labels(path, text_column, label_column) for split, path in files.items()}
    parts = divide(labels["train"], {split: shares[split] for split in missing}, files["train"])
    parts |= {split: np.arange(len(labels[split])) for split in SPLITS if split not in parts}
    made = {
        split: write_rows(
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
        labels = read_labels(task.files[split], task.text_column, task.label_column)
        n_classes = len(set(labels))
        if n_classes > n_documents:
            raise HdocError(
                f"expected --max-documents of at least the {n_classes} classes of {task.files[split]}, "
                f"got {n_documents}"
            )
        places = sample(labels, n_documents)
        target = folder / f"{split}.jsonl"
        files[split] = write_rows(task.files[split], places, target, task.text_column, task.label_column)
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
