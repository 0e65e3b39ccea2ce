"""The optimiser of pre-training and its schedule of learning rates.

The schedule warms up, stays, and decays linearly to zero over the last `decay_steps` of the run
(warm-up, stable, decay: Hu et al. 2024). As the stable part does not depend on when the run ends, a run can
be stopped at any time, and resumed to be decayed. BERT's own schedule is a decay over all of the rest.
"""

from __future__ import annotations

from functools import partial

from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR


def build_optimizer(network: nn.Module, learning_rate: float, weight_decay: float) -> AdamW:
    """Return AdamW over all parameters that need a gradient.

    Args:
        network: what is trained.
        learning_rate: the highest one.
        weight_decay: of matrices; biases and normalisations have none.
    """
    parameters = [item for item in network.parameters() if item.requires_grad]
    groups = [
        {"params": [item for item in parameters if item.ndim > 1], "weight_decay": weight_decay},
        {"params": [item for item in parameters if item.ndim <= 1], "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True)


def build_schedule(optimizer: Optimizer, warmup_steps: int, decay_steps: int, n_steps: int) -> LambdaLR:
    """Return the schedule over optimiser steps; arguments as for `rate_factor`."""
    factor = partial(rate_factor, warmup_steps=warmup_steps, decay_steps=decay_steps, n_steps=n_steps)
    return LambdaLR(optimizer, factor)


def rate_factor(step: int, warmup_steps: int, decay_steps: int, n_steps: int) -> float:
    """Return the learning rate at a step as a share of the highest, 0 to 1.

    Args:
        step: optimiser steps done.
        warmup_steps: rises linearly over these first steps.
        decay_steps: falls linearly to zero over these last steps; with 0 it does not.
        n_steps: steps of the whole run; with -1 the run has no end and never decays.
    """
    rise = min(1.0, (step + 1) / max(1, warmup_steps))
    if n_steps < 0 or not decay_steps:
        return rise
    return min(rise, max(0.0, (n_steps - step) / decay_steps))
