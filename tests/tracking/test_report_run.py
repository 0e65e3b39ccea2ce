"""Runs that train nothing."""

from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from hdoc.errors import HdocError
from hdoc.tracking.report_run import ReportRun

# MLflow's own use of its database library.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")


def test_figures_settings_and_files_are_logged(store: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (folder / "inner").mkdir(parents=True)
    (folder / "report.json").write_text("{}", encoding="utf-8")
    (folder / "inner" / "left.json").write_text("{}", encoding="utf-8")
    run = ReportRun.start(store, "evaluation", "하나", "a test", {"about": "민원"})
    run.log_parameters({"data": {"file": "a.jsonl"}, "none": None, "long": "가" * 1000})
    run.log_metrics({f"f1/{i}(새)": i / 1000 for i in range(700)})
    run.log_files(folder)
    run.end()
    client = MlflowClient(store)
    found = client.get_run(run.run_id)
    assert (found.info.run_name, found.info.status) == ("하나", "FINISHED")
    assert found.data.tags["about"] == "민원"
    assert found.data.params == {"data.file": "a.jsonl", "long": "가" * 500}
    assert found.data.metrics == {f"f1/{i}_새_": i / 1000 for i in range(700)}
    assert [one.path for one in client.list_artifacts(run.run_id)] == ["report.json"]
    kind = client.get_experiment(found.info.experiment_id).tags["mlflow.experimentKind"]
    assert kind == "custom_model_development"


def test_a_run_is_found_by_its_tag_and_brought_up_to_date(store: str) -> None:
    first = ReportRun.tagged(store, "quality", "topics", "a test", ("key", "petitions 1"))
    first.log_metrics({"hdoc/macro_f1": 0.6})
    again = ReportRun.tagged(store, "quality", "topics", "a test", ("key", "petitions 1"))
    assert again.run_id == first.run_id
    again.log_metrics({"hdoc/macro_f1": 0.5})
    assert MlflowClient(store).get_run(first.run_id).data.metrics == {"hdoc/macro_f1": 0.5}
    other = ReportRun.tagged(store, "quality", "topics", "a test", ("key", "petitions 2"))
    assert other.run_id != first.run_id


def test_other_runs_are_put_below(store: str) -> None:
    parent = ReportRun.start(store, "quality", "topics", "a test")
    child = ReportRun.start(store, "quality", "one", "a test")
    parent.adopt(child.run_id, {"hdoc.seed": "0"})
    tags = MlflowClient(store).get_run(child.run_id).data.tags
    assert tags["mlflow.parentRunId"] == parent.run_id
    assert tags["hdoc.seed"] == "0"
    with pytest.raises(HdocError, match=f"^cannot log to {store}: .*nowhere"):
        parent.adopt("nowhere", {})


def test_a_run_that_goes_on_is_called_running(store: str) -> None:
    run = ReportRun.start(store, "민원", "search", "a test")
    run.end("KILLED")
    again = ReportRun.again(store, run.run_id, "a test")
    assert MlflowClient(store).get_run(again.run_id).info.status == "RUNNING"
    with pytest.raises(HdocError, match=f"^cannot go on with the run nowhere of {store}: "):
        ReportRun.again(store, "nowhere", "a test")
