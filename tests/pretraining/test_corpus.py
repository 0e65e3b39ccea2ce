"""Sources, vocabulary and preparation: from files of text to token shards."""

from __future__ import annotations

import gzip
import json
import lzma
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from hdoc.errors import DataError
from hdoc.pretraining.corpus import Source, distinct_lines, load_sources, read_documents
from hdoc.pretraining.preparation import prepare
from hdoc.pretraining.shards import HELD_OUT, read_manifest, read_shard
from hdoc.pretraining.tokenizer import (
    SPECIAL_TOKENS,
    choose_alphabet,
    load_tokenizer,
    save_tokenizer,
    train_tokenizer,
)
from tests.conftest import SENTENCES
from tests.places import ROOT


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(SENTENCES * 3, vocab_size=600, alphabet_size=250)


class TestCorpus:
    def test_every_format_and_compression_gives_the_same_documents(self, tmp_path: Path) -> None:
        first, second = "한 줄입니다.\n두 줄입니다.", "다른 문서입니다."
        rows = "".join(json.dumps({"text": text}) + "\n" for text in (first, second))
        (tmp_path / "a.txt").write_text(first + "\n\n" + second + "\n", encoding="utf8")
        (tmp_path / "b.jsonl").write_text(rows, encoding="utf8")
        with gzip.open(tmp_path / "c.jsonl.gz", "wt", encoding="utf8") as file:
            file.write(rows)
        with lzma.open(tmp_path / "d.jsonl.xz", "wt", encoding="utf8") as file:
            file.write(rows)
        for name in ("a.txt", "b.jsonl", "c.jsonl.gz", "d.jsonl.xz"):
            assert list(read_documents(Source("s", (str(tmp_path / name),)))) == [first, second]

    def test_tab_separated_values_have_a_header_and_no_quoting(self, tmp_path: Path) -> None:
        path = tmp_path / "reviews.tsv"
        path.write_text('id\tsplit\tdocument\n1\ttrain\t"좋다\n2\ttest\t나쁘다\n', encoding="utf8")
        source = Source("s", (str(path),), fields=("document",), where={"split": "train"})
        assert list(read_documents(source)) == ['"좋다']

    def test_only_rows_of_the_split_and_all_fields_in_order(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        rows = [
            {"title": "제목", "text": "본문", "split": "train"},
            {"title": "비밀", "text": "시험", "split": "test"},
        ]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
        source = Source("s", (str(path),), fields=("title", "text"), where={"split": "train"})
        assert list(read_documents(source)) == ["제목\n본문"]

    def test_a_missing_field_is_named_with_its_row(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_text('{"text": "하나"}\n{"body": "둘"}\n', encoding="utf8")
        with pytest.raises(DataError, match=r"a\.jsonl, row 2: no field 'text', only body"):
            list(read_documents(Source("s", (str(path),))))

    def test_a_missing_file_and_an_unknown_format_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"source 's': no file nowhere\.txt"):
            list(read_documents(Source("s", ("nowhere.txt",))))
        (tmp_path / "a.pdf").write_text("x", encoding="utf8")
        with pytest.raises(DataError, match=r"expected \.txt, \.jsonl or \.tsv .* got a\.pdf"):
            list(read_documents(Source("s", (str(tmp_path / "a.pdf"),))))

    def test_lines_met_before_are_dropped_across_documents(self) -> None:
        given = ["제1조(목적)\n이 법은\n\n", "제1조(목적)\n다른 법은", "이  법은"]
        assert list(distinct_lines(given)) == ["제1조(목적)\n이 법은", "다른 법은"]

    def test_limits_spread_over_the_documents(self, tmp_path: Path) -> None:
        texts = ["\n".join(f"문서 {n} 줄 {line:03}" for line in range(100)) for n in range(30)]
        path = tmp_path / "a.jsonl"
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf8")
        source = Source("s", (str(path),), max_characters=3000, max_document_characters=200)
        found = list(read_documents(source, seed=1))
        assert 3000 <= sum(map(len, found)) < 3300
        assert all(200 <= len(document) < 240 for document in found)
        assert len({document.split()[1] for document in found}) == len(found)
        assert len({document.split()[3] for document in found}) > 3  # not always from the first line
        assert found == list(read_documents(source, seed=1))
        assert found != list(read_documents(source, seed=2))

    def test_sources_are_read_from_yaml(self, tmp_path: Path) -> None:
        path = tmp_path / "sources.yaml"
        path.write_text("sources:\n  news: {files: [a.txt], weight: 2}\n", encoding="utf8")
        assert load_sources(path) == [Source("news", (str(tmp_path / "a.txt"),), weight=2)]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("news: 1", "expected a mapping 'sources'"),
            ("sources: {news: {weight: 1}}", "'files' is missing"),
            ("sources: {news: {files: [a.txt], wieght: 1}}", "got also wieght"),
            ("sources: {news: {files: [a.txt], weight: 0}}", "expected a weight above 0, got 0"),
        ],
    )
    def test_wrong_sources_say_what_is_wrong(self, tmp_path: Path, content: str, message: str) -> None:
        path = tmp_path / "sources.yaml"
        path.write_text(content, encoding="utf8")
        with pytest.raises(DataError, match=message):
            load_sources(path)

    def test_the_shipped_encoders_sources_leave_dev_and_test_out(self) -> None:
        sources = load_sources(ROOT / "configs" / "pretrain-sources.yaml")
        for source in sources:
            if source.name in {"petitions", "statutes", "nsmc"}:
                assert source.where == {"split": "train"}
            assert source.licence
            assert source.attribution
        assert not any("out_of_scope" in file or "movies" in file for s in sources for file in s.files)
        assert sum(source.weight for source in sources) == pytest.approx(1)


