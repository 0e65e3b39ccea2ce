import json
import lzma
import subprocess
import sys

import pytest

from tests.places import ROOT

DATA = ROOT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(
    not (DATA / "petitions.jsonl.xz").exists(), reason=f"needs the petition data in {DATA}"
)
ROWS = [
    {
        "id": "p-1",
        "title": "제목",
        "text": "첫 문단\n\n둘째 문단",
        "label": "교통",
        "month": "2019-04",
        "split": "train",
    },
    {
        "id": "p-2",
        "title": "다른 제목",
        "text": " 본문 ",
        "label": "환경",
        "month": "2019-05",
        "split": "dev",
    },
    {"id": "p-3", "title": "셋", "text": "본문", "label": "교통", "month": "2019-05", "split": "train"},
]


def run(*arguments, cwd=ROOT):
    command = [sys.executable, ROOT / "scripts" / "petitions.py", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False)


def read(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "rows.jsonl.xz"
    with lzma.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
    return path


def test_splits_labels_and_texts_are_kept(tmp_path, source):
    result = run(source, "--output", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        f"{tmp_path}/out/train.jsonl: 2 documents, 1 labels",
        f"{tmp_path}/out/dev.jsonl: 1 documents, 1 labels",
        f"{tmp_path}/out/test.jsonl: 0 documents, 0 labels",
    ]
    assert read(tmp_path / "out" / "train.jsonl") == [
        {"id": "p-1", "text": "제목\n\n첫 문단\n\n둘째 문단", "label": "교통"},
        {"id": "p-3", "text": "셋\n\n본문", "label": "교통"},
    ]
    assert read(tmp_path / "out" / "test.jsonl") == []


def test_titles_can_be_left_out(tmp_path, source):
    assert run(source, "-o", tmp_path / "out", "--no-title").returncode == 0
    assert [row["text"] for row in read(tmp_path / "out" / "dev.jsonl")] == [" 본문 "]


def test_missing_data_is_said_in_one_line(tmp_path):
    result = run(cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == (
        "../shared/data/petitions.jsonl.xz: expected a corpus as .jsonl.xz, but there is no such file; "
        "give its path\n"
    )
    assert list(tmp_path.iterdir()) == []


@needs_data
@pytest.mark.parametrize(
    ("option", "counts", "labels"),
    [([], (1931, 269, 543), 16), (["--out-of-scope"], (232, 39, 88), 1)],
)
def test_the_petitions_have_their_published_counts(tmp_path, option, counts, labels):
    name = "petitions_out_of_scope" if option else "petitions"
    assert run(DATA / f"{name}.jsonl.xz", "-o", tmp_path, *option).returncode == 0
    splits = [read(tmp_path / f"{split}.jsonl") for split in ("train", "dev", "test")]
    assert tuple(map(len, splits)) == counts
    assert all(
        set(row) == {"id", "text", "label"} and row["text"].strip() for split in splits for row in split
    )
    assert all(len({row["label"] for row in split}) == labels for split in splits)
    ids = [row["id"] for split in splits for row in split]
    assert len(set(ids)) == len(ids)
