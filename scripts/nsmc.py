"""Turns the Naver movie reviews into the files that `configs/nsmc.yaml` trains on.

    python scripts/nsmc.py               # data/nsmc/{train,dev,test}.jsonl

Each line holds id, text and label (긍정 for ratings 9 and 10, 부정 for 1 to 4); reviews between have no label
and are left out, blank ones too, and counted. The splits are the data's own; no film is in two of them.
"""

import argparse
import lzma
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from splits import DATA, report, write_splits

LABELS = {"0": "부정", "1": "긍정"}


def documents(lines: Iterable[str], left_out: Counter[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the split and the row of each labelled review; count the others."""
    rows = (line.rstrip("\n").split("\t") for line in lines)
    columns = next(rows)
    for values in rows:
        row = dict(zip(columns, values, strict=True))
        if row["label"] not in LABELS:
            left_out["without a label"] += 1
        elif not row["document"].strip():
            left_out["blank"] += 1
        else:
            yield (
                row["split"],
                {"id": row["review_id"], "text": row["document"], "label": LABELS[row["label"]]},
            )


def main(arguments: Iterable[str] | None = None) -> None:
    """Convert what the command line names, and say how much there is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    source = DATA / "nsmc.tsv.xz"
    parser.add_argument("source", type=Path, nargs="?", default=source, help=f"default: {source}")
    parser.add_argument("-o", "--output", type=Path, default=Path("data/nsmc"), help="default: data/nsmc")
    options = parser.parse_args(None if arguments is None else list(arguments))
    if not options.source.is_file():
        sys.exit(
            f"{options.source}: expected the reviews as .tsv.xz, but there is no such file; give its path"
        )
    left_out: Counter[str] = Counter()
    with lzma.open(options.source, "rt", encoding="utf-8", newline="\n") as lines:
        report(write_splits(documents(lines, left_out), options.output), options.output)
    print("left out: " + ", ".join(f"{count:,} {why}" for why, count in left_out.items()))


if __name__ == "__main__":
    main()