class TestTokenizer:
    def test_transformers_loads_it_as_a_fast_tokenizer(self, tokenizer: Tokenizer, tmp_path: Path) -> None:
        from transformers import AutoTokenizer

        save_tokenizer(tokenizer, tmp_path)
        loaded = AutoTokenizer.from_pretrained(tmp_path)
        assert loaded.is_fast
        special = (loaded.pad_token_id, loaded.unk_token_id, loaded.cls_token_id, loaded.sep_token_id)
        assert (*special, loaded.mask_token_id) == (0, 1, 2, 3, 4)
        assert loaded.model_max_length == 512
        pair = loaded(SENTENCES[0], SENTENCES[1])
        assert pair["input_ids"] == tokenizer.encode(SENTENCES[0], SENTENCES[1]).ids
        assert pair["token_type_ids"][-1] == 1
        text = loaded.decode(pair["input_ids"], skip_special_tokens=True)
        assert text.replace(" .", ".") == f"{SENTENCES[0]} {SENTENCES[1]}"

    def test_offsets_give_back_the_text(self, tokenizer: Tokenizer) -> None:
        for text in SENTENCES:
            encoding = tokenizer.encode(text, add_special_tokens=False)
            covered = "".join(text[start:end] for start, end in encoding.offsets)
            assert covered == "".join(text.split())

    def test_decomposed_text_has_the_same_pieces_at_its_own_places(self, tokenizer: Tokenizer) -> None:
        for text in SENTENCES:
            decomposed = unicodedata.normalize("NFD", text)
            composed_encoding = tokenizer.encode(text, add_special_tokens=False)
            encoding = tokenizer.encode(decomposed, add_special_tokens=False)
            assert encoding.tokens == composed_encoding.tokens
            # A piece starts where its first jamo does; the jamo up to the next piece belong to it.
            starts = [start for start, _ in encoding.offsets]
            expected = [
                len(unicodedata.normalize("NFD", text[:start])) for start, _ in composed_encoding.offsets
            ]
            assert starts == expected

    def test_hangul_is_not_taken_apart_and_case_is_kept(self, tokenizer: Tokenizer) -> None:
        tokens = tokenizer.encode("Seoul 시장은", add_special_tokens=False).tokens
        assert "".join(token.removeprefix("##") for token in tokens) == "Seoul시장은"
        assert tokenizer.encode("Seoul").tokens != tokenizer.encode("seoul").tokens

    def test_hanja_stand_alone(self, tokenizer: Tokenizer) -> None:
        assert tokenizer.encode("시장市長은", add_special_tokens=False).offsets[-1] == (4, 5)

    def test_rare_hanja_stay_out_and_common_syllables_come_in(self) -> None:
        counts = Counter({"가": 600_000, "나": 599_000, "뷁": 3, "뷀": 2, "法": 9, "人": 400, "a": 3, " ": 9})
        assert choose_alphabet(counts, 10) == ["가", "나", "人", "a", "뷁"]
        assert choose_alphabet(counts, 2) == ["가", "나"]

    def test_the_vocabulary_has_the_size_asked_for(self) -> None:
        assert train_tokenizer(SENTENCES, 90, alphabet_size=40).get_vocab_size() == 90

    def test_a_character_left_out_does_not_join_its_neighbours(self) -> None:
        vocabulary = train_tokenizer(
            ["가나다라 " * 50 + "가뷁다라 " * 2] * 2, 60, alphabet_size=4
        ).get_vocab()
        assert "가나다라" in vocabulary
        assert not any("가다" in piece for piece in vocabulary)

    def test_impossible_sizes_and_no_text_are_refused(self) -> None:
        with pytest.raises(DataError, match="at least 205 pieces for an alphabet of 100, got 150"):
            train_tokenizer(SENTENCES, 150, alphabet_size=100)
        with pytest.raises(DataError, match="expected text to learn a vocabulary from"):
            train_tokenizer([], 1000)

    def test_another_kind_of_tokenizer_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"no tokenizer\.json in"):
            load_tokenizer(tmp_path)
        from tokenizers.models import WordLevel

        Tokenizer(WordLevel({"[PAD]": 0, "[UNK]": 2}, unk_token="[UNK]")).save(
            str(tmp_path / "tokenizer.json")
        )
        with pytest.raises(DataError, match=r"expected \[PAD\], .* got \[0, 2, None, None, None\]"):
            load_tokenizer(tmp_path)


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
