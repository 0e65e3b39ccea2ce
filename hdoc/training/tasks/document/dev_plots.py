"""Pictures of dev in a run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from hdoc.console import say
from hdoc.metrics.plots import draw_confusion, draw_reliability, korean_font
from hdoc.tasks.temperature import Temperature


def draw_dev(
    logits: Tensor, targets: Tensor, labels: Sequence[str], temperature: Temperature, folder: Path
) -> Path:
    """Draw confusion and reliability into `plots` in a run's folder; returns where."""
    plots = folder / "plots"
    plots.mkdir(exist_ok=True)
    if korean_font() is None:
        say(
            "no font with Hangul is known to Matplotlib, so pictures show boxes; on Debian: apt install "
            "fonts-noto-cjk, then rm ~/.cache/matplotlib/fontlist*"
        )
    draw_confusion(logits, targets, labels, plots / "confusion.png")
    draw_reliability(logits, targets, temperature, plots / "reliability.png")
    return plots
