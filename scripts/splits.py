"""What the scripts that prepare a corpus share: rows in, one JSON Lines file a split out."""

import json
import lzma
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

DATA = Path("../shared/data")
SPLITS = ("train", "dev", "test")


def read_rows(source: Path) -> Iterator[dict[str, Any]]:
    """Return the rows of a .jsonl.xz file; ends the program with one line, at once, if it is not there."""
    if not source.is_file():
        sys.exit(f"{source}: expected a corpus as .jsonl.xz, but there is no such file; give its path")
    return _rows(source)


def _rows(source: Path) -> Iterator[dict[str, Any]]:
    with lzma.open(source, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def write_splits(documents: Iterable[tuple[str, dict[str, str]]], folder: Path) -> dict[str, Counter[str]]:
    """Write train.jsonl, dev.jsonl and test.jsonl.

    Args:
        documents: the split and the row (id, text, label) of each document.
        folder: where the files go; made if it is missing.

    Returns:
        How many documents each split has of each label.

    Raises:
        KeyError: a split is none of train, dev and test.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    with ExitStack() as stack:
        files = {
            split: stack.enter_context((folder / f"{split}.jsonl").open("w", encoding="utf-8"))
            for split in SPLITS
        }
        for split, document in documents:
            files[split].write(json.dumps(document, ensure_ascii=False) + "\n")
            counts[split][document["label"]] += 1
    return counts


def report(counts: dict[str, Counter[str]], folder: Path) -> None:
    """Say how much there is."""
    for split, labels in counts.items():
        print(f"{folder / split}.jsonl: {labels.total():,} documents, {len(labels)} labels")
