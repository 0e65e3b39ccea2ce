"""Runs beside each other, and the search for settings."""

import json
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from hdoc import cli
from hdoc.cli.train import main as train_main
from hdoc.errors import HdocError
from hdoc.tracking.run_logger import RunLogger
from hdoc.tracking.runs import deliver, read_runs
from hdoc.training.sweep import _section_run, read_space
from tests.labelled import documents, write

# MLflow's own use of its database library.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")


def logged(name: str, macro_f1: float | None, **model: Any) -> None:
    logger = RunLogger("민원", name)
    logger.open()
    logger.log_tags({"hdoc.stage": "fit"})
    logger.log_parameters({"model": model, "run": {"name": name}, "seed_everything": 0})
    if macro_f1 is not None:
        logger.log_metrics({"dev/macro_f1": macro_f1, "dev/ece": 1 - macro_f1})
    logger.finalize("success")


class TestRuns:
    def test_the_best_stands_first_and_only_differences_are_shown(
        self, store: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logged("worse", 0.5, dropout=0.1, window=128)
        logged("best", 0.75, dropout=0.3, window=128)
        logged("failed", None, dropout=0.1, window=128, kernel_widths=[1, 3])
        rows = read_runs(MlflowClient(store), "민원")
        assert [row.name for row in rows] == ["best", "worse", "failed"]
        assert rows[0].differences == {"model.dropout": "0.3", "model.kernel_widths": None}
        assert read_runs(MlflowClient(store), "민원", "dev/ece")[0].name == "best"
        assert cli.main(["runs"]) == 0
        shown = capsys.readouterr().out
        assert shown.index("best") < shown.index("worse") < shown.index("failed")
        assert "0.7500" in shown
        assert "model.dropout 0.3" in shown
        assert "window" not in shown

    def test_what_is_not_there_is_said(
        self, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(HdocError, match="expected an experiment, one of none yet; got 민원"):
            read_runs(MlflowClient(store), "민원")
        logged("one", 0.5)
        with pytest.raises(HdocError, match="expected an experiment, one of 민원; got 민언"):
            read_runs(MlflowClient(store), "민언")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///nowhere.db")
        assert cli.main(["runs"]) == 1
        assert not Path("nowhere.db").exists()
        with pytest.raises(HdocError, match=r"expected the folder of a run, nowhere has no run\.json"):
            deliver(Path("nowhere"))


class TestSpace:
    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("[1, 2]", "expected options and their ranges"),
            ("model.dropout: 0.1", r"model\.dropout: expected \{low: , high: \}.*got 0\.1"),
            ("model.dropout: {low: 0.1}", r"got \{'low': 0\.1\}"),
            ("model.context: {choices: []}", "model.context: expected"),
        ],
    )
    def test_a_range_that_is_none_is_refused(self, text: str, problem: str, tmp_path: Path) -> None:
        path = tmp_path / "space.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(HdocError, match=problem):
            read_space(path)

    def test_where_runs_go_is_read_as_fit_reads_it(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text("run: {experiment: petitions}\n", encoding="utf-8")
        config = str(tmp_path / "a.yaml")
        assert _section_run([]) == ("hdoc", "runs")
        assert _section_run(["--config", config]) == ("petitions", "runs")
        assert _section_run([f"--config={config}", "--run.folder=out", "--run.experiment", "b"]) == (
            "b",
            "out",
        )


@pytest.mark.slow
def test_a_search_goes_on_where_it_was_stopped(
    store: str, tmp_path: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "train.jsonl", documents(24))
    (tmp_path / "space.yaml").write_text(
        "model.head_rate: {low: 1.0e-4, high: 1.0e-2, log: true}\n"
        "model.kernel_widths: {choices: [[1], [1, 3]]}\n",
        encoding="utf-8",
    )
    fit = ["--data.train_file", "train.jsonl", "--data.workers", "0", "--data.cache_folder", "cache"]
    fit += ["--model.encoder", str(tiny_encoder), "--model.window", "32", "--model.value_width", "8"]
    fit += ["--trainer.max_epochs", "1", "--trainer.accelerator", "cpu", "--run.experiment", "민원"]
    search = ["sweep", "--study", "rates", "--space", "space.yaml", *fit, "--trials"]
    assert train_main([*search, "1"]) == 0
    assert train_main([*search, "2"]) == 0
    said = capsys.readouterr().err
    assert "rates.db: the search goes on after 1 results" in said
    assert "best: trial" in said

    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("민원").experiment_id
    runs = {run.info.run_name: run for run in client.search_runs([experiment])}
    assert set(runs) == {"rates", "rates-000", "rates-001"}
    assert runs["rates"].info.status == "FINISHED"
    for name in ("rates-000", "rates-001"):
        assert runs[name].data.tags["mlflow.parentRunId"] == runs["rates"].info.run_id
        outcome = json.loads((tmp_path / "runs" / "민원" / name / "outcome.json").read_text(encoding="utf-8"))
        assert runs[name].data.metrics["dev/macro_f1"] == pytest.approx(outcome["splits"]["dev"]["macro_f1"])
    assert len({runs[name].data.params["model.head_rate"] for name in ("rates-000", "rates-001")}) == 2
    history = client.get_metric_history(runs["rates"].info.run_id, "trial/dev/macro_f1")
    assert [one.step for one in history] == [0, 1]
