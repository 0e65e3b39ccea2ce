"""TF-IDF of character n-grams and a linear classifier: what beats most neural models on few documents.

Regularisation is chosen on dev, as early stopping chooses the epoch of a network there: features are
counted once, and every value of `PENALTIES` is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from hdoc.errors import HdocError

Kind = Literal["svm", "logistic"]

PENALTIES: dict[Kind, tuple[float, ...]] = {
    "svm": (0.03, 0.1, 0.3, 1.0, 3.0),
    "logistic": (1.0, 10.0, 100.0, 1000.0),
}
"""C, the inverse strength of the regularisation; vectors have length 1, so these hold for any data."""


@dataclass(frozen=True, slots=True)
class TfidfSettings:
    """What decides the features and the classifier.

    Attributes:
        kind: a linear support vector machine, or logistic regression.
        shortest: characters of the shortest n-grams.
        longest: characters of the longest n-grams.
        min_documents: in how many documents an n-gram must be to count.
        balanced: whether classes are weighed by 1 / frequency.
        penalties: values of C to try; those of `PENALTIES` if there are none.
    """

    kind: Kind
    shortest: int = 2
    longest: int = 4
    min_documents: int = 2
    balanced: bool = True
    penalties: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class TfidfModel:
    """A fitted vectoriser and classifier.

    Attributes:
        vectoriser: scikit-learn's `TfidfVectorizer`.
        classifier: scikit-learn's `LinearSVC` or `LogisticRegression`.
        penalty: the C that was best on dev.
    """

    vectoriser: Any
    classifier: Any
    penalty: float

    def scores(self, texts: Sequence[str]) -> Tensor:
        """Return scores (documents, classes) of texts; the highest is the class."""
        return _scores(self.classifier, self.vectoriser.transform(texts))

    @property
    def n_parameters(self) -> int:
        """Weights and biases of the classifier."""
        return int(self.classifier.coef_.size + self.classifier.intercept_.size)


def fit_tfidf_model(
    settings: TfidfSettings,
    train: tuple[Sequence[str], Tensor],
    dev: tuple[Sequence[str], Tensor],
    judge: Callable[[Tensor, Tensor], float],
    tried: Callable[[float, float], None] = lambda _penalty, _figure: None,
) -> TfidfModel:
    """Fit on train, and choose the regularisation on dev.

    Args:
        settings: features and classifier.
        train: texts and classes (documents,) to learn from.
        dev: texts and classes to choose by; without any, the middle value is taken.
        judge: takes scores and classes of dev; the higher its figure, the better.
        tried: called with each value and its figure.

    Raises:
        HdocError: no n-gram is in as many documents as it must be.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectoriser = TfidfVectorizer(
        analyzer="char",
        ngram_range=(settings.shortest, settings.longest),
        min_df=settings.min_documents,
        sublinear_tf=True,
        lowercase=False,
        dtype=np.float32,
    )
    try:
        features = vectoriser.fit_transform(train[0])
    except ValueError as error:
        raise HdocError(
            f"expected n-grams of {settings.shortest} to {settings.longest} characters in at least "
            f"{settings.min_documents} documents each, found none; lower min_documents in model.options"
        ) from error
    penalties = tuple(settings.penalties) or PENALTIES[settings.kind]
    if not len(dev[1]):
        penalty = penalties[len(penalties) // 2]
        return TfidfModel(vectoriser, _fit(settings, features, train[1], penalty), penalty)
    held_out = vectoriser.transform(dev[0])
    best: tuple[float, TfidfModel] | None = None
    for penalty in penalties:
        classifier = _fit(settings, features, train[1], penalty)
        figure = judge(_scores(classifier, held_out), dev[1])
        tried(penalty, figure)
        if best is None or figure > best[0]:
            best = figure, TfidfModel(vectoriser, classifier, penalty)
    if best is None:
        raise ValueError("expected at least one value of C to try")
    return best[1]


def _fit(settings: TfidfSettings, features: Any, targets: Tensor, penalty: float) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    weights = "balanced" if settings.balanced else None
    if settings.kind == "svm":
        classifier = LinearSVC(C=penalty, class_weight=weights, random_state=0, max_iter=10_000)
    else:
        classifier = LogisticRegression(C=penalty, class_weight=weights, tol=1e-3, max_iter=1_000)
    return classifier.fit(features, targets.numpy())


def _scores(classifier: Any, features: Any) -> Tensor:
    scores = torch.from_numpy(np.asarray(classifier.decision_function(features), dtype=np.float32))
    # Of two classes there is one score, how much more it is the second.
    return torch.stack([-scores / 2, scores / 2], dim=1) if scores.dim() == 1 else scores
