import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import LightningDataModule, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor

from hdoc.errors import DataError
from hdoc.training.data.loading import BatchLoader
from hdoc.training.data.module import DocumentData, TrainingBatch
from hdoc.training.data.sampling import BatchSampler
from tests.labelled import documents, write

pytestmark = [
    # Lightning's own use of torch.
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    # To go on in the folder of the run that was killed is what is tested.
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
]


def loader(n_trained: int | None = None) -> BatchLoader[list[int]]:
    sampler = BatchSampler([10] * 20, 2, 100)
    return BatchLoader(
        sampler, lambda batch: batch.tolist(), None if n_trained is None else lambda: n_trained
    )


def test_the_state_counts_what_was_handed_out_not_what_was_made_ahead() -> None:
    batches = iter(running := loader())
    assert running.state_dict() == {"epoch": 0, "batch": 0, "n_batches": 10}
    whole = [next(batches) for _ in range(4)]
    state = running.state_dict()
    assert state == {"epoch": 0, "batch": 4, "n_batches": 10}
    whole += list(batches)
    resumed = loader()
    resumed.load_state_dict(state)
    assert list(resumed) == whole[4:]
    assert list(resumed) == whole  # the next time from the start again
    assert len(resumed) == 10


def test_a_batch_that_was_not_trained_on_comes_again() -> None:
    batches = iter(running := loader(n_trained=2))
    whole = [next(batches) for _ in range(3)]
    resumed = loader()
    resumed.load_state_dict(running.state_dict())
    assert next(iter(resumed)) == whole[2]


def test_the_epoch_that_counts_is_that_of_the_first_batch() -> None:
    resumed = loader()
    resumed.load_state_dict({"epoch": 3, "batch": 10, "n_batches": 10})
    batches = iter(resumed)  # Lightning does so before it sets the epoch
    resumed.sampler.set_epoch(4)
    expected = BatchSampler([10] * 20, 2, 100)
    expected.set_epoch(4)
    assert list(batches) == [batch.tolist() for batch in expected]
    assert resumed.state_dict()["epoch"] == 4


def test_a_state_of_other_data_is_refused() -> None:
    with pytest.raises(DataError, match=r"expected 7 batches an epoch, .* got 10; resume with the same data"):
        loader().load_state_dict({"epoch": 0, "batch": 1, "n_batches": 7})


def test_an_error_in_the_background_reaches_the_one_who_waits() -> None:
    def fail(batch: object) -> object:
        raise DataError("no such batch")

    with pytest.raises(DataError, match="no such batch"):
        list(BatchLoader(BatchSampler([1, 2], 1, 1), fail))


class Recorder(LightningModule):
    """Trains one number and remembers which documents it saw."""

    def __init__(self, fail_at: int | None = None) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen: list[tuple[int, list[int]]] = []
        self.validated: list[int] = []
        self.fail_at = fail_at

    def training_step(self, batch: TrainingBatch, batch_index: int) -> Tensor:
        if len(self.seen) == self.fail_at:
            raise RuntimeError("killed")
        self.seen.append((self.current_epoch, batch.rows.tolist()))
        return self.weight * 1.0

    def validation_step(self, batch: TrainingBatch, batch_index: int) -> None:
        self.validated.extend(batch.rows.tolist())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(
    module: LightningDataModule,
    folder: Path,
    fail_at: int | None = None,
    resume: bool = False,
    **checkpoint: Any,
) -> Recorder:
    recorder = Recorder(fail_at)
    keep = ModelCheckpoint(folder, filename="last", save_top_k=1, enable_version_counter=False, **checkpoint)
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=3,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        num_sanity_val_steps=0,
        val_check_interval=4,
        callbacks=[keep],
    )
    trainer.fit(recorder, datamodule=module, ckpt_path=str(folder / "last.ckpt") if resume else None)
    return recorder


