"""Encoders whose pieces open words with `▁`, between `<s>` and `</s>`: the whole way from text to page."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from hdoc import DocumentClassifier
from hdoc.encoders.build import build_encoder
from hdoc.explanation import Explanation
from hdoc.faithfulness.attribution import explain_by
from hdoc.faithfulness.methods import Method
from hdoc.rendering import to_html, to_json, to_terminal
from hdoc.tasks.document.folder.saving import save_model
from hdoc.tasks.document.lexical import LexicalScores, ngram_keys
from hdoc.tasks.document.network import DocumentNetwork, NetworkShape
from hdoc.tokens.tokenizer import PieceTokenizer
from tests.tasks.document.test_classifier import ARTICLE, check_contract
from tests.text.test_sentences import NASTY
from tests.tokens.unigrams import unigram

FOREIGN = ("▁", "<s>", "</s>", "<pad>", "<unk>", "&lt;s&gt;", "&lt;unk&gt;")
UNKNOWN = "뷁뷁 😀😀 버스가 뷁버스 늦게 왔다. 漢字 ㎏ ﷺ 도서관."
SHORT = {name: text[:3000] for name, text in NASTY.items()}
TEXTS = {"article": ARTICLE, "long": ARTICLE * 30, "unknown": UNKNOWN, **SHORT}


def save_opening_model(folder: Path, kind: str, pieces: str) -> Path:
    """Write a model with a lexical part on a small encoder.

    Args:
        folder: where.
        kind: of encoder, as transformers calls it.
        pieces: which tokenizer.
    """
    tokenizer = PieceTokenizer(unigram(pieces), window=24, pad_id=1)
    n_pieces = tokenizer.tokenizer.get_vocab_size()
    config: dict[str, Any] = {
        "model_type": kind, "vocab_size": n_pieces, "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 64, "pad_token_id": 1,
        "layer_norm_eps": 1e-5, "type_vocab_size": 1 if kind == "xlm-roberta" else 2,
    }  # fmt: skip
    torch.manual_seed(0)
    network = DocumentNetwork(build_encoder(config), 32, NetworkShape(3, value_width=16, channels=8)).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3)
    random = np.random.default_rng(0)
    keys = ngram_keys(np.arange(n_pieces), tokenizer.spelling)
    size = n_pieces + len(keys)
    lexical = LexicalScores(
        random.random(size), random.normal(size=(size, 3)), np.zeros(3), tokenizer.spelling, keys
    )
    save_model(
        folder, network, tokenizer, encoder_config=config, labels=["경제", "사회", "문화"], lexical=lexical
    )
    return folder


@pytest.fixture(
    scope="module", params=["bert-divided", "bert-spaces", "xlm-roberta-divided"], ids=lambda name: name
)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[DocumentClassifier, DocumentClassifier]:
    """The same model in ONNX Runtime and in torch."""
    kind, _, pieces = request.param.rpartition("-")
    folder = save_opening_model(tmp_path_factory.mktemp("models") / "model", kind, pieces)
    return (
        DocumentClassifier.load(folder, runtime="onnx"),
        DocumentClassifier.load(folder, "cpu", precision="float32"),
    )


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_both_runtimes_give_one_whole_explanation(
    pair: tuple[DocumentClassifier, DocumentClassifier], text: str
) -> None:
    found, expected = (classifier.explain(text) for classifier in pair)
    check_contract(found, text)
    assert found.logit == pytest.approx(expected.logit, abs=1e-4)
    assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-5)
    for one, other in zip(found.sentences, expected.sentences, strict=True):
        assert (one.start, one.end) == (other.start, other.end)
        assert one.contribution == pytest.approx(other.contribution, abs=1e-4)
        assert [(w.start, w.end) for w in one.words] == [(w.start, w.end) for w in other.words]
        assert [w.contribution for w in one.words] == pytest.approx(
            [w.contribution for w in other.words], abs=1e-4
        )


@settings(max_examples=60, deadline=None)
@given(
    st.text(
        st.one_of(st.characters(), st.sampled_from("가나버스 노선이. \n\t\x00\x1c\u200bﷺ㎏")), max_size=200
    )
)
def test_any_text_is_explained_whole(pair: tuple[DocumentClassifier, DocumentClassifier], text: str) -> None:
    classifier = pair[0]
    if not classifier.tokenizer.windows(text, classifier.split(text)):
        return
    check_contract(classifier.explain(text), text)


def shown(explanation: Explanation, text: str) -> dict[str, str]:
    """Return all views."""
    file = io.StringIO()
    to_terminal(explanation, text, Console(file=file, width=100, color_system=None))
    return {"terminal": file.getvalue(), "html": to_html(explanation, text), "json": to_json(explanation)}


@pytest.mark.parametrize("text", [ARTICLE, UNKNOWN], ids=["article", "unknown"])
def test_no_view_shows_a_mark_or_a_special_piece(
    pair: tuple[DocumentClassifier, DocumentClassifier], text: str
) -> None:
    views = shown(pair[0].explain(text), text)
    for name, view in views.items():
        assert [part for part in FOREIGN if part in view] == [], name
    assert "도서관" in views["terminal"]


def test_words_are_eojeol(pair: tuple[DocumentClassifier, DocumentClassifier]) -> None:
    explanation = pair[0].explain(UNKNOWN)
    words = [UNKNOWN[word.start : word.end] for s in explanation.sentences for word in s.words]
    assert words == UNKNOWN.split()


@pytest.mark.parametrize("method", ["attention", "gradient", "occlusion"])
def test_other_methods_explain_it_too(
    pair: tuple[DocumentClassifier, DocumentClassifier], method: Method
) -> None:
    explanation = explain_by(method, pair[1], UNKNOWN)
    words = [UNKNOWN[word.start : word.end] for s in explanation.sentences for word in s.words]
    assert words == UNKNOWN.split()
    assert len({word.contribution for s in explanation.sentences for word in s.words}) > 1


def test_many_documents_are_classified_as_one_by_one(
    pair: tuple[DocumentClassifier, DocumentClassifier],
) -> None:
    texts = [ARTICLE, UNKNOWN, "짧은 글이다.", ARTICLE * 20]
    for classifier in pair:
        for text, found in zip(texts, classifier.classify(texts), strict=True):
            expected = classifier.explain(text).probabilities
            assert found.probabilities == pytest.approx(expected, abs=1e-5)
