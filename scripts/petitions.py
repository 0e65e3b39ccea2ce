"""Turns the petition data into the files that `configs/petitions.yaml` trains on.

    python scripts/petitions.py                   # data/petitions/{train,dev,test}.jsonl
    python scripts/petitions.py --out-of-scope    # data/petitions/out_of_scope/…: 기타, never for training

Each line holds id, text (the title, an empty line, the petition) and label; the splits are the data's own.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from splits import DATA, read_rows, report, write_splits


def documents(
    rows: Iterable[dict[str, Any]], with_title: bool = True
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the split and the row of each petition; a title and an empty line stand before the text."""
    for row in rows:
        text = f"{row['title']}\n\n{row['text']}" if with_title else row["text"]
        yield row["split"], {"id": row["id"], "text": text, "label": row["label"]}


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
    report(write_splits(documents(read_rows(source), with_title=not options.no_title), folder), folder)


if __name__ == "__main__":
    main()
