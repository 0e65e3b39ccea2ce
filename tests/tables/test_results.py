import csv
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdoc.errors import HdocError, InputError
from hdoc.tables import results
from hdoc.tasks.document.task import TASK

open_writer = partial(results.open_writer, columns=TASK.columns)
FIELDS = ("id", "label", "probability", "probabilities", "sentences", "error")

ROW = {
    "id": "기사-1",
    "label": "정치",
    "probability": 0.75,
    "probabilities": {"정치": 0.75, "경제/산업": 0.25},
    "sentences": [{"start": 0, "end": 12, "text": '그는 "좋다"고,\n말했다.', "contribution": -0.5}],
    "error": None,
}
FAILED = {"id": "b.txt", "error": "b.txt: expected a text, got nothing (0 bytes)"}

strings = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
sentences = st.fixed_dictionaries(
    {"start": st.integers(0, 2**40), "end": st.integers(0, 2**40), "text": strings, "contribution": numbers}
)
rows = st.fixed_dictionaries(
    {
        "id": strings,
        "label": strings,
        "probability": numbers,
        "probabilities": st.dictionaries(strings, numbers, min_size=1, max_size=3),
        "sentences": st.lists(sentences, max_size=2),
        "error": st.none() | strings.filter(bool),
    }
)


def read_jsonl(path):
    return [json.loads(line) for line in Path(path).read_text("utf-8").split("\n")[:-1]]


def read_csv(path):
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    for row in table:
        row["probability"] = float(row["probability"]) if row["probability"] else None
        row["error"] = row["error"] or None
        for nested in ("probabilities", "sentences"):
            row[nested] = json.loads(row[nested]) if row[nested] else None
    return table


def read_parquet(path):
    table = pq.read_table(path).to_pylist()
    for row in table:
        if row["probabilities"] is not None:
            row["probabilities"] = {entry["label"]: entry["probability"] for entry in row["probabilities"]}
    return table


READERS = {"jsonl": read_jsonl, "csv": read_csv, "parquet": read_parquet}


@pytest.mark.parametrize("kind", READERS)
@settings(deadline=None)  # first calls import, and machines are shared
@given(written=st.lists(rows, max_size=5))
def test_rows_come_back_as_they_were(tmp_path_factory, kind, written):
    path = tmp_path_factory.mktemp("results") / f"r.{kind}"
    with open_writer(str(path)) as writer:
        for row in written:
            writer.write(row)
    assert READERS[kind](path) == written
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("kind", READERS)
def test_failed_documents_have_their_row(tmp_path, kind):
    path = tmp_path / f"r.{kind}"
    with open_writer(str(path)) as writer:
        writer.write(ROW)
        writer.write(FAILED)
    first, second = READERS[kind](path)
    assert first == ROW
    assert list(second) == list(FIELDS)
    assert second["error"] == FAILED["error"]
    assert not second["label"]
    assert second["probability"] is second["probabilities"] is second["sentences"] is None


def test_csv_is_for_excel_and_alters_nothing(tmp_path):
    path = tmp_path / "r.csv"
    with open_writer(str(path)) as writer:
        writer.write({**ROW, "id": "=1+1"})
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbfid,label,probability,probabilities,sentences,error\r\n=1+1,")
    assert '{""정치"":0.75,""경제/산업"":0.25}' in data.decode()


def test_parquet_has_one_schema_even_without_rows(tmp_path):
    schemas = []
    for name, written in (("none", []), ("failed", [FAILED]), ("good", [ROW])):
        with open_writer(str(tmp_path / f"{name}.parquet")) as writer:
            for row in written:
                writer.write(row)
        schemas.append(pq.read_schema(tmp_path / f"{name}.parquet"))
    assert schemas[0] == schemas[1] == schemas[2]
    assert tuple(schemas[0].names) == FIELDS


def test_parquet_is_written_in_row_groups(tmp_path):
    path = tmp_path / "r.parquet"
    with open_writer(str(path)) as writer:
        for index in range(2_500):
            writer.write({**ROW, "id": str(index)})
    file = pq.ParquetFile(path)
    assert [file.metadata.row_group(group).num_rows for group in range(3)] == [1000, 1000, 500]
    assert file.read().column("id").to_pylist() == [str(index) for index in range(2_500)]


def test_suffix_or_format_decide(tmp_path):
    path = tmp_path / "r.NDJSON"
    with open_writer(str(path)) as writer:
        writer.write(ROW)
    assert read_jsonl(path) == [ROW]
    with open_writer(str(tmp_path / "r.txt"), format="csv") as writer:
        writer.write(ROW)
    assert read_csv(tmp_path / "r.txt") == [ROW]


