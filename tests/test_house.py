"""The house that the code lives in: few files beside the rooms, small files, one contract of layers."""

import tomllib
from pathlib import Path

import pytest

from tests.places import ROOT

PACKAGE, SCRIPTS = ROOT / "hdoc", ROOT / "scripts"
SOURCES = [
    path
    for folder in (PACKAGE, SCRIPTS)
    for path in sorted(folder.rglob("*"))
    if path.suffix in {".py", ".js", ".css"} and "__pycache__" not in path.parts
]


def test_few_files_stand_beside_the_rooms() -> None:
    beside = [path.name for path in PACKAGE.iterdir() if path.is_file()]
    assert len(beside) <= 8, sorted(beside)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 250


def test_every_room_stands_on_one_of_at_most_nine_layers() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [contract] = [
        one for one in settings["tool"]["importlinter"]["contracts"] if one.get("containers") == ["hdoc"]
    ]
    assert contract["type"] == "layers"
    assert contract["exhaustive"]
    assert len(contract["layers"]) <= 9


def test_every_room_says_what_it_is_for() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith('"""'), path
        assert len(first) > 20, path


def test_tests_of_a_room_stand_in_a_folder_of_its_name() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    folders = {path.name for path in (ROOT / "tests").iterdir() if (path / "__init__.py").is_file()}
    assert folders <= rooms | {"scripts"}
    assert rooms <= folders
