"""CONTRIBUTING.md and the documentation show the rooms and the contract that pyproject.toml holds."""

import re
import tomllib

from tests.places import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
]
[LAYERS] = [c["layers"] for c in CONTRACTS if c["type"] == "layers" and c["containers"] == ["hdoc"]]


def section(heading: str) -> str:
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert found, f"CONTRIBUTING.md has no section {heading!r}"
    return found[1]


def rooms() -> set[str]:
    return {room for layer in LAYERS for room in layer.split(" | ")}


def test_the_table_names_each_room_once() -> None:
    named = re.findall(r"^\| `(\w+)` \|", section("The rooms"), re.MULTILINE)
    assert sorted(named) == sorted(rooms())


def test_the_contract_is_that_of_pyproject() -> None:
    shown = re.findall(r"^    (.+)$", section("The import contract"), re.MULTILINE)
    assert shown == LAYERS


def test_each_library_has_the_rooms_that_may_import_it() -> None:
    text = section("The import contract")
    for contract in CONTRACTS:
        if contract["type"] == "protected":
            [library] = contract["protected_modules"]
            allowed = [name.removeprefix("hdoc.") for name in contract["allowed_importers"]]
            [said] = re.findall(rf"{library}(?: is)? for ([^,]+)", text, re.IGNORECASE)
            assert re.findall(r"`([^`]+)`", said) == allowed


def test_the_architecture_names_each_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    missing = [room for room in rooms() if not re.search(rf"`hdoc/{room}(\.py)?`", text)]
    assert missing == []


def test_what_can_be_added_is_said_in_ten_lines_each() -> None:
    for what in ("Add a task", "Add an encoder", "Add a file format"):
        assert len(re.findall(r"^\d+\. ", section(what), re.MULTILINE)) == 10
