"""The one place that opens MLflow."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE
from mlflow.tracking import MlflowClient
from requests import HTTPError

from hdoc.errors import HdocError
from hdoc.tracking import client as tracking
from hdoc.tracking.client import (
    experiment_id,
    explained,
    is_missing,
    open_store,
    require_mlflow,
    tracking_uri,
)
from tests.mlflow_servers import free_port
from tests.places import ROOT

# MLflow's own use of its database library.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")

KIND = {"mlflow.experimentKind": "custom_model_development"}


def test_the_store_is_a_file_here_unless_the_environment_names_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in ("a", "b"):  # MLflow keeps its connections by URI: one folder's must not serve another
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert tracking_uri() == f"sqlite:///{tmp_path}/{name}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    assert tracking_uri() == "http://mlflow.example:5000"


def test_mlflow_is_patient_and_silent_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in tracking._SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    require_mlflow("a test")
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "2"
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "60"
    assert logging.getLogger("mlflow").level == logging.getLogger("alembic").level == logging.WARNING


def test_where_mlflow_is_missing_the_error_says_who_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(HdocError, match=r"^--mlflow needs MLflow; run: pip install 'hdoc\[train\]'$"):
        require_mlflow("--mlflow")


def test_a_store_without_a_file_is_missing(tmp_path: Path, store: str) -> None:
    assert is_missing(f"sqlite:///{tmp_path}/none.db")
    assert not is_missing(store)
    assert not is_missing("http://mlflow.example:5000")


def test_a_new_experiment_is_one_for_training_models(store: str) -> None:
    client = open_store(store, "a test")
    made = experiment_id(client, "민원")
    assert experiment_id(client, "민원") == made
    assert MlflowClient(store).get_experiment(made).tags.items() >= KIND.items()


def test_an_experiment_that_another_process_makes_at_the_same_moment_is_shared(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, other = MlflowClient(store), MlflowClient(store)
    made: list[str] = []
    find = client.get_experiment_by_name

    def find_late(name: str) -> object:
        found = find(name)
        if not made:
            made.append(other.create_experiment(name))
        return found

    monkeypatch.setattr(client, "get_experiment_by_name", find_late)
    assert experiment_id(client, "민원") == made[0]


def test_a_server_that_is_away_is_one_line_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(
        HdocError, match=rf"^cannot reach {url}: .*; start that server, or choose another"
    ) as no:
        open_store(url, "a test")
    assert "\n" not in str(no.value)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            INTERNAL_ERROR,
            "cannot log: full; start that server, or choose another store with MLFLOW_TRACKING_URI",
        ),
        (INVALID_PARAMETER_VALUE, "cannot log: full"),
    ],
)
def test_only_trouble_with_the_server_is_blamed_on_it(code: int, message: str) -> None:
    with pytest.raises(HdocError) as raised, explained("log"):
        raise MlflowException("full\nand more", error_code=code)
    assert str(raised.value) == message


def test_a_file_that_does_not_get_to_the_server_is_one_line() -> None:
    with pytest.raises(HdocError) as raised, explained("log"):
        raise HTTPError("502 Server Error\nand more")
    assert str(raised.value).startswith("cannot log: 502 Server Error; start that server, or choose another")


_OPEN = """
import sys
from hdoc.tracking.client import open_store
open_store(sys.argv[1], "a test")
"""


@pytest.mark.slow
def test_two_processes_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    both = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", _OPEN, uri], env=environment)
        for _ in range(2)
    ]
    assert [one.wait(timeout=240) for one in both] == [0, 0]
    assert not is_missing(uri)
