"""Pictures of faithfulness: what becomes of the probability as words or sentences go, and bars by method."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hdoc.metrics.plots import figure, save

# Told apart by colour-blind readers (Okabe and Ito 2008).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


def draw_curves(summary: Mapping[str, Any], unit: str, path: Path) -> None:
    """Draw the mean probability without, and with nothing but, the strongest parts; bands hold 95 %.

    Args:
        summary: of `summarise`, with faithfulness.
        unit: "word" or "sentence".
        path: the PNG to write.
    """
    bins = [str(n) for n in summary["sentence_bins"]]
    if unit == "word":
        bins = [f"{share:.0%}" for share in summary["word_bins"]]
    image, (deletion, insertion) = figure(12, 4.5, n_columns=2)
    for axes, key, title in (
        (deletion, "without", f"strongest {unit}s deleted (lower is better)"),
        (insertion, "only", f"nothing but the strongest {unit}s (higher is better)"),
    ):
        for colour, (name, method) in zip(_COLOURS, summary["methods"].items(), strict=False):
            low, high = zip(*method[unit][f"{key}_intervals"], strict=True)
            style = ":" if name.startswith("random") else "-"
            axes.plot(bins, method[unit][key], style, color=colour, marker="o", markersize=3, label=name)
            axes.fill_between(bins, low, high, color=colour, alpha=0.12, linewidth=0)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel(f"{unit}s")
        axes.axhline(
            summary["probability"], color="#888888", linewidth=0.8, linestyle="--", label="whole text"
        )
        axes.set_ylim(-0.02, 1.02)
    deletion.set_ylabel("probability of the explained class")
    image.legend(*deletion.get_legend_handles_labels(), loc="outside right center", fontsize=8)
    save(image, path)


def draw_bars(summary: Mapping[str, Any], path: Path) -> None:
    """Draw comprehensiveness and sufficiency of each method, with intervals.

    Args:
        summary: of `summarise`, with faithfulness.
        path: the PNG to write.
    """
    names = list(summary["methods"])
    image, panels = figure(11, 6.5, n_rows=2, n_columns=2)
    for row, unit in enumerate(("word", "sentence")):
        for column, (name, aim) in enumerate((("comprehensiveness", "high"), ("sufficiency", "low"))):
            axes = panels[row][column]
            values = [summary["methods"][method][unit][name] for method in names]
            spreads = [summary["methods"][method][unit][f"{name}_interval"] for method in names]
            below = [max(0.0, value - low) for value, (low, _) in zip(values, spreads, strict=True)]
            above = [max(0.0, high - value) for value, (_, high) in zip(values, spreads, strict=True)]
            axes.barh(names, values, xerr=(below, above), color=_COLOURS[: len(names)], capsize=3)
            axes.invert_yaxis()
            axes.set_title(f"{name} by {unit}s ({aim} is good)", fontsize=10)
            axes.axvline(0, color="#888888", linewidth=0.8)
    save(image, path)
