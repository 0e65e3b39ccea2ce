"""Runs beside each other."""

from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from hdoc import cli
from hdoc.errors import HdocError
from hdoc.tracking.delivery import deliver
from hdoc.tracking.run_logger import RunLogger
from hdoc.tracking.runs import read_runs

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
