"""Documents of made-up pieces, whose places can be told, as token shards."""

from __future__ import annotations

SEP, CLS, MASK = 3, 2, 4


FIRST_PIECE = 5


def documents(n: int, sentences: int, first: int = FIRST_PIECE, length: int = 6) -> list[list[list[int]]]:
    """Documents in which every piece has a number of its own, so that its place can be told."""
    numbers = iter(range(first, first + n * sentences * length))
    return [[[next(numbers) for _ in range(length)] for _ in range(sentences)] for _ in range(n)]
