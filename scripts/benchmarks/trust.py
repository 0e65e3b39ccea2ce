"""Whether explanations can be trusted as far as hdoc promises: what `hdoc evaluate` found, beside targets.

`hdoc evaluate` does the measuring, so that a long one goes on where it was when it was killed. Each target is
about a mean over documents; the intervals stand in the evaluation's own report.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

Kind = Literal["faithfulness", "known-evidence", "rationales"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_SLOW = ("integrated-gradients", "occlusion")
_SPEED = 50  # times as fast as the slow methods
_TOLERANCE = 0.10
_TOP_WORD, _TOP_SENTENCES = 0.90, 0.95
_SHOWN = ("word", "sentence", "leave_one_out", "times_contribution")
_AGREEMENT = ("auprc", "auprc_interval", "auprc_sentences", "auprc_sentences_interval")
_AUPRC = 0.417  # of attention in ERASER (DeYoung et al. 2020)


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and what it should be.

    Attributes:
        name: what was measured.
        value: the figure.
        limit: what it is held against.
        sign: 1 if it should be at least the limit, -1 if at most.
    """

    name: str
    value: float
    limit: float
    sign: Literal[1, -1] = 1

    @property
    def reached(self) -> bool:
        """Whether the figure is as it should be."""
        return self.sign * (self.value - self.limit) >= 0


def evaluated(
    kind: Kind, model: str, data: str, folder: Path, documents: int, options: Sequence[str] = ()
) -> dict[str, Any]:
    """Run `hdoc evaluate`, or go on with it, and return its report.

    Args:
        kind: which figures are wanted.
        model: a model folder; - for the model that comes with hdoc.
        data: labelled documents.
        folder: where results and progress are kept.
        documents: how many are explained.
        options: more of `hdoc evaluate`.

    Raises:
        subprocess.CalledProcessError: it failed; it has said why.
    """
    asked = {
        "faithfulness": ["--faithfulness"],
        "known-evidence": ["--known-evidence", "--methods", "contribution", "attention"],
        "rationales": ["--rationales", "--methods", "contribution", "attention"],
    }[kind]
    command = [sys.executable, "-m", "hdoc", "evaluate", model, data, *asked, "-o", str(folder)]
    subprocess.run([*command, "--documents", str(documents), *options], check=True)  # noqa: S603 (our own interpreter)
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report


def targets(kind: Kind, report: Mapping[str, Any]) -> list[Target]:
    """Return the targets of a kind with what a report says of them."""
    methods = report["explanations"]["methods"]
    if kind == "rationales":
        return [Target("AUPRC of word scores", methods["contribution"]["auprc"], _AUPRC)]
    if kind == "known-evidence":
        found = methods["contribution"]["own_name"]
        return [
            Target("the class's own name holds the top word", found["top_word"], _TOP_WORD),
            Target("it is in one of the top 3 sentences", found["top_sentences"], _TOP_SENTENCES),
        ]
    return list(_faithfulness(methods))


def rows(kind: Kind, report: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return what a report says of each method, as a table of a result."""
    methods = report["explanations"]["methods"].items()
    if kind == "known-evidence":
        return {
            "own_name": [
                {"method": name, **found["own_name"]} for name, found in methods if "own_name" in found
            ]
        }
    kept = _SHOWN if kind == "faithfulness" else _AGREEMENT
    table = [
        {"method": name} | {key: _shown(found[key]) for key in kept if key in found}
        for name, found in methods
    ]
    return {kind: table}


def about(report: Mapping[str, Any]) -> dict[str, str]:
    """Return the model and the documents of a report, in words."""
    settings, explained = report["settings"], report["explanations"]
    return {"model": settings["model"], "documents": f"{explained['documents']} of {settings['data']}"}


def _shown(figures: Any) -> Any:
    """Return figures without their curves."""
    if not isinstance(figures, Mapping):
        return figures
    return {name: value for name, value in figures.items() if name.startswith(("compr", "suff"))}


def _faithfulness(methods: Mapping[str, Any]) -> Iterator[Target]:
    own = methods["contribution"]
    for unit in ("word", "sentence"):
        signs: tuple[tuple[str, Literal[1, -1]], ...] = (("comprehensiveness", 1), ("sufficiency", -1))
        for figure, sign in signs:
            value = own[unit][figure]
            for other in ("random", "attention"):
                yield Target(
                    f"{figure} by {unit}s, beside {other}", value, methods[other][unit][figure], sign
                )
            known = [methods[name][unit][figure] for name in _SLOW if name in methods]
            if known:
                best = sign * max(sign * each for each in known)
                # A share of a figure near 0, or below, is no distance; that of its size is.
                limit = best - sign * _TOLERANCE * abs(best)
                yield Target(f"{figure} by {unit}s, beside 10 % off the best slow method", value, limit, sign)
        low, high = methods["random"][unit]["comprehensiveness_interval"]
        found = methods["random weights"][unit]["comprehensiveness"]
        name = f"comprehensiveness by {unit}s with random weights, beside a random order's interval"
        yield Target(f"{name} ({low:.3f} to {high:.3f})", found, high, -1)
    for slow in _SLOW:
        if slow in methods:
            yield Target(f"times as fast as {slow}", methods[slow]["seconds"] / own["seconds"], _SPEED)
