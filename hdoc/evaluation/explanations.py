"""Measures the explanations of one document after the other, by several methods, all on the same terms.

What is deleted to judge a method is always judged by the model that was explained: also for the control
`random weights`, whose order of words comes from a network with the same weights in shuffled places. Each
document has a shuffle of its own: one for all may happen to tell words apart, and no number of documents
would show that it was chance.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hdoc.evaluation.agreement import (
    auprc,
    kendall,
    marked_words,
    sentence_means,
    token_f1,
    word_scores,
)
from hdoc.evaluation.cost import measured
from hdoc.evaluation.examples import Example
from hdoc.evaluation.names import RANDOM, RANDOM_WEIGHTS, UNITS
from hdoc.explanation import Explanation
from hdoc.faithfulness.attribution import Method, explain_by
from hdoc.faithfulness.deletion import Scorer, SplitText
from hdoc.faithfulness.erasure import Erasure, Order, erasure, random_orders, ranking
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.text.sentences import Sentence

N_TOP_SENTENCES = 3
_WARM_UP = 200


@dataclass(frozen=True)
class ExplanationMeter:
    """Measures explanations of one model.

    Args:
        classifier: the model.
        split: divides a text into sentences.
        methods: to measure.
        faithfulness: whether to delete words and sentences; else only plausibility and cost are measured.
        others: the same model from other seeds, for the agreement of their contributions.
        marked_share: share of the words that people mark, for token F1.
        seed: of random orders and random weights.
    """

    classifier: DocumentClassifier
    split: Callable[[str], list[Sentence]]
    methods: Sequence[Method]
    faithfulness: bool = True
    others: Sequence[DocumentClassifier] = ()
    marked_share: float = 0.0
    seed: int = 0

    def warm_up(self, text: str) -> None:
        """Have each method run once, so that none pays for what is loaded on first use."""
        sentences = self.split(text[:_WARM_UP])
        for method in self.methods:
            explain_by(method, self.classifier, text[:_WARM_UP], sentences=sentences)

    def targets(self, text: str) -> list[str]:
        """Return the classes of a document that are explained: all assigned ones, or the most probable."""
        analysis = self.classifier.analyse([(text, self.split(text))])[0]
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
        sentences = self.split(text)
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
                methods[name]["own_name"] = _finds(explanation, own_name)
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


def randomised(classifier: DocumentClassifier, seed: Sequence[int]) -> DocumentClassifier:
    """Return the classifier with the values of each weight tensor shuffled (after Adebayo et al. 2018).

    Args:
        classifier: stays as it is.
        seed: any number of integers, not negative.
    """
    changed = copy.copy(classifier)
    changed.engine = copy.deepcopy(classifier.engine)
    changed.engine.origin = np.zeros(len(classifier.labels))  # the origin belongs to the weights
    generator = torch.Generator().manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    with torch.no_grad():
        for parameter in changed.network.parameters():
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].reshape(parameter.shape))
    if changed.lexical is not None:
        # How rare a piece is was learnt too, and would still tell words that say much from those that do not.
        idf, weights = (
            values.ravel()[torch.randperm(values.size, generator=generator).numpy()].reshape(values.shape)
            for values in (changed.lexical.idf, changed.lexical.weights)
        )
        changed.lexical = replace(changed.lexical, idf=idf, weights=weights)
    return changed


def _curves(erasures: Sequence[Erasure]) -> dict[str, list[float]]:
    """Return the mean curves of some orders of the same document."""
    return {
        "without": np.mean([one.without for one in erasures], axis=0).tolist(),
        "only": np.mean([one.only for one in erasures], axis=0).tolist(),
    }


def _finds(explanation: Explanation, spans: Sequence[tuple[int, int]]) -> dict[str, bool]:
    """Return whether the top word, and one of the top sentences, hold one of the spans."""
    words = [word for sentence in explanation.sentences for word in sentence.words]
    top_word = words[int(ranking(explanation, "word")[0][0])]
    top_sentences = ranking(explanation, "sentence")[0][:N_TOP_SENTENCES].tolist()
    return {
        "top_word": any(start < top_word.end and top_word.start < end for start, end in spans),
        "top_sentences": any(
            start < explanation.sentences[i].end and explanation.sentences[i].start < end
            for i in top_sentences
            for start, end in spans
        ),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
