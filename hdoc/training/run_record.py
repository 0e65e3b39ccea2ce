"""What is said and logged about a run while it goes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import yaml
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.cli import SaveConfigCallback
from pytorch_lightning.utilities.exceptions import SIGTERMException

from hdoc.console import say
from hdoc.tracking.provenance import environment, git_state
from hdoc.tracking.run_logger import RunLogger


class RunRecord(SaveConfigCallback):
    """Logs what a run is made from, at its start, and how it ended if it was interrupted."""

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write the resolved configuration to the run's folder, and all that is known to MLflow."""
        # What a run goes on from is no part of what it is.
        config = self.config.clone()
        config["ckpt_path"] = None
        text = self.parser.dump(config, skip_none=False)
        git = git_state()
        pl_module.run_facts.update(git)  # type: ignore[union-attr, operator]
        logger = trainer.logger
        if stage == "fit":
            folder = Path(trainer.default_root_dir)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "config.yaml").write_text(text, encoding="utf-8")
            if isinstance(logger, RunLogger):
                run = {"tracking_uri": logger.uri, "run_id": logger.run_id}
                (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
            say(f"run folder {folder}; after a kill: hdoc train fit --resume {folder}")
        if isinstance(logger, RunLogger):
            data = trainer.datamodule  # type: ignore[attr-defined]
            logger.open()
            logger.log_tags(
                {
                    "hdoc.stage": str(trainer.state.fn.value if trainer.state.fn else stage),
                    **{f"git.{key}": value for key, value in git.items()},
                }
            )
            logger.log_tags({f"data.{key}": str(value) for key, value in data.fingerprint.items()})
            logger.log_text("config.yaml", text)
            logger.log_parameters(yaml.safe_load(text))
            logger.log_json("environment.json", environment())

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Tell a run that was stopped from one that failed."""
        if isinstance(exception, KeyboardInterrupt | SIGTERMException):
            for logger in trainer.loggers:
                if isinstance(logger, RunLogger):
                    logger.interrupted()


class EpochLine(Callback):
    """Writes a line for each validation, which can be read in a file as well as in a terminal."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._since = time.monotonic()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write how training and dev stand."""
        values = trainer.callback_metrics
        names = [
            name
            for name in ("train/loss", "dev/loss", "dev/macro_f1", "dev/accuracy", "dev/micro_f1")
            if name in values
        ]
        if trainer.training or trainer.state.fn == "fit":
            shown = "  ".join(f"{name} {float(values[name]):.4f}" for name in names)
            minutes = (time.monotonic() - self._since) / 60
            say(f"epoch {trainer.current_epoch + 1}  step {trainer.global_step}  {shown}  {minutes:.1f} min")
