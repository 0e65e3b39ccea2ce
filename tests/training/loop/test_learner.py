import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from hdoc.errors import DataError, ModelError
from hdoc.training.data.module import DocumentData
from hdoc.training.loop.checkpoints import RunCheckpoint
from hdoc.training.loop.options import OptimiserOptions
from hdoc.training.tasks.document.learner import DocumentLearner
from hdoc.training.tasks.document.options import DeletionOptions, HeadOptions, LossOptions
from tests.labelled import documents, make_data
from tests.places import ROOT

pytestmark = [
    # Lightning's own use of torch.
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    pytest.mark.filterwarnings("ignore:The number of training batches"),
    pytest.mark.filterwarnings("ignore:The .*dataloader.* does not have many workers"),
]

SMALL = {
    "window": 32,
    "head": HeadOptions(value_width=16, channels=8, dropout=0.0),
    "deletion": DeletionOptions(sentences=0.0),
}


def telling(n: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return documents whose class can be read off one of their sentences."""
    signs = {"경제": "환율이 오르자 과일의 가격도 올랐다.", "체육": "선수단은 축구를 하며 귀국했습니다."}
    rows = documents(n, tuple(signs), seed)
    return [{**row, "text": f"{signs[row['label']]} {row['text']}"} for row in rows]


@pytest.fixture
def data(tmp_path: Path, tiny_encoder: Path) -> Any:
    """Return `make_data` for a folder of this test."""
    return partial(make_data, tmp_path, tiny_encoder)


@pytest.fixture(scope="module")
def still_encoder(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tiny encoder without dropout, whose gradients can be compared."""
    folder = tmp_path_factory.mktemp("still") / "encoder"
    shutil.copytree(tiny_encoder, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config.update(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.fixture
def learner(still_encoder: Path) -> Any:
    """Return a maker of small learners."""

    def make(**values: Any) -> DocumentLearner:
        torch.manual_seed(0)
        return DocumentLearner(encoder=str(still_encoder), **{**SMALL, **values})

    return make


def trainer(folder: Path, *callbacks: Callback, **values: Any) -> Trainer:
    settings: dict[str, Any] = {
        "max_epochs": 1,
        "accelerator": "cpu",
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "default_root_dir": str(folder),
        "callbacks": list(callbacks) or None,
        "enable_checkpointing": any(isinstance(callback, RunCheckpoint) for callback in callbacks),
    }
    return Trainer(**{**settings, **values})


class Watcher(Callback):
    """Remembers the modes of the network while it trains, and the gradients of each step."""

    def __init__(self) -> None:
        self.training: list[dict[str, bool]] = []
        self.gradients: list[dict[str, torch.Tensor]] = []

    def on_train_batch_start(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        self.training.append({name: part.training for name, part in module.named_modules()})

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        if trainer.global_step > len(self.gradients):
            gradients = {n: p.grad.clone() for n, p in module.named_parameters() if p.grad is not None}
            self.gradients.append(gradients)


def test_it_learns(data: Any, learner: Any, tmp_path: Path) -> None:
    module = learner(optimiser=OptimiserOptions(encoder_rate=1e-3, head_rate=5e-3))
    fit = trainer(tmp_path, max_epochs=8)
    fit.fit(module, datamodule=data(telling(60), dev=telling(20, seed=1)))
    assert float(fit.callback_metrics["dev/macro_f1"]) == 1.0
    assert module.labels == ["경제", "체육"]


def test_several_classes_a_document(data: Any, learner: Any, tmp_path: Path) -> None:
    rows = [{**row, "label": ["짝", "수"][: 1 + i % 2]} for i, row in enumerate(documents(20))]
    module = learner(multi_label=True)
    fit = trainer(tmp_path)
    fit.fit(module, datamodule=data(rows, dev=rows[:8], multi_label=True))
    names = {"dev/macro_f1", "dev/micro_f1", "dev/subset_accuracy", "dev/ece", "dev/f1/짝"}
    assert names <= set(fit.callback_metrics)


def test_the_encoder_trains_in_training_mode_also_after_a_validation(
    data: Any, learner: Any, tmp_path: Path
) -> None:
    watcher = Watcher()
    module = learner()
    trainer(tmp_path, watcher, max_epochs=2).fit(module, datamodule=data(documents(8), dev=documents(4)))
    assert len(watcher.training) == 4
    parts = {name for name in watcher.training[0] if name.startswith("network")}
    assert any(name.startswith("network.encoder.encoder.layer") for name in parts)
    assert all(modes[name] for modes in watcher.training for name in parts)
    assert any("encoder" in name for name in watcher.gradients[0])


@pytest.mark.filterwarnings("ignore:Found .* in eval mode")  # which is what is tested
def test_a_frozen_encoder_neither_learns_nor_drops_anything(data: Any, learner: Any, tmp_path: Path) -> None:
    watcher = Watcher()
    module = learner(optimiser=OptimiserOptions(freeze_encoder=True))
    trainer(tmp_path, watcher).fit(module, datamodule=data(documents(8), dev=documents(4)))
    assert not any(name.startswith("network.encoder") for name in watcher.gradients[0])
    assert not any(watcher.training[-1][name] for name in watcher.training[-1] if ".encoder." in name)
    assert watcher.training[-1]["network.word_attention"]


def test_every_document_of_a_step_counts_the_same(data: Any, learner: Any, tmp_path: Path) -> None:
    """Seven documents in batches of 3, 3 and 1 give the gradient of one batch of 7."""
    gradients = []
    for batch_documents, n_batches in ((3, 3), (7, 1)):
        watcher = Watcher()
        module = learner(loss=LossOptions("balanced", 0.1))
        trainer(tmp_path, watcher, accumulate_grad_batches=n_batches).fit(
            module,
            datamodule=data(documents(7), dev=documents(3), batch_documents=batch_documents),
        )
        assert len(watcher.gradients) == 1
        gradients.append(watcher.gradients[0])
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], atol=1e-6, rtol=1e-4)


def test_a_checkpoint_needs_neither_data_nor_encoder(
    data: Any, learner: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = learner()
    fit = trainer(tmp_path, RunCheckpoint())
    module_data: DocumentData = data(documents(12), dev=documents(6))
    fit.fit(module, datamodule=module_data)

    monkeypatch.setattr("hdoc.encoders.pretrained.encoder_source", lambda name: pytest.fail("asked for it"))
    loaded = DocumentLearner.load_from_checkpoint(tmp_path / "checkpoints" / "last.ckpt").eval()
    batch = next(iter(module_data.val_dataloader()))
    assert loaded.labels == module.labels
    torch.testing.assert_close(
        loaded.network(batch.documents).logits, module.eval().network(batch.documents).logits
    )
    assert loaded.blueprint == module.blueprint


def test_checkpoints_hold_plain_values_only(data: Any, learner: Any, tmp_path: Path) -> None:
    trainer(tmp_path, RunCheckpoint()).fit(learner(), datamodule=data(documents(8), dev=documents(4)))
    for name in ("best", "last"):
        stored = torch.load(tmp_path / "checkpoints" / f"{name}.ckpt", weights_only=True)
        json.dumps(stored["hyper_parameters"])
        assert stored["hdoc"]["blueprint"]["labels"] == ["경제", "문화", "사회"]
    assert not list((tmp_path / "checkpoints").glob(".*"))


def test_other_labels_than_the_checkpoints_are_refused(data: Any, learner: Any, tmp_path: Path) -> None:
    trainer(tmp_path, RunCheckpoint()).fit(learner(), datamodule=data(documents(8), dev=documents(4)))
    rows = documents(8, labels=("가", "나"))
    checkpoint = str(tmp_path / "checkpoints" / "last.ckpt")
    with pytest.raises(ModelError, match=r"labels \['가', '나'\] here, \['경제', '문화', '사회'\] in the"):
        trainer(tmp_path, max_epochs=2).fit(
            learner(), datamodule=data(rows, dev=rows[:4]), ckpt_path=checkpoint
        )
    with pytest.raises(DataError, match="expected data with the labels the model was trained for"):
        trainer(tmp_path).validate(learner(), datamodule=data(rows, dev=rows[:4]), ckpt_path=checkpoint)


def test_other_sentences_than_the_models_are_refused(data: Any, learner: Any, tmp_path: Path) -> None:
    rows = documents(8)
    trainer(tmp_path, RunCheckpoint()).fit(learner(), datamodule=data(rows, dev=rows[:4], split="lines"))
    checkpoint = str(tmp_path / "checkpoints" / "last.ckpt")
    with pytest.raises(DataError, match=r"as in the model's training, data\.split lines, got kss"):
        trainer(tmp_path).validate(learner(), datamodule=data(rows, dev=rows[:4]), ckpt_path=checkpoint)


def test_another_network_than_the_checkpoints_is_refused(data: Any, learner: Any, tmp_path: Path) -> None:
    trainer(tmp_path, RunCheckpoint()).fit(learner(), datamodule=data(documents(8), dev=documents(4)))
    with pytest.raises(ModelError, match=r"shape\.channels 4 here, 8 in the checkpoint"):
        trainer(tmp_path, max_epochs=2).fit(
            learner(head=HeadOptions(value_width=16, channels=4, dropout=0.0)),
            datamodule=data(documents(8), dev=documents(4)),
            ckpt_path=str(tmp_path / "checkpoints" / "last.ckpt"),
        )


def test_training_goes_on_where_the_encoder_lies_elsewhere(
    data: Any, learner: Any, still_encoder: Path, tmp_path: Path
) -> None:
    trainer(tmp_path, RunCheckpoint()).fit(learner(), datamodule=data(documents(8), dev=documents(4)))
    moved = shutil.copytree(still_encoder, tmp_path / "moved")
    resumed = trainer(tmp_path, RunCheckpoint(), max_epochs=2)
    resumed.fit(
        DocumentLearner(encoder=str(moved), **SMALL),
        datamodule=data(documents(8), dev=documents(4)),
        ckpt_path=str(tmp_path / "checkpoints" / "last.ckpt"),
    )
    assert resumed.current_epoch == 2


def test_a_window_longer_than_the_encoders_positions_is_refused(
    data: Any, learner: Any, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=r"model\.window of at most 128, .*; got 200"):
        trainer(tmp_path).fit(
            learner(window=200), datamodule=data(documents(8), dev=documents(4), window=200)
        )


def test_a_typo_in_the_monitored_figure_is_told(data: Any, learner: Any, tmp_path: Path) -> None:
    with pytest.raises(
        Exception, match=r"expected checkpoint\.monitor to name a logged figure, got 'dev/f1'"
    ):
        trainer(tmp_path, RunCheckpoint(monitor="dev/f1")).fit(
            learner(), datamodule=data(documents(8), dev=documents(4))
        )


def test_each_logged_step_says_what_training_costs(data: Any, learner: Any, tmp_path: Path) -> None:
    fit = trainer(tmp_path, log_every_n_steps=1)
    fit.fit(learner(), datamodule=data(documents(8), dev=documents(4)))
    figures = {name: float(value) for name, value in fit.callback_metrics.items() if name.startswith("train")}
    assert set(figures) == {
        f"train/{name}"
        for name in (
            "loss",
            "padding_share",
            "tokens_per_second",
            "documents_per_second",
            "waiting_share",
            "gradient_norm",
            "learning_rate/head",
            "learning_rate/encoder",
        )
    }
    assert 0 <= figures["train/waiting_share"] < 1
    assert 0 <= figures["train/padding_share"] < 0.5
    assert figures["train/tokens_per_second"] > figures["train/documents_per_second"] > 0


# What each process of the test below runs; the first one starts the second.
_TWO_PROCESSES = """
import sys
from pathlib import Path
import torch
from tests.labelled import documents, make_data
from tests.training.loop.test_learner import SMALL, trainer
from hdoc.training.loop.checkpoints import RunCheckpoint
from hdoc.training.tasks.document.learner import DocumentLearner

folder, encoder = map(Path, sys.argv[1:])
torch.manual_seed(0)
fit = trainer(folder, RunCheckpoint(), strategy="ddp", devices=2, max_epochs=2)
data = make_data(folder, encoder, documents(22), dev=documents(11), batch_documents=3)
fit.fit(DocumentLearner(encoder=str(encoder), **SMALL), datamodule=data)
if fit.is_global_zero:
    torch.save({name: float(value) for name, value in fit.callback_metrics.items()}, folder / "figures.pt")
"""


@pytest.mark.slow
def test_two_processes_train_as_one_that_accumulates_two_batches(
    data: Any, learner: Any, tmp_path: Path, still_encoder: Path
) -> None:
    script = tmp_path / "two.py"
    script.write_text(_TWO_PROCESSES, encoding="utf-8")
    (tmp_path / "two").mkdir()
    subprocess.run(
        [sys.executable, str(script), str(tmp_path / "two"), str(still_encoder)],
        check=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    two = torch.load(tmp_path / "two" / "checkpoints" / "last.ckpt", weights_only=True)

    module = learner()
    one = trainer(tmp_path, max_epochs=2, accumulate_grad_batches=2)
    one.fit(module, datamodule=data(documents(22), dev=documents(11), batch_documents=3))
    for name, value in module.state_dict().items():
        torch.testing.assert_close(two["state_dict"][name], value, atol=1e-6, rtol=1e-5)
    figures = torch.load(tmp_path / "two" / "figures.pt", weights_only=True)
    for name in ("dev/macro_f1", "dev/ece", "dev/loss"):
        assert figures[name] == pytest.approx(float(one.callback_metrics[name]), abs=1e-5)
