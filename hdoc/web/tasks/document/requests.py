"""The requests about documents."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_TEXTS = 512
MOST_LABELS = 64

Text = Annotated[str, Field(description="the document, any length that fits the body limit", min_length=1)]
Texts = Annotated[
    list[Any],
    Field(
        min_length=1,
        max_length=MOST_TEXTS,
        description="documents; what is no text with words is answered by an error in its place",
    ),
]
Label = Annotated[str | None, Field(description="a class of the model")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Documents(_Request):
    """One document as `text`, or many as `texts`."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["text"]}, {"required": ["texts"]}]},
    )

    text: Text = ""
    texts: Texts = []

    @model_validator(mode="after")
    def _one_of_both(self) -> Documents:
        if len(self.model_fields_set & {"text", "texts"}) != 1:
            raise ValueError("expected either 'text' or 'texts'")
        return self


class ToExplain(Documents):
    """Documents, and the class to explain."""

    target: Label = None
    versus: Annotated[str | None, Field(description="explain why target and not this class")] = None
    n_labels: Annotated[
        int,
        Field(
            ge=0,
            le=MOST_LABELS,
            description="give `by_label` for this many of the most probable classes",
        ),
    ] = 0


class OneToExplain(_Request):
    """One document, and the class to explain."""

    text: Text
    target: Label = None
    versus: Annotated[str | None, Field(description="explain why target and not this class")] = None


class ToShow(OneToExplain):
    """One document, and how its page is to be written."""

    language: Annotated[str, Field(pattern="^(ko|en)$")] = "ko"
    name: Annotated[str | None, Field(max_length=500, description="of the document")] = None
