"""`scripts/pretrain.py fit`: pre-training as a LightningCLI configuration says."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hdoc.errors import DataError
from hdoc.pretraining.data_module import PretrainingData
from hdoc.pretraining.learner import PretrainingLearner

if TYPE_CHECKING:
    from pytorch_lightning.cli import LightningArgumentParser


def fit(arguments: Sequence[str]) -> None:
    """Train as the configuration says.

    Args:
        arguments: LightningCLI's, such as `--config FILE --ckpt_path FILE --trainer.max_steps N`.

    Raises:
        DataError: jsonargparse is not installed, or the data does not fit the settings.
    """
    try:
        from pytorch_lightning.cli import LightningCLI
    except ImportError as error:
        raise DataError(f"fit needs more packages ({error}); run: pip install 'hdoc[train]'") from error

    class PretrainingCLI(LightningCLI):
        def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
            parser.link_arguments("data.next_sentence", "model.next_sentence")

    # It warns of arguments that are also on the command line, which they are by intention.
    warnings.filterwarnings("ignore", message="LightningCLI's args parameter")
    PretrainingCLI(
        PretrainingLearner,
        PretrainingData,
        args=["fit", *arguments],
        # The configuration is a file already, and the checkpoint holds the architecture.
        save_config_callback=None,
        seed_everything_default=0,
    )
