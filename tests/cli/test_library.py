import json
from pathlib import Path

import pytest

from hdoc.cli import main


def test_the_command_adds_searches_and_informs(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HDOC_LIBRARY", str(tmp_path / "mine.sqlite"))
    text = tmp_path / "a.txt"
    text.write_text("버스가 왔다.", encoding="utf-8")
    assert main(["library", "add", str(text), "-m", str(tiny_model)]) == 0
    assert "added 1, already there 0, failed 0" in capsys.readouterr().err
    assert main(["library", "search", "버스"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "버스가 왔다."
    assert main(["library", "info"]) == 0
    assert json.loads(capsys.readouterr().out)["articles"] == 1
    assert main(["library", "search", "버"]) == 1
    assert "at least two characters" in capsys.readouterr().err
    assert main(["library", "add", str(tmp_path / "none.txt"), "-m", str(tiny_model)]) == 1
    assert "none.txt: expected a file" in capsys.readouterr().err
