from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from hdoc.cli.pretrain import main
from hdoc.pretraining.shards import Shard, write_shard
from hdoc.pretraining.tokenizer import train_tokenizer
from tests.conftest import SENTENCES
from tests.pretraining.numbered import SEP, documents
from tests.pretraining.runs import settings


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return train_tokenizer(SENTENCES * 3, vocab_size=600, alphabet_size=250)


@pytest.fixture
def shard(tmp_path: Path) -> Shard:
    return write_shard(tmp_path / "shard", documents(40, 5), SEP)


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two prepared sources, made by the command itself: stories of several sentences, and reviews of one."""
    folder = tmp_path_factory.mktemp("pretraining")
    stories = [
        {"text": " ".join(f"{n}번 {sentence}" for sentence in SENTENCES[n % 10 : n % 10 + 5])}
        for n in range(80)
    ]
    reviews = [{"text": f"{sentence} {n}점"} for n in range(20) for sentence in SENTENCES[:10]]
    for name, rows in (("stories", stories), ("reviews", reviews)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf8")
    (folder / "sources.yaml").write_text(
        "sources:\n"
        "  stories: {files: [stories.jsonl], weight: 0.7}\n"
        "  reviews: {files: [reviews.jsonl], weight: 0.3, split_sentences: false}\n",
        encoding="utf8",
    )
    sources, tokenizer = f"--sources={folder / 'sources.yaml'}", folder / "tokenizer"
    assert main(["tokenizer", sources, "--output", str(tokenizer), "--vocab-size=500"]) == 0
    options = [f"--output={folder / 'shards'}", "--workers=0", "--held-out=0.2"]
    assert main(["prepare", sources, f"--tokenizer={tokenizer}", *options]) == 0
    return folder / "shards"


@pytest.fixture(scope="session")
def run(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checkpoint of a run of two steps."""
    from hdoc.pretraining.lightning_cli import fit

    run = tmp_path_factory.mktemp("run")
    fit(settings(shards, run, **{"trainer.max_steps": 2}))
    return run
