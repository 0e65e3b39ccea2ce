from __future__ import annotations

import pytest

pytest.importorskip("pytorch_lightning", reason="training needs pytorch-lightning")
pytest.importorskip("jsonargparse", reason="training needs jsonargparse")

import json
from pathlib import Path

import torch

from hdoc.cli.pretrain import main
from hdoc.encoders.eight_bit import holds_eight_bit
from hdoc.encoders.pretrained import load_encoder
from hdoc.errors import DataError
from hdoc.pretraining.export import export
from hdoc.pretraining.network import PretrainingNetwork, bert_config
from tests.conftest import SENTENCES
from tests.pretraining.runs import QUIET, checkpoint

pytestmark = QUIET


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

    def test_eight_bits_are_read_by_hdoc_and_a_run_can_start_from_them(
        self, shards: Path, run: Path, tmp_path: Path
    ) -> None:
        for dtype in ("float32", "int8"):
            export(run / "last.ckpt", tmp_path / dtype, shards / "tokenizer", dtype)
        path = tmp_path / "int8" / "model.safetensors"
        assert holds_eight_bit(path)
        assert path.stat().st_mode & 0o777 == 0o644
        full, small = (load_encoder(str(tmp_path / dtype))[0].state_dict() for dtype in ("float32", "int8"))
        assert all((full[name] - small[name]).abs().max() < 0.01 for name in full)
        network = PretrainingNetwork(
            bert_config(len(full["embeddings.word_embeddings.weight"]), 1, 16, 2, 32)
        )
        network.load_encoder(tmp_path / "int8")
        started = network.bert.state_dict()
        assert all(torch.equal(started[name], small[name]) for name in small)

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
