from typing import Any

import pytest

from tests.labelled import documents
from tests.training.data.ready import ready


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
