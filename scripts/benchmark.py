"""Measures hdoc: one benchmark a subcommand, on documents of your own.

core: cold start, and explaining beside classifying; speed: time and memory beside other models; quality:
hdoc and all that it is compared with, trained on the same footing; runtimes: torch and ONNX Runtime, also in
16 and 8 bit; trust: how far explanations can be believed. The code of each is in the package benchmarks.

python scripts/benchmark.py core --data data/petitions/dev.jsonl
python scripts/benchmark.py speed --petitions data/petitions/dev.jsonl --statutes data/statutes/dev.jsonl
python scripts/benchmark.py quality --tasks petitions,statutes,nsmc --seeds 0,1,2
python scripts/benchmark.py runtimes --data data/petitions/dev.jsonl
python scripts/benchmark.py trust --faithfulness - data/petitions/test.jsonl

With `--json docs/results/data/NAME.json` and `python scripts/results.py` a page shows what was measured.
"""

import argparse
import os
import sys
from itertools import islice
from pathlib import Path

from benchmarks.core import core_ratios
from benchmarks.quality.options import add_arguments as add_quality_arguments
from benchmarks.result import add_json, record
from benchmarks.speed.benchmark import add_arguments as add_speed_arguments
from benchmarks.speed.benchmark import run as measure_speed
from benchmarks.trust import KINDS, about, evaluated, rows, targets

from hdoc.tables.records import read_records

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
    add_json(core)
    core.set_defaults(run=measure_core)
    quality = commands.add_parser("quality", help="hdoc and all it is compared with, on the same footing")
    add_quality_arguments(quality)
    quality.set_defaults(run=measure_quality)
    trust = commands.add_parser("trust", help="how far explanations can be believed, beside other methods")
    for kind in KINDS:
        trust.add_argument(
            f"--{kind}",
            nargs=2,
            metavar=("MODEL", "DATA"),
            help="see hdoc evaluate --help; - is hdoc's own model",
        )
    trust.add_argument("--documents", type=int, default=200, help="that are explained; default: 200")
    trust.add_argument(
        "--seeds", nargs="+", default=[], metavar="MODEL", help="the same model of other seeds"
    )
    trust.add_argument("--methods", nargs="+", default=[], help="of faithfulness; see hdoc evaluate --help")
    trust.add_argument("-o", "--output", type=Path, default=Path("evaluation"), help="default: evaluation")
    add_json(trust)
    trust.set_defaults(run=measure_trust)
    speed = commands.add_parser("speed", help="time and memory beside the floor and other models")
    add_speed_arguments(speed)
    speed.set_defaults(run=measure_speed)
    runtimes = commands.add_parser("runtimes", help="torch and ONNX Runtime in 32, 16 and 8 bit")
    runtimes.add_argument("--model", help="a model folder; default: the model that comes with hdoc")
    runtimes.add_argument("--data", type=Path, required=True, help="labelled table; see hdoc evaluate --help")
    runtimes.add_argument("--explained", type=int, default=100, help="documents; default: 100")
    runtimes.add_argument("--rounds", type=int, default=3, help="default: 3")
    add_json(runtimes)
    runtimes.set_defaults(run=measure_runtimes)
    options = parser.parse_args()
    sys.exit(options.run(options))


def measure_quality(options: argparse.Namespace) -> int:
    from benchmarks.quality.benchmark import run

    from hdoc.training.configs import shipped_configs

    return run(options, shipped_configs)


def measure_trust(options: argparse.Namespace) -> int:
    """Return 1 if a target is missed."""
    found, tables, remarks = [], {}, {}
    for kind in KINDS:
        if given := getattr(options, kind.replace("-", "_")):
            more = ["--seeds", *options.seeds] if options.seeds and kind == "faithfulness" else []
            more += ["--methods", *options.methods] if options.methods and kind == "faithfulness" else []
            report = evaluated(kind, *given, options.output / kind, options.documents, more)
            found += targets(kind, report)
            tables |= rows(kind, report)
            remarks |= about(report)
    record(options.json, tables, remarks)
    for target in found:
        verdict = "reached" if target.reached else "MISSED "
        bound = "at least" if target.sign > 0 else "at most"
        print(f"{verdict} {target.value:8.3f}, {bound} {target.limit:8.3f}: {target.name}")
    return 0 if all(target.reached for target in found) else 1


def measure_runtimes(options: argparse.Namespace) -> None:
    from benchmarks.runtimes import compare_runtimes, table

    from hdoc.evaluation.examples import Columns, read_examples
    from hdoc.tasks.document.classifier import DocumentClassifier

    labels = DocumentClassifier.load(options.model, device="cpu").labels
    examples = read_examples(options.data, Columns(), labels)
    found = compare_runtimes(options.model, examples, options.explained, options.rounds)
    print(f"{len(examples)} documents, {options.explained} explained, {os.cpu_count()} cores")
    print(table(found))
    record(
        options.json, {"runtimes": found}, {"documents": f"{len(examples)}, {options.explained} explained"}
    )


def measure_core(options: argparse.Namespace) -> None:
    records = islice(read_records([options.data]), options.documents)
    texts = [record.text for record in records if record.text is not None]
    print(f"{os.cpu_count()} cores, {options.pairs} pairs each, median (lowest to highest)")
    found = core_ratios(texts, str(SAMPLES / "transport.txt"), options.pairs)
    for result in found:
        verdict = "within" if result.ratio <= result.limit else "above"
        figures = f"{result.ratio:6.2f} ({result.low:.2f} to {result.high:.2f})"
        print(f"{figures}, {verdict} {result.limit}: {result.name}")
    record(options.json, {"ratios": found}, {"pairs": str(options.pairs)})


if __name__ == "__main__":
    main()
