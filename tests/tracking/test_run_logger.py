import os
import subprocess
import sys

import pytest
from mlflow.tracking import MlflowClient

from hdoc.tracking.client import metric_name
from hdoc.tracking.run_logger import RunLogger, mark_killed_runs

# MLflow's own use of its database library.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")


def started(name: str = "first", run_id: str | None = None) -> RunLogger:
    logger = RunLogger("민원", name, run_id)
    logger.open()
    return logger


def test_its_experiment_is_one_for_training_models(store: str) -> None:
    experiment = MlflowClient(store).get_experiment(started().experiment_id)
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_labels_of_any_script_name_metrics(store: str) -> None:
    logger = started()
    logger.log_metrics({"dev/f1/교통(버스)·철도": 0.5, "dev/macro_f1": 0.25}, step=3)
    [run] = MlflowClient(store).search_runs([logger.experiment_id])
    assert run.data.metrics == {"dev/f1/교통_버스__철도": 0.5, "dev/macro_f1": 0.25}
    assert metric_name("a b/c-d.e:f") == "a b/c-d.e:f"


def test_parameters_are_flat_and_long_ones_are_cut(store: str) -> None:
    logger = started()
    logger.log_parameters({"model": {"dropout": 0.1, "labels": ["가"] * 1000, "none": None}, "seed": 0})
    parameters = MlflowClient(store).get_run(logger.run_id).data.params
    assert parameters.keys() == {"model.dropout", "model.labels", "seed"}
    assert parameters["model.dropout"] == "0.1"
    assert len(parameters["model.labels"]) == 500


def test_more_parameters_than_mlflow_takes_at_once(store: str) -> None:
    logger = started()
    logger.log_parameters({f"p{i}": i for i in range(250)})
    assert len(MlflowClient(store).get_run(logger.run_id).data.params) == 250


def test_a_run_that_goes_on_keeps_its_parameters(store: str) -> None:
    first = started()
    first.log_parameters({"a": 1})
    first.finalize("failed")
    again = started(run_id=first.run_id)
    assert MlflowClient(store).get_run(first.run_id).info.status == "RUNNING"
    again.log_parameters({"a": 2, "b": 3})
    assert MlflowClient(store).get_run(first.run_id).data.params == {"a": "1", "b": "3"}


@pytest.mark.parametrize(
    ("said", "interrupted", "status"),
    [("success", False, "FINISHED"), ("failed", False, "FAILED"), ("failed", True, "KILLED")],
)
def test_how_a_run_ended(store: str, said: str, interrupted: bool, status: str) -> None:
    logger = started()
    if interrupted:
        logger.interrupted()
    logger.finalize(said)
    assert MlflowClient(store).get_run(logger.run_id).info.status == status


_KILLED = """
import os, signal
from hdoc.tracking.client import tracking_uri
from hdoc.tracking.run_logger import RunLogger
logger = RunLogger("민원", "killed")
logger.open()
print(logger.run_id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_run_of_a_killed_process_is_marked_at_the_next_start_and_no_other(store: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _KILLED], stdout=subprocess.PIPE, text=True, check=False, env=os.environ
    )
    killed = done.stdout.strip()
    client = MlflowClient(store)
    assert client.get_run(killed).info.status == "RUNNING"
    elsewhere = client.create_run(
        client.get_run(killed).info.experiment_id, tags={"hdoc.host": "other", "hdoc.process": "1 x"}
    ).info.run_id
    foreign = client.create_run(client.get_run(killed).info.experiment_id).info.run_id

    mine = started("alive").run_id
    statuses = {run: client.get_run(run).info.status for run in (killed, elsewhere, foreign, mine)}
    assert statuses == {killed: "KILLED", elsewhere: "RUNNING", foreign: "RUNNING", mine: "RUNNING"}
    assert mark_killed_runs(client) == []
