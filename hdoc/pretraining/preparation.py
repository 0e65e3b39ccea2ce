"""From sources of text to a folder of token shards.

`manifest.json` in the folder says what is in it: of every source the weight, licence and attribution, the
files with their SHA-256, and how many documents, sentences, tokens and characters it gave. A small share of
the documents, chosen by their content, is set aside as held-out text to watch the training by.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from tokenizers import Tokenizer

from hdoc.errors import DataError
from hdoc.pretraining.corpus import Source, fingerprint, read_documents
from hdoc.pretraining.shards import (
    HELD_OUT,
    LARGEST_VOCABULARY,
    MANIFEST,
    Shard,
    write_shard,
)
from hdoc.pretraining.tokenizer import SEP_ID, save_tokenizer
from hdoc.text.sentences import split_many

_DOCUMENTS_AT_A_TIME = 256


def prepare(
    sources: Sequence[Source],
    tokenizer: Tokenizer,
    folder: Path,
    workers: int = 1,
    held_out: float = 0.005,
    seed: int = 0,
) -> dict[str, Any]:
    """Divide the sources into sentences, deduplicate and tokenise these, and write them to a folder.

    Args:
        sources: what to read; the order counts, as of equal sentences only the first is kept.
        tokenizer: the vocabulary; a copy goes into the folder.
        folder: receives one folder per source, `held-out`, `tokenizer` and `manifest.json`.
        workers: processes that find sentences.
        held_out: share of the documents set aside, 0 to 1.
        seed: chooses documents where a source is limited.

    Returns:
        The manifest.

    Raises:
        DataError: the vocabulary has more pieces than 16 bits can number, two sources share a name,
            or a source cannot be read or gives no text.
    """
    if tokenizer.get_vocab_size() > LARGEST_VOCABULARY:
        raise DataError(
            f"expected at most {LARGEST_VOCABULARY} pieces, which is what 16 bits can number, "
            f"got {tokenizer.get_vocab_size()}; train a smaller vocabulary"
        )
    names = [source.name for source in sources]
    if len(set(names)) < len(names) or HELD_OUT in names or "tokenizer" in names:
        raise DataError(f"expected different names for sources, none {HELD_OUT} or tokenizer; got {names}")
    save_tokenizer(tokenizer, folder / "tokenizer")
    seen: set[bytes] = set()
    records = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns) as progress:
        for source in sources:
            task = progress.add_task(source.name, total=None)
            record = _prepare_source(source, tokenizer, folder, workers, held_out, seed, seen, progress)
            progress.update(task, total=1, completed=1)
            records.append(record)
    manifest = {
        "format": 1,
        "vocab_size": tokenizer.get_vocab_size(),
        "tokenizer_sha256": _sha256(folder / "tokenizer" / "tokenizer.json"),
        "seed": seed,
        "sources": records,
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf8")
    return manifest


def _prepare_source(
    source: Source,
    tokenizer: Tokenizer,
    folder: Path,
    workers: int,
    held_out: float,
    seed: int,
    seen: set[bytes],
    progress: Progress,
) -> dict[str, Any]:
    set_aside: list[list[list[int]]] = []
    n_characters = 0

    def for_training() -> Iterator[list[list[int]]]:
        nonlocal n_characters
        for sentences, pieces in _tokenised(_sentences(source, workers, seed, seen), tokenizer):
            n_characters += sum(map(len, sentences))
            progress.update(
                progress.task_ids[-1], description=f"{source.name}: {n_characters / 1e6:.2f} M characters"
            )
            if _is_held_out(sentences[0], held_out):
                set_aside.append(pieces)
            else:
                yield pieces

    shard = write_shard(folder / source.name, for_training(), SEP_ID)
    aside = write_shard(folder / HELD_OUT / source.name, set_aside, SEP_ID)
    if not len(shard.tokens):
        raise DataError(f"source {source.name!r}: expected text, got none; check its files and 'where'")
    record = asdict(source)
    record["files"] = {Path(file).name: _sha256(Path(file)) for file in source.files}
    return {**record, "characters": n_characters, **_counts(shard), "held_out": _counts(aside)}


def _sentences(source: Source, workers: int, seed: int, seen: set[bytes]) -> Iterator[list[str]]:
    """Yield each document's sentences that were not met before, in their order."""
    documents = read_documents(source, seed)
    found_sentences: Iterable[list[str]]
    if source.split_sentences:
        found_sentences = ([sentence.text for sentence in found] for found in split_many(documents, workers))
    else:
        found_sentences = ([" ".join(document.split())] for document in documents)
    for sentences in found_sentences:
        kept = []
        for sentence in sentences:
            key = fingerprint(sentence)
            if key not in seen:
                seen.add(key)
                kept.append(sentence)
        if kept:
            yield kept


def _tokenised(
    documents: Iterator[list[str]], tokenizer: Tokenizer
) -> Iterator[tuple[list[str], list[list[int]]]]:
    while True:
        chunk = list(islice(documents, _DOCUMENTS_AT_A_TIME))
        if not chunk:
            return
        flat = [sentence for sentences in chunk for sentence in sentences]
        encoded = iter(tokenizer.encode_batch_fast(flat, add_special_tokens=False))
        for sentences in chunk:
            yield sentences, [encoding.ids for encoding in islice(encoded, len(sentences))]


def _is_held_out(first_sentence: str, share: float) -> bool:
    """Decide by the text itself, so that another limit or order keeps what was held out."""
    return int.from_bytes(fingerprint(first_sentence), "big") < share * 2**64


def _counts(shard: Shard) -> dict[str, int]:
    return {
        "documents": len(shard.documents) - 1,
        "sentences": len(shard.sentences) - 1,
        "tokens": len(shard.tokens),
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
