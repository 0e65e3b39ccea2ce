"""Turns pairs of Korean texts into the files that `configs/similarity.yaml` and `configs/nli.yaml` train on.

    python scripts/pairs.py              # data/pairs/{sts,nli,same_question}/{train,dev,test}.jsonl

Each line holds id, a, b and label: of `sts` a score from 0 to 5, of `nli` a relation, of `same_question` 1 if
both ask the same and 0 if not. Other tasks of the corpus are left out and counted. The splits are its own.
"""

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from splits import DATA, read_rows, write_splits

TASKS = ("sts", "nli", "same_question")


def pairs(rows: Iterable[dict[str, Any]]) -> tuple[dict[str, list[tuple[str, dict[str, Any]]]], Counter[str]]:
    """Return the split and the row of each pair, by task; and how many are of other tasks."""
    found: dict[str, list[tuple[str, dict[str, Any]]]] = {task: [] for task in TASKS}
    left_out: Counter[str] = Counter()
    for number, row in enumerate(rows, 1):
        if row["task"] not in found:
            left_out[row["task"]] += 1
            continue
        pair = {"id": f"{row['source']}-{number}", "a": row["a"], "b": row["b"], "label": row["label"]}
        found[row["task"]].append((row["split"], pair))
    return found, left_out


def main(arguments: Iterable[str] | None = None) -> None:
    """Convert what the command line names, and say how much there is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    source = DATA / "pairs.jsonl.xz"
    parser.add_argument("source", type=Path, nargs="?", default=source, help=f"default: {source}")
    parser.add_argument("-o", "--output", type=Path, default=Path("data/pairs"), help="default: data/pairs")
    options = parser.parse_args(None if arguments is None else list(arguments))
    found, left_out = pairs(read_rows(options.source))
    for task, rows in found.items():
        folder = options.output / task
        for split, labels in write_splits(rows, folder).items():
            if labels:
                print(f"{folder / split}.jsonl: {labels.total():,} pairs")
            else:  # no training could read it
                (folder / f"{split}.jsonl").unlink()
                print(f"{folder / split}.jsonl: the corpus has no such split")
    print("left out: " + ", ".join(f"{count:,} of {task}" for task, count in left_out.items()))


if __name__ == "__main__":
    main()
