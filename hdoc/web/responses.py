"""How the API's answers are described in the OpenAPI document.

Answers are written by hand where they are large (see `answers`); these classes tell readers of them.
"""

from __future__ import annotations

from pydantic import BaseModel, Field


class Fault(BaseModel):
    """What went wrong."""

    kind: str = Field(description="input, label, body, size, time, queue, token, host, path or internal")
    message: str = Field(description="what was expected, what came, what to do")


class Failure(BaseModel):
    """The form of every error."""

    error: Fault


class Model(BaseModel):
    """Which model gave a result."""

    name: str
    version: str
    checksum: str


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


class ArticleInList(BaseModel):
    """An article of a result."""

    id: int
    title: str
    label: str
    probability: float
    added: str
    snippet: str
    marks: list[tuple[int, int]] = Field(description="the query's words in the snippet, code points")


class ArticleList(BaseModel):
    """A page of a search."""

    articles: list[ArticleInList]
    more: bool


class WholeArticle(BaseModel):
    """An article with its text."""

    id: int
    title: str
    text: str
    source: str
    label: str
    probability: float
    added: str
    model: str


class Extracted(BaseModel):
    """The text of a file."""

    name: str
    text: str


class LibraryFacts(BaseModel):
    """The library that the server searches."""

    n_articles: int
    labels: dict[str, int]
    same_model: bool = Field(description="whether this model classified all articles")


class Sample(BaseModel):
    """An article that comes with hdoc, to try things out."""

    name: str
    title: str


class Facts(BaseModel):
    """What the page needs to know of the server."""

    model: Model
    version: str
    labels: list[str]
    multi_label: bool
    library: LibraryFacts | None
    samples: list[Sample]
    body_bytes: int
    file_bytes: int
