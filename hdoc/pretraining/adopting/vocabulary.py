"""Which pieces of a vocabulary some texts need."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff\uffa0-\uffdc]")
_MARKS = re.compile(r"^(▁|##)")
_BYTE = re.compile(r"^<0x[0-9A-F]{2}>$")
_BATCH = 512
# A tokenizer's own bookkeeping costs more than its work on texts of many thousand characters.
_LONGEST_PART = 4_000


@dataclass(frozen=True, slots=True)
class Usage:
    """What reading texts with the uncut tokenizer came to.

    Attributes:
        pieces: how often each piece occurred, (vocabulary,).
        characters: how often each character of the normalised texts occurred.
    """

    pieces: NDArray[np.int64]
    characters: Counter[str]


def count_usage(tokenizer: Tokenizer, texts: Iterable[str]) -> Usage:
    """Read texts with a tokenizer and count."""
    n_pieces = 1 + max(tokenizer.get_vocab().values())
    pieces = np.zeros(n_pieces, dtype=np.int64)
    characters: Counter[str] = Counter()
    normalizer = tokenizer.normalizer
    parts = (part for text in texts for part in _parts(text))
    while batch := list(islice(parts, _BATCH)):
        encodings = tokenizer.encode_batch_fast(batch, add_special_tokens=False)
        ids = np.concatenate([np.array(encoding.ids, dtype=np.int64) for encoding in encodings])
        pieces += np.bincount(ids, minlength=n_pieces)
        joined = "\n".join(batch)
        characters.update(normalizer.normalize_str(joined) if normalizer else joined)
    return Usage(pieces, characters)


def _parts(text: str) -> Iterator[str]:
    """Yield a text in parts that end at white space."""
    text = text.encode("utf8", "replace").decode("utf8")
    start = 0
    while len(text) - start > _LONGEST_PART:
        space = text.rfind(" ", start + 1, start + _LONGEST_PART)
        cut = space if space > start else start + _LONGEST_PART
        yield text[start:cut]
        start = cut
    yield text[start:]


def choose_pieces(tokenizer: Tokenizer, usage: Usage, least: int = 5) -> list[int]:
    """Return the ids of the pieces to keep, in order.

    Kept are special pieces, all that hold Hangul, what occurred often enough, and single characters that
    did, also as parts of longer pieces, so that whatever else is dropped can still be spelt. The piece
    of the lowest score stays too: a Unigram tokenizer derives from it what an unknown character costs.

    Args:
        tokenizer: the uncut tokenizer; Unigram or WordPiece.
        usage: how often its pieces, and characters, occurred.
        least: how often is often enough.
    """
    model = json.loads(tokenizer.to_str())["model"]
    kept = {*tokenizer.get_added_tokens_decoder(), *np.flatnonzero(usage.pieces >= least).tolist()}
    for piece, i in tokenizer.get_vocab().items():
        bare = _MARKS.sub("", piece)
        often = len(bare) == 1 and usage.characters[bare] >= least
        if often or not bare or _HANGUL.search(piece) or (model.get("byte_fallback") and _BYTE.match(piece)):
            kept.add(i)
    if model["type"] == "Unigram":
        scores = np.array([score for _, score in model["vocab"]])
        kept.add(int(scores.argmin()))
        if model["unk_id"] is not None:
            kept.add(int(model["unk_id"]))
    elif model.get("unk_token") in model["vocab"]:
        kept.add(int(model["vocab"][model["unk_token"]]))
    return sorted(kept)
