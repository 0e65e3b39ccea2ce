"""The one place that opens MLflow: which store, how patiently, what it may say, and the names it takes.

The default store is `sqlite:///mlflow.db` in the current folder; MLFLOW_TRACKING_URI names another.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdoc.errors import HdocError

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

STORE_FILE = "mlflow.db"
# MLflow's page shows an experiment of this kind under "Model training", not under "GenAI".
KIND_TAG, MODEL_TRAINING = "mlflow.experimentKind", "custom_model_development"
_SQLITE = "sqlite:///"
_SETTINGS = {
    # MLflow would report its use to its makers.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Its own patience with a server that is gone is many minutes, in which nothing would be trained.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


def tracking_uri() -> str:
    """Return the URI of the store that runs are logged to.

    Returns:
        MLFLOW_TRACKING_URI where it is set; else `mlflow.db` in the current folder, by its full path:
        MLflow keeps its connections by URI, so that a relative one would go on meaning the folder in which
        it was first used.
    """
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{_SQLITE}{Path.cwd().as_posix()}/{STORE_FILE}"


def is_missing(uri: str) -> bool:
    """Whether a store is an SQLite file that is not there; MLflow would make a new one."""
    return uri.startswith(_SQLITE) and not Path(uri.removeprefix(_SQLITE)).is_file()


def require_mlflow(needed_by: str) -> None:
    """Import MLflow with the settings that hdoc wants; those that the environment names stay.

    Args:
        needed_by: what needs it, for the error.

    Raises:
        HdocError: it is not installed.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import mlflow  # noqa: F401
    except ImportError as error:
        raise HdocError(f"{needed_by} needs MLflow; run: pip install 'hdoc[train]'") from error
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


def connect(uri: str, needed_by: str) -> MlflowClient:
    """Return a client of a store; a new SQLite store gets its tables, a server is not asked yet.

    Raises:
        HdocError: MLflow is not installed, or there can be no such store.
    """
    require_mlflow(needed_by)
    from mlflow.tracking import MlflowClient

    with explained(f"open {uri}"), _alone(uri):
        return MlflowClient(uri)


def open_store(uri: str, needed_by: str) -> MlflowClient:
    """Return a client of a store that answers.

    Raises:
        HdocError: MLflow is not installed, or the store does not answer.
    """
    client = connect(uri, needed_by)
    with explained(f"reach {uri}"):
        client.search_experiments(max_results=1)
    return client


def fluent_mlflow(uri: str, needed_by: str) -> Any:
    """Return the module `mlflow`, whose functions for models work on a store that exists, for the process.

    Raises:
        HdocError: MLflow is not installed.
    """
    require_mlflow(needed_by)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of type hints inside MLflow
        import mlflow
        import mlflow.pyfunc
    mlflow.set_tracking_uri(uri)
    return mlflow


def experiment_id(client: MlflowClient, name: str) -> str:
    """Return the id of an experiment; if there is none, it is made, of the kind for training models.

    Another process may make it at the same moment; it is then shared.

    Raises:
        MlflowException: the store cannot be used.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, tags={KIND_TAG: MODEL_TRAINING}))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = client.get_experiment_by_name(name)
    return str(found.experiment_id)


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn an error of MLflow into one line: what could not be done, why, and what to do about a store.

    Args:
        doing: what is tried, for example "log to http://server".

    Raises:
        HdocError: MLflow raised an error, or a file did not get to its server.
    """
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    remedy = "; start that server, or choose another store with MLFLOW_TRACKING_URI"
    try:
        yield
    except RequestException as error:
        raise HdocError(f"cannot {doing}: {brief(error)}{remedy}") from error
    except MlflowException as error:
        is_of_store = error.get_http_status_code() >= 500
        raise HdocError(f"cannot {doing}: {brief(error)}{remedy if is_of_store else ''}") from error


def metric_name(name: str) -> str:
    """Return a name that MLflow takes: letters of any script, digits and ` _ - . : /`; others become `_`."""
    return re.sub(r"[^\w\-. :/]", "_", name)


def brief(error: BaseException) -> str:
    """Return the first line of what an error says."""
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__


def _alone(uri: str) -> AbstractContextManager[object]:
    """Keep other processes out while a new SQLite store gets its tables; two at once would break it."""
    if not uri.startswith(_SQLITE):
        return nullcontext()
    from filelock import FileLock

    path = Path(uri.removeprefix(_SQLITE)).resolve()
    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    return FileLock(Path(tempfile.gettempdir()) / f"hdoc-mlflow-{os.getuid()}-{name}.lock")
