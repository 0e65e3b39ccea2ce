from pathlib import Path
from typing import Any

from hdoc.training.data.module import DocumentData
from tests.labelled import documents
from tests.training.data.ready import ready


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
