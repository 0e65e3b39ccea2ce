"""Contributions as percentages and shades, and the sentences, words and labels to show first.

A percentage is the contribution divided by the sum of all absolute contributions, of sentences for a sentence
and of words for a word; absolute percentages add up to 100.

A shade is linear to the largest absolute contribution of the document, so twice the shade is twice the
contribution. A root would make weak sentences look strong: in a document that one sentence decides, only
that one should stand out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from hdoc.explanation import Explanation, SentenceShare, WordShare, by_strength, strongest

# A word is marked if it is in the strongest tenth and has at least a fifth of the strongest contribution:
# the first limits marks in texts of many even words, the second in texts that a few words decide.
_MARKED_SHARE = 10
_MARKED_WEIGHT = 0.2
_ALWAYS_CANDIDATES = 3
# A category that is less probable than all others together is doubtful.
_DOUBTFUL = 0.5
# More marks do not help a reader, and they make the page of a long document larger.
_MOST_MARKED = 1_000


@dataclass(frozen=True, slots=True)
class Scale:
    """What percentages and shades of sentences, or of words, are divided by.

    Attributes:
        total: sum of the absolute contributions.
        peak: the largest absolute contribution.
    """

    total: float
    peak: float

    @classmethod
    def over(cls, shares: Iterable[SentenceShare | WordShare]) -> Scale:
        """Measure the sentences, or the words, of one document."""
        sizes = [abs(share.contribution) for share in shares]
        return cls(total=sum(sizes), peak=max(sizes, default=0.0))

    def share(self, contribution: float) -> float:
        """Return the signed share of the total, -1 to 1."""
        return contribution / self.total if self.total else 0.0

    def level(self, contribution: float, n_levels: int) -> int:
        """Return the shade, 0 (none) to `n_levels` (the peak's)."""
        return round(n_levels * abs(contribution) / self.peak) if self.peak else 0


@dataclass(frozen=True, slots=True)
class WordGroup:
    """One word with all its occurrences.

    Attributes:
        text: the word as it stands in the text.
        contribution: sum over its occurrences.
        occurrences: where it stands, strongest first.
    """

    text: str
    contribution: float
    occurrences: tuple[WordShare, ...]


def words_of(explanation: Explanation) -> list[WordShare]:
    """Return the words of all sentences in text order."""
    return [word for sentence in explanation.sentences for word in sentence.words]


def strongest_sentences(explanation: Explanation, n_sentences: int) -> list[int]:
    """Return the indices of the strongest sentences, strongest first, without contributions of 0."""
    sentences = explanation.sentences
    return [index for index in by_strength(sentences)[:n_sentences] if sentences[index].contribution]


def strongest_words(explanation: Explanation, text: str, n_words: int) -> list[WordGroup]:
    """Return the strongest words, strongest first; equal words count together."""
    groups: defaultdict[str, list[WordShare]] = defaultdict(list)
    for word in words_of(explanation):
        groups[text[word.start : word.end]].append(word)
    summed = [
        WordGroup(
            spelling,
            sum(word.contribution for word in group),
            tuple(group[place] for place in by_strength(group)),
        )
        for spelling, group in groups.items()
    ]
    return strongest(summed, n_words)


def marked_words(explanation: Explanation) -> frozenset[WordShare]:
    """Return the words to mark in the text."""
    words = words_of(explanation)
    n_candidates = min(max(len(words) // _MARKED_SHARE, _ALWAYS_CANDIDATES), _MOST_MARKED)
    candidates = strongest(words, n_candidates)
    weakest = _MARKED_WEIGHT * abs(candidates[0].contribution) if candidates else 0.0
    return frozenset(word for word in candidates if abs(word.contribution) >= weakest)


def percentage(share: float) -> str:
    """Return a signed share as people read it: `+12.3%`."""
    if abs(share) >= 0.9995:
        return f"{share:+.0%}"  # as wide as the others
    return f"{share:+.1%}" if abs(share) >= 0.0005 else "0.0%"


def probability(value: float) -> str:
    """Return a probability as people read it, and never a rounded certainty."""
    if 0.9995 <= value < 1:
        return ">99.9%"
    if 0 < value < 0.0005:
        return "<0.1%"
    return f"{value:.1%}"


def coverage(value: float) -> str:
    """Return the share of the text that was read; only all of it is "100%"."""
    return "100%" if value == 1 else probability(value)


def runner_up(explanation: Explanation) -> tuple[str, float] | None:
    """Return the second most probable label if the first, which is explained, is doubtful; else None."""
    found = list(explanation.probabilities.items())
    explains_first = explanation.target == explanation.label and explanation.versus is None
    doubtful = explains_first and explanation.probability < _DOUBTFUL and len(found) > 1
    return found[1] if doubtful else None


def top_labels(explanation: Explanation, n_labels: int) -> list[tuple[str, float]]:
    """Return the most probable labels, and the explained ones wherever they rank."""
    explained = {explanation.target, explanation.versus}
    ranked = enumerate(explanation.probabilities.items())
    return [pair for rank, pair in ranked if rank < n_labels or pair[0] in explained]
