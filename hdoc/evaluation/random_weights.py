"""The control `random weights`: the same network with its weights in shuffled places."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from hdoc.tasks.document.classifier import DocumentClassifier


def randomised(classifier: DocumentClassifier, seed: Sequence[int]) -> DocumentClassifier:
    """Return the classifier with the values of each weight tensor shuffled (after Adebayo et al. 2018).

    Args:
        classifier: stays as it is.
        seed: any number of integers, not negative.
    """
    changed = copy.copy(classifier)
    changed.engine = copy.deepcopy(classifier.engine)
    changed.engine.origin = np.zeros(len(classifier.labels))  # the origin belongs to the weights
    generator = torch.Generator().manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    with torch.no_grad():
        for parameter in changed.network.parameters():
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].reshape(parameter.shape))
    if changed.engine.lexical is not None:
        # How rare a piece is was learnt too, and would still tell words that say much from those that do not.
        idf, weights = (
            values.ravel()[torch.randperm(values.size, generator=generator).numpy()].reshape(values.shape)
            for values in (changed.engine.lexical.idf, changed.engine.lexical.weights)
        )
        changed.engine.lexical = replace(changed.engine.lexical, idf=idf, weights=weights)
    return changed
