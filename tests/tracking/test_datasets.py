"""Which data a run says that it used, read back from MLflow."""

import json
from pathlib import Path
from typing import Any

import pytest
from mlflow.data.dataset_source_registry import get_dataset_source_from_json
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from hdoc.tracking.client import experiment_id
from hdoc.tracking.datasets import RunDataset, send_datasets
from hdoc.tracking.outbox import ServerAwayError
from hdoc.tracking.run_logger import UNSENT, RunLogger

# MLflow's own use of its database library.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")

SHA256 = "0123456789abcdef" * 4
FILES = [
    RunDataset.of_file("/home/somebody/민원/train.jsonl", "train", SHA256),
    RunDataset.of_file("dev.csv", "dev", SHA256[::-1]),
    RunDataset.of_file("test.csv", "test", SHA256[::-1]),
]


def used(store: str, run_id: str | None) -> dict[str, tuple[str, str]]:
    """Return digest and context of a run's data, by name."""
    inputs = MlflowClient(store).get_run(run_id).inputs.dataset_inputs
    return {
        one.dataset.name: (one.dataset.digest, *(t.value for t in one.tags if t.key == "mlflow.data.context"))
        for one in inputs
    }


EXPECTED = {
    "train.jsonl": (SHA256[:32], "training"),
    "dev.csv": (SHA256[::-1][:32], "validation"),
    "test.csv": (SHA256[::-1][:32], "testing"),
}


def test_a_run_says_which_files_it_used_and_for_what(store: str) -> None:
    logger = RunLogger("민원", "one")
    logger.open()
    logger.log_datasets(FILES)
    assert used(store, logger.run_id) == EXPECTED
    [train, *_] = MlflowClient(store).get_run(logger.run_id).inputs.dataset_inputs
    source = get_dataset_source_from_json(train.dataset.source, train.dataset.source_type)
    assert source.uri == "train.jsonl", "no folder of this machine leaves it"


def test_a_run_that_goes_on_says_it_once(store: str) -> None:
    first = RunLogger("민원", "one")
    first.open()
    first.log_datasets(FILES)
    again = RunLogger("민원", "one", first.run_id)
    again.open()
    again.log_datasets(FILES)
    assert len(MlflowClient(store).get_run(first.run_id).inputs.dataset_inputs) == 3


def test_a_server_that_is_away_gets_it_later(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = RunLogger("민원", "one", folder=tmp_path / "run")
    logger.open()

    def away(_: Any) -> None:
        raise ServerAwayError("connection refused")

    with monkeypatch.context() as patch:
        patch.setattr(logger, "_send_now", away)
        logger.log_datasets(FILES)
    assert [entry["kind"] for entry in logger.unsent] == ["datasets"]
    assert used(store, logger.run_id) == {}

    other = RunLogger("민원", "one", logger.run_id, tmp_path / "run")
    assert other.deliver()
    assert used(store, logger.run_id) == EXPECTED
    assert not (tmp_path / "run" / UNSENT).exists()
    logger.unsent.clear()  # another process has delivered it


def test_of_two_runs_that_log_a_new_dataset_at_once_neither_loses_it(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, other = MlflowClient(store), MlflowClient(store)
    experiment = experiment_id(client, "민원")
    runs = [client.create_run(experiment).info.run_id for _ in range(2)]
    log, refused = client.log_inputs, []

    def log_too_late(run_id: str, datasets: Any) -> None:
        if not refused:
            other.log_inputs(runs[1], datasets)
            refused.append(run_id)
            raise MlflowException("UNIQUE constraint failed", error_code=1000)
        log(run_id, datasets)

    monkeypatch.setattr(client, "log_inputs", log_too_late)
    send_datasets(client, runs[0], FILES)
    assert refused
    assert used(store, runs[0]) == used(store, runs[1]) == EXPECTED


def test_a_data_set_is_named_with_its_split(tmp_path: Path) -> None:
    hub = RunDataset.of_dataset("klue/klue:ynat", "dev", SHA256)
    assert (hub.name, hub.context, hub.source_type) == ("klue/klue:ynat (dev)", "validation", "hugging_face")
    source = get_dataset_source_from_json(json.dumps(hub.source), hub.source_type)
    assert (source.path, source.config_name) == ("klue/klue", "ynat")
    (tmp_path / "own").mkdir()
    own = RunDataset.of_dataset(str(tmp_path / "own"), "train", SHA256)
    assert (own.name, own.source_type, own.source) == ("own (train)", "local", {"uri": "own"})
