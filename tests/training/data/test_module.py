import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import torch
from filelock import FileLock

import hdoc.training.data.cache as store_module
from hdoc.encoders.pretrained import load_tokenizer
from hdoc.errors import DataError
from hdoc.text.sentences import split_sentences
from hdoc.training.data.module import DocumentData, TrainingBatch
from tests.conftest import SENTENCES
from tests.labelled import documents, make_data
from tests.places import DATA

PETITIONS = DATA / "petitions.jsonl.xz"


@pytest.fixture
def data(tmp_path: Path, tiny_encoder: Path) -> Any:
    """Return `make_data` for a folder of this test."""
    return partial(make_data, tmp_path, tiny_encoder)


def ready(module: DocumentData, stage: str = "fit") -> DocumentData:
    module.prepare_data()
    module.setup(stage)
    return module


def all_rows(batches: Any) -> list[int]:
    return [row for batch in batches for row in batch.rows.tolist()]


# Splits and batches


def test_batches_hold_what_the_explaining_side_would_read(data: Any, tiny_encoder: Path) -> None:
    rows = documents(23)
    module = ready(data(rows, dev=documents(7, seed=1)))
    assert module.labels == ["경제", "문화", "사회"]
    assert module.class_counts == [8, 8, 7]
    tokenizer = load_tokenizer(str(tiny_encoder), 32)
    seen = []
    for batch in module.train_dataloader():
        assert isinstance(batch, TrainingBatch)
        assert batch.targets.dtype == torch.long
        pieces = [
            ids[mask].tolist()
            for group in batch.documents.groups
            for ids, mask in zip(group.ids, group.piece_mask, strict=True)
        ]
        in_order = iter([pieces[row] for row in batch.documents.rows.tolist()])
        for row, target, count in zip(batch.rows, batch.targets, batch.documents.counts, strict=True):
            text = rows[int(row)]["text"]
            windows = tokenizer.windows(text, split_sentences(text))
            assert [next(in_order) for _ in range(int(count))] == [list(window.ids) for window in windows]
            assert module.labels[int(target)] == rows[int(row)]["label"]
            seen.append(int(row))
    assert sorted(seen) == list(range(23))
    assert sorted(all_rows(module.val_dataloader())) == list(range(7))
    assert module.texts("dev")[2] == ("d2", documents(7, seed=1)[2]["text"])
    assert [name for name, _ in module.texts("dev")[:2]] == ["d0", "d1"]


def test_a_share_of_each_class_is_held_out_and_said(data: Any, capsys: pytest.CaptureFixture[str]) -> None:
    module = ready(data(documents(60), dev_share=0.2))
    assert "12 of 60 documents" in capsys.readouterr().err
    train, dev = ([identity for identity, _ in module.texts(split)] for split in ("train", "dev"))
    assert sorted(train + dev) == sorted(row["id"] for row in documents(60))
    assert len(dev) == 12
    assert module.class_counts == [16, 16, 16]
    again = ready(data(documents(60), dev_share=0.2))
    assert [identity for identity, _ in again.texts("dev")] == dev
    other = ready(data(documents(60), dev_share=0.2, seed=1))
    assert [identity for identity, _ in other.texts("dev")] != dev
    everything = ready(data(documents(60), dev_share=0))
    assert everything.val_dataloader() == []
    assert len(everything.texts("train")) == 60


def test_several_labels(data: Any) -> None:
    labels = [["경제"], ["경제", "문화"], [], ["사회"], ["경제", "사회"]] * 6
    rows = [{**row, "label": several} for row, several in zip(documents(30), labels, strict=True)]
    module = ready(data(rows, multi_label=True, dev_share=0.3))
    assert module.labels == ["경제", "문화", "사회"]
    n_dev = len(module.texts("dev"))
    assert 5 <= n_dev <= 12
    total = torch.zeros(3)
    for batch in module.train_dataloader():
        assert batch.targets.shape == (len(batch.rows), 3)
        assert batch.targets.dtype == torch.float
        for row, target in zip(batch.rows, batch.targets, strict=True):
            several = rows[int(module.texts("train")[int(row)][0][1:])]["label"]
            assert {module.labels[i] for i in target.nonzero().flatten()} == set(several)
        total += batch.targets.sum(dim=0)
    assert module.class_counts == total.tolist()


def test_predicting_needs_no_labels_and_no_training_data(data: Any) -> None:
    module = ready(data(None, predict=[{"text": row["text"]} for row in documents(9)]), "predict")
    batches = list(module.predict_dataloader())
    assert sorted(all_rows(batches)) == list(range(9))
    assert all(set(batch.targets.tolist()) == {-1} for batch in batches)
    assert module.labels == []
    assert module.texts("predict")[0][0] == "1"


def test_a_line_is_a_sentence_if_asked(data: Any) -> None:
    text = SENTENCES[0] + " " + SENTENCES[1] + "\r\n\n " + SENTENCES[2]
    rows = [{"text": text, "label": label} for label in "ab" * 2]
    (batch,) = ready(data(rows, dev_share=0, split="lines", window=128)).train_dataloader()
    assert batch.documents.counts.tolist() == [2] * 4
    (batch,) = ready(data(rows, dev_share=0, split="kss", window=128)).train_dataloader()
    assert batch.documents.counts.tolist() == [3] * 4


