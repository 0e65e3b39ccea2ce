"""`hdoc predict`: any model over a table."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import hdoc
from hdoc import DocumentClassifier, ModelError
from hdoc.cli import main
from tests.known import AGAINST, FOR, save_known_model

ROWS = [
    {"번호": "가", "본문": f"{FOR} 버스\n오늘 날씨"},
    {"번호": "나", "본문": " "},
    {"번호": "다", "본문": f"{AGAINST} 도로\n사람 저녁"},
]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_known_model(tmp_path / "known")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS), encoding="utf-8")
    return path


def test_one_row_a_row_in_order_with_id_and_error(model: Path, table: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    arguments = ["-m", str(model), str(table), "-o", str(target), "--workers", "0"]
    assert main(["predict", *arguments, "--text-column", "본문", "--id-column", "번호"]) == 0
    rows = pq.read_table(target).to_pylist()
    assert [row["id"] for row in rows] == ["가", "나", "다"]
    assert [row["label"] for row in rows] == ["체육", None, "경제"]
    assert rows[0]["error"] is None
    assert "nothing but white space" in rows[1]["error"]


def test_documents_are_predicted_as_they_are_classified(
    model: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["-m", str(model), str(table), "--text-column", "본문", "--workers", "0", "--abstain-below", "1"]
    found = {}
    for command in ("predict", "classify"):
        target = tmp_path / f"{command}.jsonl"
        assert main([command, *more, "-o", str(target), "--top", "1"]) == 0
        found[command] = target.read_bytes()
        assert "2 of 3 documents were left without a label" in capsys.readouterr().err
    assert found["predict"] == found["classify"]


def test_help_names_what_the_task_of_the_model_reads(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["predict", "-m", str(model), "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "--text-column NAME" in shown
    assert "the category of documents" in shown


def test_a_model_is_loaded_by_folder_or_by_the_name_that_it_ships_with(model: Path) -> None:
    loaded = hdoc.load(model)
    assert isinstance(loaded, DocumentClassifier)
    assert loaded.identity.name == "known"
    assert hdoc.load("petitions").identity == DocumentClassifier.load().identity


def test_a_folder_of_that_name_comes_before_the_model_that_ships(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.rename(tmp_path / "petitions")
    monkeypatch.chdir(tmp_path)
    assert hdoc.load("petitions").identity.name == "known"


def test_older_folders_are_of_documents_and_new_ones_say_so(model: Path) -> None:
    path = model / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    assert config.pop("task") == "document"
    from hdoc.storage.reading import sha256

    path.write_text(json.dumps(config), encoding="utf-8")
    sums = json.loads((model / "checksums.json").read_text(encoding="utf-8"))
    sums["config.json"] = sha256(path.read_bytes())
    (model / "checksums.json").write_text(json.dumps(sums), encoding="utf-8")
    assert isinstance(hdoc.load(model), DocumentClassifier)


@pytest.mark.parametrize("task", ["poetry", "../../etc", "task", "numbers"])
def test_a_task_that_nobody_knows_is_an_error_with_a_remedy(
    model: Path, task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = model / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "task": task}), encoding="utf-8")
    with pytest.raises(ModelError, match=r"expected a model of a task that this hdoc knows \(document"):
        hdoc.load(model)
    assert main(["predict", "-m", str(model), "-"]) == 1
    assert "install the hdoc that made it" in capsys.readouterr().err
