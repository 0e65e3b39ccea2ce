"""A run from its command line: killed and resumed, decayed, started from other weights."""

from __future__ import annotations

import pytest

pytest.importorskip("pytorch_lightning", reason="training needs pytorch-lightning")
pytest.importorskip("jsonargparse", reason="training needs jsonargparse")

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from hdoc.cli.pretrain import main
from hdoc.errors import DataError
from hdoc.pretraining.data_module import PretrainingData
from hdoc.pretraining.lightning_cli import fit
from tests.places import ROOT
from tests.pretraining.runs import HARD, QUIET, assert_same_state, checkpoint, settings

pytestmark = QUIET


class TestFit:
    def test_killed_and_resumed_equals_undisturbed(self, shards: Path, tmp_path: Path) -> None:
        fit(settings(shards, tmp_path / "undisturbed", **HARD))
        arguments = settings(shards, tmp_path / "killed", **HARD)
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "scripts" / "pretrain.py"), "fit", *arguments],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            try:
                file = tmp_path / "killed" / "last.ckpt"
                deadline = time.monotonic() + 120
                while not file.exists() and process.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.002)
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait()
        stopped_at = checkpoint(tmp_path / "killed")["global_step"]
        assert 0 < stopped_at < 30, (tmp_path / "log").read_text("utf8")
        fit([*arguments, f"--ckpt_path={file}"])
        assert checkpoint(tmp_path / "killed")["global_step"] == 30
        assert_same_state(checkpoint(tmp_path / "undisturbed"), checkpoint(tmp_path / "killed"))

    def test_a_run_stopped_early_can_be_decayed(self, shards: Path, tmp_path: Path) -> None:
        fit(settings(shards, tmp_path / "a", **{"trainer.max_steps": 20, "model.decay_steps": 0}))
        stable = tmp_path / "a" / "last.ckpt"
        assert checkpoint(tmp_path / "a")["lr_schedulers"][0]["_last_lr"][0] == pytest.approx(1e-3)
        fit([*settings(shards, tmp_path / "b", **{"trainer.max_steps": 30}), f"--ckpt_path={stable}"])
        assert checkpoint(tmp_path / "b")["global_step"] == 30
        assert checkpoint(tmp_path / "b")["lr_schedulers"][0]["_last_lr"][0] == 0

    def test_the_loss_falls_and_is_logged_by_source(
        self, shards: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO", logger="hdoc")
        # Four times the rows: the mean over five steps must be steadier than the fall that is looked for.
        changes = {"trainer.max_steps": 200, "model.learning_rate": 5e-3, "data.rows": 16}
        options = {"data.whole_words": "true", "data.next_sentence": "true"}
        fit(settings(shards, tmp_path, **changes, **options))
        lines = [record.getMessage() for record in caplog.records if record.name.startswith("hdoc")]
        training = [line for line in lines if "tokens_per_second" in line]
        held_out = [line for line in lines if "held_out/loss/stories" in line]
        assert len(training) == 40
        assert len(held_out) == 20
        for line in training:
            names = line.split()[2::2]
            assert {"loss", "accuracy", "loss/stories", "loss/reviews", "next_sentence_accuracy"} <= {*names}
        losses = [float(line.split()[3]) for line in training]
        assert np.mean(losses[-10:]) < np.mean(losses[:3]) - 0.2

    def test_a_run_may_start_from_skip_gram_vectors(self, shards: Path, tmp_path: Path) -> None:
        pytest.importorskip("gensim", reason="skip-gram vectors need gensim")
        assert main(["embeddings", str(shards), "--width=16", "--workers=1"]) == 0
        vectors = np.load(shards / "embeddings.npy")
        assert vectors.std() == pytest.approx(0.02, abs=0.005)
        changes = {"model.start_embeddings": "true", "trainer.max_steps": 1, "model.learning_rate": 0}
        fit(settings(shards, tmp_path, **changes))
        state = checkpoint(tmp_path)["state_dict"]
        embeddings = state["network.bert.embeddings.word_embeddings.weight"]
        assert torch.equal(embeddings, torch.from_numpy(vectors))
        counts = PretrainingData(str(shards)).piece_counts()
        bias = state["network.predictions.bias"]
        assert bias.exp().sum() == pytest.approx(1, abs=1e-3)
        assert bias.argmax() == counts.argmax()

    def test_a_run_may_go_on_from_an_encoder(self, shards: Path, tmp_path: Path) -> None:
        fit(settings(shards, tmp_path / "first", **{"trainer.max_steps": 2}))
        encoder = tmp_path / "encoder"
        command = ["export", str(tmp_path / "first" / "last.ckpt"), str(encoder)]
        assert main([*command, "--tokenizer", str(shards / "tokenizer"), "--dtype", "float16"]) == 0
        changes = {"model.start_encoder": encoder, "model.learning_rate": 0, "model.seed": 7}
        pairs = {"data.next_sentence": "true"}
        fit(settings(shards, tmp_path / "second", **{"trainer.max_steps": 1}, **changes, **pairs))
        given = load_file(encoder / "model.safetensors")
        state = checkpoint(tmp_path / "second")["state_dict"]
        for name, weight in given.items():
            assert torch.equal(state[f"network.bert.{name}"], weight.float()), name
        with pytest.raises(DataError, match=r"expected an encoder's folder with model\.safetensors, got "):
            fit(settings(shards, tmp_path / "third", **{"model.start_encoder": tmp_path}))
        smaller = {"model.start_encoder": encoder, "model.width": 8}
        with pytest.raises(DataError, match=r"of shape \(\d+, 8\), got \(\d+, 16\); give this run the sizes"):
            fit(settings(shards, tmp_path / "third", **smaller))

    def test_data_that_do_not_fit_say_what_to_change(self, shards: Path, tmp_path: Path) -> None:
        with pytest.raises(
            DataError, match=r"of 499 pieces \(model\.vocab_size\), .* set model\.vocab_size to"
        ):
            fit(settings(shards, tmp_path, **{"model.vocab_size": 499}))
        with pytest.raises(DataError, match=r"run scripts/pretrain\.py prepare first"):
            fit(settings(shards, tmp_path, **{"data.folder": tmp_path}))
