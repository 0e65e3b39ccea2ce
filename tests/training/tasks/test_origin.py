"""The origin of contributions: what counts as evidence changes, what the model says does not."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from hdoc import DocumentClassifier, ModelError
from hdoc.tasks.document.folder.loading import load_model
from hdoc.training.tasks.calibration import fit_origin
from tests.conftest import SENTENCES
from tests.known import AGAINST, FOR, LABELS, known_classifier, known_model, save_known_model
from tests.tasks.document.test_classifier import check_contract

TEXT = " ".join(SENTENCES[:6])


def test_an_origin_changes_no_score_and_moves_contributions_by_their_attention(tiny_model) -> None:
    model = load_model(tiny_model)
    origin = np.linspace(-1, 1, len(model.labels))
    plain, moved = (
        DocumentClassifier(replace(model, origin=given), "cpu").explain(TEXT) for given in (None, origin)
    )
    check_contract(moved, TEXT)
    own = origin[model.labels.index(plain.target)]
    assert moved.probabilities == plain.probabilities
    assert moved.logit == pytest.approx(plain.logit, abs=1e-6)
    assert moved.bias == pytest.approx(plain.bias + own)
    for before, after in zip(plain.sentences, moved.sentences, strict=True):
        assert after.contribution == pytest.approx(before.contribution - own * before.attention)
        for word, other in zip(before.words, after.words, strict=True):
            share = before.attention * word.attention
            assert other.contribution == pytest.approx(word.contribution - own * share)


def test_classifying_and_explaining_agree_on_the_origin(tiny_model) -> None:
    model = replace(
        load_model(tiny_model), origin=np.array([0.3, -0.2, 0.5][: len(load_model(tiny_model).labels)])
    )
    classifier = DocumentClassifier(model, "cpu")
    [classified], explained = classifier.classify([TEXT]), classifier.explain(TEXT)
    shares = [sentence.contribution for sentence in explained.sentences]
    found = [sentence.contribution for sentence in classified.sentences]
    assert found == pytest.approx(shares, rel=2e-6, abs=1e-6)  # two ways to add 32-bit numbers


def test_the_origin_is_halfway_between_any_text_and_the_texts_of_a_class() -> None:
    bias = torch.tensor([0.5, -0.5])
    logits = torch.tensor([[3.0, 0.0], [1.0, 2.0], [4.0, -1.0]])
    # Without the bias: 2.5 0.5, 0.5 2.5, 3.5 -0.5; texts of their class have 2.5, 2.5, 3.5.
    assert fit_origin(logits, bias) == pytest.approx([(6.5 / 3 + 8.5 / 3) / 2, (2.5 / 3 + 8.5 / 3) / 2])


def test_with_several_labels_all_that_were_given_count() -> None:
    logits = torch.tensor([[1.0, 3.0], [-1.0, -2.0]])
    means, given = torch.tensor([0.0, 0.5]), 2.0
    bias = torch.zeros(2)
    assert fit_origin(logits, bias, multi_label=True) == pytest.approx(((means + given) / 2).tolist())
    # Where none is given, the most probable one of each text stands in.
    assert fit_origin(logits - 5, bias, multi_label=True) == pytest.approx(
        ((means - 5 + (-2 - 6) / 2) / 2).tolist()
    )


def test_with_an_origin_plain_words_do_not_pass_for_evidence() -> None:
    model = known_model()
    with torch.no_grad():  # every word says 3 for both classes, whatever it is
        model.network.word_attention.value.bias[1] = 1
        model.network.classifier.weight[:, 1] = 3
    text = f"오늘 {FOR} 날씨\n학교 버스 도로\n사람 {AGAINST} 저녁 시장"
    documents = [f"오늘 날씨 {FOR}", f"사람 저녁 {AGAINST}", f"학교 {FOR} 버스 도로"]
    classifier = DocumentClassifier(model, "cpu")
    logits = torch.tensor(np.array([_logits(classifier, document) for document in documents]))
    origin = np.array(fit_origin(logits, model.network.classifier.bias))
    before = classifier.explain(text, "체육")
    after = DocumentClassifier(replace(model, origin=origin), "cpu").explain(text, "체육")

    def argue_for(explanation) -> list[str]:
        words = [word for sentence in explanation.sentences for word in sentence.words]
        return [text[word.start : word.end] for word in words if word.contribution > 0]

    assert len(argue_for(before)) > 5
    assert argue_for(after) == [FOR]


def _logits(classifier: DocumentClassifier, text: str) -> list[float]:
    return [classifier.explain(text, label).logit for label in LABELS]


def test_a_model_folder_keeps_its_origin(tmp_path) -> None:
    folder = save_known_model(tmp_path / "model")
    assert load_model(folder).origin is None
    model = known_model()
    from hdoc.tasks.document.folder.saving import save_model

    save_model(
        folder, model.network, model.tokenizer, encoder_config=model.encoder_config,
        labels=list(model.labels), origin=[0.25, -1.5],
    )  # fmt: skip
    found = DocumentClassifier.load(folder)
    assert found.engine.origin.tolist() == [0.25, -1.5]
    assert found.classes.bias == pytest.approx(known_classifier().classes.bias + np.array([0.25, -1.5]))


@pytest.mark.parametrize("origin", [[1.0], [1.0, 2.0, 3.0], "0", [1.0, float("inf")], [[1.0], [2.0]]])
def test_an_origin_that_does_not_fit_the_classes_is_refused(tmp_path, origin) -> None:
    folder = save_known_model(tmp_path / "model")
    calibration = folder / "calibration.json"
    calibration.write_text(json.dumps({"temperature": 2.0, "origin": origin}), encoding="utf-8")
    from hashlib import sha256

    checksums = json.loads((folder / "checksums.json").read_text(encoding="utf-8"))
    checksums["calibration.json"] = sha256(calibration.read_bytes()).hexdigest()
    (folder / "checksums.json").write_text(json.dumps(checksums), encoding="utf-8")
    with pytest.raises(ModelError, match=re.escape("expected an origin of 2 numbers, one a class")):
        load_model(folder)
