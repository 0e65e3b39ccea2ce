"""How the pieces of a vocabulary are spelt, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Characters of more than 16 bits, such as pictograms, are unknown, as is what has no spelling.
EDGE, UNKNOWN = 0x20, 0xFFFF


@dataclass(frozen=True, slots=True)
class Spelling:
    """The characters of each piece of a vocabulary.

    Attributes:
        characters: of all pieces end to end, (characters,).
        ends: where those of each piece end, (vocabulary,).
        continuing: which pieces go on with the word of the piece before, (vocabulary,).
    """

    characters: NDArray[np.int64]
    ends: NDArray[np.int64]
    continuing: NDArray[np.bool_]

    @classmethod
    def of(cls, pieces: Sequence[str | None], continuing: NDArray[np.bool_]) -> Spelling:
        """Spell pieces without their marks; None is a piece that stands for any text, or for none."""
        units = [[UNKNOWN] if piece is None else [min(ord(x), UNKNOWN) for x in piece] for piece in pieces]
        ends = np.cumsum([len(one) for one in units], dtype=np.int64)
        return cls(np.array([unit for one in units for unit in one], dtype=np.int64), ends, continuing)

    def spell(self, ids: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the characters of a document with an edge before, between and after its words.

        Args:
            ids: all its piece ids, in order, (pieces,).

        Returns:
            The characters (characters,), and the place of the piece that each is of, -1 for an edge,
            (characters,).
        """
        if not len(ids):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        ends = self.ends[ids]
        sizes = ends - np.where(ids > 0, self.ends[np.maximum(ids, 1) - 1], 0)
        opening = ~self.continuing[ids]
        opening[0] = True
        # Each piece takes the room of its characters, and one more before them where it opens a word.
        rooms = np.cumsum(sizes + opening)
        owners = np.full(rooms[-1] + 1, -1, dtype=np.int64)
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        places = np.repeat(rooms - sizes, sizes) + within
        owners[places] = np.repeat(np.arange(len(ids)), sizes)
        characters = np.full(len(owners), EDGE, dtype=np.int64)
        characters[places] = self.characters[np.repeat(ends - sizes, sizes) + within]
        return characters, owners
