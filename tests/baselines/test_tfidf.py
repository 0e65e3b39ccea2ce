from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch

from hdoc.baselines.tfidf import TfidfSettings, fit_tfidf_model
from hdoc.errors import HdocError
from tests.conftest import SENTENCES


class TestTfidf:
    TEXTS: ClassVar = [
        f"{sign} {sentence}" for sentence in SENTENCES for sign in ("환율이 올랐다.", "축구를 했다.")
    ]
    TARGETS = torch.tensor([0, 1] * len(SENTENCES))

    def fit(self, *, n_classes: int = 2, **settings: Any) -> Any:
        figures: dict[float, float] = {}
        targets = self.TARGETS if n_classes == 2 else torch.arange(len(self.TEXTS)) % n_classes
        model = fit_tfidf_model(
            TfidfSettings(**settings),
            (self.TEXTS[:20], targets[:20]),
            (self.TEXTS[20:], targets[20:]),
            lambda scores, truth: float((scores.argmax(dim=1) == truth).float().mean()),
            figures.__setitem__,
        )
        return model, figures

    @pytest.mark.parametrize("kind", ["svm", "logistic"])
    def test_it_learns_and_tries_every_value(self, kind: Any) -> None:
        model, figures = self.fit(kind=kind, penalties=(0.1, 1.0))
        assert (model.scores(self.TEXTS[20:]).argmax(dim=1) == self.TARGETS[20:]).all()
        assert list(figures) == [0.1, 1.0]
        assert model.penalty == max(figures, key=lambda value: figures[value])
        assert model.n_parameters == len(model.vectoriser.vocabulary_) + 1

    def test_several_classes_have_a_score_each(self) -> None:
        model, _ = self.fit(kind="svm", n_classes=3)
        assert model.scores(self.TEXTS[:2]).shape == (2, 3)

    def test_the_n_grams_are_those_that_were_asked_for(self) -> None:
        model, _ = self.fit(kind="svm", shortest=3, longest=3)
        assert {len(gram) for gram in model.vectoriser.vocabulary_} == {3}

    def test_without_dev_the_middle_value_is_taken(self) -> None:
        model = fit_tfidf_model(
            TfidfSettings("svm"), (self.TEXTS, self.TARGETS), ([], self.TARGETS[:0]), lambda _, __: 0.0
        )
        assert model.penalty == 0.3

    def test_no_n_gram_is_left(self) -> None:
        with pytest.raises(HdocError, match="n-grams of 2 to 4 characters in at least 999 documents each"):
            self.fit(kind="svm", min_documents=999)
