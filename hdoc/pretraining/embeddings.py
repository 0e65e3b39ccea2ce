"""Skip-gram vectors of the pieces (Mikolov et al. 2013) to start the embeddings from.

From random embeddings a small masked language model stays on a plateau for millions of tokens, where it
knows only how frequent pieces are. Vectors that already say which pieces stand near each other take it off
that plateau at once, for a few minutes of gensim.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hdoc.errors import DataError
from hdoc.pretraining.shards import EMBEDDINGS, Shard, read_manifest, read_shard

# BERT draws its embeddings with this standard deviation; the vectors are brought to it.
_DEVIATION = 0.02


class _Sentences:
    """All sentences as lists of piece numbers in writing, as often as gensim asks."""

    def __init__(self, shards: list[Shard]) -> None:
        self.shards = shards

    def __iter__(self) -> Iterator[list[str]]:
        for shard in self.shards:
            for start, end in zip(shard.sentences[:-1], shard.sentences[1:], strict=True):
                # The last piece is [SEP].
                yield [str(piece) for piece in shard.tokens[start : end - 1]]


def train_embeddings(folder: Path, width: int, epochs: int = 1, workers: int = 1) -> Path:
    """Learn vectors of the pieces and write them to `embeddings.npy` in the folder of shards.

    Args:
        folder: what `prepare` wrote.
        width: numbers in a vector, the encoder's width.
        epochs: times to read the text.
        workers: threads; with more than one, the vectors differ a little from run to run.

    Returns:
        The file, float32 of shape (vocabulary, width); pieces that never occur have small random vectors.

    Raises:
        DataError: gensim is not installed, or the folder holds no shards.
    """
    try:
        from gensim.models import Word2Vec
    except ImportError as error:
        raise DataError("skip-gram vectors need gensim; run: pip install 'hdoc[train]'") from error
    manifest = read_manifest(folder)
    shards = [read_shard(folder / source["name"]) for source in manifest["sources"]]
    logging.getLogger("gensim").setLevel(logging.WARNING)  # it has much to say about itself
    model = Word2Vec(
        sentences=_Sentences(shards),
        vector_size=width,
        sg=1,
        window=5,
        negative=5,
        sample=1e-4,
        min_count=5,
        epochs=epochs,
        workers=workers,
        seed=1,
    )
    vectors = np.random.default_rng(1).normal(0, 1, (manifest["vocab_size"], width))
    known = np.asarray([int(word) for word in model.wv.index_to_key])
    vectors[known] = _standardised(model.wv.vectors)
    path = folder / EMBEDDINGS
    np.save(path, (vectors * _DEVIATION).astype(np.float32))
    return path


def _standardised(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take out the mean, which all vectors share, and bring the deviation to 1."""
    centred = vectors - vectors.mean(axis=0)
    scaled: NDArray[np.float32] = centred / centred.std()
    return scaled
