import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from filelock import FileLock

from hdoc.errors import DataError
from hdoc.training.data import cache
from tests.labelled import documents
from tests.training.data.ready import ready


@pytest.fixture
def tokenised_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return the list of the texts that are tokenised."""
    real, tokenised = cache.tokenise_many, []

    def counted(texts: Any, *rest: Any) -> Any:
        return real((tokenised.append(text) or text for text in texts), *rest)  # type: ignore[func-returns-value]

    monkeypatch.setattr(cache, "tokenise_many", counted)
    return tokenised  # type: ignore[return-value]


def test_the_same_content_is_tokenised_once(data: Any, tokenised_again: list[str], tmp_path: Path) -> None:
    ready(data(documents(10), dev_share=0.3))
    assert len(tokenised_again) == 10
    ready(data(documents(10), dev_share=0.3))
    assert len(tokenised_again) == 10
    for change in ({"window": 24}, {"split": "lines"}, {"text_column": "id"}):
        tokenised_again.clear()
        ready(data(documents(10), dev_share=0.3, **change))
        assert len(tokenised_again) == 10
    tokenised_again.clear()
    ready(data([*documents(9), {"text": "다른 글", "label": "경제"}], dev_share=0.3))
    assert len(tokenised_again) == 10


def test_what_a_killed_run_left_is_not_used(data: Any, tokenised_again: list[str], tmp_path: Path) -> None:
    expected = [text for _, text in ready(data(documents(10))).texts("train")]
    (kept,) = (tmp_path / "cache").glob("*.arrow")
    kept.with_suffix(".partial").write_bytes(kept.read_bytes()[: kept.stat().st_size // 2])
    kept.unlink()
    module = ready(data(documents(10)))
    assert len(tokenised_again) == 20
    assert [text for _, text in module.texts("train")] == expected
    assert [path.suffix for path in sorted((tmp_path / "cache").iterdir())] == [".arrow", ".lock"]


def test_a_run_that_fails_leaves_nothing_to_use(data: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 11"):
        ready(data([*documents(10), {"text": "\u200b", "label": "경제"}]))
    assert not list((tmp_path / "cache").glob("*.arrow"))
    assert not list((tmp_path / "cache").glob("*.partial"))


def test_a_folder_that_cannot_be_written_to(data: Any, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(DataError, match=r"expected a folder that tokenised documents .* data\.cache_folder"):
        ready(data(documents(10)))


def test_a_run_waits_for_another_that_splits_the_same(
    data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(data(documents(10)))
    (kept,) = (tmp_path / "cache").glob("*.arrow")
    finished, waits = kept.read_bytes(), Event()
    kept.unlink()
    monkeypatch.setattr(cache, "say", lambda text: waits.set() if "waiting" in text else None)
    monkeypatch.setattr(cache, "_write", None)
    module = data(documents(10))
    with ThreadPoolExecutor(1) as second:
        with FileLock(kept.with_suffix(".lock")):
            outcome = second.submit(ready, module)
            assert waits.wait(timeout=60)
            kept.write_bytes(finished)
        assert outcome.result(timeout=60) is module
    assert len(module.texts("train")) + len(module.texts("dev")) == 10


_TWO_AT_ONCE = """
import sys
from hdoc.training.data.module import DocumentData
if __name__ == "__main__":
    train, encoder, cache = sys.argv[1:]
    data = DocumentData(train_file=train, encoder=encoder, cache_folder=cache, window=32, workers=2)
    data.prepare_data()
    data.setup("fit")
    print(sum(data.class_counts), sum(int(batch.documents.counts.sum()) for batch in data.train_dataloader()))
"""


@pytest.mark.slow
def test_two_runs_at_once_and_worker_processes(data: Any, tmp_path: Path, tiny_encoder: Path) -> None:
    rows = [{**row, "text": (row["text"] + "\n") * 8} for row in documents(60)]
    module = ready(data(rows, window=32))
    n_windows = sum(int(batch.documents.counts.sum()) for batch in module.train_dataloader())
    (tmp_path / "run.py").write_text(_TWO_AT_ONCE)
    arguments = [str(tmp_path / "train.jsonl"), str(tiny_encoder), str(tmp_path / "both")]
    command = [sys.executable, str(tmp_path / "run.py"), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    for run in runs:
        assert run.communicate(timeout=300)[0].split() == [str(sum(module.class_counts)), str(n_windows)]
    assert len(list((tmp_path / "both").glob("*.arrow"))) == 1
