from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from hdoc.errors import DataError
from hdoc.pretraining.corpus import Source
from hdoc.pretraining.preparation import prepare
from hdoc.pretraining.shards import HELD_OUT, read_manifest, read_shard
from hdoc.pretraining.tokenizer import (
    SPECIAL_TOKENS,
    load_tokenizer,
)
from tests.conftest import SENTENCES


class TestPreparation:
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        lines = [f"{n}번 {sentence}" for n in range(40) for sentence in SENTENCES[:3]]
        rows = [{"text": " ".join(lines[start : start + 3])} for start in range(0, len(lines), 3)]
        rows.append({"text": rows[0]["text"]})  # a document met before
        rows.append({"text": lines[0] + " 새로운 문장입니다."})  # a sentence met before
        path = tmp_path / "texts.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
        return Source("news", (str(path),), weight=2, licence="CC0", attribution="written for the tests")

    def test_shards_hold_each_sentence_once_in_document_order(
        self, source: Source, tokenizer: Tokenizer, tmp_path: Path
    ) -> None:
        folder = tmp_path / "shards"
        prepare([source], tokenizer, folder, workers=0, held_out=0)
        shard = read_shard(folder / "news")
        bounds = zip(shard.sentences, shard.sentences[1:], strict=False)
        sentences = [shard.tokens[start:end].tolist() for start, end in bounds]
        assert all(sentence[-1] == SPECIAL_TOKENS.index("[SEP]") for sentence in sentences)
        expected = [f"{n}번 {sentence}" for n in range(40) for sentence in SENTENCES[:3]]
        expected.append("새로운 문장입니다.")
        ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in expected]
        assert [sentence[:-1] for sentence in sentences] == ids
        assert shard.documents.tolist() == [*range(0, 121, 3), 121]

    def test_held_out_documents_are_not_trained_on(
        self, source: Source, tokenizer: Tokenizer, tmp_path: Path
    ) -> None:
        folder = tmp_path / "shards"
        manifest = prepare([source], tokenizer, folder, workers=0, held_out=0.3)
        record = manifest["sources"][0]
        aside = read_shard(folder / HELD_OUT / "news")
        assert record["documents"] + record["held_out"]["documents"] == 41
        assert 3 <= record["held_out"]["documents"] <= 25
        assert len(aside.tokens) == record["held_out"]["tokens"]

    def test_the_manifest_says_what_is_in_it(
        self, source: Source, tokenizer: Tokenizer, tmp_path: Path
    ) -> None:
        folder = tmp_path / "shards"
        manifest = prepare([source], tokenizer, folder, workers=0, held_out=0)
        assert read_manifest(folder) == json.loads(json.dumps(manifest))
        record = manifest["sources"][0]
        assert manifest["vocab_size"] == tokenizer.get_vocab_size()
        assert (record["licence"], record["attribution"]) == ("CC0", "written for the tests")
        assert len(record["files"]["texts.jsonl"]) == 64
        assert (record["documents"], record["sentences"]) == (41, 121)
        assert str(tmp_path) not in json.dumps(manifest)
        assert load_tokenizer(folder / "tokenizer").get_vocab() == tokenizer.get_vocab()

    def test_a_source_without_text_is_refused(self, tokenizer: Tokenizer, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_text('{"text": "글", "split": "test"}\n', encoding="utf8")
        source = Source("news", (str(path),), where={"split": "train"})
        with pytest.raises(DataError, match="source 'news': expected text, got none; check its files"):
            prepare([source], tokenizer, tmp_path / "shards", workers=0)

    def test_two_sources_of_one_name_are_refused(
        self, source: Source, tokenizer: Tokenizer, tmp_path: Path
    ) -> None:
        with pytest.raises(DataError, match="expected different names"):
            prepare([source, source], tokenizer, tmp_path / "shards", workers=0)
