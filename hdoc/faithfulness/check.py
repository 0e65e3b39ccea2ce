"""How far one explanation can be believed, for its reader: its evidence is deleted, and as much at random.

Only supporting evidence is deleted: the strongest of the parts that argue for the target. A drop of the
probability alone proves nothing, since any text loses something when sentences go; the explanation is
trusted if the probability falls further than without random parts of the same number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import combinations
from math import comb
from typing import Any

import numpy as np

from hdoc.explanation import Contribution, Explanation, by_strength
from hdoc.faithfulness.deletion import Scorer, SplitText
from hdoc.faithfulness.erasure import N_DRAWS, Order, Unit, parts_of, without_parts
from hdoc.tasks.document.classifier import DocumentClassifier

# The least difference between two probabilities that a reader would call one.
_NOTICEABLE = 0.01
# Contributions this small are rounding, not evidence.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Deletion:
    """The probability without the strongest supporting parts, beside that without random ones.

    Attributes:
        unit: what was deleted.
        spans: the strongest supporting parts as characters of the text, strongest first.
        n_parts: how many parts the text has.
        without_strongest: the probability when they are deleted.
        without_random: the mean when as many random parts are deleted: over 10 draws, or over all ways to
            choose them where there are no more than 10.
    """

    unit: Unit
    spans: tuple[tuple[int, int], ...]
    n_parts: int
    without_strongest: float
    without_random: float

    @property
    def beats_random(self) -> bool:
        """Whether deleting the chosen parts costs at least a point of percentage more than random ones."""
        return self.without_random - self.without_strongest >= _NOTICEABLE


@dataclass(frozen=True, slots=True)
class TrustCheck:
    """Whether the model's decision hangs on the evidence that an explanation shows.

    Attributes:
        target: the class that was explained.
        versus: the class it was compared with; probabilities are then those of the target among the two.
        probability: of the target in the whole text, calibrated.
        sentences: what deleting sentences does; None if there is nothing to compare: the text has a single
            sentence, or none argues for the target.
        words: the same for words.
    """

    target: str
    versus: str | None
    probability: float
    sentences: Deletion | None
    words: Deletion | None

    @property
    def beats_random(self) -> bool | None:
        """Whether the explanation is better than random, by its sentences, or by its words if there is one.

        None if there is nothing to compare.
        """
        deletion = self.sentences or self.words
        return None if deletion is None else deletion.beats_random

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and dicts, with the verdicts."""
        content = asdict(self)
        for unit, deletion in (("sentences", self.sentences), ("words", self.words)):
            if deletion is not None:
                content[unit]["beats_random"] = deletion.beats_random
        return {**content, "beats_random": self.beats_random}


def check(
    classifier: DocumentClassifier,
    text: str,
    explanation: Explanation,
    n_sentences: int = 3,
    n_words: int = 10,
    seed: int = 0,
) -> TrustCheck:
    """Delete the strongest supporting evidence of a document, and as much at random, and compare.

    Never more than half of the parts are deleted: when nearly all of a text is gone, chosen and random
    parts cannot be told apart. The random draws depend on the text and the seed alone.

    Args:
        classifier: the model that was explained.
        text: the document, exactly as it was explained.
        explanation: of any method.
        n_sentences: most sentences to delete.
        n_words: most words to delete.
        seed: of the random draws.

    Raises:
        ValueError: the text is not the one that was explained.
    """
    if len(text) != explanation.n_characters:
        raise ValueError(
            f"the explanation is about a text of {explanation.n_characters} characters, "
            f"this one has {len(text)}; pass the text exactly as it was explained"
        )
    scorer = Scorer(classifier)
    split = SplitText.of(text, explanation)
    random = np.random.default_rng([seed, int.from_bytes(sha256(text.encode("utf-8", "replace")).digest())])
    whole = scorer.probabilities([split.sentences], explanation.target, explanation.versus)
    return TrustCheck(
        target=explanation.target,
        versus=explanation.versus,
        probability=float(whole[0]),
        sentences=_deletion("sentence", n_sentences, scorer, split, explanation, random),
        words=_deletion("word", n_words, scorer, split, explanation, random),
    )


def _deletion(
    unit: Unit,
    most: int,
    scorer: Scorer,
    split: SplitText,
    explanation: Explanation,
    random: np.random.Generator,
) -> Deletion | None:
    parts = parts_of(explanation, unit)
    n_parts = len(parts)
    chosen = _supporting(parts)[: min(most, n_parts // 2)]
    n = len(chosen)
    if n < 1:
        return None
    if comb(n_parts, n) <= N_DRAWS:
        draws = [np.array(drawn) for drawn in combinations(range(n_parts), n)]
    else:
        draws = [random.choice(n_parts, n, replace=False) for _ in range(N_DRAWS)]
    variants = [without_parts(split, unit, deleted) for deleted in (chosen, *draws)]
    values = scorer.probabilities(variants, explanation.target, explanation.versus)
    return Deletion(
        unit=unit,
        spans=tuple((parts[i].start, parts[i].end) for i in chosen.tolist()),
        n_parts=n_parts,
        without_strongest=float(values[0]),
        without_random=float(values[1:].mean()),
    )


def _supporting(parts: Sequence[Contribution]) -> Order:
    """Return the indices of the parts that argue for the target, strongest first."""
    return np.array([i for i in by_strength(parts) if parts[i].contribution > _ROUNDING], dtype=np.intp)
