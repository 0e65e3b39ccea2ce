"""Analyses to bytes: what the API answers, written straight from the results.

Pydantic's serialiser takes hdoc's own dataclasses as they are: an explanation of a long article is tens of
thousands of small objects, and copying them into others first would cost more than the network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pydantic_core import to_json

from hdoc.explanation import SCHEMA_VERSION, Explanation
from hdoc.faithfulness.check import check
from hdoc.rendering import to_html
from hdoc.rendering.wording import Language
from hdoc.tasks.document.classifier import Analysis, DocumentClassifier
from hdoc.web.tasks.document.requests import OneToExplain, ToExplain, ToShow

_N_SENTENCES = 3
_DECIMALS = 7


def classified(analysis: Analysis) -> bytes:
    """Answer with the class and the strongest sentences."""
    found = analysis.classification()
    text = analysis.text
    return to_json(
        {
            "model": analysis.model,
            "label": found.label,
            "probability": found.probability,
            "probabilities": found.probabilities,
            "sentences": [
                {
                    "start": sentence.start,
                    "end": sentence.end,
                    "text": text[sentence.start : sentence.end],
                    "contribution": sentence.contribution,
                }
                for sentence in found.strongest(_N_SENTENCES)
            ],
        }
    )


def explained(asked: ToExplain) -> Callable[[Analysis], bytes]:
    """Answer with the explanation contract, and with the words' shares of several classes if asked."""

    def answer(analysis: Analysis) -> bytes:
        explanation = analysis.explanation(asked.target, asked.versus)
        content = _contract(explanation)
        if asked.n_labels:
            content["by_label"] = _by_label(analysis, list(explanation.probabilities)[: asked.n_labels])
        return to_json(content)

    return answer


def shown(asked: ToShow) -> Callable[[Analysis], bytes]:
    """Answer with a page of its own."""
    language: Language = "en" if asked.language == "en" else "ko"

    def answer(analysis: Analysis) -> bytes:
        explanation = analysis.explanation(asked.target, asked.versus)
        return to_html(explanation, asked.text, language=language, name=asked.name).encode()

    return answer


def checked(asked: OneToExplain, classifier: DocumentClassifier) -> Callable[[Analysis], bytes]:
    """Answer with what deleting the strongest evidence does to the probability."""

    def answer(analysis: Analysis) -> bytes:
        explanation = analysis.explanation(asked.target, asked.versus)
        return to_json(check(classifier, asked.text, explanation).to_dict())

    return answer


def _contract(explanation: Explanation) -> dict[str, Any]:
    names = explanation.__dataclass_fields__
    return {"schema_version": SCHEMA_VERSION, **{name: getattr(explanation, name) for name in names}}


def _by_label(analysis: Analysis, labels: list[str]) -> dict[str, Any]:
    shares = np.concatenate(analysis.contributions(labels))
    return {
        "labels": labels,
        "bias": [analysis.bias(label) for label in labels],
        "words": shares.round(_DECIMALS).tolist(),
    }
