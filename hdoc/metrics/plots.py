"""Plots of a model's quality: the confusion of its classes, and the reliability of its probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hdoc.metrics.classification import N_BINS, probabilities
from hdoc.tasks.temperature import UNCALIBRATED, Temperature

# Fonts with Hangul, by what systems come with; Noto's CJK fonts all have it, whatever their region.
_FONTS = (
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "NanumGothic",
    "NanumBarunGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans CJK TC",
    "Noto Sans CJK HK",
    "UnDotum",
    "Baekmuk Dotum",
)
_INK = "#1f4e79"


def korean_font() -> str | None:
    """Return an installed font that has Hangul, or None."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in _FONTS if name in installed), None)


def draw_confusion(logits: Tensor, targets: Tensor, labels: Sequence[str], path: Path) -> None:
    """Draw how often each class was taken for which; for several classes a document, hits and misses.

    Args:
        logits: (documents, classes).
        targets: (documents,), or (documents, classes) of 0 and 1.
        labels: names of the classes.
        path: the PNG to write.
    """
    if targets.is_floating_point():
        _draw_hits(logits > 0, targets > 0.5, labels, path)
        return
    n = len(labels)
    counts = torch.bincount(targets * n + logits.argmax(dim=1), minlength=n * n).reshape(n, n)
    shares = counts / counts.sum(dim=1, keepdim=True).clamp(min=1)
    side = 2.5 + 0.5 * n
    image, axes = figure(side, side)
    axes.imshow(shares.numpy(), cmap="Blues", vmin=0, vmax=1)
    for row in range(n):
        for column in range(n):
            if count := int(counts[row, column]):
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(n), labels, rotation=45, ha="right")
    axes.set_yticks(range(n), labels)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title("documents of each class (row) by what they were taken for")
    save(image, path)


def _draw_hits(predicted: Tensor, true: Tensor, labels: Sequence[str], path: Path) -> None:
    parts = {
        "found": (predicted & true, _INK),
        "missed": (~predicted & true, "#c8c8c8"),
        "wrongly given": (predicted & ~true, "#d1603d"),
    }
    image, axes = figure(8, 1.5 + 0.35 * len(labels))
    left = torch.zeros(len(labels))
    for name, (hits, colour) in parts.items():
        counts = hits.sum(dim=0).float()
        axes.barh(range(len(labels)), counts.numpy(), left=left.numpy(), color=colour, label=name)
        left = left + counts
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("documents")
    image.legend(loc="outside upper center", ncols=3)
    save(image, path)


def draw_reliability(logits: Tensor, targets: Tensor, temperature: Temperature, path: Path) -> None:
    """Draw how often the model is right when it says that it is sure, before and after calibration.

    Args:
        logits: (documents, classes).
        targets: (documents,), or (documents, classes) of 0 and 1.
        temperature: of the calibration.
        path: the PNG to write.
    """
    image, axes = figure(6, 6)
    axes.plot([0, 1], [0, 1], color="#888888", linestyle=":", label="as sure as right")
    for name, value, colour, marker in (
        ("before calibration", UNCALIBRATED, "#d1603d", "o"),
        ("after", temperature, _INK, "s"),
    ):
        sure, right = _bins(logits, targets, value)
        axes.plot(sure, right, color=colour, marker=marker, markersize=4, label=name)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_xlabel("mean probability")
    axes.set_ylabel("share that is right")
    axes.set_title(f"reliability in {N_BINS} equally wide bins")
    axes.legend(loc="lower right")
    save(image, path)


def _bins(logits: Tensor, targets: Tensor, temperature: Temperature) -> tuple[list[float], list[float]]:
    """Return mean probability and share of hits of each bin that is not empty."""
    multi_label = targets.is_floating_point()
    chances = probabilities(logits, temperature, multi_label)
    if multi_label:
        sure, right = chances.flatten(), targets.flatten().double()
    else:
        sure, classes = chances.max(dim=1)
        right = (classes == targets).double()
    bins = (sure * N_BINS).long().clamp(max=N_BINS - 1)
    counts = torch.bincount(bins, minlength=N_BINS)
    means = [torch.bincount(bins, values, N_BINS) / counts for values in (sure, right)]
    filled = counts > 0
    return means[0][filled].tolist(), means[1][filled].tolist()


def figure(width: float, height: float, n_rows: int = 1, n_columns: int = 1) -> tuple[Any, Any]:
    """Return an empty figure of a size in inches, and its axes, with a font for Hangul if there is one."""
    from matplotlib.figure import Figure

    with _fonts():
        made = Figure(figsize=(width, height), layout="constrained")
        return made, made.subplots(n_rows, n_columns)


def save(made: Any, path: Path) -> None:
    """Write a figure as PNG."""
    with _fonts():
        made.savefig(path, dpi=120)


def _fonts() -> Any:
    import matplotlib as mpl

    font = korean_font()
    return mpl.rc_context({"font.family": [*([font] if font else []), "DejaVu Sans"]})
