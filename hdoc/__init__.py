"""hdoc: what a long Korean document is about, and the sentences and words that made it so.

    from hdoc import DocumentClassifier

    classifier = DocumentClassifier.load()
    explanation = classifier.explain(text)

Importing the package is cheap: each name is loaded when it is used for the first time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from hdoc.errors import DataError, HdocError, InputError, LabelError, ModelError

if TYPE_CHECKING:
    from hdoc.explanation import Explanation, ModelIdentity, SentenceShare, WordShare
    from hdoc.models import load
    from hdoc.tasks.document.classifier import Classification, DocumentClassifier
    from hdoc.tasks.pair.classifier import PairClassifier

__version__ = "0.1.0"

__all__ = [
    "Classification",
    "DataError",
    "DocumentClassifier",
    "Explanation",
    "HdocError",
    "InputError",
    "LabelError",
    "ModelError",
    "ModelIdentity",
    "PairClassifier",
    "SentenceShare",
    "WordShare",
    "__version__",
    "load",
]


_LAZY = {
    "Classification": "hdoc.tasks.document.classifier",
    "DocumentClassifier": "hdoc.tasks.document.classifier",
    "Explanation": "hdoc.explanation",
    "ModelIdentity": "hdoc.explanation",
    "PairClassifier": "hdoc.tasks.pair.classifier",
    "SentenceShare": "hdoc.explanation",
    "WordShare": "hdoc.explanation",
    "load": "hdoc.models",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'hdoc' has no attribute {name!r}")