@pytest.mark.parametrize("kind", READERS)
def test_interruption_leaves_finished_rows_and_the_older_file(tmp_path, kind):
    path, partial = tmp_path / f"r.{kind}", tmp_path / f"r.partial.{kind}"
    path.write_text("older")
    with pytest.raises(KeyboardInterrupt), open_writer(str(path)) as writer:  # noqa: PT012
        writer.write(ROW)
        writer.write(FAILED)
        assert writer.path == str(partial)
        raise KeyboardInterrupt
    assert path.read_text() == "older"
    assert [row["id"] for row in READERS[kind](partial)] == ["기사-1", "b.txt"]
    with open_writer(str(path)) as writer:
        writer.write(ROW)
    assert READERS[kind](path) == [ROW]
    assert not partial.exists()


def test_interruption_before_the_first_row_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), open_writer(str(tmp_path / "r.jsonl")):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_rows_can_be_read_while_more_are_written_and_after_a_kill(tmp_path, kind):
    code = (
        "import json, sys, time; from hdoc.tables.results import open_writer\n"
        "from hdoc.tasks.document.task import TASK\n"
        "with open_writer(sys.argv[1], columns=TASK.columns) as writer:\n"
        "    while True: writer.write(json.loads(sys.argv[2])); time.sleep(0.01)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / f"r.{kind}"), json.dumps(ROW)])
    partial = tmp_path / f"r.partial.{kind}"
    try:
        deadline = time.monotonic() + 20
        while not (partial.exists() and partial.stat().st_size > 1000) and time.monotonic() < deadline:
            time.sleep(0.05)
        seen = READERS[kind](partial)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    after = READERS[kind](partial)
    assert len(after) >= len(seen) >= 2
    assert all(row == ROW for row in after)


def test_standard_output_gets_json_lines(capfdbinary):
    with open_writer("-") as writer:
        writer.write(ROW)
    (line,) = capfdbinary.readouterr().out.splitlines()
    assert json.loads(line) == ROW
    assert "정치".encode() in line


def test_devices_are_written_in_place():
    with open_writer(os.devnull, format="jsonl") as writer:
        writer.write(ROW)
    assert Path(os.devnull).is_char_device()


def test_link_is_followed(tmp_path):
    (tmp_path / "real.jsonl").touch()
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "real.jsonl")
    with open_writer(str(tmp_path / "link.jsonl")) as writer:
        writer.write(ROW)
    assert (tmp_path / "link.jsonl").is_symlink()
    assert read_jsonl(tmp_path / "real.jsonl") == [ROW]


@pytest.mark.parametrize(
    ("path", "format", "words"),
    [
        ("r.xlsx", None, r"r\.xlsx: expected a name that ends in \.jsonl, \.csv or \.parquet, got 'xlsx'"),
        ("r", None, "got 'none'"),
        ("-", "parquet", "standard output: expected the format jsonl or csv, got parquet"),
        ("no/r.csv", None, "no/r.csv: expected a file in a folder that exists; make .*/no first"),
        ("sub.csv", None, "sub.csv: expected a file to write to, got a folder"),
    ],
)
def test_what_cannot_be_written_is_an_error_at_once(tmp_path, monkeypatch, path, format, words):  # noqa: A002
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub.csv").mkdir()
    with pytest.raises(InputError, match=words), open_writer(path, format):
        pytest.fail("it was opened")


def test_inputs_are_never_written_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "docs").mkdir()
    (tmp_path / "other.partial.csv").write_text("text\na\n")
    for path, given_input, kind in (
        ("./in.jsonl", "in.jsonl", None),
        ("docs/new.txt", "docs", "jsonl"),
        ("other.csv", "other.partial.csv", None),
    ):
        with (
            pytest.raises(InputError, match=f"{path}: writing there would change the input {given_input}"),
            open_writer(path, kind, inputs=["-", given_input]),
        ):
            pytest.fail("it was opened")
    with open_writer("docs/out.jsonl", inputs=["docs", "in.jsonl"]) as writer:
        writer.write(ROW)
    assert (tmp_path / "in.jsonl").read_text() == '{"text": "a"}\n'


def test_unknown_key_is_a_mistake_of_the_caller(tmp_path):
    with (
        open_writer(str(tmp_path / "r.jsonl")) as writer,
        pytest.raises(ValueError, match=r"got also \['labels'\]"),
    ):
        writer.write({"id": "a", "labels": []})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_said():
    with (
        pytest.raises(HdocError, match=r"/dev/full: cannot be written \(No space left on device\)"),
        open_writer("/dev/full", format="jsonl") as writer,
    ):
        writer.write(ROW)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with (
        pytest.raises(HdocError, match=r"writing Parquet needs pyarrow: pip install pyarrow, or write JSONL"),
        open_writer(str(tmp_path / "rows.parquet")) as writer,
    ):
        writer.write(ROW)
