"""What is gained by leaving unsure documents to people, and whether out-of-scope ones are among them.

"Unsure" is one minus the probability of the most probable class (Hendrycks & Gimpel 2017, whose AUROC
tells how well it sets out-of-scope documents, those of no known class, apart).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdoc.errors import DataError
from hdoc.evaluation.quality import Decisions
from hdoc.rendering.table import Table
from hdoc.tables.records import read_records
from hdoc.tasks.document.classifier import Classification, DocumentClassifier

Floats = NDArray[np.float64]

THRESHOLDS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def out_of_scope_confidences(
    classifier: DocumentClassifier, file: Path, text_column: str, encoding: str | None, workers: int
) -> Floats:
    """Return the probability of the most probable class of documents that have none of the classes.

    Args:
        classifier: the model.
        file: a table of such documents.
        text_column: where the text is.
        encoding: of the file; None to have it recognised.
        workers: processes that find sentences.

    Returns:
        (documents,).

    Raises:
        DataError: a row cannot be used.
    """
    texts = []
    for record in read_records([str(file)], {"text": text_column}, None, encoding):
        if record.text is None:
            raise DataError(f"{file}: {record.error}")
        texts.append(record.text)
    if not texts:
        raise DataError(f"{file}: expected documents of none of the classes, got none")
    found = []
    for i, result in enumerate(classifier.classify_stream(texts, workers)):
        if not isinstance(result, Classification):
            raise DataError(f"{file}: document {i + 1}: {result}")
        found.append(result.probability)
    return np.array(found)


def measure_abstention(decisions: Decisions, out_of_scope: Floats | None = None) -> dict[str, Any]:
    """Measure what each threshold of `hdoc classify --abstain-below` would do.

    Args:
        decisions: about documents whose classes are known.
        out_of_scope: probabilities of the most probable class of documents that have none of the classes.

    Returns:
        thresholds: for each the share of documents that keep a label, how often that label is right, and,
            with out-of-scope documents, the share of those that are left without one; auroc: the chance that
            an out-of-scope document is less sure than one of the others, ties counting half.
    """
    sure = decisions.probabilities.max(axis=1)
    best = decisions.probabilities.argmax(axis=1)
    right = decisions.truth[np.arange(len(best)), best]
    rows = []
    for threshold in THRESHOLDS:
        kept = sure >= threshold
        row = {
            "below": threshold,
            "kept": float(kept.mean()),
            "accuracy": float(right[kept].mean()) if kept.any() else None,
        }
        if out_of_scope is not None:
            row["strangers_left"] = float((out_of_scope < threshold).mean())
        rows.append(row)
    # report.json has kept its older name of out-of-scope documents.
    report: dict[str, Any] = {"thresholds": rows}
    if out_of_scope is not None:
        report |= {"strangers": len(out_of_scope), "auroc": auroc(1 - out_of_scope, 1 - sure)}
    return report


def auroc(positives: Floats, negatives: Floats) -> float:
    """Return the chance that a positive scores higher than a negative; a tie counts half."""
    from sklearn.metrics import roc_auc_score

    truth = np.repeat([1, 0], [len(positives), len(negatives)])
    return float(roc_auc_score(truth, np.concatenate([positives, negatives])))


def abstention_table(report: Mapping[str, Any]) -> Table:
    """Return thresholds and what they do."""
    rows: Sequence[Mapping[str, Any]] = report["thresholds"]
    columns = ["abstain below", "keep a label", "of these right"]
    note = "Right: the most probable class is one of the document's. Done by hdoc classify --abstain-below."
    if "auroc" in report:
        columns.append("out of scope left")
        note += (
            f" AUROC of 'unsure' (one minus the highest probability) between {report['strangers']:,} "
            f"documents of none of the classes and these: {report['auroc']:.3f}."
        )
    cells = []
    for row in rows:
        accuracy = "" if row["accuracy"] is None else f"{row['accuracy']:.3f}"
        shown = [f"{row['below']:.1f}", f"{row['kept']:.1%}", accuracy]
        if "strangers_left" in row:
            shown.append(f"{row['strangers_left']:.1%}")
        cells.append(tuple(shown))
    return Table("Leaving unsure documents to people", tuple(columns), cells, note)
