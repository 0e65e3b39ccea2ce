"""AdamW with a learning rate for each depth of the network, and how the rates rise and fall."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import Any

from pytorch_lightning import Trainer
from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from hdoc.errors import HdocError
from hdoc.training.loop.options import OptimiserOptions, Schedule

# The layer's number in names such as encoder.layer.3.output.dense.weight, layers.3.fc1 or h.3.attn.
_LAYER = re.compile(r"(?:^|\.)(?:layers?|h|blocks?)\.(\d+)\.")


def build_optimizer(network: nn.Module, options: OptimiserOptions) -> AdamW:
    """Return AdamW; its groups are named "head", "encoder" (the top layer), "encoder-1" (below it) and so on.

    Args:
        network: its `encoder` learns at the encoder's rates; parameters that need no gradient are left out.
        options: rates, their decay from layer to layer (Howard & Ruder 2018), and weight decay.
    """
    depths = _depths_below_top(network.encoder)  # type: ignore[arg-type]
    groups: dict[tuple[str, bool], dict[str, Any]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        depth = depths.get(name.removeprefix("encoder.")) if name.startswith("encoder.") else None
        group_name = "head" if depth is None else f"encoder-{depth}" if depth else "encoder"
        rate = options.head_rate if depth is None else options.encoder_rate * options.layer_decay**depth
        decays = parameter.ndim > 1
        group = {"params": [], "lr": rate, "weight_decay": options.weight_decay * decays, "name": group_name}
        groups.setdefault((group_name, decays), group)["params"].append(parameter)
    # Not fused: Lightning refuses to clip gradients of fused optimisers in mixed precision.
    return AdamW(list(groups.values()), lr=options.head_rate)


def _depths_below_top(encoder: nn.Module) -> dict[str, int]:
    """Return for each parameter how many layers lie above it; embeddings lie below all layers."""
    layers = {name: match for name, _ in encoder.named_parameters() if (match := _LAYER.search(name))}
    n_layers = 1 + max((int(match[1]) for match in layers.values()), default=-1)
    return {
        name: n_layers - 1 - int(layers[name][1]) if name in layers else n_layers * ("embedding" in name)
        for name, _ in encoder.named_parameters()
    }


def build_schedule(optimizer: Optimizer, kind: Schedule, n_steps: int, warmup_share: float) -> LambdaLR:
    """Return a schedule over optimiser steps that scales the rates of all groups alike."""
    return LambdaLR(
        optimizer,
        partial(rate_factor, kind=kind, n_steps=n_steps, n_warmup=math.ceil(n_steps * warmup_share)),
    )


def count_steps(trainer: Trainer, n_batches: int) -> int:
    """Return the optimiser steps of a whole run.

    `Trainer.estimated_stepping_batches` would start to read the data before a resumed run has told the
    data where to go on, and the run would then begin its epoch anew.

    Args:
        trainer: limits and accumulation.
        n_batches: of an epoch, on this process.

    Raises:
        HdocError: the run has no end, so learning rates cannot fall towards it.
    """
    limit = trainer.limit_train_batches
    n_batches = min(n_batches, limit) if isinstance(limit, int) else int(n_batches * limit)
    max_epochs = trainer.max_epochs if trainer.max_epochs is not None else -1
    limits = [
        math.ceil(n_batches / trainer.accumulate_grad_batches) * max_epochs if max_epochs >= 0 else -1,
        trainer.max_steps,
    ]
    limits = [n for n in limits if n >= 0]
    if not limits:
        raise HdocError("expected an end of the training: set trainer.max_epochs or trainer.max_steps")
    return min(limits)


def rate_factor(step: int, kind: Schedule, n_steps: int, n_warmup: int) -> float:
    """Return the learning rate of a step (the first is 0) as a share of the highest, above 0 up to 1."""
    if step < n_warmup:
        return (step + 1) / n_warmup
    left = max(0.0, (n_steps - step) / max(1, n_steps - n_warmup))
    if kind == "constant":
        return 1.0
    return left if kind == "linear" else (1 - math.cos(math.pi * left)) / 2
