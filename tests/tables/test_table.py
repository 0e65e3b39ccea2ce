from pathlib import Path

import pytest

from hdoc.tables import Part, open_table
from hdoc.tables.results import open_writer
from hdoc.tasks.document.task import TASK
from tests.tables.mixed import write_mixed_tables


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    return write_mixed_tables(tmp_path / "articles")


@pytest.mark.parametrize("n_rows", [1, 7, 40, 64, 1000])
def test_parts_of_a_table_hold_its_rows(inputs: Path, n_rows: int) -> None:
    for name in ("a.jsonl", "b.parquet"):
        table = open_table(inputs / name)
        parts = table.parts(n_rows)
        assert all(part.n_rows <= n_rows for part in parts)
        pieces = [row for part in parts for row in table.rows(["text", "id"], part)]
        assert pieces == list(table.rows(["text", "id"]))


def test_tables_that_cannot_be_cut_are_one_part(inputs: Path, tmp_path: Path) -> None:
    text = (inputs / "a.jsonl").read_text("utf-8")
    for name, encoding in (
        ("wide.jsonl", "utf-16"),
        ("korean.jsonl", "cp949"),
        ("marked.jsonl", "utf-8-sig"),
    ):
        (tmp_path / name).write_text(text, encoding)
        table = open_table(tmp_path / name)
        parts = table.parts(50)
        assert (len(parts) == 1) == (encoding == "utf-16"), encoding
        assert [row for part in parts for row in table.rows(["text"], part)] == list(table.rows(["text"]))
    with open_writer(str(tmp_path / "t.csv"), columns=TASK.columns) as writer:
        writer.write({"id": "a", "label": "b"})
    assert open_table(tmp_path / "t.csv").parts(1) == [Part(1, 1)]
