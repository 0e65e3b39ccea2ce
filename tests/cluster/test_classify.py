"""Classifying with a real Ray session: the same rows as one process, and no work done twice."""

import gc
import json
import os
import signal
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hdoc.cli import main
from hdoc.cluster import plan
from hdoc.cluster.engine import ray_cluster, workforce
from hdoc.errors import HdocError, InputError
from hdoc.tables import Part, open_table
from hdoc.tables.records import read_records
from hdoc.tables.results import open_writer
from hdoc.tasks.document import TASK
from hdoc.tasks.document.classifier import DocumentClassifier
from tests.conftest import SENTENCES

pytestmark = [
    # Ray's own: what it says of itself, and what it leaves to the end of the process.
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    pytest.importorskip("ray", reason="needs the extra ray")
    with ray_cluster():
        yield
    with warnings.catch_warnings():  # Ray ends its processes without waiting for them
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Return a folder of two tables with broken rows in both."""
    folder = tmp_path / "articles"
    folder.mkdir()
    texts = [f"{a} {b}" for a in SENTENCES for b in SENTENCES]
    lines = [json.dumps({"id": f"a{i}", "text": text}, ensure_ascii=False) for i, text in enumerate(texts)]
    lines[3:3] = ["{", "", '{"id": "blank", "text": " "}', '{"text": 5}']
    (folder / "a.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows: list[str | None] = [*texts[:100], None, "\x00\x01\x02\x03"]
    pq.write_table(pa.table({"text": rows}), folder / "b.parquet", row_group_size=40)
    return folder


def in_one_process(folder: Path, model: Path) -> list[dict[str, Any]]:
    records = read_records([str(folder / "a.jsonl"), str(folder / "b.parquet")])
    return list(DocumentClassifier.load(model, "cpu").predict(records))


def rows_of(output: Path) -> list[dict[str, Any]]:
    if output.suffix == ".jsonl":
        files = sorted(output.glob("part-*"))
        return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    rows: list[dict[str, Any]] = pq.read_table(output).to_pylist()
    for row in rows:
        if row["probabilities"] is not None:
            row["probabilities"] = {pair["label"]: pair["probability"] for pair in row["probabilities"]}
    return rows


def assert_same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert [row["id"] for row in found] == [row["id"] for row in expected]
    for one, other in zip(found, expected, strict=True):
        assert (one["label"], one["error"]) == (other["label"], other["error"])
        if one["label"] is not None:
            # Which texts share a forward pass decides the last bits of a sum.
            assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-5)
            spans = [[(s["start"], s["end"], s["text"]) for s in row["sentences"]] for row in (one, other)]
            assert spans[0] == spans[1]


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_rows_are_those_of_one_process(
    cluster: None,
    inputs: Path,
    tiny_model: Path,
    tmp_path: Path,
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / name
    given = ["classify", "--engine", "ray", "-m", str(tiny_model), "--workers", "2", "--device", "cpu"]
    assert main([*given, str(inputs), str(output)]) == 0
    expected = in_one_process(inputs, tiny_model)
    assert_same(rows_of(output), expected)
    said = capsys.readouterr().err
    assert f"wrote {len(expected):,} rows in" in said
    assert "5 of 330 documents have no label" in said
    assert "Traceback" not in said

    files = sorted(output.glob("part-*"))
    assert len(files) > 4
    times = {file: file.stat().st_mtime_ns for file in files}
    files[1].unlink()
    (output / "_SUCCESS").unlink()
    assert main([*given, str(inputs), "-o", str(output)]) == 0
    assert_same(rows_of(output), expected)
    assert {file for file in files if file.stat().st_mtime_ns != times[file]} == {files[1]}
    assert (output / "_SUCCESS").is_file()
    assert f"{len(files) - 1} of {len(files)} blocks were finished before" in capsys.readouterr().err
    assert not list(output.glob("_tries*")), "what was tried is forgotten when it is done"


def test_a_worker_that_is_killed_is_replaced(
    cluster: None, inputs: Path, tiny_model: Path, tmp_path: Path
) -> None:
    import psutil

    output = tmp_path / "out.jsonl"

    def kill_one() -> None:
        for _ in range(600):
            if list(output.glob("part-*")):
                break
            time.sleep(0.05)
        for process in psutil.Process().children(recursive=True):
            if "MapWorker" in " ".join(process.cmdline()) + process.name():
                killed.append(process.pid)
                os.kill(process.pid, signal.SIGKILL)
                return

    killed: list[int] = []
    killer = Thread(target=kill_one)
    killer.start()
    given = ["classify", "--engine", "ray", "-m", str(tiny_model), "--workers", "1", "--device", "cpu"]
    assert main([*given, str(inputs), str(output)]) == 0
    killer.join()
    assert killed, "no worker was there to be killed"
    assert_same(rows_of(output), in_one_process(inputs, tiny_model))


def test_errors_of_workers_are_one_line(
    cluster: None, inputs: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.jsonl"
    given = [
        "classify",
        "--engine",
        "ray",
        "-m",
        str(tiny_model),
        "--device",
        "cpu",
        str(inputs),
        str(output),
    ]
    output.mkdir()
    (output / "note.txt").touch()
    assert main(given) == 1
    assert "expected a new folder, or one that this command began" in capsys.readouterr().err
    (output / "note.txt").unlink()
    checksum = DocumentClassifier.load(tiny_model, "cpu").identity.checksum
    plan.make_plan(plan.find_tables([str(inputs)]), settings(output, checksum=checksum), 1)
    (output / "part-000000.partial.jsonl").mkdir()  # what only the worker runs into
    assert main(given) == 1
    said = capsys.readouterr().err
    assert "part-000000.jsonl: cannot be written (Is a directory)" in said
    assert len(said.splitlines()) == 1


def test_workers_are_no_more_than_the_cluster_has(cluster: None) -> None:
    everyone = workforce(None, "cpu")
    assert (everyone.n_cores, everyone.n_gpus) == (1, 0)
    with pytest.raises(HdocError, match=f"expected at most {everyone.n_workers} workers on a cluster of"):
        workforce(everyone.n_workers + 1, "cpu")


def settings(output: Path, **changes: Any) -> plan.Settings:
    values: dict[str, Any] = {
        "model": "m", "checksum": "1", "output": str(output), "kind": "jsonl", "text_column": None,
        "id_column": None, "encoding": None, "top": 3, "abstain_below": 0.0, "runtime": "torch",
        "precision": "float32", "device": None,
    }  # fmt: skip
    return plan.Settings(**values | changes)


def test_a_plan_is_kept_whatever_the_workers(inputs: Path, tmp_path: Path) -> None:
    tables = plan.find_tables([str(inputs)])
    assert [Path(table).name for table in tables] == ["a.jsonl", "b.parquet"]
    first = plan.make_plan(tables, settings(tmp_path / "out"), 1)
    assert plan.make_plan(tables, settings(tmp_path / "out"), 16) == first
    assert [block.number for block in first] == list(range(len(first)))
    assert sum(block.part.n_rows for block in first) == 229 + 102


@pytest.mark.parametrize(
    ("change", "named"), [({"checksum": "2"}, "checksum"), ({"top": 4}, "top"), ({"kind": "parquet"}, "kind")]
)
def test_another_run_does_not_go_on_in_a_folder(
    inputs: Path, tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    tables = plan.find_tables([str(inputs)])
    plan.make_plan(tables, settings(tmp_path / "out"), 1)
    with pytest.raises(HdocError, match=rf"holds the results of another run \({named} changed\)"):
        plan.make_plan(tables, settings(tmp_path / "out", **change), 1)


def test_changed_inputs_and_broken_plans_are_noticed(inputs: Path, tmp_path: Path) -> None:
    tables = plan.find_tables([str(inputs)])
    plan.make_plan(tables, settings(tmp_path / "out"), 1)
    with (inputs / "a.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"text": "더"}\n')
    with pytest.raises(HdocError, match=r"\(inputs changed\)"):
        plan.make_plan(tables, settings(tmp_path / "out"), 1)
    (tmp_path / "out" / plan.PLAN).write_text("{}")
    with pytest.raises(HdocError, match="expected the plan of a run"):
        plan.make_plan(tables, settings(tmp_path / "out"), 1)


def test_what_cannot_be_classified_by_ray_is_said(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "one.txt").write_text("가")
    with pytest.raises(InputError, match="a folder without any; leave --engine out for text files"):
        plan.find_tables([str(tmp_path / "letters")])
    with pytest.raises(InputError, match="there is nothing of this name"):
        plan.find_tables([str(tmp_path / "none.jsonl")])
    with pytest.raises(InputError, match=r"got \.csv"):
        plan.kind_of("out.csv")
    assert plan.kind_of("out") == "parquet"


def test_an_output_inside_the_input_is_refused(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "--engine", "ray", str(inputs), str(inputs / "out")]) == 1
    assert "writing there would change the input" in capsys.readouterr().err
    assert main(["classify", "--engine", "ray", str(inputs)]) == 1
    assert "expected a folder to write to: hdoc classify --engine ray INPUT OUTPUT" in capsys.readouterr().err


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
