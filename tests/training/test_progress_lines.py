"""Lines for those who follow a training in a file, of a network that knows no documents."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch.utils.data import DataLoader, TensorDataset

from hdoc.training.progress_lines import MinuteLine, _duration

# Lightning's own use of torch.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*number of training batches"),
]

N_BATCHES = 6


class Line(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch: Any, _: int) -> torch.Tensor:
        loss = self.layer(batch[0]).square().mean()
        self.log("train/loss", loss)
        self.log("train/tokens_per_second", torch.tensor(1234.5))
        return loss

    def validation_step(self, batch: Any, _: int) -> None:
        self.log("dev/loss", self.layer(batch[0]).square().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def batches() -> DataLoader[Any]:
    return DataLoader(TensorDataset(torch.ones(N_BATCHES, 1)), batch_size=1)


def fit(line: Callback, folder: Path, bar: bool = False, **more: Any) -> Trainer:
    trainer = Trainer(
        accelerator="cpu",
        callbacks=[line],
        default_root_dir=folder,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=bar,
        logger=False,
        num_sanity_val_steps=0,
        **{"max_epochs": 2, **more},
    )
    trainer.fit(Line(), batches(), batches())
    return trainer


def test_without_a_bar_each_interval_has_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(MinuteLine(0), tmp_path)
    said = capsys.readouterr().err.splitlines()
    training = [one for one in said if one.startswith("epoch")]
    assert len(training) == 2 * N_BATCHES
    assert re.fullmatch(
        r"epoch 2  step 8 of 12  train/loss \d\.\d{4}  1,234 tokens/s  \d+ s left", training[7]
    ), training[7]
    assert [one for one in said if one.startswith("dev")][:2] == ["dev: batch 1 of 6", "dev: batch 2 of 6"]


def test_within_the_interval_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = MinuteLine()
    assert line.seconds == 60
    fit(line, tmp_path)
    assert "step" not in capsys.readouterr().err


def test_a_line_is_written_once_an_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10_000, 1))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    fit(MinuteLine(4), tmp_path, limit_val_batches=0)
    said = [one for one in capsys.readouterr().err.splitlines() if one.startswith("epoch")]
    assert 2 <= len(said) <= N_BATCHES


def test_a_bar_is_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(MinuteLine(0), tmp_path, bar=True)
    assert "step" not in capsys.readouterr().err


def test_only_the_first_process_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trainer, "is_global_zero", False)
    fit(MinuteLine(0), tmp_path)
    assert "step" not in capsys.readouterr().err


def test_a_training_without_an_end_has_no_time_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(MinuteLine(0), tmp_path, max_epochs=-1, max_time={"seconds": 0.2})
    [first, *_] = [one for one in capsys.readouterr().err.splitlines() if one.startswith("epoch")]
    assert re.fullmatch(r"epoch 1  step 1  train/loss \d\.\d{4}  1,234 tokens/s", first), first


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (89, "89 s"),
        (90, "2 min"),
        (3600, "60 min"),
        (5400, "1 h 30 min"),
        (11_100, "3 h 05 min"),
    ],
)
def test_times_are_words(seconds: float, words: str) -> None:
    assert _duration(seconds) == words
