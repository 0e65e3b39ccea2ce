"""A training of two processes, one of which is killed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mlflow.tracking import MlflowClient

from tests.labelled import documents, write
from tests.places import ROOT

# MLflow's own use of its database library.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")]

KILL = {"class_path": "tests.killing.KillAt", "init_args": {"epoch": 1, "batch": 1, "rank": 1}}
# The process that is left waits here in a call that no error comes out of, as in those to a GPU.
WAIT = {"class_path": "tests.killing.WaitAt", "init_args": {"places": {"never": [1, 1]}}}


def train(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    return subprocess.Popen(
        [sys.executable, "-m", "hdoc", "train", "fit", *arguments],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_kill_of_one_process_ends_all_in_one_line_and_the_run_goes_on(
    tmp_path: Path, tiny_encoder: Path, store: str
) -> None:
    write(tmp_path / "train.jsonl", documents(24))
    write(tmp_path / "dev.jsonl", documents(6))
    options = ["--model.encoder", str(tiny_encoder), "--model.window", "32", "--model.head.value_width", "16"]
    options += [
        "--model.head.channels",
        "8",
        "--data.train_file",
        "train.jsonl",
        "--data.dev_file",
        "dev.jsonl",
    ]
    options += ["--data.workers", "0", "--data.batch_documents", "4", "--trainer.max_epochs", "3"]
    options += ["--trainer.accelerator", "cpu", "--trainer.devices", "2", "--trainer.strategy", "ddp"]
    callbacks = {"whole": [], "killed": [KILL], "stuck": [KILL, WAIT]}
    trainings = {
        name: train(
            tmp_path,
            *options,
            *("--run.name", name, "--data.cache_folder", f"cache-{name}"),
            *("--trainer.callbacks", json.dumps(those) if those else "null"),
        )
        for name, those in callbacks.items()
    }
    said = {name: training.communicate(timeout=240)[1] for name, training in trainings.items()}
    assert {name: training.returncode for name, training in trainings.items()} == {
        "whole": 0,
        "killed": 1,
        "stuck": 1,
    }, said
    for name in ("killed", "stuck"):
        lines = [
            line for line in said[name].splitlines() if not line.startswith(("train:", "run folder", "epoch"))
        ]
        [line] = [line for line in lines if "Splitting" not in line]
        assert line == (
            "hdoc: error: the training ended because process 2 of 2 on this machine was ended by SIGKILL; "
            f"go on from its last checkpoint: hdoc train fit --resume runs/hdoc/{name}"
        )
    client = MlflowClient(store)
    [experiment] = [one for one in client.search_experiments() if one.name == "hdoc"]
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert runs["killed"].info.status == "FAILED"

    resumed = train(tmp_path, "--resume", "runs/hdoc/killed", "--trainer.callbacks", "null")
    _, lines = resumed.communicate(timeout=240)
    assert resumed.returncode == 0, lines
    assert client.get_run(runs["killed"].info.run_id).info.status == "FINISHED"
    assert (tmp_path / "runs" / "hdoc" / "killed" / "model").is_dir()
    ends = [
        torch.load(tmp_path / "runs" / "hdoc" / name / "checkpoints" / "last.ckpt", weights_only=True)
        for name in ("whole", "killed")
    ]
    assert ends[0]["global_step"] == ends[1]["global_step"] == 9
    for name, tensor in ends[0]["state_dict"].items():
        assert torch.equal(tensor, ends[1]["state_dict"][name]), name
