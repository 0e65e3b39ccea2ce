"""How the answers about documents are described in the OpenAPI document."""

from __future__ import annotations

from pydantic import BaseModel, Field

from hdoc.web.responses import Failure, Model


class StrongSentence(BaseModel):
    """A sentence that argues for the class."""

    start: int
    end: int
    text: str
    contribution: float


class Classified(BaseModel):
    """The class of a document; its sentences are the three strongest."""

    model: Model
    label: str
    probability: float
    probabilities: dict[str, float]
    sentences: list[StrongSentence]


class Word(BaseModel):
    """One eojeol."""

    start: int
    end: int
    attention: float
    contribution: float


class SharedSentence(Word):
    """One sentence."""

    words: list[Word]


class ByLabel(BaseModel):
    """What each word adds to the logits of several classes; bias and words add up to the logit."""

    labels: list[str]
    bias: list[float]
    words: list[list[float]] = Field(description="one row a word in text order, one column a class")


class Explained(BaseModel):
    """The explanation contract, `schema_version` 1: offsets are characters (code points) of the text."""

    schema_version: int
    model: Model
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
    sentences: list[SharedSentence]
    by_label: ByLabel | None = None


class ManyClassified(BaseModel):
    """One result a document, in order."""

    results: list[Classified | Failure]


class ManyExplained(BaseModel):
    """One result a document, in order."""

    results: list[Explained | Failure]


class WithoutParts(BaseModel):
    """What is left of the probability without the strongest parts, and without random ones."""

    unit: str
    spans: list[tuple[int, int]]
    n_parts: int
    without_strongest: float
    without_random: float
    beats_random: bool


class Checked(BaseModel):
    """What deleting the strongest evidence does; null where there is nothing to compare."""

    target: str
    versus: str | None
    probability: float
    sentences: WithoutParts | None
    words: WithoutParts | None
    beats_random: bool | None
