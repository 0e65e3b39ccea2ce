"""What a run logs at its start: its configuration, its data, and what it was made with and by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.cli import SaveConfigCallback
from pytorch_lightning.utilities.exceptions import SIGTERMException

from hdoc.console import say
from hdoc.tracking.datasets import RunDataset
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
            logger.log_datasets(_datasets(data))
            logger.log_text("config.yaml", text)
            logger.log_parameters(yaml.safe_load(text))
            logger.log_json("environment.json", environment())

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Tell a run that was stopped from one that failed."""
        if isinstance(exception, KeyboardInterrupt | SIGTERMException):
            for logger in trainer.loggers:
                if isinstance(logger, RunLogger):
                    logger.interrupted()


def _datasets(data: Any) -> list[RunDataset]:
    """Return what a data module's splits are, of those that were given to learn or to measure."""
    given = {split: sha256 for split, sha256 in data.fingerprint.items() if split != "predict"}
    if data.dataset is not None:
        return [RunDataset.of_dataset(data.dataset, split, sha256) for split, sha256 in given.items()]
    return [RunDataset.of_file(data.files[split], split, sha256) for split, sha256 in given.items()]
