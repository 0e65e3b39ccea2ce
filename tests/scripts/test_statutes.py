import json
import lzma
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT

DATA = ROOT.parent / "shared" / "data"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "scripts" / "statutes.py", *arguments]
    return subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)


def read(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    text = "# 도로법\n\n국토교통부장관은 산림청장과 협의한다. 국토교통부령으로 정한다. 국회의 동의를 얻는다."
    rows = [
        {"id": "1", "text": text, "label": "국토교통부", "split": "train"},
        {"id": "2", "text": "# 교육기본법\n\n교육부는 돕는다.", "label": "교육부", "split": "dev"},
    ]
    for name, content in {
        "statutes": rows,
        "statutes_unlabelled": [{"id": "3", "text": "# 가\n나", "label": "산림청", "split": "train"},
                                {"id": "4", "text": "# 다\n라", "label": "국회", "split": "train"}],
    }.items():  # fmt: skip
        with lzma.open(tmp_path / f"{name}.jsonl.xz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in content)
    return tmp_path


def test_names_are_masked_and_the_title_line_goes(corpora: Path, tmp_path: Path) -> None:
    result = run(corpora, "-o", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    [row] = read(tmp_path / "out" / "train.jsonl")
    assert row == {
        "id": "1",
        "text": "소관기관장관은 소관기관장과 협의한다. 소관기관령으로 정한다. 국회의 동의를 얻는다.",
        "label": "국토교통부",
    }
    assert "1 documents, 1 labels" in result.stdout


def test_unmasked_is_as_it_was(corpora: Path, tmp_path: Path) -> None:
    run(corpora, "--unmasked", "-o", tmp_path / "out")
    assert read(tmp_path / "out" / "dev.jsonl")[0]["text"] == "# 교육기본법\n\n교육부는 돕는다."


def test_a_missing_corpus_is_one_line(tmp_path: Path) -> None:
    result = run(tmp_path / "nowhere")
    assert result.returncode == 1
    assert "expected a corpus as .jsonl.xz, but there is no such file" in result.stderr


@pytest.mark.skipif(not (DATA / "statutes.jsonl.xz").exists(), reason=f"needs the statutes in {DATA}")
def test_no_ministry_is_left_in_the_real_statutes(tmp_path: Path) -> None:
    run("-o", tmp_path)
    rows = [row for split in ("train", "dev", "test") for row in read(tmp_path / f"{split}.jsonl")]
    assert len(rows) == 3677
    labels = {row["label"] for row in rows}
    assert len(labels) == 16
    assert not [row["id"] for row in rows if any(label in row["text"] for label in labels)]
