import csv
import gzip
import itertools
import json
import logging
import lzma
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdoc.errors import InputError
from hdoc.tables import open_table
from hdoc.tables.records import Record, count_records, read_records
from hdoc.text.charset import is_blank

TEXTS = ["국회는 오늘 예산안을 의결했다.", '그는 "좋다"고, 말했다.\n둘째 줄', "\t앞뒤 빈칸 ", "끝\r\n"]


def write_jsonl(path, rows, encoding="utf-8"):
    path.write_bytes(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(
            encoding, "backslashreplace"
        )
    )
    return str(path)


def write_csv(path, rows, encoding="utf-8", **options):
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, **options).writerows(rows)
    return str(path)


def write_parquet(path, columns, **options):
    pq.write_table(pa.table(columns), path, **options)
    return str(path)


def read(*inputs, **options):
    """All records, after checking that they were counted rightly."""
    records = list(read_records(inputs, **options))
    assert count_records(inputs, options.get("encoding")) == len(records)
    return records


# Files and folders


def test_files_keep_their_order_and_given_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.txt").write_text("나", encoding="utf-8")
    (tmp_path / "a.md").write_bytes("가나다라".encode("cp949"))
    (tmp_path / "no_suffix").write_text("다", encoding="utf-8")
    assert read("./b.txt", "a.md", "no_suffix") == [
        Record("./b.txt", {"text": "나"}),
        Record("a.md", {"text": "가나다라"}),
        Record("no_suffix", {"text": "다"}),
    ]


def test_bad_files_are_reported_in_their_place(tmp_path):
    (tmp_path / "a.txt").write_text("가", encoding="utf-8")
    (tmp_path / "b.txt").write_bytes(b"")
    (tmp_path / "c.txt").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    (tmp_path / "d.txt").write_text("라", encoding="utf-8")
    records = read(str(tmp_path))
    assert [record.text for record in records] == ["가", None, None, "라"]
    assert "got nothing (0 bytes)" in records[1].error
    assert "got a PNG picture" in records[2].error
    assert records[0].error is records[3].error is None


def test_folders_are_walked_sorted_and_say_what_they_leave_out(tmp_path, caplog):
    for name in (
        "b.txt",
        "a.MD",
        "sub/c.txt",
        "sub/deep/d.md",
        "x.png",
        "sub/y.png",
        "rows.jsonl",
        ".hidden.txt",
        ".git/e.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        records = read(str(tmp_path))
    assert [record.text for record in records] == ["a.MD", "b.txt", "sub/c.txt", "sub/deep/d.md"]
    assert [record.id for record in records] == [str(tmp_path / record.text) for record in records]
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}: only .txt and .md files are read, left out 1 .jsonl, 2 .png; "
        "give tables and other texts by name"
    ]


def test_folder_without_documents_is_an_error(tmp_path):
    with pytest.raises(InputError, match="got one with no files"):
        read_records([str(tmp_path)])
    (tmp_path / "rows.csv").touch()
    with pytest.raises(
        InputError, match=r"expected a folder with .txt or .md files, got one with 1 .csv; give tables"
    ):
        read_records([str(tmp_path)])


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs POSIX permissions")
def test_folder_that_cannot_be_listed_is_not_passed_over():
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to other users
        Path(folder).chmod(0o755)
        (Path(folder) / "a.txt").write_text("가", encoding="utf-8")
        (Path(folder) / "locked").mkdir(mode=0)
        try:
            if user == 0:  # root may list everything
                os.seteuid(65534)
            with pytest.raises(InputError, match=r"locked: .* no permission to read it"):
                read_records([folder])
        finally:
            if user == 0:
                os.seteuid(user)
            (Path(folder) / "locked").chmod(0o700)


def test_paths_that_are_no_utf8_stay_writable(tmp_path):
    path = tmp_path / "\udcb0.txt"
    path.write_text("가", encoding="utf-8")
    (record,) = read(str(path))
    assert record.text == "가"
    assert record.id == f"{tmp_path}/\\udcb0.txt"


