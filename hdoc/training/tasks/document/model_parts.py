"""What network and scores of words come to alone, as if each were a fit of its own.

The network is trained, and its best checkpoint chosen, without a look at the scores of words,
which are fitted afterwards: so either is exactly what a fit without the other would have left.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path

from torch import Tensor

from hdoc.metrics.classification import figures
from hdoc.tasks.document.lexical import LexicalScores
from hdoc.tasks.temperature import UNCALIBRATED
from hdoc.training.data.module import DocumentData
from hdoc.training.outcome import Outcome, Scores, write_outcome
from hdoc.training.tasks.calibration import fit_temperature
from hdoc.training.tasks.document.lexical import lexical_logits

NETWORK, WORDS = "network", "words"


def write_parts(
    folder: Path,
    whole: Outcome,
    scores: Scores,
    lexical: LexicalScores | None,
    data: DocumentData,
    lexical_seconds: float,
) -> None:
    """Write the outcome of the network alone, and of words alone if they are in the sum.

    Args:
        folder: of the run.
        whole: the outcome of the sum.
        scores: of the sum, for each split.
        lexical: what was added to the network's scores, if anything was.
        data: the documents of the splits.
        lexical_seconds: that fitting it took.
    """
    if lexical is None:
        _write(folder, NETWORK, whole, scores)
        return
    words: dict[str, tuple[Tensor, Tensor]] = {}
    seconds: dict[str, float] = {}
    for split, (logits, targets) in scores.items():
        start = time.monotonic()
        words[split] = lexical_logits(lexical, data.texts(split)).to(logits), targets
        seconds[split] = time.monotonic() - start
    network = {split: (logits - words[split][0], targets) for split, (logits, targets) in scores.items()}
    n_parameters, test_seconds = lexical.weights.size + lexical.bias.size, seconds.get("test", 0.0)
    alone = replace(
        whole,
        n_parameters=whole.n_parameters - n_parameters,
        test_seconds=max(0.0, whole.test_seconds - test_seconds),
    )
    _write(folder, NETWORK, alone, network)
    beside = replace(
        whole, n_parameters=n_parameters, train_seconds=lexical_seconds, test_seconds=test_seconds
    )
    _write(folder, WORDS, beside, words)


def _write(folder: Path, part: str, outcome: Outcome, scores: Scores) -> None:
    temperature = fit_temperature(*scores["dev"]) if "dev" in scores else UNCALIBRATED
    labels = outcome.facts["labels"]
    splits = {split: figures(*values, labels, temperature) for split, values in scores.items()}
    facts = {**outcome.facts, "temperature": asdict(temperature)}
    write_outcome(folder / "parts" / part, replace(outcome, facts=facts, splits=splits), scores)
