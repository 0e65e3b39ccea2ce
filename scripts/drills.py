"""Does on purpose what goes wrong in practice: python scripts/drills.py folders documents large kills disk.

folders: model folders that are half written, damaged or hostile; documents: damaged ones by the thousand;
large: very large ones; kills: trainings that are killed and go on; disk: one that is full in the middle.
The code of each is in the package drills. Each line says what was done and how often it ended as it must; the
exit status is 1 if one did not.
"""

import argparse
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from benchmarks.result import add_json, record
from drills.disk import drill_full_disk
from drills.documents import drill_documents, drill_large
from drills.folders import drill_changed_bytes, drill_half_written, drill_hostile
from drills.kills import drill_kills
from drills.outcome import Outcome

from hdoc.storage.shipped import default_model
from hdoc.tables.records import read_records

SAMPLES = Path(__file__).parents[1] / "hdoc" / "assets" / "samples"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("drills", nargs="+", choices=list(DRILLS))
    parser.add_argument("--documents", type=int, default=10_000, help="damaged documents")
    parser.add_argument("--data", default=str(SAMPLES), help="ordinary documents to damage; default: samples")
    parser.add_argument("--changes", type=int, default=1_000, help="bits to change in a model")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    add_json(parser)
    options = parser.parse_args()
    broken, rows = False, []
    for name in options.drills:
        with tempfile.TemporaryDirectory(prefix="hdoc-drill-") as folder:
            for outcome in DRILLS[name](options, Path(folder)):
                print("\n".join(outcome.lines()), flush=True)
                rows.append(outcome.row())
                broken |= outcome.skipped is None and not outcome.passed
    record(options.json, {"drills": rows})
    return int(broken)


def folders(options: argparse.Namespace, folder: Path) -> Iterator[Outcome]:
    yield drill_half_written(default_model(), folder)
    yield drill_changed_bytes(default_model(), folder, options.changes)
    yield drill_hostile(default_model(), folder)


def documents(options: argparse.Namespace, folder: Path) -> list[Outcome]:
    records = islice(read_records([options.data]), 200)
    texts = [record.text for record in records if record.text is not None]
    return drill_documents(texts, folder, options.documents)


def large(_: argparse.Namespace, folder: Path) -> list[Outcome]:
    return drill_large(folder)


def kills(options: argparse.Namespace, folder: Path) -> Iterator[Outcome]:
    yield drill_kills(folder, options.kills, options.seed)


def disk(_: argparse.Namespace, folder: Path) -> list[Outcome]:
    return drill_full_disk(folder)


DRILLS = {"folders": folders, "documents": documents, "large": large, "kills": kills, "disk": disk}

if __name__ == "__main__":
    raise SystemExit(main())
