"""Quality of scores over a data set: how they go along with those that people gave."""

from __future__ import annotations

import warnings

from torch import Tensor


def figures(scores: Tensor, targets: Tensor) -> dict[str, float]:
    """Return all figures of a split.

    Args:
        scores: (items,).
        targets: what they were to be, (items,).

    Returns:
        `spearman` and `pearson`, correlations of ranks and of values, -1 to 1; 0 where one of both sides has
        only one value, which tells nothing. `mse`, the mean squared difference.
    """
    from scipy.stats import pearsonr, spearmanr

    given, wanted = scores.double().cpu().numpy(), targets.double().cpu().numpy()
    constant = len(given) < 2 or given.min() == given.max() or wanted.min() == wanted.max()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that hardly differ
        return {
            "spearman": 0.0 if constant else float(spearmanr(given, wanted).statistic),
            "pearson": 0.0 if constant else float(pearsonr(given, wanted).statistic),
            "mse": float(((given - wanted) ** 2).mean()),
        }
