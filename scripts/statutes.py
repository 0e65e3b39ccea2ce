"""Turns the statutes into the files that `configs/statutes.yaml` trains on.

    python scripts/statutes.py               # data/statutes/: ministries' names masked, title line dropped
    python scripts/statutes.py --unmasked    # data/statutes-unmasked/: as they are, for known evidence

The label is the responsible ministry, whose own name is in most texts: an honest task hides every such
name. Each line holds id, text and label; the splits are the data's own, and law families never straddle them.
"""

import argparse
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from splits import DATA, read_rows, report, write_splits

# Stands for any authority's name; a plain noun, so that the sentence around it stays one.
MASK = "소관기관"
_AUTHORITY = re.compile(r"..+(부|처|청|위원회)")


def authorities(labels: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for the authorities among labels, longer names first."""
    names = sorted(
        {label for label in labels if _AUTHORITY.fullmatch(label)}, key=lambda name: (-len(name), name)
    )
    return re.compile("|".join(map(re.escape, names)))


def mask(text: str, names: re.Pattern[str]) -> str:
    """Drop the title line and hide every authority, also inside words such as 국토교통부장관."""
    _, _, body = text.partition("\n")
    return names.sub(MASK, body).strip()


def documents(
    rows: Iterable[dict[str, Any]], names: re.Pattern[str] | None
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the split and the row of each statute, masked if there are names to mask."""
    for row in rows:
        text = row["text"] if names is None else mask(row["text"], names)
        yield row["split"], {"id": row["id"], "text": text, "label": row["label"]}


def main(arguments: Iterable[str] | None = None) -> None:
    """Convert what the command line names, and say how much there is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "data", type=Path, nargs="?", default=DATA, help=f"folder of the corpora (default: {DATA})"
    )
    parser.add_argument("-o", "--output", type=Path, help="folder for the files (default: data/statutes)")
    parser.add_argument("--unmasked", action="store_true", help="leave names and title lines in")
    options = parser.parse_args(None if arguments is None else list(arguments))
    sources = [options.data / f"{name}.jsonl.xz" for name in ("statutes", "statutes_unlabelled")]
    names = (
        None
        if options.unmasked
        else authorities(row["label"] for source in sources for row in read_rows(source))
    )
    folder = options.output or Path("data/statutes-unmasked" if options.unmasked else "data/statutes")
    report(write_splits(documents(read_rows(sources[0]), names), folder), folder)


if __name__ == "__main__":
    main()
