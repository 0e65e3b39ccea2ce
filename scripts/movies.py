"""Turns ERASER's Movies into files that `configs/movies.yaml` trains on, and makes an encoder to start from.

    python scripts/movies.py               # data/movies/{train,dev,test}.jsonl and data/movies/encoder/

Each line holds id, text, label and evidences (what people marked as reasons, spans of `text.split()`); a line
of a text is a sentence. The encoder is a small BERT whose vocabulary and embeddings (skip-gram) come from the
training reviews alone, and whose other weights are random: nothing in it has seen any other English.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from gensim.models import Word2Vec
from splits import DATA, read_rows, report, write_splits
from transformers import BertConfig, BertModel

from hdoc.pretraining.tokenizer import save_tokenizer, train_tokenizer

VOCABULARY = 8_000
WIDTH, N_LAYERS, N_HEADS = 128, 2, 4
# BERT draws its embeddings with this standard deviation.
DEVIATION = 0.02


def documents(rows: Iterable[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the split and the row of each review."""
    for row in rows:
        yield row["split"], {name: row[name] for name in ("id", "text", "label", "evidences")}


def make_encoder(texts: Sequence[str], folder: Path, epochs: int = 10) -> None:
    """Write an encoder whose vocabulary and embeddings come from texts, the same for the same texts."""
    tokenizer = train_tokenizer(texts, VOCABULARY)
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    pieces = [
        [str(piece) for piece in encoding.ids]
        for encoding in tokenizer.encode_batch(lines, add_special_tokens=False)
    ]
    vectors = Word2Vec(
        pieces, vector_size=WIDTH, sg=1, window=5, min_count=1, epochs=epochs, workers=1, seed=0
    ).wv
    torch.manual_seed(0)
    encoder = BertModel(
        BertConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=WIDTH,
            num_hidden_layers=N_LAYERS,
            num_attention_heads=N_HEADS,
            intermediate_size=4 * WIDTH,
            max_position_embeddings=128,
        ),
        add_pooling_layer=False,
    )
    known = torch.from_numpy(vectors.vectors)
    with torch.no_grad():
        encoder.embeddings.word_embeddings.weight[[int(piece) for piece in vectors.index_to_key]] = known * (
            DEVIATION / known.std()
        )
    encoder.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # it is written for its owner alone
    save_tokenizer(tokenizer, folder)


def main(arguments: Iterable[str] | None = None) -> None:
    """Convert what the command line names, say how much there is, and make the encoder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    source = DATA / "movies.jsonl.xz"
    parser.add_argument("source", type=Path, nargs="?", default=source, help=f"default: {source}")
    parser.add_argument("-o", "--output", type=Path, default=Path("data/movies"), help="default: data/movies")
    options = parser.parse_args(None if arguments is None else list(arguments))
    rows = list(read_rows(options.source))
    report(write_splits(documents(rows), options.output), options.output)
    make_encoder([row["text"] for row in rows if row["split"] == "train"], options.output / "encoder")
    print(options.output / "encoder")


if __name__ == "__main__":
    main()
