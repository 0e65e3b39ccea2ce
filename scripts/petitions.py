"""Turns the petition data into the files that `configs/petitions.yaml` trains on.

    python scripts/petitions.py                   # data/petitions/{train,dev,test}.jsonl
    python scripts/petitions.py --out-of-scope    # data/petitions/out_of_scope/…: 기타, never for training

Each line holds id, text (the title, an empty line, the petition) and label; the splits are the data's own.
"""

import argparse
import json
import lzma
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

DATA = Path("../shared/data")
SPLITS = ("train", "dev", "test")


def convert(source: Path, folder: Path, with_title: bool = True) -> dict[str, Counter[str]]:
    """Write one file a split.

    Args:
        source: JSON Lines, .xz, with id, title, text, label and split.
        folder: where train.jsonl, dev.jsonl and test.jsonl go; made if it is missing.
        with_title: put the title and an empty line before the text.

    Returns:
        How many documents each split has of each label.

    Raises:
        KeyError: a row's split is none of train, dev and test.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    with ExitStack() as stack:
        lines = stack.enter_context(lzma.open(source, "rt", encoding="utf-8"))
        files = {
            split: stack.enter_context((folder / f"{split}.jsonl").open("w", encoding="utf-8"))
            for split in SPLITS
        }
        for row in map(json.loads, lines):
            text = f"{row['title']}\n\n{row['text']}" if with_title else row["text"]
            document = {"id": row["id"], "text": text, "label": row["label"]}
            files[row["split"]].write(json.dumps(document, ensure_ascii=False) + "\n")
            counts[row["split"]][row["label"]] += 1
    return counts


def main(arguments: Iterable[str] | None = None) -> None:
    """Convert what the command line names, and say how much there is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path, nargs="?", help=f"a .jsonl.xz file (default: the one in {DATA})")
    parser.add_argument("-o", "--output", type=Path, help="folder for the files (default: data/petitions)")
    parser.add_argument("--no-title", action="store_true", help="leave the titles out")
    parser.add_argument("--out-of-scope", action="store_true", help="convert the petitions filed under 기타")
    options = parser.parse_args(None if arguments is None else list(arguments))
    name = "petitions_out_of_scope" if options.out_of_scope else "petitions"
    source = options.source or DATA / f"{name}.jsonl.xz"
    folder = options.output or Path("data/petitions") / ("out_of_scope" if options.out_of_scope else "")
    if not source.is_file():
        sys.exit(f"{source}: expected the petitions as .jsonl.xz, but there is no such file; give its path")
    for split, labels in convert(source, folder, with_title=not options.no_title).items():
        print(f"{folder / split}.jsonl: {labels.total():,} documents, {len(labels)} labels")


if __name__ == "__main__":
    main()
