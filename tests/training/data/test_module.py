import json
from pathlib import Path
from typing import Any

import pytest
import torch

from hdoc.encoders.pretrained import load_tokenizer
from hdoc.errors import DataError
from hdoc.text.sentences import split_sentences
from hdoc.training.data.module import DocumentData, TrainingBatch
from tests.conftest import SENTENCES
from tests.labelled import documents
from tests.places import DATA
from tests.training.data.ready import ready

PETITIONS = DATA / "petitions.jsonl.xz"


def all_rows(batches: Any) -> list[int]:
    return [row for batch in batches for row in batch.rows.tolist()]


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
            row[mask].tolist()
            for ids, _, piece_mask in batch.documents.windows.rectangles()
            for row, mask in zip(ids, piece_mask, strict=True)
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
    windows = [batch.documents.windows for batch in module.train_dataloader()]
    n_tokens = sum(len(one.ids) for one in windows)
    assert sum(one.n_cells for one in windows) <= 1.15 * n_tokens


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
