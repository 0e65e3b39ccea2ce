"""Explanations by any of the methods that `methods` describes, in the same `Explanation`.

Gradients and occlusion go through captum. A lexical part is a sum over pieces already, so gradients are taken
of the network, and that sum is added. Word pieces are summed to words, words to sentences. Only
contributions are shares of the logit. So that every explanation still adds up, `logit` is always the model's
own, and `bias` is, for the other methods, whatever their scores leave over: a remainder, not a part of the
model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from hdoc.errors import InputError
from hdoc.explanation import Explanation
from hdoc.faithfulness.deletion import Floats, Scorer, SplitText
from hdoc.faithfulness.gradients import Advance, EmbeddedDocument, captum_methods, frozen
from hdoc.faithfulness.methods import Method
from hdoc.tasks.document.classifier import DocumentClassifier
from hdoc.text.sentences import Sentence
from hdoc.tokens.flat_windows import flatten
from hdoc.tokens.tokenizer import word_spans, words_of_pieces

# Variants of a text that are scored at once.
_VARIANTS = 64


def explain_by(
    method: Method,
    classifier: DocumentClassifier,
    text: str,
    target: str | None = None,
    versus: str | None = None,
    *,
    sentences: Sequence[Sentence] | None = None,
    advance: Advance | None = None,
) -> Explanation:
    """Explain a document by any method.

    Memory is bounded: long documents are encoded, and differentiated, a few windows at a time.

    Args:
        method: see `hdoc.faithfulness.methods`.
        classifier: the model.
        text: the document.
        target: the class to explain; the most probable one by default.
        versus: explain why `target` and not this class; all numbers are then differences.
        sentences: the document's sentences, where they are known already.
        advance: called as slow methods get on.

    Raises:
        InputError: the text has nothing to read.
        LabelError: the model knows no such class, or both are the same.
        HdocError: the method needs captum, which is not installed.
    """
    sentences = classifier.split(text) if sentences is None else sentences
    analysis = classifier.analyse([(text, sentences)])[0]
    if isinstance(analysis, InputError):
        raise analysis
    explanation = analysis.explanation(target, versus)
    if method == "contribution":
        return explanation
    return rescored(
        explanation, method, _word_scores(method, classifier, text, sentences, explanation, advance)
    )


def explain_labels(
    method: Method, classifier: DocumentClassifier, text: str, *, advance: Advance | None = None
) -> list[Explanation]:
    """Explain each class that a document is given: one, unless the model gives several.

    Args:
        method: see `hdoc.faithfulness.methods`.
        classifier: the model.
        text: the document.
        advance: called as slow methods get on, for each class anew.

    Returns:
        The most probable class first.

    Raises:
        InputError: the text has nothing to read.
        HdocError: the method needs captum, which is not installed.
    """
    sentences = classifier.split(text)
    analysis = classifier.analyse([(text, sentences)])[0]
    if isinstance(analysis, InputError):
        raise analysis
    labels = analysis.classes.assigned(analysis.classes.probabilities(analysis.scores.logits))
    if method == "contribution":
        return [analysis.explanation(label) for label in labels]
    return [
        explain_by(method, classifier, text, label, sentences=sentences, advance=advance) for label in labels
    ]


def rescored(explanation: Explanation, method: str, scores: Floats) -> Explanation:
    """Return the explanation with other scores in the place of its contributions.

    Args:
        explanation: gives everything else.
        method: what computed the scores.
        scores: of all words in text order, (words,).
    """
    values = scores.tolist()
    sentences = []
    end = 0
    for sentence in explanation.sentences:
        own = values[end : end + len(sentence.words)]
        end += len(own)
        words = tuple(
            replace(word, contribution=value) for word, value in zip(sentence.words, own, strict=True)
        )
        sentences.append(replace(sentence, contribution=sum(own), words=words))
    bias = explanation.logit - sum(sentence.contribution for sentence in sentences)
    return replace(explanation, method=method, bias=bias, sentences=tuple(sentences))


def _word_scores(
    method: Method,
    classifier: DocumentClassifier,
    text: str,
    sentences: Sequence[Sentence],
    explanation: Explanation,
    advance: Advance | None,
) -> Floats:
    if method == "attention":
        weights = [s.attention * word.attention for s in explanation.sentences for word in s.words]
        return np.array(weights)
    direction = classifier.classes.direction(explanation.target, explanation.versus)
    if method == "occlusion":
        return _occlusion(classifier, SplitText.of(text, explanation), direction, advance)
    windows = classifier.tokenizer.windows(text, sentences)
    document = EmbeddedDocument(classifier, windows, direction, advance)
    with frozen(classifier.network):
        pieces = document.gradient() if method == "gradient" else document.integrated_gradients()
    ids, _ = flatten([window.ids for window in windows])
    pieces = pieces + classifier.engine.lexical_shares(ids) @ direction
    scores = []
    starts = np.cumsum([0, *(len(window.ids) for window in windows)]).tolist()
    for window, (start, end) in zip(windows, pairwise(starts), strict=True):
        spans = word_spans(text, window)
        scores.append(np.bincount(words_of_pieces(window, spans), pieces[start:end], len(spans)))
    return np.concatenate(scores)


def _occlusion(
    classifier: DocumentClassifier, split: SplitText, direction: Floats, advance: Advance | None
) -> Floats:
    """Delete each word by itself; a sentence that stays as it is is not encoded again."""
    scorer = Scorer(classifier)
    n_done = 0

    def logits(kept: Tensor) -> Tensor:
        nonlocal n_done
        values = scorer.logits(split.with_words(flags) for flags in kept.numpy() > 0) @ direction
        n_done += len(kept)
        if advance is not None:
            advance(min(n_done - 1, split.n_words), split.n_words)  # the whole text is scored too
        return torch.from_numpy(values)

    ablation = captum_methods("occlusion").FeatureAblation(logits)
    falls: Tensor = ablation.attribute(
        torch.ones(1, split.n_words), baselines=0, perturbations_per_eval=_VARIANTS
    )
    return falls[0].double().numpy()
