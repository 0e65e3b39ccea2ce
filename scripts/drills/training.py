"""A small training in a folder of its own, run by the real command."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import torch

from hdoc.storage.shipped import default_model
from hdoc.text.sentences import split_sentences

_SAMPLES = default_model().parents[1] / "samples"


class SmallTraining:
    """Files and options of a training of seconds: a BERT of two layers on the sentences of the samples.

    Args:
        folder: an empty one, which gets the files and the runs.
        n_documents: to train on, of three classes.
        n_epochs: to train.
    """

    def __init__(self, folder: Path, n_documents: int = 120, n_epochs: int = 3) -> None:
        self.folder = folder
        _write_documents(folder / "train.jsonl", n_documents)
        _write_documents(folder / "dev.jsonl", 12)
        _write_encoder(folder / "encoder")
        self.options = [
            *("--model.encoder", "encoder", "--model.window", "32", "--model.head.value_width", "16"),
            *(
                "--model.head.channels",
                "8",
                "--data.train_file",
                "train.jsonl",
                "--data.dev_file",
                "dev.jsonl",
            ),
            *("--data.workers", "0", "--data.cache_folder", "cache", "--data.batch_documents", "4"),
            *("--trainer.max_epochs", str(n_epochs), "--trainer.accelerator", "cpu"),
            *("--checkpoint.minutes", "0", "--run.experiment", "drill"),
        ]

    def fit(self, name: str, runs: str = "runs") -> subprocess.Popen[str]:
        """Start the training under a name."""
        return self.start("train", "fit", *self.options, "--run.name", name, "--run.folder", runs)

    def resume(self, name: str, runs: str = "runs") -> subprocess.Popen[str]:
        """Go on with one, or start it again if it has no checkpoint yet."""
        if (self.checkpoint(name, runs)).is_file():
            return self.start("train", "fit", "--resume", str(self.folder / runs / "drill" / name))
        shutil.rmtree(self.folder / runs / "drill" / name, ignore_errors=True)
        return self.fit(name, runs)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `hdoc` in the folder."""
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
        environment.pop("MLFLOW_TRACKING_URI", None)
        return subprocess.Popen(  # noqa: S603 (the arguments are the drill's own)
            [sys.executable, "-m", "hdoc", *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def checkpoint(self, name: str, runs: str = "runs") -> Path:
        """Return where a run's last checkpoint is."""
        return self.folder / runs / "drill" / name / "checkpoints" / "last.ckpt"

    def weights(self, name: str, runs: str = "runs") -> str:
        """Return a checksum over the weights that a run ended with, and how far it got."""
        content = torch.load(self.checkpoint(name, runs), weights_only=True)
        digest = hashlib.sha256(str(content["global_step"]).encode())
        for key, tensor in sorted(content["state_dict"].items()):
            digest.update(key.encode() + tensor.numpy().tobytes())
        return digest.hexdigest()


def _write_documents(path: Path, n_documents: int) -> None:
    stories = {file.stem: split_sentences(file.read_text("utf-8")) for file in sorted(_SAMPLES.glob("*.txt"))}
    rows = []
    for i, (label, sentences) in zip(range(n_documents), cycle(stories.items()), strict=False):
        chosen = [sentences[(i * 7 + k * k) % len(sentences)].text for k in range(2 + i % 5)]
        rows.append(json.dumps({"text": " ".join(chosen), "label": label}, ensure_ascii=False) + "\n")
    path.write_text("".join(rows), encoding="utf-8")


def _write_encoder(folder: Path) -> None:
    """Write a BERT with random weights and the shipped model's word pieces."""
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast  # type: ignore[attr-defined]

    tokenizer = Tokenizer.from_file(str(default_model() / "tokenizer.json"))
    BertTokenizerFast(tokenizer_object=tokenizer, do_lower_case=False).save_pretrained(folder)
    torch.manual_seed(0)
    BertModel(
        BertConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
        )
    ).save_pretrained(folder)
