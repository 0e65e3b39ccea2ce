"""The search for settings."""

import json
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from hdoc.cli.train import main as train_main
from hdoc.training.configs import setting
from tests.labelled import documents, write

# MLflow's own use of its database library.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")


def test_where_runs_go_is_read_as_fit_reads_it(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("run: {experiment: petitions}\n", encoding="utf-8")
    config = str(tmp_path / "a.yaml")
    told = [f"--config={config}", "--run.folder=out", "--run.experiment", "b"]
    assert [
        setting(arguments, "run.experiment", "hdoc") for arguments in ([], ["--config", config], told)
    ] == [
        "hdoc",
        "petitions",
        "b",
    ]
    assert setting(["--config", config], "run.folder", "runs") == "runs"
    assert setting(told, "run.folder", "runs") == "out"


@pytest.mark.slow
def test_a_search_goes_on_where_it_was_stopped(
    store: str, tmp_path: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "train.jsonl", documents(24))
    (tmp_path / "space.yaml").write_text(
        "model.optimiser.head_rate: {low: 1.0e-4, high: 1.0e-2, log: true}\n"
        "model.head.kernel_widths: {choices: [[1], [1, 3]]}\n",
        encoding="utf-8",
    )
    fit = ["--data.train_file", "train.jsonl", "--data.workers", "0", "--data.cache_folder", "cache"]
    fit += ["--model.encoder", str(tiny_encoder), "--model.window", "32", "--model.head.value_width", "8"]
    fit += ["--trainer.max_epochs", "1", "--trainer.accelerator", "cpu", "--run.experiment", "민원"]
    search = ["sweep", "--study", "rates", "--space", "space.yaml", *fit, "--trials"]
    assert train_main([*search, "1"]) == 0
    assert train_main([*search, "2"]) == 0
    said = capsys.readouterr().err
    assert "rates.db: the search goes on after 1 results" in said
    assert "best: trial" in said

    client = MlflowClient(store)
    found = client.get_experiment_by_name("민원")
    assert found.tags["mlflow.experimentKind"] == "custom_model_development"
    experiment = found.experiment_id
    runs = {run.info.run_name: run for run in client.search_runs([experiment])}
    assert set(runs) == {"rates", "rates-000", "rates-001"}
    assert runs["rates"].info.status == "FINISHED"
    for name in ("rates-000", "rates-001"):
        assert runs[name].data.tags["mlflow.parentRunId"] == runs["rates"].info.run_id
        outcome = json.loads((tmp_path / "runs" / "민원" / name / "outcome.json").read_text(encoding="utf-8"))
        assert runs[name].data.metrics["dev/macro_f1"] == pytest.approx(outcome["splits"]["dev"]["macro_f1"])
    assert (
        len({runs[name].data.params["model.optimiser.head_rate"] for name in ("rates-000", "rates-001")}) == 2
    )
    history = client.get_metric_history(runs["rates"].info.run_id, "trial/dev/macro_f1")
    assert [one.step for one in history] == [0, 1]
