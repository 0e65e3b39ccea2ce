"""How the OpenAPI document describes the answers of any server; those of a task are with the task."""

from __future__ import annotations

from pydantic import BaseModel, Field

from hdoc.explanation import ModelIdentity


class Fault(BaseModel):
    """What went wrong."""

    kind: str = Field(description="input, label, body, size, time, queue, token, host, path or internal")
    message: str = Field(description="what was expected, what came, what to do")


class Failure(BaseModel):
    """The form of every error."""

    error: Fault


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

    model: ModelIdentity
    version: str
    labels: list[str]
    multi_label: bool
    library: LibraryFacts | None
    samples: list[Sample]
    body_bytes: int
    file_bytes: int
