"""What a training says to whoever runs it, beside the figures that it logs."""

from __future__ import annotations

import sys

from pytorch_lightning.utilities import rank_zero_only


@rank_zero_only
def say(text: str) -> None:
    """Write a line to standard error, once however many processes there are."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
