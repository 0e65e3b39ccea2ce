"""Measure what the README says.

python scripts/benchmark.py core --data data/petitions/dev.jsonl
python scripts/benchmark.py quality --tasks petitions,statutes,nsmc --seeds 0,1,2
"""

import argparse
import os
import sys
from itertools import islice
from pathlib import Path

from hdoc.benchmarks.core import core_ratios
from hdoc.benchmarks.quality.options import add_arguments as add_quality_arguments
from hdoc.records import read_records

SAMPLES = Path(__file__).parents[1] / "hdoc" / "assets" / "samples"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    core = commands.add_parser(
        "core", help="cold start, explaining against classifying, the whole against its parts"
    )
    core.add_argument("--data", default=str(SAMPLES), help="documents; default: the sample articles")
    core.add_argument("--documents", type=int, default=100)
    core.add_argument("--pairs", type=int, default=5)
    core.set_defaults(run=measure_core)
    quality = commands.add_parser("quality", help="hdoc and all it is compared with, on the same footing")
    add_quality_arguments(quality)
    quality.set_defaults(run=measure_quality)
    options = parser.parse_args()
    sys.exit(options.run(options))


def measure_quality(options: argparse.Namespace) -> int:
    from hdoc.benchmarks.quality.command import run
    from hdoc.training.command import shipped_configs

    return run(options, shipped_configs)


def measure_core(options: argparse.Namespace) -> None:
    records = islice(read_records([options.data]), options.documents)
    texts = [record.text for record in records if record.text is not None]
    print(f"{os.cpu_count()} cores, {options.pairs} pairs each, median (lowest to highest)")
    for result in core_ratios(texts, str(SAMPLES / "transport.txt"), options.pairs):
        verdict = "within" if result.ratio <= result.limit else "above"
        figures = f"{result.ratio:6.2f} ({result.low:.2f} to {result.high:.2f})"
        print(f"{figures}, {verdict} {result.limit}: {result.name}")


if __name__ == "__main__":
    main()
