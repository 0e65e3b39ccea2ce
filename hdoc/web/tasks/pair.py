"""Pairs of texts, compared: texts are read with all others that wait, and pairs judged by their means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import numpy as np
from fastapi import APIRouter, Response
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from hdoc.explanation import ModelIdentity
from hdoc.web.server.answering import Answering

if TYPE_CHECKING:
    from hdoc.tasks.pair.classifier import PairClassifier

Text = Annotated[str, Field(description="any length that fits the body limit", min_length=1)]


class ToCompare(BaseModel):
    """Two texts."""

    model_config = ConfigDict(extra="forbid", strict=True)

    a: Text
    b: Text


class Compared(BaseModel):
    """What the texts came to: a label with probabilities, or a score."""

    model: ModelIdentity
    label: str | None
    probability: float | None
    probabilities: dict[str, float] | None
    score: float | None


def add_routes(router: APIRouter, api: Answering[NDArray[np.float32]]) -> None:
    """Add what can be asked about pairs."""
    classifier = cast("PairClassifier", api.batcher.model)

    @router.post("/compare", tags=["pairs"], response_model=Compared)
    async def compare(asked: ToCompare) -> Response:
        """Compare two texts."""
        first, second = await api.analyses([asked.a, asked.b])
        [found] = classifier.judge([first], [second])
        return Response(to_json({"model": classifier.identity, **found.row()}), media_type="application/json")
