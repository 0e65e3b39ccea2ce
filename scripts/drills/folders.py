"""Model folders that are half written, damaged or hostile are refused, and nothing of them runs."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

from drills.hostile_folders import TRAP, harms, sign
from drills.outcome import Outcome, attempt
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.tasks.document.folder.loading import load_model
from hdoc.tasks.document.folder.model import PARTS

_TEXT = "버스가 제때 오지 않아 출근길이 힘듭니다. 노선을 늘려 주세요."


def drill_half_written(model: Path, folder: Path) -> Outcome:
    """Load a model of which each file is missing, empty or cut short, with and without its checksums.

    Args:
        model: a whole model folder.
        folder: an empty one to work in.
    """
    outcome = Outcome("a half-written model folder is refused and the file named")
    for part in (*PARTS, "checksums.json"):
        size = (model / part).stat().st_size
        for length in (None, 0, 1, size // 2, size - 2):
            copy = _copy(model, folder)
            if length is None:
                (copy / part).unlink()
            else:
                (copy / part).write_bytes((model / part).read_bytes()[:length])
            what = f"{part} {'missing' if length is None else f'cut to {length} bytes'}"
            _must_be_refused(outcome, what, copy, part)
    return outcome


def drill_changed_bytes(model: Path, folder: Path, n_changes: int, seed: int = 0) -> Outcome:
    """Change one bit of one file and load the model, again and again.

    Args:
        model: a whole model folder.
        folder: an empty one to work in.
        n_changes: how often, evenly over the files.
        seed: of the places.
    """
    outcome = Outcome("one changed bit in any file of a model is noticed and the file named")
    choose = random.Random(seed)  # noqa: S311 (no secret)
    copy = _copy(model, folder)
    for i in range(n_changes):
        part = PARTS[i % len(PARTS)]
        content = bytearray((model / part).read_bytes())
        place, bit = choose.randrange(len(content)), choose.randrange(8)
        content[place] ^= 1 << bit
        (copy / part).write_bytes(content)
        _must_be_refused(outcome, f"bit {bit} of byte {place} of {part}", copy, part)
        shutil.copyfile(model / part, copy / part)
    return outcome


def drill_hostile(model: Path, folder: Path) -> Outcome:
    """Load folders whose checksums are right and whose content is meant to do harm, and classify with them.

    Each must be refused, or do no more than a model may: nothing of it runs, and it ends soon.

    Args:
        model: a whole model folder.
        folder: an empty one to work in.
    """
    outcome = Outcome("a hostile model folder does nothing but give an error")
    sprung = folder / "sprung"
    os.environ[TRAP] = str(sprung)
    refused = 0
    for what, harm in harms():
        copy = _copy(model, folder)
        harm(copy)
        sign(copy)
        error = attempt(outcome, what, lambda copy=copy: _use(copy), seconds=30)  # type: ignore[misc]
        refused += error is not None
        if sprung.exists():
            outcome.failures.append(f"{what}: code of the folder was run")
            sprung.unlink()
    outcome.figures["refused"] = str(refused)
    outcome.figures["loaded without harm"] = str(outcome.n_tries - refused - len(outcome.failures))
    return outcome


def _use(folder: Path) -> None:
    classifier = DocumentClassifier(load_model(folder), "cpu")
    result = classifier.classify([_TEXT])[0]
    explanation = classifier.explain(_TEXT)
    if not 0 <= result.probability <= 1 or explanation.label != result.label:
        raise ValueError(f"{result.label} with probability {result.probability}")


def _must_be_refused(outcome: Outcome, what: str, folder: Path, part: str) -> None:
    error = attempt(outcome, what, lambda: load_model(folder))
    if error is None:
        if len(outcome.failures) == 0 or not outcome.failures[-1].startswith(what):
            outcome.failures.append(f"{what}: was loaded")
    elif part not in str(error) and "checksums.json" not in str(error):
        outcome.failures.append(f"{what}: not named in: {error}")


def _copy(model: Path, folder: Path) -> Path:
    target = folder / "model"
    shutil.rmtree(target, ignore_errors=True)
    return shutil.copytree(model, target)
