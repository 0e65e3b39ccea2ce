"""What the server needs of a model, whatever its task is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from hdoc.errors import InputError
from hdoc.explanation import ModelIdentity
from hdoc.text.sentences import Sentence

Analysis = TypeVar("Analysis", covariant=True)  # noqa: PLC0105 (it is the field's own name for it)


class ServedModel(Protocol[Analysis]):
    """A model that reads many texts together and gives an analysis of each."""

    @property
    def task(self) -> str:
        """The name of its task; the module of that name in `hdoc.web.tasks` adds its routes."""

    @property
    def identity(self) -> ModelIdentity:
        """Which model it is."""

    @property
    def labels(self) -> Sequence[str]:
        """The classes that it knows."""

    @property
    def multi_label(self) -> bool:
        """Whether a text may have several classes."""

    @property
    def split(self) -> Callable[[str], list[Sentence]]:
        """What divides a text into sentences; it is sent to other processes."""

    def analyse(self, documents: Sequence[tuple[str, Sequence[Sentence]]]) -> Sequence[Analysis | InputError]:
        """Read texts, each with its sentences; return an analysis of each, or why there is none."""