@pytest.mark.parametrize(
    ("checkpoint", "fail_at", "lost"),
    [
        # Killed some time after the last checkpoint, in the middle of the second epoch.
        ({"every_n_train_steps": 5}, 18, 3),
        # Killed in the middle of a batch, which is then not trained on.
        ({"save_on_exception": True, "every_n_train_steps": 1000}, 17, 0),
        # Checkpoint after the validation in the middle of an epoch.
        ({"every_n_epochs": 1, "save_on_train_epoch_end": False, "monitor": None}, 16, 1),
        # Checkpoint at the end of an epoch.
        ({"every_n_epochs": 1, "save_on_train_epoch_end": True}, 13, 2),
    ],
)
def test_a_resumed_run_sees_what_was_left(
    data: Any, tmp_path: Path, checkpoint: dict[str, Any], fail_at: int, lost: int
) -> None:
    def module() -> DocumentData:
        made: DocumentData = data(documents(42), dev=documents(5))
        return made

    whole = fit(module(), tmp_path / "whole", **checkpoint).seen
    assert len(whole) == 33
    for epoch in range(3):
        assert sorted(row for e, rows in whole if e == epoch for row in rows) == list(range(42))
    assert whole[:11] != whole[11:22]
    with pytest.raises(RuntimeError, match="killed"):
        fit(module(), tmp_path / "killed", fail_at, **checkpoint)
    assert fit(module(), tmp_path / "killed", resume=True, **checkpoint).seen == whole[fail_at - lost :]


def test_every_dev_document_is_validated_once(data: Any, tmp_path: Path) -> None:
    module = data(documents(30), dev=documents(13))
    recorder = Recorder()
    trainer = Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, default_root_dir=tmp_path)
    trainer.validate(recorder, datamodule=module, verbose=False)
    assert sorted(recorder.validated) == list(range(13))


_DDP = """
import json, sys
import torch
from pytorch_lightning import LightningModule, Trainer
from hdoc.training.data.module import DocumentData

class Recorder(LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen = {"train": [], "dev": []}
    def forward(self, batch):
        return self.weight * len(batch.rows)
    def training_step(self, batch, batch_index):
        self.seen["train"].append((self.current_epoch, batch.rows.tolist()))
        return self(batch)
    def validation_step(self, batch, batch_index):
        self.seen["dev"].extend(batch.rows.tolist())
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

if __name__ == "__main__":
    train, dev, encoder, cache, out = sys.argv[1:]
    data = DocumentData(
        train_file=train, dev_file=dev, encoder=encoder, cache_folder=cache, window=32, workers=0,
        batch_documents=4,
    )
    model = Recorder()
    trainer = Trainer(
        accelerator="cpu", devices=2, strategy="ddp", max_epochs=2, logger=False, enable_progress_bar=False,
        enable_model_summary=False, enable_checkpointing=False, num_sanity_val_steps=0,
        check_val_every_n_epoch=2,
    )
    trainer.fit(model, datamodule=data)
    with open(f"{out}/{trainer.global_rank}.json", "w") as file:
        json.dump(model.seen, file)
"""


@pytest.mark.slow
def test_two_processes_share_each_epoch(tmp_path: Path, tiny_encoder: Path) -> None:
    train = write(tmp_path / "train.jsonl", documents(37))
    dev = write(tmp_path / "dev.jsonl", documents(9))
    (tmp_path / "ddp.py").write_text(_DDP)
    command = [
        sys.executable,
        "ddp.py",
        train,
        dev,
        str(tiny_encoder),
        str(tmp_path / "cache"),
        str(tmp_path),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=300)
    ranks = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    for epoch in range(2):
        shares = [[rows for e, rows in rank["train"] if e == epoch] for rank in ranks]
        assert len(shares[0]) == len(shares[1])
        assert sorted(row for share in shares for rows in share for row in rows) == list(range(37))
    assert sorted(ranks[0]["dev"] + ranks[1]["dev"]) == list(range(9))
    assert ranks[0]["dev"]
    assert ranks[1]["dev"]
