"""LightningCLI with a run folder, MLflow, early stopping, checkpoints, and an end that exports the model."""

from __future__ import annotations

import json
import logging
import signal
import sys
import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import EarlyStopping, Timer
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.utilities import rank_zero_only
from pytorch_lightning.utilities.exceptions import SIGTERMException

from hdoc.encoders.memory import bound_kernel_cache
from hdoc.encoders.pretrained import hide_progress_bars
from hdoc.errors import HdocError
from hdoc.tracking.client import tracking_uri
from hdoc.tracking.run_logger import RunLogger
from hdoc.training.configs import DEFAULT_TASK, setting
from hdoc.training.finish.checkpoint import read_checkpoint, task_of_checkpoint
from hdoc.training.finish.finish import finish_fit, show_figures, write_predictions
from hdoc.training.known_tasks import find_training
from hdoc.training.loop.checkpoints import RunCheckpoint
from hdoc.training.loop.ranks import RankWatch
from hdoc.training.loop.stored_network import check_task
from hdoc.training.progress_lines import EpochLine, MinuteLine
from hdoc.training.run_record import RunRecord
from hdoc.training.task import TrainingTask


def run(arguments: Sequence[str]) -> None:
    """Run `fit`, `validate`, `test` or `predict` with the arguments of a command line."""
    _quiet()
    bound_kernel_cache()
    try:
        _run(arguments)
    except SIGTERMException:
        # Lightning ends as if all were well.
        sys.exit(128 + signal.SIGTERM)


def _run(arguments: Sequence[str]) -> None:
    TrainingCLI(
        find_training(setting(arguments, "task", DEFAULT_TASK)),
        args=list(arguments),
        save_config_callback=RunRecord,
        save_config_kwargs={"save_to_log_dir": False},
        seed_everything_default=0,
        auto_configure_optimizers=False,
        load_from_checkpoint_support=False,  # of no use to a learner whose values are all plain
        parser_kwargs={
            name: {"usage": f"hdoc train {name} [--config NAME_OR_FILE] [--SECTION.OPTION VALUE ...]"}
            for name in ("fit", "validate", "test", "predict")
        },
        trainer_defaults={
            "max_epochs": 10,
            "gradient_clip_val": 1.0,
            "log_every_n_steps": 10,
            "num_sanity_val_steps": 0,
            "enable_model_summary": False,
            "enable_progress_bar": sys.stderr.isatty(),
            "use_distributed_sampler": False,  # the data gives each process its share
            "callbacks": [EpochLine(), MinuteLine(), Timer()],
        },
    )


def _quiet() -> None:
    """Leave out what libraries say to those who write a training, not to those who run one."""
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    hide_progress_bars()
    warnings.filterwarnings("ignore", module="pytorch_lightning.utilities._pytree")
    warnings.filterwarnings("ignore", "Found .* in eval mode")  # a frozen encoder
    warnings.filterwarnings("ignore", "The number of training batches")
    warnings.filterwarnings("ignore", "Total length of `list` across ranks is zero")
    # Figures are made of the predictions of all processes, so that each has the same.
    warnings.filterwarnings("ignore", "It is recommended to use `self.log")
    # The arguments are those of sys.argv, which stays as it is: processes of several GPUs start from it.
    warnings.filterwarnings("ignore", "LightningCLI's args parameter")


