"""How faithful explanations are, for tables: the probability of a class when its evidence is deleted.

Comprehensiveness and sufficiency are those of ERASER (DeYoung et al. 2020). Read them beside those of random
orders: a drop alone proves nothing, since any text loses something when sentences go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hdoc.explanation import Explanation, SentenceShare, WordShare
from hdoc.faithfulness.deletion import Floats, Scorer, SplitText

Unit = Literal["word", "sentence"]
Order = NDArray[np.intp]

N_DRAWS = 10
WORD_SHARES = (0.01, 0.05, 0.10, 0.20, 0.50)
SENTENCE_COUNTS = (1, 2, 3, 5)


@dataclass(frozen=True, slots=True)
class Erasure:
    """Comprehensiveness and sufficiency of one order of one document's parts.

    Attributes:
        whole: the target's probability in the whole text.
        without: the same without the first parts of the order, (bins,).
        only: the same with these alone, (bins,).
    """

    whole: float
    without: Floats
    only: Floats

    @property
    def comprehensiveness(self) -> float:
        """Mean over bins of the fall without the first parts; high is good."""
        return float((self.whole - self.without).mean())

    @property
    def sufficiency(self) -> float:
        """Mean over bins of the fall with the first parts alone; low is good."""
        return float((self.whole - self.only).mean())


def erasure(
    scorer: Scorer, split: SplitText, target: str, orders: Sequence[Order], unit: Unit
) -> list[Erasure]:
    """Delete the first parts of each order, and all but them, for each bin.

    Bins are 1, 5, 10, 20 and 50 % of the words, rounded up to whole words, or 1, 2, 3 and 5 sentences, all
    of them where a text has fewer.

    Args:
        scorer: of the model.
        split: the document.
        target: the class whose probability is watched.
        orders: indices of all parts, those to delete first in front; one order for each result.
        unit: what the parts are.
    """
    counts = bin_counts(len(orders[0]), unit)
    variants: list[list[str]] = [list(split.sentences)]
    for order in orders:
        variants.extend(without_parts(split, unit, order[:n]) for n in counts)
        variants.extend(without_parts(split, unit, order[n:]) for n in counts)
    values = scorer.probabilities(variants, target)
    curves = values[1:].reshape(len(orders), 2, len(counts))
    return [Erasure(float(values[0]), without, only) for without, only in curves]


def bin_counts(n_parts: int, unit: Unit) -> list[int]:
    """Return how many parts each bin of `erasure` has."""
    if unit == "word":
        # 0.07 * 100 is a little more than 7 in binary; the number of words in a bin must not be 8 for that.
        return [max(1, ceil(round(share * n_parts, 9))) for share in WORD_SHARES]
    return [min(count, n_parts) for count in SENTENCE_COUNTS]


def ranking(explanation: Explanation, unit: Unit) -> tuple[Order, Floats]:
    """Return the indices of words or sentences by signed contribution, and the contributions.

    What argues most for the target comes first and what argues most against it last, as ERASER deletes
    evidence for a class; for a reader's lists see `hdoc.explanation.strongest`.
    """
    scores = np.array([part.contribution for part in parts_of(explanation, unit)])
    return np.argsort(-scores, kind="stable"), scores


def random_orders(n_parts: int, seed: Sequence[int], n_draws: int = N_DRAWS) -> list[Order]:
    """Return random orders of parts; the same seed gives the same orders."""
    random = np.random.default_rng(seed)
    return [random.permutation(n_parts) for _ in range(n_draws)]


def parts_of(explanation: Explanation, unit: Unit) -> Sequence[SentenceShare | WordShare]:
    """Return the words or the sentences of an explanation, in text order."""
    if unit == "sentence":
        return explanation.sentences
    return [word for sentence in explanation.sentences for word in sentence.words]


def without_parts(split: SplitText, unit: Unit, deleted: Order) -> list[str]:
    """Return what is left of a text's sentences when some words, or some sentences, are deleted."""
    n_parts = split.n_words if unit == "word" else len(split.sentences)
    kept = np.ones(n_parts, dtype=np.bool_)
    kept[deleted] = False
    return split.with_words(kept) if unit == "word" else split.with_sentences(kept)
