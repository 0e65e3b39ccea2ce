"""Analyses to bytes: what the API answers about documents.

Pydantic's serialiser takes hdoc's own dataclasses: an explanation of a long article is tens of thousands of
small objects, and a copy of them would take longer than the network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pydantic_core import to_json

from hdoc.faithfulness.check import check
from hdoc.rendering import to_html
from hdoc.rendering.wording import Language
from hdoc.tasks.document.classifier import Analysis, DocumentClassifier
from hdoc.tasks.document.rows import quoted
from hdoc.web.tasks.document.requests import OneToExplain, ToExplain, ToShow

_N_SENTENCES = 3
_DECIMALS = 7


def classified(analysis: Analysis) -> bytes:
    """Answer with the class and the strongest sentences."""
    found = analysis.classification()
    return to_json(
        {
            "model": analysis.model,
            "label": found.label,
            "probability": found.probability,
            "probabilities": found.probabilities,
            "sentences": quoted(analysis.text, found.strongest(_N_SENTENCES)),
        }
    )


def explained(asked: ToExplain) -> Callable[[Analysis], bytes]:
    """Answer with the explanation contract; if asked, also with each word's share of several classes."""

    def answer(analysis: Analysis) -> bytes:
        explanation = analysis.explanation(asked.target, asked.versus)
        content = explanation.contract()
        if asked.n_labels:
            content["by_label"] = _by_label(analysis, list(explanation.probabilities)[: asked.n_labels])
        return to_json(content)

    return answer


def shown(asked: ToShow) -> Callable[[Analysis], bytes]:
    """Answer with an HTML page that needs nothing else."""
    language: Language = "en" if asked.language == "en" else "ko"

    def answer(analysis: Analysis) -> bytes:
        explanation = analysis.explanation(asked.target, asked.versus)
        return to_html(explanation, asked.text, language=language, name=asked.name).encode()

    return answer


def checked(asked: OneToExplain, classifier: DocumentClassifier) -> Callable[[Analysis], bytes]:
    """Answer with the probability when the strongest supporting evidence is deleted."""

    def answer(analysis: Analysis) -> bytes:
        explanation = analysis.explanation(asked.target, asked.versus)
        return to_json(check(classifier, asked.text, explanation).to_dict())

    return answer


def _by_label(analysis: Analysis, labels: list[str]) -> dict[str, Any]:
    shares = np.concatenate(analysis.contributions(labels))
    return {
        "labels": labels,
        "bias": [analysis.bias(label) for label in labels],
        "words": shares.round(_DECIMALS).tolist(),
    }