class TrainingCLI(LightningCLI):
    """The command line: sections `run`, `data`, `model`, `trainer`, `early_stopping` and `checkpoint`.

    Args:
        task: what is trained; it says what the sections `data` and `model` hold.
        options: of LightningCLI.
    """

    def __init__(self, task: TrainingTask, **options: Any) -> None:
        self.task = task
        super().__init__(task.learner(), task.data(), **options)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the sections that Lightning does not have, and pass on what data and model share."""
        parser.add_argument("--task", type=str, default=self.task.name, help="what is trained")
        parser.add_argument("--run.experiment", type=str, default="hdoc", help="MLflow experiment")
        parser.add_argument("--run.name", type=str | None, default=None, help="default: date and time")
        parser.add_argument("--run.folder", type=str, default="runs", help="holds EXPERIMENT/NAME")
        parser.add_argument(
            "--run.parent", type=str | None, default=None, help="MLflow run that this one is nested in"
        )
        parser.add_lightning_class_args(EarlyStopping, "early_stopping")
        parser.set_defaults(
            {
                "early_stopping.monitor": self.task.watched,
                "early_stopping.mode": "max",
                "early_stopping.patience": 5,
                "early_stopping.strict": False,  # without documents for dev there is nothing to stop by
            }
        )
        parser.add_lightning_class_args(RunCheckpoint, "checkpoint")
        parser.set_defaults({"checkpoint.monitor": self.task.watched})
        for name in self.task.shared:
            parser.link_arguments(f"model.{name}", f"data.{name}")

    def _parse_ckpt_path(self) -> None:
        """Keep what the command line says when a fit goes on; elsewhere the checkpoint knows its sizes."""
        subcommand = self.config.get("subcommand")
        if not subcommand or subcommand == "fit":
            return
        checkpoint = self.config[subcommand].get("ckpt_path")
        if checkpoint and Path(checkpoint).is_file():
            check_task(task_of_checkpoint(read_checkpoint(checkpoint)), self.task.name)
        super()._parse_ckpt_path()

    def before_instantiate_classes(self) -> None:
        """Watch the figure that the task's options ask for, and give the run a name and a folder."""
        if self.task.watched_with:
            watched = self.task.watched_with(self._get(self.config, "model"))
            for section in (self._get(self.config, "early_stopping"), self._get(self.config, "checkpoint")):
                if section.monitor == self.task.watched:  # nobody asked for another one
                    section.monitor = watched
        config = self._get(self.config, "run")
        if config.name is None:
            config.name = f"{datetime.now():%Y%m%d-%H%M%S}"
        folder = Path(config.folder) / config.experiment / config.name
        checkpoint = self._get(self.config, "ckpt_path")
        if self.subcommand != "fit" and not checkpoint:
            raise HdocError(
                f"expected a checkpoint to {self.subcommand}: --ckpt_path runs/…/checkpoints/best.ckpt"
            )
        above = Path(checkpoint).resolve().parents if checkpoint else ()
        goes_on = self.subcommand == "fit" and folder.resolve() in above
        # Further processes start when the first has made the folder.
        is_first = rank_zero_only.rank == 0  # type: ignore[attr-defined]
        if self.subcommand == "fit" and folder.exists() and is_first and not goes_on:
            raise HdocError(
                f"the run {folder} exists; choose another --run.name, or go on with it: "
                f"hdoc train fit --resume {folder}"
            )
        self.folder = folder
        self.ranks = RankWatch(folder)
        self.former = _read_run(folder) if goes_on else {}

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Give the trainer the run's folder and logger."""
        trainer = self._get(self.config_init, "trainer")
        kwargs["default_root_dir"] = str(self.folder)
        if trainer.get("logger") in (None, True) and self.subcommand != "predict":
            run = self._get(self.config, "run")
            name = run.name if self.subcommand == "fit" else f"{run.name} {self.subcommand}"
            known = self.former.get("tracking_uri") == tracking_uri()
            former = self.former.get("run_id") if known else None
            kwargs["logger"] = RunLogger(run.experiment, name, former, self.folder, parent=run.parent)
        elif self.subcommand == "predict":
            kwargs["logger"] = False
        self.model.run_facts = {
            "experiment": self._get(self.config, "run").experiment,
            "name": self._get(self.config, "run").name,
            "seed": str(self._get(self.config, "seed_everything")),
        }
        return super().instantiate_trainer(**kwargs)

    def _prepare_subcommand_kwargs(self, subcommand: str) -> dict[str, Any]:
        """Leave out Lightning's table: the figures are shown afterwards."""
        kwargs = super()._prepare_subcommand_kwargs(subcommand)
        return {**kwargs, "verbose": False} if "verbose" in kwargs else kwargs

    def fit(self, **kwargs: Any) -> None:
        """Train the network; what is none is fitted without Lightning's loop, all else being the same."""
        alone = self.task.fit_alone
        if alone and alone(self.trainer, self.model, self.datamodule, self.folder):
            return
        self.trainer.callbacks.append(self.ranks)  # type: ignore[attr-defined]
        with self.ranks.explained():
            self.trainer.fit(**kwargs)

    def after_fit(self) -> None:
        """Calibrate, evaluate and export the best checkpoint."""
        with self.ranks.explained():
            finish_fit(self.task, self.trainer, self.model, self.datamodule, self.folder)
        self.ranks.stop()

    def after_validate(self) -> None:
        """Show the figures on dev."""
        show_figures(self.model, "dev")

    def after_test(self) -> None:
        """Show the figures on test."""
        show_figures(self.model, "test")

    def after_predict(self) -> None:
        """Write the predictions."""
        write_predictions(self.task, self.trainer, self.model, self.datamodule, self.folder)


def _read_run(folder: Path) -> dict[str, str]:
    try:
        values: dict[str, str] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values
