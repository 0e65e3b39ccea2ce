import json
import lzma
import subprocess
import sys
from pathlib import Path

from tests.places import ROOT

ROWS = [
    {"task": "sts", "source": "x", "a": "가", "b": "나", "label": 3.8, "split": "train"},
    {"task": "boolq", "source": "x", "a": "가", "b": "나", "label": 1, "split": "train"},
    {"task": "nli", "source": "y", "a": "다", "b": "라", "label": "neutral", "split": "dev"},
]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "scripts" / "pairs.py", *arguments]
    return subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)


def test_each_task_has_its_files_and_others_are_counted(tmp_path: Path) -> None:
    source = tmp_path / "pairs.jsonl.xz"
    with lzma.open(source, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in ROWS)
    result = run(source, "-o", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    files = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.jsonl"))
    assert files == ["nli/dev.jsonl", "sts/train.jsonl"], "an empty file could not be read"
    scored = json.loads((tmp_path / "out" / "sts" / "train.jsonl").read_text(encoding="utf-8"))
    assert scored == {"id": "x-1", "a": "가", "b": "나", "label": 3.8}
    assert "sts/train.jsonl: 1 pairs" in result.stdout
    assert "sts/test.jsonl: the corpus has no such split" in result.stdout
    assert "left out: 1 of boolq" in result.stdout


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    result = run(tmp_path / "nowhere.jsonl.xz")
    assert result.returncode == 1
    assert "expected a corpus as .jsonl.xz, but there is no such file" in result.stderr
