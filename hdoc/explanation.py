"""What an explanation is: frozen plain data, independent of how it was computed or will be shown.

An `Explanation` holds sentences, a `SentenceShare` holds words. All offsets are characters into the
text as the user gave it, end-exclusive, so `text[start:end]` is the sentence or the word. The target's
`bias` and the sentences' contributions add up to its `logit`; the words of a sentence add up to the
sentence. Compared with a second label (`versus`), every number is the difference of the two labels.

A share is strong by its size: the strongest may argue for the target (above 0) or against it (below 0).
The fields of these classes are those of the JSON contract, in its order; nothing else lists them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from operator import attrgetter
from typing import Any, Protocol, TypeVar

SCHEMA_VERSION = 1


class Contribution(Protocol):
    """What has a signed share of a score: a word, a sentence, or all occurrences of a word."""

    @property
    def contribution(self) -> float:
        """The signed share."""


C = TypeVar("C", bound=Contribution)


@dataclass(frozen=True, slots=True)
class WordShare:
    """One eojeol (a run without white space) and its share of the class score.

    Attributes:
        start: first character in the text.
        end: one past the last character.
        attention: share of the sentence's attention; the words of a sentence sum to 1.
        contribution: signed share of the target's logit.
    """

    start: int
    end: int
    attention: float
    contribution: float


@dataclass(frozen=True, slots=True)
class SentenceShare:
    """One sentence and its share of the class score.

    Attributes:
        start: first character in the text.
        end: one past the last character.
        attention: share of the document's attention; the sentences sum to 1.
        contribution: signed share of the target's logit, the sum over its words.
        words: its words in text order; together they hold all its non-space characters.
    """

    start: int
    end: int
    attention: float
    contribution: float
    words: tuple[WordShare, ...]


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model gave a result.

    Attributes:
        name: the model's own name.
        version: the model's own version.
        checksum: SHA-256 over its weights, labels, tokenizer and settings, in hexadecimal.
    """

    name: str
    version: str
    checksum: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a document got its class.

    Attributes:
        model: which model said so.
        label: the most probable class.
        probability: its calibrated probability, 0 to 1.
        probabilities: calibrated probability of every class, most probable first.
        target: the class that is explained; the most probable one unless another was asked for.
        versus: the class it is compared with, or None.
        logit: the target's score (minus that of `versus`).
        bias: the part of the logit that does not depend on the text.
        method: how the contributions were computed.
        coverage: share of the text's non-space characters that the model was given; 1.0, nothing is cut.
        n_characters: length of the text.
        sentences: all sentences in text order.
    """

    model: ModelIdentity
    label: str
    probability: float
    probabilities: dict[str, float]
    target: str
    versus: str | None
    logit: float
    bias: float
    method: str
    coverage: float
    n_characters: int
    sentences: tuple[SentenceShare, ...]

    def contract(self) -> dict[str, Any]:
        """Return the fields of the contract in its order; the model and the sentences stay objects."""
        return {"schema_version": SCHEMA_VERSION} | {
            field.name: getattr(self, field.name) for field in fields(self)
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation contract (`schema_version` 1) as plain lists and dicts."""
        return self.contract() | {
            "model": asdict(self.model),
            "sentences": [_plain_sentence(sentence) for sentence in self.sentences],
        }


_SENTENCE_FIELDS = tuple(field.name for field in fields(SentenceShare))
_WORD_FIELDS = tuple(field.name for field in fields(WordShare))
# A long document has tens of thousands of words, and `asdict` takes seven times as long.
_values_of_sentence, _values_of_word = attrgetter(*_SENTENCE_FIELDS), attrgetter(*_WORD_FIELDS)


def _plain_sentence(sentence: SentenceShare) -> dict[str, Any]:
    words = [dict(zip(_WORD_FIELDS, _values_of_word(word), strict=True)) for word in sentence.words]
    return dict(zip(_SENTENCE_FIELDS, _values_of_sentence(sentence), strict=True)) | {"words": words}


def by_strength(shares: Sequence[Contribution]) -> list[int]:
    """Return the places of shares, strongest first: by size, whatever the sign; of equals the first."""
    sizes = [abs(share.contribution) for share in shares]
    return sorted(range(len(sizes)), key=lambda place: -sizes[place])


def strongest(shares: Sequence[C], n: int | None = None) -> list[C]:
    """Return the strongest shares, strongest first, without those that are 0.

    Args:
        shares: in text order, which decides among equals.
        n: most of them to return; all by default.
    """
    return [shares[place] for place in by_strength(shares)[:n] if shares[place].contribution]
