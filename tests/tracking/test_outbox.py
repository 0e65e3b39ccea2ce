"""A tracking server that is killed in the middle, and what becomes of what was logged meanwhile."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from hdoc.cli.runs import main as runs_main
from hdoc.tracking.outbox import Entry, Outbox, ServerAwayError, contents
from hdoc.tracking.run_logger import UNSENT, RunLogger
from tests.mlflow_servers import TrackingServer

# MLflow's own use of its database library.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")


class Line:
    """A way to a server that can be cut."""

    def __init__(self) -> None:
        self.there = True
        self.arrived: list[Entry] = []

    def send(self, entry: Entry) -> None:
        if not self.there:
            raise ServerAwayError("connection refused")
        self.arrived.append(entry)


def metrics(step: int) -> Entry:
    return {"kind": "metrics", "values": {"dev/f1/교통": step / 10}, "step": step, "time": step}


def test_what_is_logged_while_the_server_is_away_arrives_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line()
    outbox = Outbox(line.send, "http://server", tmp_path / "run" / UNSENT)
    outbox.put(metrics(1))
    assert not (tmp_path / "run").exists(), "nothing is kept that was sent"
    line.there = False
    for step in (2, 3, 4):
        outbox.put(metrics(step))
    said = capsys.readouterr().err
    assert said.count("http://server does not answer (connection refused); the training goes on") == 1
    assert len((tmp_path / "run" / UNSENT).read_text(encoding="utf-8").splitlines()) == 3

    line.there = True
    monkeypatch.setattr(outbox, "_next_try", 0.0)
    outbox.put(metrics(5))
    assert [entry["step"] for entry in line.arrived] == [1, 2, 3, 4, 5]
    assert "http://server is back: 4 entries that were kept have been delivered" in capsys.readouterr().err
    assert not (tmp_path / "run" / UNSENT).exists()


def test_what_cannot_be_delivered_is_said_and_left_for_another_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = Line()
    line.there = False
    path = tmp_path / UNSENT
    outbox = Outbox(line.send, "http://server", path)
    for step in (7, 8):
        outbox.put(metrics(step))
    outbox.put({"kind": "status", "value": "FINISHED"})
    outbox.report()
    said = capsys.readouterr().err
    assert "not delivered to http://server: 2 × metrics, 1 × status (metrics of steps 7 to 8)" in said
    assert f"hdoc runs --deliver {tmp_path}" in said
    with path.open("a", encoding="utf-8") as file:
        file.write('{"kind": "metr')  # cut short by a kill

    line.there = True
    again = Outbox(line.send, "http://server", path)
    assert contents(again.waiting) == contents(outbox.waiting)
    assert again.deliver()
    assert [entry["kind"] for entry in line.arrived] == ["metrics", "metrics", "status"]
    outbox.waiting.clear()  # or it would be delivered once more at the end of this process


@pytest.fixture
def server(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrackingServer]:
    folder = tmp_path / "server"
    folder.mkdir()
    shutil.copy(empty_store, folder / "mlflow.db")
    one = TrackingServer(folder, f"sqlite:///{folder}/mlflow.db")
    one.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", one.url)
    yield one
    if one.process.poll() is None:
        one.kill()


@pytest.mark.slow
def test_a_server_that_was_killed_gets_all_when_it_is_back(
    server: TrackingServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "runs" / "민원" / "one"
    logger = RunLogger("민원", "one", folder=run)
    logger.open()
    logger.log_metrics({"dev/f1/교통": 0.1}, 1)
    server.kill()
    for step in (2, 3):
        logger.log_metrics({"dev/f1/교통": step / 10}, step)
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "그림.txt").write_text("그림", encoding="utf-8")
    logger.log_folder(tmp_path / "plots", "plots")
    logger.finalize("success")
    assert [entry["kind"] for entry in logger.unsent] == ["metrics", "metrics", "folder", "status"]
    (run / "run.json").write_text(
        json.dumps({"tracking_uri": server.url, "run_id": logger.run_id}), encoding="utf-8"
    )
    (run / "config.yaml").write_text("run: {experiment: 민원, name: one}\n", encoding="utf-8")

    server.start()
    assert runs_main(["--deliver", str(run)]) == 0
    assert "4 entries delivered" in capsys.readouterr().out
    client = MlflowClient(server.url)
    history = client.get_metric_history(logger.run_id, "dev/f1/교통")
    assert [(one.step, one.value) for one in history] == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert client.get_run(logger.run_id).info.status == "FINISHED"
    assert [item.path for item in client.list_artifacts(logger.run_id, "plots")] == ["plots/그림.txt"]
    logger.unsent.clear()  # another process has delivered it
