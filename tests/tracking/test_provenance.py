import subprocess
from pathlib import Path

from hdoc.tracking.provenance import environment, git_state, is_alive, this_process


def test_a_process_is_known_by_its_number_and_its_start() -> None:
    process = this_process()["process"]
    assert is_alive(process)
    number, _, start = process.partition(" ")
    assert not is_alive(f"{number} {start}0")
    child = subprocess.Popen(["true"])
    child.wait()
    assert not is_alive(f"{child.pid} {start}")
    assert not is_alive("nonsense")


def test_commit_and_changes_of_a_repository(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    assert git_state(tmp_path / "nowhere") == {}
    git("init")
    (tmp_path / "a").write_text("1", encoding="utf-8")
    git("add", "a")
    git("commit", "-m", "first")
    state = git_state(tmp_path)
    assert len(state["commit"]) == 40
    assert state["dirty"] == "no"
    (tmp_path / "a").write_text("2", encoding="utf-8")
    assert git_state(tmp_path) == {"commit": state["commit"], "dirty": "yes"}


def test_the_environment_names_what_takes_part() -> None:
    import torch

    found = environment()
    assert found["packages"]["torch"] == torch.__version__
    assert found["packages"]["hdoc"]
    assert found["cores"] >= 1
