"""Which model a folder holds, of whatever task."""

import json
from pathlib import Path

import pytest

from hdoc.errors import ModelError
from hdoc.storage.identity import task_of, verified_identity
from hdoc.storage.writing import whole_folder, write_json

CONFIG = {"format": "hdoc-model", "format_version": 5, "task": "poetry", "name": "시", "version": "3"}


def make(folder: Path, config: dict = CONFIG) -> Path:
    with whole_folder(folder, ["config.json", "verses.txt"]) as draft:
        write_json(draft / "config.json", config)
        (draft / "verses.txt").write_text("산에는 꽃 피네", encoding="utf-8")
    return folder


def test_a_folder_of_any_task_is_checked_and_identified(tmp_path: Path) -> None:
    folder = make(tmp_path / "model")
    assert task_of(folder) == "poetry"
    first = verified_identity(folder)
    assert (first.name, first.version, len(first.checksum)) == ("시", "3", 64)
    assert verified_identity(make(tmp_path / "again")).checksum == first.checksum


def test_a_changed_or_missing_file_is_named(tmp_path: Path) -> None:
    folder = make(tmp_path / "model")
    (folder / "verses.txt").write_text("꽃이 피네", encoding="utf-8")
    with pytest.raises(ModelError, match=r"verses\.txt is not what was exported"):
        verified_identity(folder)
    (folder / "verses.txt").unlink()
    with pytest.raises(ModelError, match=r"cannot read .*verses\.txt"):
        verified_identity(folder)


def test_names_outside_the_folder_are_refused(tmp_path: Path) -> None:
    folder = make(tmp_path / "model")
    sums = json.loads((folder / "checksums.json").read_text(encoding="utf-8"))
    write_json(folder / "checksums.json", {**sums, "../secret": "0" * 64})
    with pytest.raises(ModelError, match="expected the names of a model's files"):
        verified_identity(folder)


def test_a_folder_of_something_else_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected a model of hdoc"):
        verified_identity(make(tmp_path / "model", {"name": "a", "version": "1"}))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").touch()
    with pytest.raises(ModelError, match="holds other files"):
        make(tmp_path / "other")


def test_what_fails_while_it_is_written_leaves_the_former_model(tmp_path: Path) -> None:
    folder = make(tmp_path / "model")
    before = verified_identity(folder)
    with pytest.raises(RuntimeError), whole_folder(folder, ["config.json"]) as draft:  # noqa: PT012
        write_json(draft / "config.json", {})
        raise RuntimeError
    assert verified_identity(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
