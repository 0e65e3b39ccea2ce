import gzip
import json
import lzma
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hdoc.errors import DataError
from hdoc.tables.labelled import LabelledTable

ROWS = [
    ("시장은 새 도서관을 열겠다고 밝혔다.", "사회"),
    ('"불상"을 공개했다.', "문화"),
    ("환율이 올랐다.", "경제"),
]


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def csv_bytes(encoding: str) -> bytes:
    lines = ["본문,분류", *('"' + text.replace('"', '""') + '",' + label for text, label in ROWS)]
    return ("\n".join(lines) + "\n").encode(encoding)


def tsv_bytes() -> bytes:
    return ("본문\t분류\n" + "".join(f"{text}\t{label}\n" for text, label in ROWS)).encode()


def jsonl_bytes() -> bytes:
    return "".join(
        json.dumps({"본문": text, "분류": label}, ensure_ascii=False) + "\n" for text, label in ROWS
    ).encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", csv_bytes("utf-8")),
        ("a.csv", csv_bytes("utf-8-sig")),
        ("a.csv", csv_bytes("cp949")),
        ("a.csv.gz", gzip.compress(csv_bytes("utf-8"))),
        ("a.tsv", tsv_bytes()),
        ("a.jsonl", jsonl_bytes()),
        ("a.jsonl.xz", lzma.compress(jsonl_bytes())),
    ],
)
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    rows = list(LabelledTable.open(path, "본문", "분류").rows())
    assert [(row.text, *row.labels) for row in rows] == ROWS
    assert [row.id for row in rows] == ["1", "2", "3"]


def test_parquet_with_ids_and_numbers_as_labels(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"id": ["a", "b"], "text": ["하나", "둘"], "label": pa.array([1.0, 0.0])}),
        tmp_path / "a.parquet",
    )
    rows = list(LabelledTable.open(tmp_path / "a.parquet", "text", "label").rows())
    assert [(row.id, row.text, row.labels) for row in rows] == [("a", "하나", ("1",)), ("b", "둘", ("0",))]


def test_columns_and_labels_are_found_in_decomposed_hangul(tmp_path: Path) -> None:
    text = unicodedata.normalize("NFD", "본문,분류\n가나다,경제\n라마바,경제 \n")
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    rows = list(LabelledTable.open(tmp_path / "a.csv", "본문", "분류").rows())
    assert {row.labels for row in rows} == {("경제",)}
    assert rows[0].text == unicodedata.normalize("NFD", "가나다")


def test_half_a_surrogate_pair_is_replaced_in_place(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "가\\ud83d나", "label": "a"}\n', encoding="utf-8")
    (row,) = LabelledTable.open(tmp_path / "a.jsonl", "text", "label").rows()
    assert row.text == "가\ufffd나"


@pytest.mark.parametrize(
    ("value", "labels"),
    [
        (["경제", "사회"], ("경제", "사회")),
        (["사회", "경제", "사회"], ("경제", "사회")),
        ([], ()),
        ("사회|경제", ("경제", "사회")),
        ("사회; 경제", ("경제", "사회")),
        ("", ()),
        (["보건/복지"], ("보건/복지",)),
        ([3], ("3",)),
    ],
)
def test_several_labels(tmp_path: Path, value: Any, labels: tuple[str, ...]) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"text": "글", "label": value}])
    (row,) = LabelledTable.open(path, "text", "label", multi_label=True).rows()
    assert row.labels == labels


def test_several_labels_in_parquet(tmp_path: Path) -> None:
    table = pa.table({"text": ["하나", "둘"], "label": [["가", "나"], []]})
    pq.write_table(table, tmp_path / "a.parquet")
    rows = LabelledTable.open(tmp_path / "a.parquet", "text", "label", multi_label=True).rows()
    assert [row.labels for row in rows] == [("가", "나"), ()]


@pytest.mark.parametrize(
    ("line", "multi_label", "problem"),
    [
        ('{"text": "", "label": "a"}', False, "expected a text in 'text', got an empty one"),
        ('{"text": " \\n\\u3000", "label": "a"}', False, "expected a text in 'text', got an empty one"),
        ('{"text": 5, "label": "a"}', False, "expected a text in 'text', got 5"),
        ('{"label": "a"}', False, "expected a text in 'text', got nothing"),
        ('{"text": "글"}', False, "expected a label in 'label', got nothing; write one or delete the row"),
        ('{"text": "글", "label": " "}', False, "expected a label in 'label', got ' '"),
        ('{"text": "글", "label": 1.5}', False, "expected a label in 'label', got 1.5"),
        ('{"text": "글", "label": ["a"]}', False, "got ['a']; set data.multi_label to true"),
        ('{"text": "글"}', True, "expected a list of labels in 'label'"),
        ('{"text": "글", "label": ["a", ""]}', True, "got ['a', '']; leave out labels that are empty"),
        ('{"text": "글", "label": "a||b"}', True, "(or one text with | between them), got 'a||b'"),
        ('{"text": "글", "label": "a"', False, "broken JSON"),
        ('["글", "a"]', False, "expected a JSON object, got list; repair or delete the row"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(
    tmp_path: Path, line: str, multi_label: bool, problem: str
) -> None:
    path = tmp_path / "train.jsonl"
    good = '{"text": "글", "label": "a"}\n'
    path.write_text(good + line + "\n" + good, encoding="utf-8")
    table = LabelledTable.open(path, "text", "label", multi_label)
    for read in (table.check, lambda: list(table.rows())):
        with pytest.raises(DataError) as caught:
            read()
        assert str(caught.value).startswith(f"{path}, row 2: ")
        assert problem in str(caught.value)
        assert ";" in str(caught.value)


def test_other_rows_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    rows = [{"text": "글" if i % 2 else "", "label": "a"} for i in range(40)]
    table = LabelledTable.open(write_jsonl(tmp_path / "a.jsonl", rows), "text", "label")
    with pytest.raises(DataError, match=r"row 1: .*\(19 more rows cannot be used: 3, 5, 7, .*, 21, …\)$"):
        table.check()


def no_such_file(folder: Path) -> Path:
    return folder / "missing.csv"


def wrong_kind(folder: Path) -> Path:
    (folder / "a.xlsx").write_bytes(b"PK")
    return folder / "a.xlsx"


def header_only(folder: Path) -> Path:
    (folder / "a.csv").write_text("text,label\n")
    return folder / "a.csv"


def other_columns(folder: Path) -> Path:
    (folder / "a.csv").write_text("본문,label\n글,a\n", encoding="utf-8")
    return folder / "a.csv"


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (no_such_file, "missing.csv: expected a file, but there is nothing of this name"),
        (wrong_kind, r"a.xlsx: expected a .jsonl, .csv or .tsv file .*, got .xlsx; convert or rename it"),
        (header_only, "a.csv: expected rows, got none"),
        (
            other_columns,
            "expected a column 'text', got '본문', 'label'; name the one you mean with data.text_column",
        ),
        (lambda folder: folder, "got a folder; convert or rename it"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, make: Callable[[Path], Path], problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        LabelledTable.open(make(tmp_path), "text", "label").check()


def test_nothing_but_the_text_is_needed_to_predict(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"text": "글"}])
    assert LabelledTable.open(path, "text", None).check() == (1, 1)