def test_padding_is_small_on_real_lengths(data: Any) -> None:
    if not PETITIONS.exists():
        pytest.skip(f"{PETITIONS} is not there")
    import lzma

    with lzma.open(PETITIONS, "rt", encoding="utf-8") as file:
        rows = [json.loads(next(file)) for _ in range(160)]
    labels = [{**row, "label": str(i % 2)} for i, row in enumerate(rows)]
    # Lines instead of kss: the test is about lengths, which differ more then.
    module = ready(data(labels, dev_share=0, split="lines", window=128, batch_documents=16))
    groups = [group for batch in module.train_dataloader() for group in batch.documents.groups]
    n_tokens = sum(int(group.mask.sum()) for group in groups)
    assert sum(group.mask.numel() for group in groups) <= 1.15 * n_tokens


def test_a_data_set_in_a_folder(tmp_path: Path, tiny_encoder: Path) -> None:
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    features = Features({"text": Value("string"), "label": ClassLabel(names=["경제", "문화", "사회"])})

    def split(rows: list[dict[str, Any]]) -> Dataset:
        values = {name: [row[name] for row in rows] for name in ("text", "label")}
        return Dataset.from_dict(values, features=features)

    secret = [{**row, "label": -1} for row in documents(5)]
    splits = {"train": split(documents(30)), "validation": split(documents(6, seed=1)), "test": split(secret)}
    DatasetDict(splits).save_to_disk(str(tmp_path / "set"))
    module = DocumentData(
        dataset=str(tmp_path / "set"),
        encoder=str(tiny_encoder),
        workers=0,
        window=32,
        cache_folder=str(tmp_path / "cache"),
    )
    ready(module)
    assert module.labels == ["경제", "문화", "사회"]
    assert module.class_counts == [10, 10, 10]
    assert len(module.texts("dev")) == 6
    assert set(module.fingerprint) == {"train", "dev"}  # test has no labels
    assert len(module.fingerprint["train"]) == 64
    assert module.fingerprint["train"] != module.fingerprint["dev"]


# Bad data


@pytest.mark.parametrize(
    ("train", "values", "problem"),
    [
        (documents(6, ("경제",)), {}, "train.jsonl: expected at least two different labels, got only '경제'"),
        (documents(7), {"dev": documents(4, ("경제", "물가"))}, r"dev.jsonl, row 2: .* \(경제, .*got '물가'"),
        (
            documents(7),
            {"test": documents(4, ("물가",))},
            "test.jsonl, row 1: expected a label that the training",
        ),
        (
            [*documents(6), {"text": "글", "label": "외톨이"}],
            {},
            "row 7: expected another document with the .*'외톨이'",
        ),
        ([*documents(6), {"text": "\u200b\x00", "label": "경제"}], {}, r"train.jsonl, row 7: expected"),
        ([], {}, "train.jsonl: expected a table, got nothing"),
        (None, {"dev": documents(4)}, "expected data.train_file, got none"),
        (documents(6), {"text_column": "글"}, r"expected a column '글', got 'id', 'text', 'label'; name"),
    ],
)
def test_bad_data_is_named(data: Any, train: Any, values: dict[str, Any], problem: str) -> None:
    module = data(train, **values)
    with pytest.raises(DataError, match=problem):
        ready(module, "test" if "test" in values else "fit")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"dev_share": 1.0}, "expected data.dev_share of at least 0 and below 1, got 1.0"),
        ({"batch_documents": 0}, "batch_documents, batch_tokens and group_tokens of at least 1"),
        ({"dataset": "a/b", "train_file": "c.csv"}, "expected either data.dataset or files, got both"),
    ],
)
def test_bad_settings_are_named(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        DocumentData(**values)


# What is kept


@pytest.fixture
def split_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return the list of the texts that are split and tokenised."""
    real, split = store_module.tokenise_many, []

    def counted(texts: Any, *rest: Any) -> Any:
        return real((split.append(text) or text for text in texts), *rest)  # type: ignore[func-returns-value]

    monkeypatch.setattr(store_module, "tokenise_many", counted)
    return split  # type: ignore[return-value]


def test_the_same_content_is_tokenised_once(data: Any, split_again: list[str], tmp_path: Path) -> None:
    ready(data(documents(10), dev_share=0.3))
    assert len(split_again) == 10
    ready(data(documents(10), dev_share=0.3))
    assert len(split_again) == 10
    for change in ({"window": 24}, {"split": "lines"}, {"text_column": "id"}):
        split_again.clear()
        ready(data(documents(10), dev_share=0.3, **change))
        assert len(split_again) == 10
    split_again.clear()
    ready(data([*documents(9), {"text": "다른 글", "label": "경제"}], dev_share=0.3))
    assert len(split_again) == 10


def test_what_a_killed_run_left_is_not_used(data: Any, split_again: list[str], tmp_path: Path) -> None:
    expected = [text for _, text in ready(data(documents(10))).texts("train")]
    (kept,) = (tmp_path / "cache").glob("*.arrow")
    kept.with_suffix(".partial").write_bytes(kept.read_bytes()[: kept.stat().st_size // 2])
    kept.unlink()
    module = ready(data(documents(10)))
    assert len(split_again) == 20
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
    monkeypatch.setattr(store_module, "say", lambda text: waits.set() if "waiting" in text else None)
    monkeypatch.setattr(store_module, "_write", None)
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
