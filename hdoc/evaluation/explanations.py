"""Evaluates the explanations of one document after the other, by several methods, all on the same terms.

What is deleted to judge a method is always judged by the model that was explained: also for the control
`random weights`, whose order of words comes from a network with the same weights in shuffled places. Each
document has a shuffle of its own: one for all may happen to tell words apart, and no number of documents
would show that it was chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdoc.evaluation.agreement import (
    auprc,
    finds_spans,
    kendall,
    marked_words,
    sentence_means,
    token_f1,
    word_scores,
)
from hdoc.evaluation.cost import measured
from hdoc.evaluation.examples import Example
from hdoc.evaluation.progress_file import ProgressFile
from hdoc.evaluation.random_weights import randomised
from hdoc.evaluation.units_and_controls import RANDOM, RANDOM_WEIGHTS, UNITS
from hdoc.explanation import Explanation
from hdoc.faithfulness.attribution import explain_by
from hdoc.faithfulness.deletion import Scorer, SplitText
from hdoc.faithfulness.erasure import Erasure, Order, erasure, random_orders, ranking
from hdoc.faithfulness.methods import Method
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.text.sentences import FindSentences, Sentence

_WARM_UP = 200


@dataclass(frozen=True)
class ExplanationEvaluator:
    """Evaluates the explanations of one model.

    Args:
        classifier: the model.
        find_sentences: divides a text into sentences.
        methods: to measure.
        faithfulness: whether to delete words and sentences; else only plausibility and cost are measured.
        others: the same model from other seeds, for the agreement of their contributions.
        marked_share: share of the words that people mark, for token F1.
        seed: of random orders and random weights.
    """

    classifier: DocumentClassifier
    find_sentences: FindSentences
    methods: Sequence[Method]
    faithfulness: bool = True
    others: Sequence[DocumentClassifier] = ()
    marked_share: float = 0.0
    seed: int = 0

    def warm_up(self, text: str) -> None:
        """Have each method run once, so that none pays for what is loaded on first use."""
        sentences = self.find_sentences(text[:_WARM_UP])
        for method in self.methods:
            explain_by(method, self.classifier, text[:_WARM_UP], sentences=sentences)

    def targets(self, text: str) -> list[str]:
        """Return the classes of a document that are explained: all assigned ones, or the most probable."""
        analysis = self.classifier.analyse([(text, self.find_sentences(text))])[0]
        if isinstance(analysis, Exception):
            raise analysis
        chances = analysis.classification().probabilities
        return self.classifier.classes.assigned(chances)

    def measure(self, row: int, example: Example, target: str) -> dict[str, Any]:
        """Measure all methods on one document and class; returns plain data.

        Args:
            row: number of the document, a part of the seed of its random orders and weights.
            example: the document.
            target: the class to explain.
        """
        text = example.text
        sentences = self.find_sentences(text)
        methods: dict[str, dict[str, Any]] = {}
        found: dict[str, Explanation] = {}
        for method in self.methods:

            def explain(method: Method = method) -> Explanation:
                return explain_by(method, self.classifier, text, target, sentences=sentences)

            explanation, cost = measured(explain, self.classifier.device)
            found[method] = explanation
            methods[method] = {"seconds": cost.seconds, "peak_bytes": cost.peak_bytes}
        plain = next(iter(found.values()))
        if self.faithfulness:
            shuffled = randomised(self.classifier, [self.seed, row])
            found[RANDOM_WEIGHTS] = explain_by("contribution", shuffled, text, target, sentences=sentences)
            methods[RANDOM_WEIGHTS] = {}
        methods[RANDOM] = {}
        self._plausibility(methods, found, example, row)
        whole = self._faithfulness(methods, found, SplitText.of(text, plain), row, target)
        return {
            "id": example.id,
            "target": target,
            "probability": whole,
            "n_words": len(word_scores(plain)),
            "n_sentences": len(plain.sentences),
            "methods": methods,
            "seeds": self._seeds(text, target, sentences),
        }

    def _faithfulness(
        self,
        methods: dict[str, dict[str, Any]],
        found: dict[str, Explanation],
        split: SplitText,
        row: int,
        target: str,
    ) -> float | None:
        """Add what deletion shows; returns the target's probability in the whole text."""
        if not self.faithfulness:
            return None
        scorer = Scorer(self.classifier)
        whole = 0.0
        for unit in UNITS:
            n_parts = split.n_words if unit == "word" else len(split.sentences)
            orders: list[Order] = [ranking(explanation, unit)[0] for explanation in found.values()]
            orders += random_orders(n_parts, [self.seed, row])
            erasures = erasure(scorer, split, target, orders, unit)
            whole = erasures[0].whole
            for name, one in zip(found, erasures, strict=False):
                methods[name][unit] = _curves([one])
            methods[RANDOM][unit] = _curves(erasures[len(found) :])
        if "occlusion" in found:
            left_out = word_scores(found["occlusion"])
            for name, explanation in found.items():
                methods[name]["leave_one_out"] = kendall(word_scores(explanation), left_out)
        return whole

    def _plausibility(
        self,
        methods: dict[str, dict[str, Any]],
        found: dict[str, Explanation],
        example: Example,
        row: int,
    ) -> None:
        """Add how the scores agree with what people marked, and whether they find the class's own name."""
        plain = next(iter(found.values()))
        own_name = [match.span() for match in re.finditer(re.escape(plain.target), example.text)]
        for name, explanation in found.items():
            if own_name:
                methods[name]["own_name"] = finds_spans(explanation, own_name)
        if example.rationale is None:
            return
        marked = marked_words(plain, example.rationale)
        for name, explanation in found.items():
            methods[name].update(self._agreement(plain, [word_scores(explanation)], marked))
        orders = random_orders(len(marked), [self.seed, row])
        scorings = [-order.astype(float) for order in orders]
        methods[RANDOM].update(self._agreement(plain, scorings, marked))

    def _agreement(
        self, plain: Explanation, scorings: Sequence[NDArray[np.float64]], marked: NDArray[np.bool_]
    ) -> dict[str, float | None]:
        areas = [auprc(scores, marked) for scores in scorings]
        means = [auprc(sentence_means(plain, scores), marked) for scores in scorings]
        f1s = [token_f1(scores, marked, self.marked_share) for scores in scorings]
        return {"auprc": _mean(areas), "auprc_sentences": _mean(means), "token_f1": _mean(f1s)}

    def _seeds(self, text: str, target: str, sentences: Sequence[Sentence]) -> list[float]:
        """Return Kendall's τ of the words' contributions between all pairs of models."""
        if not self.others:
            return []
        scorings = [
            word_scores(explain_by("contribution", classifier, text, target, sentences=sentences))
            for classifier in (self.classifier, *self.others)
        ]
        pairs = [
            kendall(scorings[i], scorings[k])
            for i in range(len(scorings))
            for k in range(i + 1, len(scorings))
        ]
        return [value for value in pairs if value is not None]


def measure_sample(
    evaluator: ExplanationEvaluator,
    examples: Sequence[Example],
    chosen: Sequence[int],
    progress_file: ProgressFile,
    advance: Callable[[], None] = lambda: None,
) -> list[dict[str, Any]]:
    """Measure the explanations of some documents that are not in the progress file yet.

    Args:
        evaluator: of the model.
        examples: the data set.
        chosen: numbers of the documents to explain.
        progress_file: of explanations, open.
        advance: called after each document.

    Returns:
        A row for each document and class, in the order of `chosen`.
    """
    waiting = [number for number in chosen if str(number) not in progress_file]
    if waiting:
        evaluator.warm_up(examples[waiting[0]].text)
    for number in waiting:
        example = examples[number]
        targets = evaluator.targets(example.text)
        rows = [evaluator.measure(number, example, target) for target in targets]
        progress_file.add(str(number), rows)
        advance()
    return [row for number in chosen for row in progress_file.rows[str(number)]]


def _curves(erasures: Sequence[Erasure]) -> dict[str, list[float]]:
    """Return the mean curves of some orders of the same document."""
    return {
        "without": np.mean([one.without for one in erasures], axis=0).tolist(),
        "only": np.mean([one.only for one in erasures], axis=0).tolist(),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
