from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path

import pytest

from hdoc.errors import DataError
from hdoc.pretraining.corpus import (
    Source,
    distinct_lines,
    load_sources,
    read_documents,
    read_training_texts,
)
from tests.places import ROOT


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

    def test_files_that_are_damaged_or_no_json_are_refused(self, tmp_path: Path) -> None:
        whole = lzma.compress(b'{"text": "x"}\n' * 50)
        for name, content, message in (
            ("cut.jsonl.xz", whole[:-20], r"cut\.jsonl\.xz: expected a whole file in UTF-8, but"),
            ("foreign.jsonl.gz", b"nothing", r"foreign\.jsonl\.gz: expected a whole file in UTF-8, but"),
            ("codec.txt", "글".encode("cp949"), r"codec\.txt: expected a whole file in UTF-8, but"),
            ("no.jsonl", b'{"text": "x"}\n{\n', r"no\.jsonl, row 2: expected a JSON object a line, but"),
            ("list.jsonl", b"[1]\n", r"list\.jsonl, row 1: expected a JSON object a line, got list"),
        ):
            (tmp_path / name).write_bytes(content)
            for read in (read_training_texts, lambda path: read_documents(Source("s", (str(path),)))):
                with pytest.raises(DataError, match=message):
                    list(read(tmp_path / name))

    def test_training_texts_are_all_fields_of_text_but_of_splits_to_judge_by(self, tmp_path: Path) -> None:
        rows = [
            {"id": "1", "title": "제목", "text": "본문", "label": "경제", "split": "train"},
            {"text": "본문"},
            {"a": "하나", "b": "둘", "score": 3, "split": ""},
            {"question": "무엇인가?", "context": None, "split": "dev"},
            {"title": "비밀", "text": "시험", "split": "test"},
            {"text": "법", "split": "unlabelled"},
        ]
        path = tmp_path / "a.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
        assert list(read_training_texts(path)) == ["제목", "본문", "본문", "하나", "둘", "법"]
        with gzip.open(tmp_path / "b.tsv.gz", "wt", encoding="utf8") as file:
            file.write("split\tdocument\ntrain\t좋다\ntest\t나쁘다\n")
        assert list(read_training_texts(tmp_path / "b.tsv.gz")) == ["좋다"]
        (tmp_path / "c.txt").write_text("하나\n둘\n\n셋\n", encoding="utf8")
        assert list(read_training_texts(tmp_path / "c.txt")) == ["하나\n둘\n", "셋\n"]

    def test_training_texts_that_are_none_are_told(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"expected a file of text, but nowhere\.txt is none"):
            list(read_training_texts(Path("nowhere.txt")))
        (tmp_path / "a.jsonl").write_text('{"body": "x"}\n', encoding="utf8")
        with pytest.raises(DataError, match=r"row 1: expected a field of text \(title, .*\), got only body"):
            list(read_training_texts(tmp_path / "a.jsonl"))

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
