"""A team's tracking server on PostgreSQL: two trainings at once, and the server killed in the middle."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from mlflow.tracking import MlflowClient

from hdoc.tracking.run_logger import RunLogger
from tests.labelled import documents, write
from tests.mlflow_servers import Postgres, TrackingServer
from tests.places import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(Postgres.programs() is None, reason="PostgreSQL is not installed"),
]

N_STEPS, N_EPOCHS = 6, 3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    # pytest's own folders are closed to the user of the database.
    with tempfile.TemporaryDirectory(prefix="hdoc-postgres-") as folder:
        database = Postgres(Path(folder))
        database.start()
        one = TrackingServer(tmp_path_factory.mktemp("server"), database.uri)
        try:
            one.start()
            yield one
        finally:
            if one.process.poll() is None:
                one.kill()
            database.stop()


def train(folder: Path, encoder: Path, url: str, name: str) -> "subprocess.Popen[str]":
    """Start a training that logs each step, and waits in its second and in its third epoch."""
    waits = {"class_path": "tests.killing.WaitAt", "init_args": {"places": {"away": [1, 2], "back": [2, 2]}}}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MLFLOW_TRACKING_URI": url}
    command = ["train", "fit", "--model.encoder", str(encoder), "--model.window", "32"]
    command += ["--model.head.value_width", "16", "--model.head.channels", "8", "--data.workers", "0"]
    command += ["--data.train_file", "train.jsonl", "--data.dev_file", "dev.jsonl"]
    command += ["--data.cache_folder", f"cache-{name}", "--data.batch_documents", "4"]
    command += ["--trainer.accelerator", "cpu", "--trainer.log_every_n_steps", "1"]
    command += ["--trainer.max_epochs", str(N_EPOCHS), "--trainer.callbacks", json.dumps([waits])]
    command += ["--run.experiment", "민원", "--run.name", name]
    return subprocess.Popen(
        [sys.executable, "-m", "hdoc", *command],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_there(paths: list[Path], processes: "list[subprocess.Popen[str]]") -> None:
    end = time.monotonic() + 240
    while not all(path.exists() for path in paths):
        ended = [process.communicate()[1] for process in processes if process.poll() is not None]
        assert not ended, ended[0][-2000:]
        assert time.monotonic() < end
        time.sleep(0.1)


def test_runs_that_begin_a_new_experiment_at_once_share_it(server: TrackingServer) -> None:
    loggers = [RunLogger("함께", f"{i}", uri=server.url) for i in range(8)]
    together = Barrier(len(loggers))

    def begin(logger: RunLogger) -> str | None:
        together.wait()
        return logger.run_id

    with ThreadPoolExecutor(len(loggers)) as pool:
        runs = set(pool.map(begin, loggers))
    client = MlflowClient(server.url)
    [experiment] = [one for one in client.search_experiments() if one.name == "함께"]
    assert {run.info.run_id for run in client.search_runs([experiment.experiment_id])} == runs
    assert len(runs) == len(loggers)


def test_two_trainings_lose_nothing_on_a_server_that_is_killed_and_comes_back(
    server: TrackingServer, tmp_path: Path, tiny_encoder: Path
) -> None:
    write(tmp_path / "train.jsonl", documents(4 * N_STEPS))
    write(tmp_path / "dev.jsonl", documents(6))
    folders = [tmp_path / "runs" / "민원" / name for name in ("one", "two")]
    trainings = [train(tmp_path, tiny_encoder, server.url, folder.name) for folder in folders]
    wait_until_there([folder / "away.reached" for folder in folders], trainings)
    server.kill()
    for folder in folders:
        (folder / "away").touch()
    wait_until_there([folder / "back.reached" for folder in folders], trainings)
    kept = [(folder / "unsent.jsonl").read_text(encoding="utf-8") for folder in folders]
    assert all('"train/loss"' in entries and '"dev/macro_f1"' in entries for entries in kept)
    server.start()
    for folder in folders:
        (folder / "back").touch()
    said = [training.communicate(timeout=240)[1] for training in trainings]
    assert [training.returncode for training in trainings] == [0, 0], said
    for lines, folder in zip(said, folders, strict=True):
        assert lines.count(f"{server.url} does not answer") == 1
        assert f"{server.url} is back" in lines
        assert not (folder / "unsent.jsonl").exists()

    client = MlflowClient(server.url)
    [experiment] = [one for one in client.search_experiments() if one.name == "민원"]
    found = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert found.keys() == {"one", "two"}
    for run in found.values():
        assert run.info.status == "FINISHED"
        history = client.get_metric_history(run.info.run_id, "train/loss")
        assert sorted(metric.step for metric in history) == list(range(N_STEPS * N_EPOCHS))
        n_validations = len(client.get_metric_history(run.info.run_id, "dev/macro_f1"))
        assert n_validations >= N_EPOCHS
        assert {item.path for item in client.list_artifacts(run.info.run_id)} >= {"config.yaml", "plots"}
    models = client.search_logged_models([experiment.experiment_id])
    assert {model.source_run_id for model in models} == {run.info.run_id for run in found.values()}
