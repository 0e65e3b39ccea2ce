"""Classifying with a real Ray session: the same rows as one process, and no work done twice."""

import json
import os
import signal
import time
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow.parquet as pq
import pytest

from hdoc.cli import main
from hdoc.cluster import plan
from hdoc.tables.records import read_records
from hdoc.tasks.document.classifier import DocumentClassifier
from tests.cluster.settings import settings
from tests.cluster.warnings_of_ray import QUIET

pytestmark = QUIET


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


def test_an_output_inside_the_input_is_refused(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "--engine", "ray", str(inputs), str(inputs / "out")]) == 1
    assert "writing there would change the input" in capsys.readouterr().err
    assert main(["classify", "--engine", "ray", str(inputs)]) == 1
    assert "expected a folder to write to: hdoc classify --engine ray INPUT OUTPUT" in capsys.readouterr().err
