"""The figures as tables, for a terminal and for a Markdown file; every table says how it was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hdoc.evaluation.evidence import ClassEvidence
from hdoc.evaluation.quality import N_RESAMPLES
from hdoc.evaluation.summary import sanity
from hdoc.rendering.table import Table

_WORDS_SHOWN = 8
_DELETION = (
    "Probability (calibrated) of the explained class that is lost; means over {explanations} explanations of "
    "{documents} documents with 95 % bootstrap intervals. Comprehensiveness: without the strongest parts, "
    "high is good. Sufficiency: with nothing but them, low is good. Unit: words are eojeol (runs without "
    "white space), bins 1, 5, 10, 20, 50 % of them, rounded up; sentences in bins of 1, 2, 3, 5. Removal: "
    "parts are deleted, not masked; the sentences' borders stay. random: mean of {random_draws} random "
    "orders. random weights: the order of a model with shuffled weights, shuffled anew for each document, "
    "judged by this one. τ: Kendall's τ-b of word scores with leave-one-out, which is what occlusion is."
)


def quality_tables(quality: Mapping[str, Any]) -> list[Table]:
    """Return quality overall, by class and by length."""
    spread = quality["intervals"]
    names = ("macro_f1", "micro_f1", "accuracy", "subset_accuracy", "ece", "loss")
    overall = [
        (name, f"{quality[name]:.4f}", _interval(spread.get({"subset_accuracy": "accuracy"}.get(name, name))))
        for name in names
        if name in quality
    ]
    chance = quality["ece_if_calibrated"]
    return [
        Table(
            "Quality",
            ("figure", "value", "95 %"),
            overall,
            f"{quality['documents']:,} documents; ECE over 15 equally wide bins: by chance alone, were every "
            f"probability exactly right, it would be {chance['mean']:.3f}, and rarely above "
            f"{chance['high']:.3f}; intervals from "
            f"{N_RESAMPLES:,} resamples of the documents. Classes that neither occur nor were given do not "
            "count in macro-F1.",
        ),
        Table(
            "Quality by class",
            ("class", "documents", "precision", "recall", "F1"),
            [
                (
                    row["label"],
                    f"{row['documents']:,}",
                    *(f"{row[k]:.3f}" for k in ("precision", "recall", "f1")),
                )
                for row in quality["by_class"]
            ],
        ),
        Table(
            "Quality by length",
            ("characters", "documents", "macro-F1", "accuracy"),
            [
                (
                    f"{row['from']:,}–{row['to'] - 1:,}" if row["to"] else f"from {row['from']:,}",
                    f"{row['documents']:,}",
                    f"{row['macro_f1']:.3f}",
                    f"{row['accuracy']:.3f}",
                )
                for row in quality["by_length"]
            ],
            "macro-F1 over the classes that occur, or were given, in the bucket.",
        ),
    ]


def parts_tables(parts: Sequence[Mapping[str, Any]]) -> list[Table]:
    """Return how good each part of the model is alone; nothing if there is but one."""
    if not parts:
        return []
    rows = []
    for row in parts:
        cells = [row["part"]]
        for name in ("macro_f1", "accuracy"):
            cells += [f"{row[name]:.4f}", _interval(row["intervals"][name])]
        rows.append(tuple(cells))
    return [
        Table(
            "Parts of the model, each alone",
            ("part", "macro-F1", "95 %", "accuracy", "95 %"),
            rows,
            "The model's scores are the sum of these parts' scores. words: TF-IDF of their "
            "pieces and character n-grams.",
        )
    ]


def explanation_tables(summary: Mapping[str, Any]) -> list[Table]:
    """Return what was measured of explanations: faithfulness, plausibility, cost, agreement."""
    methods = summary["methods"]
    tables = []
    if any("word" in method for method in methods.values()):
        tables += _faithfulness(summary)
    if any("auprc" in method for method in methods.values()):
        tables.append(
            Table(
                "Plausibility: agreement with people's rationales",
                ("method", "AUPRC", "95 %", "of sentence means", "95 %", "token F1"),
                [
                    (
                        name,
                        f"{method['auprc']:.3f}",
                        _interval(method["auprc_interval"]),
                        f"{method['auprc_sentences']:.3f}",
                        _interval(method["auprc_sentences_interval"]),
                        f"{method['token_f1']:.3f}",
                    )
                    for name, method in methods.items()
                    if "auprc" in method
                ],
                "Word scores for the explained class against the words that people marked; means over "
                "documents; F1 at the mean share of marked words. Of sentence means: each word with the mean "
                "score of its sentence. random: mean of 10 random orders.",
            )
        )
    if any("own_name" in method for method in methods.values()):
        tables.append(_own_name(methods))
    tables.append(_cost(methods))
    if summary["seeds"]:
        tau = f"{summary['seeds']['kendall']:.3f}"
        tables.append(
            Table(
                "Agreement between seeds",
                ("figure", "value"),
                [("Kendall's τ-b of word contributions", tau)],
                f"Mean over {summary['seeds']['pairs']:,} pairs of models and documents.",
            )
        )
    return tables


def evidence_table(evidence: Sequence[ClassEvidence], page: Path) -> Table:
    """Return the strongest words of each class; the page has all else."""
    strongest = [
        (
            found.label,
            ", ".join(item.text for item in found.words_for[:_WORDS_SHOWN]),
            ", ".join(item.text for item in found.words_against[:_WORDS_SHOWN]),
        )
        for found in evidence
    ]
    note = f"Words only, strongest first; sentences, numbers and documents: {page}"
    return Table("Evidence by class", ("class", "for", "against"), strongest, note, 3)


def _faithfulness(summary: Mapping[str, Any]) -> list[Table]:
    verdicts = sanity(summary)
    tables = []
    for unit, passed in verdicts.items():
        rows = []
        for name, method in summary["methods"].items():
            cells = [name]
            for figure in ("comprehensiveness", "sufficiency"):
                cells.append(f"{method[unit][figure]:.3f}")
                cells.append(_interval(method[unit][f"{figure}_interval"]))
            if unit == "word":
                cells.append(f"{method['leave_one_out']:.3f}" if "leave_one_out" in method else "")
            rows.append(tuple(cells))
        columns = ("method", "compr.", "95 %", "suff.", "95 %", *(["τ"] if unit == "word" else []))
        verdict = "is no better than" if passed else "STILL BEATS"
        note = f"Control: with random weights the order of {unit}s {verdict} a random one."
        if unit == "word":
            note = f"{_DELETION.format(**summary)} {note}"
        tables.append(Table(f"Faithfulness: {unit}s", columns, rows, note))
    return tables


def _own_name(methods: Mapping[str, Any]) -> Table:
    named = {name: method["own_name"] for name, method in methods.items() if "own_name" in method}
    n = next(iter(named.values()))["documents"]
    return Table(
        "Known evidence: the class's own name in the text",
        ("method", "holds the top word", "in the top 3 sentences"),
        [
            (name, f"{found['top_word']:.1%}", f"{found['top_sentences']:.1%}")
            for name, found in named.items()
        ],
        f"Over the {n:,} explained texts in which the name of the explained class occurs.",
    )


def _cost(methods: Mapping[str, Any]) -> Table:
    rows = []
    for name, method in methods.items():
        if "seconds" in method:
            times = f"{method['times_contribution']:.1f}" if "times_contribution" in method else ""
            peak = f"{method['peak_bytes'] / 2**20:,.0f}" if "peak_bytes" in method else ""
            rows.append((name, f"{method['seconds']:.3f}", times, peak))
    return Table(
        "Cost of an explanation",
        ("method", "seconds", "times contribution", "peak MiB"),
        rows,
        "Seconds: mean over explanations, without the division into sentences, which all methods share. "
        "Memory: the most that any explanation took beyond what was in use. Of a text without one word, "
        "occlusion encodes only the sentence that changed.",
    )


def _interval(values: Sequence[float] | None) -> str:
    return f"{values[0]:.3f}…{values[1]:.3f}" if values else ""
