"""Trainings are found by the names of their tasks."""

import pytest

import hdoc.training.tasks
from hdoc.cli.train import main
from hdoc.errors import HdocError
from hdoc.models import by_task, find_task
from hdoc.training.known_tasks import find_training


def test_each_training_has_the_name_of_a_task() -> None:
    known = by_task(hdoc.training.tasks, "TRAINING")
    assert "document" in known
    for name in known:
        assert find_training(name).name == find_task(name).name == name


@pytest.mark.parametrize("name", ["poetry", "losses", "../document"])
def test_an_unknown_task_is_an_error_that_names_the_known_ones(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(HdocError, match=r"expected --task to be one of .*document"):
        find_training(name)
    assert main(["fit", "--task", name]) == 1
    assert "hdoc: error: expected --task to be one of" in capsys.readouterr().err
