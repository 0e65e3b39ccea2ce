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
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from hdoc.console import progress
from hdoc.errors import DataError
from hdoc.evaluation.abstention import abstention_table, measure_abstention
from hdoc.evaluation.evidence import evidence_rows, gather_evidence
from hdoc.evaluation.evidence_page import evidence_page
from hdoc.evaluation.examples import marked_share
from hdoc.evaluation.explanations import ExplanationEvaluator, measure_sample
from hdoc.evaluation.faithfulness_plots import draw_bars, draw_curves
from hdoc.evaluation.inputs import Inputs
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
from hdoc.tracking.evaluations import log_evaluation


def evaluate(options: Namespace) -> dict[str, Any]:
    """Evaluate as the options of the command line say; returns what report.json holds.

    Raises:
        HdocError: model, data or folder cannot be used.
    """
    run = Evaluation(Inputs(options), Console(), Console(stderr=True))
    return run.run()


@dataclass(frozen=True)
class Evaluation:
    """One evaluation.

    Args:
        inputs: models, documents and options.
        console: where tables are printed.
        messages: where progress and remarks go.
    """

    inputs: Inputs
    console: Console
    messages: Console

    def run(self) -> dict[str, Any]:
        """Measure, print and write everything."""
        options = self.inputs.options
        folder = make_folder(options.output)
        predictions = self._predictions(folder)
        labels, multi_label = self.inputs.classifier.labels, self.inputs.classifier.multi_label
        decisions = Decisions.of(predictions, labels, multi_label)
        report: dict[str, Any] = {"settings": dict(self.inputs.settings)}
        report["quality"] = measure(decisions, labels, options.seed)
        report["parts"] = measure_parts(predictions, labels, multi_label, options.seed)
        report["abstention"] = measure_abstention(decisions, self.inputs.out_of_scope_confidences)
        overall, *details = quality_tables(report["quality"])
        tables = [overall, *parts_tables(report["parts"]), *details, abstention_table(report["abstention"])]
        self._draw_quality(folder, decisions)
        write_table(folder / "documents.parquet", document_rows(predictions, labels))
        if options.faithfulness or options.rationales or options.known_evidence:
            rows = self._explanations(folder)
            report["settings"].update(self.inputs.explanation_settings)
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
        find_sentences = None if self.inputs.options.sentences is None else self.inputs.find_sentences
        n = len(self.inputs.examples)
        with (
            ProgressFile(folder / "progress", "predictions", self.inputs.settings) as done,
            progress(self.messages, "classifying", n, min(n, len(done.rows))) as advance,
        ):
            return predict(
                self.inputs.classifier,
                self.inputs.examples,
                find_sentences,
                done,
                self.inputs.options.workers,
                advance,
            )

    def _explanations(self, folder: Path) -> list[dict[str, Any]]:
        """Measure the explanations of the sample; returns one row for each document and class."""
        options = self.inputs.options
        if options.rationales and all(example.rationale is None for example in self.inputs.examples):
            raise DataError(
                f"{options.data}: expected rationales in {options.rationale_column!r}, found none"
            )
        evaluator = ExplanationEvaluator(
            self.inputs.classifier,
            self.inputs.find_sentences,
            options.methods,
            faithfulness=options.faithfulness,
            others=self.inputs.others,
            marked_share=marked_share(self.inputs.examples),
            seed=options.seed,
        )
        n_examples = len(self.inputs.examples)
        n = min(options.documents, n_examples)
        order = np.random.default_rng([options.seed, n_examples]).permutation(n_examples)
        chosen = sorted(order[:n].tolist())
        settings = {**self.inputs.settings, **self.inputs.explanation_settings}
        with (
            ProgressFile(folder / "progress", "explanations", settings) as done,
            progress(self.messages, "explaining", n, min(n, len(done.rows))) as advance,
        ):
            return measure_sample(evaluator, self.inputs.examples, chosen, done, advance)

    def _evidence(self, folder: Path) -> list[Table]:
        options = self.inputs.options
        with progress(self.messages, "gathering evidence", len(self.inputs.examples)) as advance:
            found = gather_evidence(
                self.inputs.classifier, self.inputs.examples, self.inputs.find_sentences, options.top, advance
            )
        rows = evidence_rows(found)
        write_table(folder / "evidence.parquet", rows)
        page = evidence_page(
            found, self.inputs.classifier.identity, options.data.name, not self.inputs.classifier.multi_label
        )
        (folder / "evidence.html").write_text(page, encoding="utf-8")
        return [evidence_table(found, folder / "evidence.html")]

    def _draw_quality(self, folder: Path, decisions: Decisions) -> None:
        if korean_font() is None:
            self.messages.print("no font with Hangul is installed, so pictures show boxes", style="dim")
        temperature = self.inputs.classifier.temperature
        logits, targets = temperature.restored(decisions.logits()), decisions.targets()
        draw_confusion(logits, targets, self.inputs.classifier.labels, folder / "confusion.png")
        draw_reliability(logits, targets, temperature, folder / "reliability.png")

    def _close(self, folder: Path, report: Mapping[str, Any], tables: Sequence[Table]) -> None:
        write_report(folder, report, tables)
        for table in tables:
            table.show(self.console)
        self.console.print()
        if self.inputs.options.mlflow:
            where = log_evaluation(
                report, folder, f"{self.inputs.classifier.identity.name} {self.inputs.options.data.name}"
            )
            self.messages.print(f"logged as {where}", highlight=False)
        self.messages.print(f"wrote {folder}", highlight=False)
