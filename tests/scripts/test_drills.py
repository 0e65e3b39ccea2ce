"""The drills themselves, in small counts, so that their script can be relied on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from drills.folders import drill_changed_bytes
from drills.mutations import extremes
from drills.outcome import Outcome, attempt

from hdoc.storage.shipped import default_model
from hdoc.text.sentences import split_sentences
from tests.places import ROOT

SCRIPT = ROOT / "scripts" / "drills.py"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "held"),
    [
        (["documents", "--documents", "30"], [30, 30]),
        (["kills", "--kills", "1"], [1]),
        (["folders", "--changes", "5"], [30, 5, 303]),
    ],
    ids=lambda value: value[0] if isinstance(value[0], str) else "",
)
def test_a_drill_holds(options: list[str], held: list[int], tmp_path: Path) -> None:
    found = tmp_path / "drills.json"
    command = [sys.executable, str(SCRIPT), *options, "--json", str(found)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["held"] * len(held), done.stdout
    for line, count in zip(lines, held, strict=True):
        assert f": {count} of {count}" in line
    rows = json.loads(found.read_text(encoding="utf-8"))["tables"]["drills"]
    assert [(row["n_tries"], row["n_failed"]) for row in rows] == [(count, 0) for count in held]


def test_a_failure_is_shown_and_is_no_pass() -> None:
    outcome = Outcome("what was done")
    assert not outcome.passed, "nothing was tried"
    assert attempt(outcome, "first", lambda: None) is None
    assert outcome.passed
    attempt(outcome, "second", lambda: 1 / 0)
    assert not outcome.passed
    assert outcome.row() == {"name": "what was done", "n_tries": 2, "n_failed": 1, "figures": {}}
    assert list(outcome.lines()) == [
        "BROKEN   what was done: 1 of 2",
        "         second: ZeroDivisionError: division by zero",
    ]


def test_a_change_that_is_not_noticed_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drills.folders.load_model", lambda *_: None)
    outcome = drill_changed_bytes(default_model(), tmp_path, 2)
    assert outcome.n_tries == 2
    assert len(outcome.failures) == 2


def test_large_documents_have_sentences_within_the_time_of_text() -> None:
    name, content = next(iter(extremes()))
    assert name == "10 MB of one Korean letter"
    text = content.decode()
    sentences = split_sentences(text)
    assert sum(len(sentence.text) for sentence in sentences) == len(text)
