"""One evaluation from beginning to end: data and model in, a folder of results out.

report.json           all figures and settings
report.md             the same as tables
documents.parquet     each document's classes and probabilities
explanations.parquet  each explanation's figures, by method
evidence.parquet      the strongest words and sentences of each class; evidence.html to read
*.png                 confusion, reliability, deletion and insertion curves, bars by method
progress/             what was measured already, for going on after a kill
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from hdoc.console import progress
from hdoc.errors import DataError, ModelError
from hdoc.evaluation.abstention import abstention_table, measure_abstention, out_of_scope_confidences
from hdoc.evaluation.evidence import evidence_rows, gather_evidence
from hdoc.evaluation.evidence_page import evidence_page
from hdoc.evaluation.examples import Columns, Example, marked_share, read_examples
from hdoc.evaluation.explanations import ExplanationEvaluator, measure_sample
from hdoc.evaluation.faithfulness_plots import draw_bars, draw_curves
from hdoc.evaluation.model_parts import measure_parts
from hdoc.evaluation.predictions import Prediction, predict
from hdoc.evaluation.progress_file import ProgressFile
from hdoc.evaluation.quality import Decisions, measure
from hdoc.evaluation.report_files import (
    document_rows,
    explanation_rows,
    make_folder,
    write_report,
    write_table,
)
from hdoc.evaluation.report_tables import evidence_table, explanation_tables, parts_tables, quality_tables
from hdoc.evaluation.summary import summarise
from hdoc.evaluation.units_and_controls import UNITS
from hdoc.metrics.plots import draw_confusion, draw_reliability, korean_font
from hdoc.rendering.table import Table
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.text.sentences import FindSentences, split_sentences
from hdoc.tracking.evaluations import log_evaluation

_VERSION = 3
"""Raised when the same settings would give other results, so that old progress is left alone."""


def evaluate(options: Namespace) -> dict[str, Any]:
    """Evaluate as the options of the command line say; returns what report.json holds.

    Raises:
        HdocError: model, data or folder cannot be used.
    """
    run = Evaluation(options, Console(), Console(stderr=True))
    return run.run()


@dataclass(frozen=True)
class Evaluation:
    """One evaluation.

    Args:
        options: of the command line.
        console: where tables are printed.
        messages: where progress and remarks go.
    """

    options: Namespace
    console: Console
    messages: Console

    @cached_property
    def classifier(self) -> DocumentClassifier:
        """The model."""
        model = self.options.model
        return DocumentClassifier.load(None if model == "-" else model, self.options.device)

    @cached_property
    def examples(self) -> list[Example]:
        """The documents."""
        options = self.options
        rationale = options.rationale_column if options.rationales else None
        return read_examples(
            options.data,
            Columns(options.text_column, options.label_column, options.id_column, rationale),
            self.classifier.labels,
            multi_label=self.classifier.multi_label,
            split=options.split,
            encoding=options.encoding,
        )

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All that decides the predictions."""
        options = self.options
        with options.data.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        identity = self.classifier.identity
        return {
            "version": _VERSION,
            "model": f"{identity.name} {identity.version}",
            "model_checksum": identity.checksum,
            "data": options.data.name,
            "data_sha256": digest,
            "split": options.split,
            "text_column": options.text_column,
            "label_column": options.label_column,
            "encoding": options.encoding,
            "sentences": options.sentences or "as in training",
        }

    @property
    def find_sentences(self) -> FindSentences:
        """What divides a text into sentences."""
        if self.options.sentences is None:
            return self.classifier.split
        return partial(split_sentences, rule=self.options.sentences)

    def run(self) -> dict[str, Any]:
        """Measure, print and write everything."""
        options = self.options
        folder = make_folder(options.output)
        predictions = self._predictions(folder)
        labels, multi_label = self.classifier.labels, self.classifier.multi_label
        decisions = Decisions.of(predictions, labels, multi_label)
        report: dict[str, Any] = {"settings": dict(self.settings)}
        report["quality"] = measure(decisions, labels, options.seed)
        report["parts"] = measure_parts(predictions, labels, multi_label, options.seed)
        report["abstention"] = measure_abstention(decisions, self._out_of_scope())
        overall, *details = quality_tables(report["quality"])
        tables = [overall, *parts_tables(report["parts"]), *details, abstention_table(report["abstention"])]
        self._draw_quality(folder, decisions)
        write_table(folder / "documents.parquet", document_rows(predictions, labels))
        if options.faithfulness or options.rationales or options.known_evidence:
            rows = self._explanations(folder)
            report["settings"].update(self._explanation_settings())
            report["explanations"] = summarise(rows)
            tables += explanation_tables(report["explanations"])
            write_table(folder / "explanations.parquet", explanation_rows(rows))
            if options.faithfulness:
                for unit in UNITS:
                    draw_curves(report["explanations"], unit, folder / f"{unit}s.png")
                draw_bars(report["explanations"], folder / "methods.png")
        if options.evidence:
            tables += self._evidence(folder)
        self._close(folder, report, tables)
        return report

    def _predictions(self, folder: Path) -> list[Prediction]:
        find_sentences = None if self.options.sentences is None else self.find_sentences
        n = len(self.examples)
        with (
            ProgressFile(folder / "progress", "predictions", self.settings) as done,
            progress(self.messages, "classifying", n, min(n, len(done.rows))) as advance,
        ):
            return predict(
                self.classifier, self.examples, find_sentences, done, self.options.workers, advance
            )

    def _out_of_scope(self) -> NDArray[np.float64] | None:
        options = self.options
        if options.out_of_scope is None:
            return None
        return out_of_scope_confidences(
            self.classifier, options.out_of_scope, options.text_column, options.encoding, options.workers
        )

    def _explanation_settings(self) -> dict[str, Any]:
        return {
            "methods": " ".join(self.options.methods),
            "explained_documents": min(self.options.documents, len(self.examples)),
            "seed": self.options.seed,
            "other_models": [classifier.identity.checksum for classifier in self._others],
            "faithfulness": self.options.faithfulness,
            "rationales": self.options.rationale_column if self.options.rationales else None,
        }

    @cached_property
    def _others(self) -> list[DocumentClassifier]:
        others = [DocumentClassifier.load(model, self.options.device) for model in self.options.seeds]
        for model, classifier in zip(self.options.seeds, others, strict=True):
            if classifier.labels != self.classifier.labels:
                raise ModelError(
                    f"expected {model} to have the classes of {self.options.model}, got others; "
                    "--seeds takes models of the same training with other seeds"
                )
        return others

    def _explanations(self, folder: Path) -> list[dict[str, Any]]:
        """Measure the explanations of the sample; returns one row for each document and class."""
        options = self.options
        if options.rationales and all(example.rationale is None for example in self.examples):
            raise DataError(
                f"{options.data}: expected rationales in {options.rationale_column!r}, found none"
            )
        evaluator = ExplanationEvaluator(
            self.classifier,
            self.find_sentences,
            options.methods,
            faithfulness=options.faithfulness,
            others=self._others,
            marked_share=marked_share(self.examples),
            seed=options.seed,
        )
        n = min(options.documents, len(self.examples))
        order = np.random.default_rng([options.seed, len(self.examples)]).permutation(len(self.examples))
        chosen = sorted(order[:n].tolist())
        settings = {**self.settings, **self._explanation_settings()}
        with (
            ProgressFile(folder / "progress", "explanations", settings) as done,
            progress(self.messages, "explaining", n, min(n, len(done.rows))) as advance,
        ):
            return measure_sample(evaluator, self.examples, chosen, done, advance)

    def _evidence(self, folder: Path) -> list[Table]:
        options = self.options
        with progress(self.messages, "gathering evidence", len(self.examples)) as advance:
            found = gather_evidence(self.classifier, self.examples, self.find_sentences, options.top, advance)
        rows = evidence_rows(found)
        write_table(folder / "evidence.parquet", rows)
        page = evidence_page(
            found, self.classifier.identity, options.data.name, not self.classifier.multi_label
        )
        (folder / "evidence.html").write_text(page, encoding="utf-8")
        return [evidence_table(found, folder / "evidence.html")]

    def _draw_quality(self, folder: Path, decisions: Decisions) -> None:
        if korean_font() is None:
            self.messages.print("no font with Hangul is installed, so pictures show boxes", style="dim")
        temperature = self.classifier.temperature
        logits, targets = temperature.restored(decisions.logits()), decisions.targets()
        draw_confusion(logits, targets, self.classifier.labels, folder / "confusion.png")
        draw_reliability(logits, targets, temperature, folder / "reliability.png")

    def _close(self, folder: Path, report: Mapping[str, Any], tables: Sequence[Table]) -> None:
        write_report(folder, report, tables)
        for table in tables:
            table.show(self.console)
        self.console.print()
        if self.options.mlflow:
            where = log_evaluation(
                report, folder, f"{self.classifier.identity.name} {self.options.data.name}"
            )
            self.messages.print(f"logged as {where}", highlight=False)
        self.messages.print(f"wrote {folder}", highlight=False)
