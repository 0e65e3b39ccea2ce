"""Any model by its name or folder, whatever its task is."""

from pathlib import Path

import pytest

import hdoc
from hdoc import DocumentClassifier, ModelError
from hdoc.models import find_model, find_task, task_of_model
from hdoc.storage.shipped import default_model


def test_a_model_is_found_by_the_name_it_ships_under(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_model("petitions") == find_model(None) == default_model()
    assert task_of_model("petitions").name == "document"
    (tmp_path / "petitions").mkdir()  # a folder of that name is what is meant where there is one
    assert find_model("petitions") == Path("petitions")


def test_the_folder_says_which_object_it_becomes(tiny_model: Path) -> None:
    assert isinstance(hdoc.load(tiny_model, "cpu"), DocumentClassifier)


def test_what_is_not_there_is_told_with_what_is() -> None:
    with pytest.raises(ModelError, match=r"nope is not there; name one that is, .*\(petitions\), .*models:/"):
        hdoc.load("nope")


def test_a_task_of_a_later_hdoc_is_told() -> None:
    with pytest.raises(ModelError, match=r"\(document, pair\), got one of '요약'; install the hdoc that"):
        find_task("요약")
