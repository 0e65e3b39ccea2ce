"""Time and peak memory against the number of sentences, in reading and in training."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.speed.cost import Cost, compared
from benchmarks.speed.documents import n_tokens, random_document
from benchmarks.speed.shape import Shape, loaded
from hdoc.encoders.memory import bound_kernel_cache
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.tokens.batches import batch_documents


@dataclass(frozen=True, slots=True)
class Peak:
    """What a process of its own needed for one document.

    Attributes:
        task: "reading" or "training".
        n_sentences: of the document.
        n_bytes: most memory at a time; of the GPU, if that computes.
        seconds: of the task alone.
    """

    task: str
    n_sentences: int
    n_bytes: int
    seconds: float


def length_costs(classifier: DocumentClassifier, counts: Sequence[int], n_rounds: int) -> list[Cost]:
    """Measure reading documents of more and more sentences; ratios are over the first of them.

    Args:
        classifier: in torch.
        counts: sentences of each document.
        n_rounds: how often each is measured.
    """
    documents = {count: random_document(classifier, count) for count in counts}
    actions = {
        f"{count:,} sentences": partial(classifier.engine.score, [document], words=True)
        for count, document in documents.items()
    }
    costs = compared("by length", actions, 0, n_rounds)
    totals = [n_tokens(classifier, [document]) for document in documents.values()]
    return [
        Cost(cost.mix, cost.name, cost.seconds, cost.ratio, cost.low, cost.high, total)
        for cost, total in zip(costs, totals, strict=True)
    ]


def peak(task: str, n_sentences: int, shape: Shape) -> Peak:
    """Measure a task in a process of its own, which shows the most memory it ever had.

    Args:
        task: "reading", with a score for each word, or "training", one step.
        n_sentences: of the document.
        shape: of the model and where it computes.
    """
    given = json.dumps({"task": task, "n_sentences": n_sentences, "shape": asdict(shape)})
    program = "import sys; from benchmarks.speed.lengths import _measure; _measure(sys.argv[1])"
    command = [sys.executable, "-c", program, given]
    scripts = Path(__file__).parents[2]  # where the program finds the benchmarks
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=scripts)  # noqa: S603 (our own interpreter)
    return Peak(**json.loads(result.stdout))


def _measure(given: str) -> None:
    import time

    asked: Mapping[str, Any] = json.loads(given)
    if asked["task"] == "training":
        bound_kernel_cache()
    classifier = loaded(Shape(**asked["shape"]))
    document = random_document(classifier, asked["n_sentences"])
    start = time.perf_counter()
    if asked["task"] == "training":
        _train(classifier, [window.ids for window in document])
    else:
        classifier.engine.score([document], words=True)
    found = Peak(asked["task"], asked["n_sentences"], _peak(classifier.device), time.perf_counter() - start)
    sys.stdout.write(json.dumps(asdict(found)))


def _train(classifier: DocumentClassifier, windows: Sequence[Sequence[int]]) -> None:
    """Do one training step on a document, in bfloat16 as trainings do."""
    network = classifier.network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-5)
    batch = batch_documents([windows], classifier.tokenizer)
    with torch.autocast(classifier.device.type, torch.bfloat16):
        logits = network(batch).logits
        loss = nn.functional.cross_entropy(logits, torch.zeros(1, dtype=torch.long, device=logits.device))
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def _peak(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
