import json
import lzma
import subprocess
import sys
from pathlib import Path

from tests.places import ROOT

HEADER = "review_id\tmovie_id\trating\tlabel\tsplit\tdocument\n"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "scripts" / "nsmc.py", *arguments]
    return subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)


def test_labelled_reviews_are_kept_and_the_others_counted(tmp_path: Path) -> None:
    source = tmp_path / "nsmc.tsv.xz"
    with lzma.open(source, "wt", encoding="utf-8") as file:
        file.write(HEADER)
        file.write('1\t9\t10\t1\ttrain\t"최고의 영화\n2\t9\t1\t0\tdev\t지루하다\n')
        file.write("3\t9\t7\t\ttrain\t그저 그렇다\n4\t9\t9\t1\ttest\t \n")
    result = run(source, "-o", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    [row] = [json.loads(line) for line in (tmp_path / "out" / "train.jsonl").read_text("utf-8").splitlines()]
    assert row == {"id": "1", "text": '"최고의 영화', "label": "긍정"}
    assert (tmp_path / "out" / "test.jsonl").read_text() == ""
    assert "left out: 1 without a label, 1 blank" in result.stdout


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    result = run(tmp_path / "nowhere.tsv.xz")
    assert result.returncode == 1
    assert "expected the reviews as .tsv.xz, but there is no such file" in result.stderr