def test_missing_input_is_an_error_before_anything_is_read(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("가", encoding="utf-8")
    for missing in ("no.txt", "no.jsonl", "no", "a\0b"):
        with pytest.raises(InputError, match=f"{missing}: expected"):
            read_records([str(path), missing])
        with pytest.raises(InputError, match=missing):
            count_records([missing])


def test_no_inputs_give_no_records():
    assert read() == []


# Tables


@pytest.mark.parametrize(
    ("name", "compression"),
    [
        *itertools.product(["t.jsonl", "t.ndjson", "t.csv", "t.tsv"], ["", ".gz", ".xz"]),
        ("t.parquet", ""),
    ],
)
def test_tables_give_a_record_a_row(tmp_path, name, compression):
    path = tmp_path / name
    rows = [{"id": f"p-{index}", "분류": "환경", "text": text} for index, text in enumerate(TEXTS)]
    if path.suffix == ".parquet":
        write_parquet(path, pa.Table.from_pylist(rows).to_pydict())
    elif "json" in path.suffix or path.suffix == ".ndjson":
        write_jsonl(path, rows)
    else:
        delimiter = "\t" if path.suffix == ".tsv" else ","
        write_csv(path, [rows[0].keys(), *(row.values() for row in rows)], delimiter=delimiter)
    if compression:
        packed = path.with_name(path.name + compression)
        opener = gzip.open if compression == ".gz" else lzma.open
        with opener(packed, "wb") as file:
            file.write(path.read_bytes())
        path = packed
    assert read(str(path)) == [Record(row["id"], {"text": row["text"]}) for row in rows]


@settings(deadline=None)  # first calls import, and machines are shared
@given(texts=st.lists(st.text(st.characters(exclude_categories=("Cs",))), min_size=1, max_size=8))
def test_any_text_comes_back_from_every_kind_of_table(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("tables")
    files = [
        write_jsonl(folder / "t.jsonl", [{"text": text} for text in texts]),
        write_csv(folder / "t.csv", [["n", "text"], *enumerate(texts)]),
        write_csv(folder / "t16.csv", [["n", "text"], *enumerate(texts)], encoding="utf-16"),
        write_parquet(folder / "t.parquet", {"text": texts}, row_group_size=3),
    ]
    for file in files:
        for text, record in zip(texts, read(file), strict=True):
            assert record.text == (None if is_blank(text) else text)
            assert (record.error is None) == (not is_blank(text))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
@pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv"])
def test_tables_in_every_encoding_are_recognised(tmp_path, encoding, kind):
    rows = [{"번호": "1", "내용": "국회는 오늘 예산안을 의결했다."}, {"번호": "2", "내용": "비가 온다."}] * 50
    path = tmp_path / f"t.{kind}"
    if kind == "jsonl":
        write_jsonl(path, rows, encoding)
    else:
        delimiter = "\t" if kind == "tsv" else ","
        write_csv(path, [rows[0].keys(), *(row.values() for row in rows)], encoding, delimiter=delimiter)
    for given_encoding in (None, encoding):
        records = read(str(path), columns={"text": "내용"}, id_column="번호", encoding=given_encoding)
        assert records == [Record(row["번호"], {"text": row["내용"]}) for row in rows]


def test_ids_come_from_the_column_or_the_row(tmp_path):
    rows = [{"id": 7, "text": "가"}, {"text": "나"}, {"id": " ", "text": "다"}, {"id": [1], "text": "라"}]
    path = write_jsonl(tmp_path / "t.jsonl", [*rows, {"id": "half \ud83d", "text": "마"}])
    assert [record.id for record in read(path)] == [
        "7",
        f"{path}:2",
        f"{path}:3",
        f"{path}:4",
        "half \\ud83d",
    ]
    assert [record.id for record in read(path, id_column="text")] == ["가", "나", "다", "라", "마"]


def test_bad_json_lines_spoil_only_themselves(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_bytes(
        '{"text": "하나"}\n\n{"text": "둘"\n["셋"]\n{"id": "4"}\n{"id": "5", "text": 5}\n'.encode()
        + b'{"text": " \\n"}\n'
        + b'{"text": "\xff\xb0"}\n{"text": "\\ud83d"}\n'
        + '{"text": null}\n{"text": "\\ud83d\\ude00 끝"}'.encode()
    )
    records = read(str(path))
    assert [record.text for record in records] == ["하나", *[None] * 8, "😀 끝"]
    assert [record.error for record in records[1:-1]] == [
        f"{path}:3: broken JSON: Expecting ',' delimiter at character 14 of the line",
        f"{path}:4: expected a JSON object, got list",
        f"{path}:5: expected a text in column 'text', got nothing (missing or null)",
        f"{path}:6: expected a text in column 'text', got a value of type int",
        f"{path}:7: expected a text in column 'text', got nothing but white space (2 characters)",
        f"{path}:8: expected UTF-8, got bytes that are not",
        f"{path}:9: expected a text in column 'text', got half a surrogate pair, which is no character",
        f"{path}:10: expected a text in column 'text', got nothing (missing or null)",
    ]
    assert [record.id for record in records[3:5]] == ["4", "5"]


def test_bad_csv_rows_spoil_only_themselves(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(
        'id,text\r\n1,하나\r\n2,둘,셋\r\n3\r\n\r\n4,"넷" 다\r\n5,""\r\n'.encode()
        + b"6,\xff\r\n"
        + '7,"일곱\r\n줄"\r\n8,\0여덟\r\n9,"열린\r\n10,열'.encode()
    )
    records = list(read_records([str(path)]))
    assert [(record.id, record.text) for record in records if record.text] == [
        ("1", "하나"),
        ("7", "일곱\r\n줄"),
        ("8", "\0여덟"),
    ]
    assert [record.error for record in records if record.error] == [
        f"{path}:2: expected 2 fields as in the header, got 3; check its delimiters and quotes",
        f"{path}:3: expected 2 fields as in the header, got 1; check its delimiters and quotes",
        f"{path}:4: broken row (line 6): ',' expected after '\"'; check its quotes",
        f"{path}:5: expected a text in column 'text', got nothing but white space (0 characters)",
        f"{path}:6: expected UTF-8, got bytes that are not",
        f"{path}:9: broken row (line 12 to 13): unexpected end of data; check its quotes",
    ]


def test_undecodable_bytes_of_cp949_spoil_only_their_row(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"{index},국회는 오늘 예산안을 의결했다.\n".encode("cp949") for index in range(200)]
    rows[20] = b"20,\xb0\xff\n"
    path.write_bytes(b"id,text\n" + b"".join(rows))
    records = read(str(path))
    assert [record.id for record in records if record.error] == [f"{path}:21"]
    assert "expected CP949, got bytes that are not" in records[20].error


def test_quotes_in_tsv_hold_fields_together_only_where_they_are_used_so(tmp_path):
    corpus = tmp_path / "corpus.tsv"
    corpus.write_text('id\ttext\n1\t"좋다" 정말\n2\t"열린 말\n3\t끝\n', encoding="utf-8")
    assert [record.text for record in read(str(corpus))] == ['"좋다" 정말', '"열린 말', "끝"]
    quoted = write_csv(tmp_path / "q.tsv", [["id", "text"], *enumerate(TEXTS)], delimiter="\t")
    assert [record.text for record in read(quoted)] == TEXTS


def test_single_column_and_large_fields(tmp_path):
    path = write_csv(tmp_path / "t.csv", [["text"], ["가" * 300_000], [""], ["나"]])
    assert [record.text for record in read(path)] == ["가" * 300_000, None, "나"]


def test_open_quote_does_not_draw_the_file_into_memory(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text('id,text\n1,"열린\n' + "2,나\n" * 100_000 + "3,다\n" * 10, encoding="utf-8")
    monkeypatch.setattr("hdoc.tables.delimited._LONGEST_FIELD", 100_000)
    old = csv.field_size_limit(100_000)
    try:
        records = list(read_records([str(path)]))
    finally:
        csv.field_size_limit(old)
    assert "field larger than field limit" in records[0].error
    assert records[-1] == Record("3", {"text": "다"})


def test_parquet_types_and_bad_values(tmp_path):
    path = tmp_path / "t.parquet"
    broken = pa.StringArray.from_buffers(
        2, pa.py_buffer(b"\0\0\0\0\1\0\0\0\4\0\0\0"), pa.py_buffer(b"a\xff\xfe!")
    )
    write_parquet(path, {"text": broken, "id": pa.array([1, None])})
    assert [record.error for record in read(str(path))] == [
        None,
        f"{path}:2: expected UTF-8, got bytes that are not",
    ]
    write_parquet(path, {"label": ["x"] * 4, "text": pa.array(["가", None, " ", "가"]).dictionary_encode()})
    assert [record.text for record in read(str(path))] == ["가", None, None, "가"]
    write_parquet(path, {"text": [1, 2]})
    assert read(str(path))[1].error == f"{path}:2: expected a text in column 'text', got a value of type int"


@pytest.mark.parametrize("name", ["t.jsonl", "t.csv", "t.tsv", "t.parquet"])
def test_missing_column_lists_those_there_are(tmp_path, name):
    path = tmp_path / name
    row = {"번호": "1", "본문": "가"}
    if name == "t.jsonl":
        write_jsonl(path, [row])
    elif name == "t.parquet":
        write_parquet(path, {key: [value] for key, value in row.items()})
    else:
        write_csv(path, [row.keys(), row.values()], delimiter="\t" if name == "t.tsv" else ",")
    with pytest.raises(
        InputError,
        match=r"expected a column 'text', got '번호', '본문'; name the right one with --text-column",
    ):
        read_records([str(path)])
    with pytest.raises(
        InputError, match="expected a column 'key', got '번호', '본문'; name the right one with --id-column"
    ):
        read_records([str(path)], columns={"text": "본문"}, id_column="key")


def test_double_and_many_columns(tmp_path):
    path = write_csv(tmp_path / "t.csv", [["text", "text"], ["a", "b"]])
    with pytest.raises(InputError, match="expected one column 'text', got two"):
        read_records([path])
    double = pa.table([pa.array(["가"]), pa.array(["1"]), pa.array(["2"])], names=["text", "id", "id"])
    pq.write_table(double, tmp_path / "t.parquet")
    assert read(str(tmp_path / "t.parquet")) == [Record(f"{tmp_path}/t.parquet:1", {"text": "가"})]
    path = write_csv(tmp_path / "t.csv", [[f"c{index}" for index in range(30)]])
    with pytest.raises(InputError, match="'c18', 'c19', …; name"):
        read_records([path])


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("t.jsonl", b"", "expected a table, got nothing (0 bytes)"),
        ("t.csv", b"", "expected a table, got nothing (0 bytes)"),
        ("t.jsonl", b"\n\n", "expected JSON Lines, one object with columns a line, but only blank lines"),
        (
            "t.json",
            b'[{"text": "a"}]',
            "expected JSON Lines, one object with columns a line, but expected a JSON obj",
        ),
        (
            "t.json",
            b'{\n"text": "a"\n}',
            "expected JSON Lines, one object with columns a line, but broken JSON",
        ),
        ("t.csv", b"\xef\xbb\xbf", "expected a line of column names, got an empty line"),
        ("t.csv", b'"a\nb', "expected a line of column names, got a broken one"),
        ("t.csv", b"PK\x03\x04\x14\x00\x06\x00", "got a ZIP file"),
        ("t.parquet", b"PAR1 is not enough", "expected a Parquet file, got none or a damaged one"),
        ("t.parquet", b"", "expected a Parquet file"),
        ("t.csv.gz", b"id,text\n", "cannot be read (Not a gzipped file"),
        ("t.csv.xz", b"id,text\n", "cannot be read (Input format not supported"),
    ],
)
def test_what_is_no_table_is_an_error_at_once(tmp_path, name, data, words):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError) as raised:
        read_records([str(path)])
    assert str(raised.value).startswith(f"{path}: ")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_unknown_encoding_is_an_error_at_once(tmp_path):
    with pytest.raises(InputError, match="unknown encoding 'korean8'"):
        read_records([write_jsonl(tmp_path / "t.jsonl", [{"text": "가"}])], encoding="korean8")
    with pytest.raises(InputError, match="unknown encoding 'korean8'"):
        read_records(["-"], encoding="korean8")


def test_tables_without_rows_give_no_records(tmp_path):
    assert read(write_csv(tmp_path / "t.csv", [["id", "text"]])) == []
    assert read(write_parquet(tmp_path / "t.parquet", {"text": pa.array([], pa.string())})) == []


def test_damaged_archive_ends_with_a_record_and_the_next_input_follows(tmp_path):
    path = tmp_path / "t.jsonl.gz"
    rows = "".join(json.dumps({"text": str(index) * 9}) + "\n" for index in range(20_000))
    path.write_bytes(gzip.compress(rows.encode())[:-10_000])
    after = write_jsonl(tmp_path / "after.jsonl", [{"id": "z", "text": "끝"}])
    *good, damaged, last = read_records([str(path), after])
    assert len(good) > 1000
    assert all(record.error is None for record in good)
    assert damaged.id == f"{path}:{len(good) + 1}"
    assert f"the file is damaged, nothing after row {len(good)} can be read" in damaged.error
    assert last == Record("z", {"text": "끝"})
    assert count_records([str(path), after]) == len(good) + 2


def test_damaged_parquet_ends_with_a_record(tmp_path):
    path = tmp_path / "t.parquet"
    write_parquet(
        path, {"text": [f"{index:06d}" * 9 for index in range(9000)]}, row_group_size=3000, compression="zstd"
    )
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = bytes(2000)
    path.write_bytes(data)
    *good, damaged = read_records([str(path)])
    assert len(good) > 2000
    assert "the file is damaged" in damaged.error


def test_rows_are_numbered_as_the_file_is_read(tmp_path):
    table = open_table(tmp_path / write_jsonl(tmp_path / "t.jsonl", [{"b": 1}, {"a": None}]))
    assert table.columns == ("b", "a")
    assert [(row.number, row.values) for row in table.rows(["a"])] == [(1, {}), (2, {"a": None})]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's account of memory")
@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_memory_stays_flat(tmp_path, kind):
    """Reading 60 MB of text takes little more than reading 6 MB does."""
    code = (
        "import re, sys; from pathlib import Path; from hdoc.tables.records import read_records\n"
        "n = sum(len(record.text) for record in read_records([sys.argv[1]]))\n"
        "print(n, re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
    )
    peaks = []
    for n_rows in (2_000, 20_000):
        texts = [f"{index} " + "국회는 " * 250 for index in range(n_rows)]
        path = tmp_path / f"{n_rows}.{kind}"
        if kind == "jsonl":
            write_jsonl(path, [{"text": text} for text in texts])
        elif kind == "csv":
            write_csv(path, [["n", "text"], *enumerate(texts)])
        else:  # one row group, which would all be in memory at once if it were read as one
            write_parquet(path, {"text": texts}, compression="none", use_dictionary=False)
        run = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
        )
        n_characters, peak = map(int, run.stdout.split())
        assert n_characters == sum(map(len, texts))
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 16_000  # KiB


def test_importing_records_loads_nothing_heavy():
    heavy = "{'pyarrow', 'charset_normalizer', 'torch', 'kss'}"
    code = f"import sys, hdoc.tables.records, hdoc.tables.results; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
