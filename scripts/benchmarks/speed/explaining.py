"""Ways to explain one document beside classifying it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from benchmarks.speed.cost import Action, Cost, compared
from benchmarks.speed.documents import n_tokens
from hdoc.faithfulness.attribution import explain_by
from hdoc.faithfulness.deletion import Scorer, SplitText
from hdoc.faithfulness.gradients import captum_methods
from hdoc.tasks.document.classifier import DocumentClassifier

# The default of the authors' own code for texts (Ribeiro et al. 2016).
LIME_SAMPLES = 5000
_TEXTS_AT_ONCE = 64


def explaining_costs(
    classifier: DocumentClassifier, text: str, n_rounds: int, n_samples: int = LIME_SAMPLES // 10
) -> list[Cost]:
    """Measure each way of explaining beside classifying the same text, which is split already.

    Args:
        classifier: in torch.
        text: the document.
        n_rounds: how often each is measured.
        n_samples: texts that LIME is measured with; its cost is scaled to 5,000, its usual number.
    """
    sentences = classifier.split(text)
    windows = classifier.tokenizer.windows(text, sentences)
    lime = f"LIME, 5,000 samples ({n_samples:,} measured, times {LIME_SAMPLES / n_samples:g})"
    actions: dict[str, Action] = {"classifying": partial(classifier.engine.score, [windows])}
    for name, method in (
        ("hdoc's contributions", "contribution"),
        ("gradient x embedding", "gradient"),
        ("integrated gradients, 50 steps", "integrated-gradients"),
        ("occlusion, word by word", "occlusion"),
    ):
        actions[name] = partial(explain_by, method, classifier, text, sentences=sentences)  # type: ignore[arg-type]
    actions[lime] = partial(explain_by_lime, classifier, text, n_samples)
    costs = compared("explaining one petition", actions, n_tokens(classifier, [windows]), n_rounds)
    return [_scaled(cost, LIME_SAMPLES / n_samples) if cost.name == lime else cost for cost in costs]


def explain_by_lime(classifier: DocumentClassifier, text: str, n_samples: int) -> list[float]:
    """Explain the most probable class by LIME: words are deleted at random, a linear model imitates.

    Args:
        classifier: the model.
        text: the document.
        n_samples: texts that are classified.

    Returns:
        The weight of each word, in order.
    """
    explanation = classifier.explain(text)
    split = SplitText.of(text, explanation)
    direction = classifier.classes.direction(explanation.target)
    scorer = Scorer(classifier)

    def logits(kept: Tensor) -> Tensor:
        return torch.from_numpy(scorer.logits(split.with_words(row) for row in kept.numpy() > 0) @ direction)

    lime = captum_methods("LIME").Lime(logits)
    words = torch.ones(1, split.n_words)
    weights: Tensor = lime.attribute(words, n_samples=n_samples, perturbations_per_eval=_TEXTS_AT_ONCE)
    return [float(weight) for weight in weights[0]]


def _scaled(cost: Cost, factor: float) -> Cost:
    return replace(
        cost,
        seconds=cost.seconds * factor,
        ratio=cost.ratio * factor,
        low=cost.low * factor,
        high=cost.high * factor,
    )
