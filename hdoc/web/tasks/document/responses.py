"""How the OpenAPI document describes the answers about documents.

The answers are written from hdoc's own dataclasses, and described by them where they have the same fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import BaseModel, Field

from hdoc.explanation import Explanation, ModelIdentity
from hdoc.tasks.document.rows import QuotedShare
from hdoc.web.responses import Failure


class Classified(BaseModel):
    """The class of a document; its sentences are the three strongest, for the class or against it."""

    model: ModelIdentity
    label: str
    probability: float
    probabilities: dict[str, float]
    sentences: list[QuotedShare]


class ByLabel(BaseModel):
    """What each word adds to the logits of several classes; bias and words add up to the logit."""

    labels: list[str]
    bias: list[float]
    words: list[list[float]] = Field(description="one row a word in text order, one column a class")


@dataclass(frozen=True)
class Explained(Explanation):
    """The explanation contract, `schema_version` 1: offsets are characters (code points) of the text."""

    schema_version: int = field(kw_only=True)
    by_label: ByLabel | None = field(default=None, kw_only=True)


class ManyClassified(BaseModel):
    """One result a document, in order."""

    results: list[Classified | Failure]


class ManyExplained(BaseModel):
    """One result a document, in order."""

    results: list[Explained | Failure]


class WithoutParts(BaseModel):
    """The probability without the strongest supporting parts, and without random ones."""

    unit: str
    spans: list[tuple[int, int]]
    n_parts: int
    without_strongest: float
    without_random: float
    beats_random: bool


class Checked(BaseModel):
    """The probability when the strongest supporting evidence is deleted; null: nothing to compare."""

    target: str
    versus: str | None
    probability: float
    sentences: WithoutParts | None
    words: WithoutParts | None
    beats_random: bool | None
