"""Training and export: a run that is killed and resumed, the schedule, the shipped configurations."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

pytest.importorskip("pytorch_lightning", reason="training needs pytorch-lightning")
pytest.importorskip("jsonargparse", reason="training needs jsonargparse")

from hdoc.cli.pretrain import main
from hdoc.errors import DataError
from hdoc.pretraining.data import PretrainingData
from hdoc.pretraining.export import export
from hdoc.pretraining.fitting import fit
from hdoc.pretraining.learner import rate_factor
from hdoc.pretraining.network import PretrainingNetwork, bert_config
from tests.conftest import SENTENCES
from tests.places import ROOT

# Dropout and accumulated gradients are what makes a resumed run go astray.
HARD = {"model.dropout": 0.2, "trainer.accumulate_grad_batches": 2, "trainer.callbacks.minutes": 0}
# What Lightning and torch say of each other, and of runs as small as these.
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:pytorch_lightning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pytorch_lightning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:pytorch_lightning"),
    pytest.mark.filterwarnings("ignore::pytorch_lightning.utilities.warnings.PossibleUserWarning"),
]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two prepared sources, made by the command itself: stories of several sentences, and reviews of one."""
    folder = tmp_path_factory.mktemp("pretraining")
    stories = [
        {"text": " ".join(f"{n}번 {sentence}" for sentence in SENTENCES[n % 10 : n % 10 + 5])}
        for n in range(80)
    ]
    reviews = [{"text": f"{sentence} {n}점"} for n in range(20) for sentence in SENTENCES[:10]]
    for name, rows in (("stories", stories), ("reviews", reviews)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf8")
    (folder / "sources.yaml").write_text(
        "sources:\n"
        "  stories: {files: [stories.jsonl], weight: 0.7}\n"
        "  reviews: {files: [reviews.jsonl], weight: 0.3, split_sentences: false}\n",
        encoding="utf8",
    )
    sources, tokenizer = f"--sources={folder / 'sources.yaml'}", folder / "tokenizer"
    assert main(["tokenizer", sources, "--output", str(tokenizer), "--vocab-size=500"]) == 0
    options = [f"--output={folder / 'shards'}", "--workers=0", "--held-out=0.2"]
    assert main(["prepare", sources, f"--tokenizer={tokenizer}", *options]) == 0
    return folder / "shards"


def settings(shards: Path, run: Path, **changes: Any) -> list[str]:
    """The command line of a run on a network so small that a step takes milliseconds."""
    values = {
        "data.folder": shards,
        "data.rows": 4,
        "data.row_length": 32,
        "data.validation_rows": 8,
        "model.vocab_size": json.loads((shards / "manifest.json").read_text("utf8"))["vocab_size"],
        "model.n_layers": 1,
        "model.width": 16,
        "model.n_heads": 2,
        "model.feed_forward_width": 32,
        "model.warmup_steps": 5,
        "model.decay_steps": 10,
        "model.log_every": 5,
        "trainer.accelerator": "cpu",
        "trainer.default_root_dir": run,
        "trainer.max_steps": 30,
        "trainer.logger": "false",
        "trainer.enable_progress_bar": "false",
        "trainer.enable_model_summary": "false",
        "trainer.num_sanity_val_steps": 0,
        "trainer.val_check_interval": 10,
        "trainer.check_val_every_n_epoch": "null",
        "trainer.callbacks": "hdoc.pretraining.fitting.TimedCheckpoint",
        "trainer.callbacks.folder": run,
        **changes,
    }
    return [f"--{name}={value}" for name, value in values.items()]


@pytest.fixture(scope="module")
def run(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checkpoint of a run of two steps."""
    run = tmp_path_factory.mktemp("run")
    fit(settings(shards, run, **{"trainer.max_steps": 2}))
    return run


def checkpoint(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(run / "last.ckpt", weights_only=True)
    return loaded


def assert_same_state(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Weights and the optimiser's moments are equal, bit by bit."""
    assert one["global_step"] == other["global_step"]
    for name, tensor in one["state_dict"].items():
        assert torch.equal(tensor, other["state_dict"][name]), name
    for number, state in one["optimizer_states"][0]["state"].items():
        for name, value in state.items():
            assert torch.equal(value, other["optimizer_states"][0]["state"][number][name]), (number, name)


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

    def test_measuring_the_floor_changes_nothing_but_the_log(
        self, shards: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO", logger="hdoc")
        fit(settings(shards, tmp_path / "plain", **HARD))
        callbacks = [
            {"class_path": "hdoc.pretraining.fitting.TimedCheckpoint"},
            {"class_path": "hdoc.pretraining.floor.DenseFloor"},
        ]
        callbacks[0]["init_args"] = {"folder": str(tmp_path / "measured")}
        callbacks[1]["init_args"] = {"every": 3, "n_passes": 2}
        changes = {name: value for name, value in HARD.items() if "callbacks" not in name}
        arguments = settings(shards, tmp_path / "measured", **changes)
        arguments = [argument for argument in arguments if "callbacks" not in argument]
        fit([*arguments, f"--trainer.callbacks={json.dumps(callbacks)}"])
        assert_same_state(checkpoint(tmp_path / "plain"), checkpoint(tmp_path / "measured"))
        assert any("share of dense floor" in record.getMessage() for record in caplog.records)

    def test_data_that_do_not_fit_say_what_to_change(self, shards: Path, tmp_path: Path) -> None:
        with pytest.raises(
            DataError, match=r"of 499 pieces \(model\.vocab_size\), .* set model\.vocab_size to"
        ):
            fit(settings(shards, tmp_path, **{"model.vocab_size": 499}))
        with pytest.raises(DataError, match=r"run scripts/pretrain\.py prepare first"):
            fit(settings(shards, tmp_path, **{"data.folder": tmp_path}))


class TestSchedule:
    def test_warm_up_stable_decay(self) -> None:
        factors = [rate_factor(step, warmup_steps=4, decay_steps=5, n_steps=20) for step in range(21)]
        assert factors[:4] == [0.25, 0.5, 0.75, 1]
        assert factors[4:16] == [1] * 12
        assert factors[16:] == pytest.approx([0.8, 0.6, 0.4, 0.2, 0])

    def test_a_run_without_end_never_decays(self) -> None:
        assert rate_factor(10**9, warmup_steps=4, decay_steps=5, n_steps=-1) == 1


class TestExport:
    def test_transformers_loads_the_trained_weights(self, shards: Path, run: Path, tmp_path: Path) -> None:
        from transformers import AutoModel, AutoTokenizer

        tokenizer = f"--tokenizer={shards / 'tokenizer'}"
        assert main(["export", str(run / "last.ckpt"), str(tmp_path / "encoder"), tokenizer]) == 0
        model = AutoModel.from_pretrained(tmp_path / "encoder", add_pooling_layer=False).eval()
        tokens = AutoTokenizer.from_pretrained(tmp_path / "encoder")
        assert tokens.is_fast
        saved = checkpoint(run)
        network = PretrainingNetwork(bert_config(model.config.vocab_size, 1, 16, 2, 32)).eval()
        weights = saved["state_dict"].items()
        network.load_state_dict({name.removeprefix("network."): value for name, value in weights})
        model.set_attn_implementation(network.bert.config._attn_implementation)  # the same order of sums
        given = tokens(SENTENCES[:1], return_tensors="pt")
        with torch.no_grad():
            ours = network.bert(**given).last_hidden_state
            theirs = model(**given).last_hidden_state
        assert torch.equal(ours, theirs)

    def test_sixteen_bits_halve_the_file(self, shards: Path, run: Path, tmp_path: Path) -> None:
        for dtype in ("float32", "float16"):
            export(run / "last.ckpt", tmp_path / dtype, shards / "tokenizer", dtype)
        full, half = ((tmp_path / d / "model.safetensors").stat().st_size for d in ("float32", "float16"))
        assert half < 0.6 * full
        assert (tmp_path / "float16" / "model.safetensors").stat().st_mode & 0o777 == 0o644
        config = json.loads((tmp_path / "float16" / "config.json").read_text("utf8"))
        assert config["max_position_embeddings"] == 512

    def test_what_is_no_checkpoint_is_refused(
        self, shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "last.ckpt").write_bytes(b"nothing")
        tokenizer = f"--tokenizer={shards / 'tokenizer'}"
        assert main(["export", str(tmp_path / "last.ckpt"), str(tmp_path / "encoder"), tokenizer]) == 1
        message = capsys.readouterr().err
        assert "expected a checkpoint of scripts/pretrain.py fit" in message
        assert message.count("\n") == 1

    def test_another_vocabulary_is_refused(self, shards: Path, run: Path, tmp_path: Path) -> None:
        from hdoc.pretraining.tokenizer import save_tokenizer, train_tokenizer

        save_tokenizer(train_tokenizer(SENTENCES, 90, alphabet_size=40), tmp_path / "other")
        with pytest.raises(DataError, match="was trained with, got 90; give the folder that the shards"):
            export(run / "last.ckpt", tmp_path / "encoder", tmp_path / "other")


class TestNetwork:
    def sized(self, name: str, **changes: int) -> int:
        """Parameters of a configuration's network, counted without making them."""
        model = yaml.safe_load((ROOT / "configs" / name).read_text("utf8"))["model"]
        names = ("vocab_size", "n_layers", "width", "n_heads", "feed_forward_width")
        sizes = {**{key: model[key] for key in names}, **changes}
        with torch.device("meta"):
            network = PretrainingNetwork(bert_config(**sizes), next_sentence=True)
        return sum(parameter.numel() for parameter in network.bert.parameters())

    def test_base_and_large_have_the_published_sizes(self) -> None:
        # With the English vocabulary of the paper, pooler included: the numbers of the published models.
        assert self.sized("pretrain-base.yaml", vocab_size=30_522) == 109_482_240
        assert self.sized("pretrain-large.yaml", vocab_size=30_522) == 335_141_888
        assert self.sized("pretrain-base.yaml") == pytest.approx(110e6, rel=0.01)
        assert self.sized("pretrain-large.yaml") == pytest.approx(340e6, rel=0.015)

    def test_two_copies_of_the_small_encoder_fit_into_the_package(self) -> None:
        assert 2 * 2 * self.sized("pretrain-small.yaml") < 30e6

    def test_scores_at_chosen_positions_are_those_of_a_full_pass(self) -> None:
        torch.manual_seed(0)
        network = PretrainingNetwork(bert_config(50, 2, 16, 2, 32))
        ids = torch.randint(5, 50, (3, 12))
        positions = torch.tensor([1, 7, 13, 35])
        scores, follows = network(ids, torch.zeros_like(ids), positions)
        everywhere = network.predictions(network.bert(ids).last_hidden_state).flatten(0, 1)
        torch.testing.assert_close(scores, everywhere[positions])
        assert follows is None

    def test_it_trains_in_training_mode(self) -> None:
        assert all(module.training for module in PretrainingNetwork(bert_config(50, 1, 16, 2, 32)).modules())

    def test_vectors_of_another_shape_are_refused(self, tmp_path: Path) -> None:
        np.save(tmp_path / "embeddings.npy", np.zeros((50, 8)))
        with pytest.raises(DataError, match=r"expected vectors of shape \(50, 16\), got \(50, 8\)"):
            PretrainingNetwork(bert_config(50, 1, 16, 2, 32)).set_embeddings(tmp_path / "embeddings.npy")
