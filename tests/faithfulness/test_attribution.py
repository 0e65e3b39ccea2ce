import sys

import numpy as np
import pytest
import torch

import hdoc.faithfulness.gradients
from hdoc import DocumentClassifier, Explanation, HdocError, InputError, LabelError
from hdoc.faithfulness.attribution import explain_by
from hdoc.faithfulness.deletion import Scorer, SplitText
from hdoc.faithfulness.methods import METHODS
from hdoc.rendering import to_html, to_json
from tests.conftest import SENTENCES
from tests.faithfulness.test_erasure import TEXT, by_hand
from tests.known import AGAINST, FOR, document, known_classifier
from tests.tasks.document.test_classifier import check_contract

LONG = " ".join(SENTENCES[:6])


@pytest.fixture(scope="module")
def tiny(tiny_model) -> DocumentClassifier:
    return DocumentClassifier.load(tiny_model, "cpu")


def scores(explanation: Explanation) -> np.ndarray:
    return np.array([word.contribution for sentence in explanation.sentences for word in sentence.words])


@pytest.mark.parametrize("method", METHODS)
def test_all_methods_but_attention_find_known_evidence(method) -> None:
    classifier = known_classifier()
    text = document([TEXT, f"사람 저녁 {AGAINST} 공원"])
    explanation = explain_by(method, classifier, text, "체육")
    words = [text[word.start : word.end] for sentence in explanation.sentences for word in sentence.words]
    found = scores(explanation)
    assert explanation.method == method
    if method == "attention":
        # Attention is even within a sentence and knows neither the classes nor the evidence.
        assert (found == scores(explain_by(method, classifier, text, "경제"))).all()
        assert found.sum() == pytest.approx(1)
        return
    assert words[found.argmax()] == FOR
    against = scores(explain_by(method, classifier, text, "경제"))
    assert words[against.argmax()] == AGAINST
    difference = scores(explain_by(method, classifier, text, "체육", "경제"))
    assert difference == pytest.approx(found - against, abs=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_the_contract_holds_for_all_methods(tiny: DocumentClassifier, method) -> None:
    from tests.text.test_sentences import NASTY

    for text in [*list(NASTY.values())[::3], LONG]:
        explanation = explain_by(method, tiny, text)
        check_contract(explanation, text)
        assert explanation.logit == pytest.approx(tiny.explain(text).logit)
        assert method in to_json(explanation)
        assert method in to_html(explanation, text, language="en")


def test_contribution_is_the_classifiers_own(tiny: DocumentClassifier) -> None:
    assert explain_by("contribution", tiny, LONG) == tiny.explain(LONG)


def test_occlusion_is_what_the_logit_falls_by_when_a_word_is_deleted() -> None:
    classifier = known_classifier()
    found = scores(explain_by("occlusion", classifier, TEXT, "체육"))
    split = SplitText.of(TEXT, classifier.explain(TEXT))

    def logit(sentences: list[str]) -> float:
        chance = by_hand(classifier, sentences)
        return 2 * float(np.log(chance / (1 - chance))) - 0.1  # of 체육 alone: 경제 has the bias -0.1

    falls = []
    for i in range(split.n_words):
        kept = np.arange(split.n_words) != i
        falls.append(logit(list(split.sentences)) - logit(split.with_words(kept)))
    assert found == pytest.approx(falls, abs=1e-4)


def test_occlusion_reads_only_the_sentence_that_changed(tiny: DocumentClassifier, monkeypatch) -> None:
    scorers = []
    original = Scorer.__init__

    def noted(self: Scorer, classifier: DocumentClassifier) -> None:
        original(self, classifier)
        scorers.append(self)

    monkeypatch.setattr(Scorer, "__init__", noted)
    text = "\n".join(SENTENCES)
    explanation = explain_by("occlusion", tiny, text)
    whole = Scorer(tiny)
    whole.logits([SplitText.of(text, explanation).sentences])
    n_words = len(scores(explanation))
    longest = max(len(sentence.words) for sentence in explanation.sentences)
    assert scorers[0].n_tokens < whole.n_tokens * (1 + longest) < whole.n_tokens * n_words


def test_integrated_gradients_add_up_to_the_difference_from_masks(
    tiny: DocumentClassifier, monkeypatch
) -> None:
    # The sum is exact in the limit of many steps; how many that takes depends on the weights.
    monkeypatch.setattr(hdoc.faithfulness.gradients, "N_STEPS", 400)
    explanation = explain_by("integrated-gradients", tiny, LONG)
    n_pieces = [len(window.ids) for window in tiny.tokenizer.windows(LONG, tiny.split(LONG))]
    mask = tiny.tokenizer.tokenizer.token_to_id("[MASK]")
    from hdoc.encoders.padding import pad_windows

    with torch.inference_mode():
        vectors = torch.cat(
            [tiny.network.read(pad_windows([[mask] * n], tiny.tokenizer)).vectors for n in n_pieces]
        )
        logits = tiny.network.judge(vectors, [len(n_pieces)]).logits[0]
    of_masks = float(logits[tiny.labels.index(explanation.target)])
    assert explanation.bias == pytest.approx(of_masks, abs=0.02 * abs(explanation.logit - of_masks) + 0.02)


def test_gradients_are_those_of_what_the_first_layer_gets(tiny: DocumentClassifier) -> None:
    from hdoc.encoders.padding import pad_windows

    explanation = explain_by("gradient", tiny, LONG)
    windows = pad_windows(
        [window.ids for window in tiny.tokenizer.windows(LONG, tiny.split(LONG))], tiny.tokenizer
    )

    def logit(change: float) -> float:
        """Score the text with the embeddings of all pieces, behind the LayerNorm, made larger by a share."""

        def grow(_module, _ids, embedded):
            return embedded * (1 + change * windows.piece_mask.unsqueeze(-1))

        hook = tiny.network.encoder.embeddings.register_forward_hook(grow)
        with torch.inference_mode():
            vectors = tiny.network.read(windows).vectors
            logits = tiny.network.judge(vectors, [len(vectors)]).logits[0]
        hook.remove()
        return float(logits[tiny.labels.index(explanation.target)])

    slope = (logit(0.01) - logit(-0.01)) / 0.02
    assert abs(slope) > 1e-3
    assert scores(explanation).sum() == pytest.approx(slope, rel=0.02)


@pytest.mark.parametrize("method", ["gradient", "integrated-gradients"])
def test_reading_in_small_groups_changes_no_score(tiny: DocumentClassifier, method, monkeypatch) -> None:
    whole = scores(explain_by(method, tiny, LONG))
    monkeypatch.setattr(hdoc.faithfulness.gradients, "_TOKENS_WITH_GRADIENT", 40)
    assert scores(explain_by(method, tiny, LONG)) == pytest.approx(whole, abs=1e-4)
    assert all(parameter.requires_grad for parameter in tiny.network.parameters())
    assert not tiny.network.encoder.embeddings._forward_hooks


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "distilbert", "dim": 8, "n_layers": 1, "n_heads": 2, "hidden_dim": 8},
        # No module of its own for embeddings: the table of pieces stands in for it.
        {"model_type": "gpt2", "n_embd": 8, "n_layer": 1, "n_head": 2, "n_inner": 8},
        # Reads the other way round: length before sequences.
        {"model_type": "xlnet", "d_model": 8, "n_layer": 1, "n_head": 2, "d_inner": 8},
    ],
    ids=lambda config: config["model_type"],
)
def test_gradients_of_encoders_from_transformers(config) -> None:
    from dataclasses import replace

    from hdoc.encoders.build import build_encoder
    from hdoc.tasks.document.network import DocumentNetwork, NetworkShape
    from tests.known import known_model

    model = known_model()
    torch.manual_seed(0)
    encoder = build_encoder({**config, "vocab_size": 17})
    network = DocumentNetwork(encoder, 8, NetworkShape(2, 8, (3,), 4)).eval()
    classifier = DocumentClassifier(replace(model, network=network), "cpu")
    for method in ("gradient", "integrated-gradients"):
        explanation = explain_by(method, classifier, TEXT)
        check_contract(explanation, TEXT)
        assert np.abs(scores(explanation)).max() > 0


@pytest.mark.parametrize("method", ["gradient", "integrated-gradients", "occlusion"])
def test_slow_methods_say_how_far_they_are(tiny: DocumentClassifier, method) -> None:
    steps: list[tuple[int, int]] = []
    explain_by(method, tiny, LONG, advance=lambda done, total: steps.append((done, total)))
    assert steps == sorted(steps)
    assert (
        steps[-1][0]
        == steps[-1][1]
        == {"gradient": 1, "integrated-gradients": 50}.get(method, len(LONG.split()))
    )


def test_errors(tiny: DocumentClassifier, monkeypatch) -> None:
    with pytest.raises(InputError, match="nothing to read"):
        explain_by("gradient", tiny, " ")
    with pytest.raises(LabelError, match="the model has no class '스포츠'"):
        explain_by("occlusion", tiny, LONG, "스포츠")
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(
        HdocError, match=r"the method gradient needs captum; run: pip install 'hdoc\[evaluate\]'"
    ):
        explain_by("gradient", tiny, LONG)
    assert explain_by("attention", tiny, LONG).method == "attention"


def test_the_command_explains_by_any_method(tmp_path, capsys) -> None:
    import json

    from hdoc.cli import main
    from tests.known import save_known_model

    model, article = save_known_model(tmp_path / "model"), tmp_path / "article.txt"
    article.write_text(TEXT, encoding="utf-8")
    for method in METHODS:
        options = ["--method", method, "--format", "json", "--label", "경제"]
        assert main(["explain", str(article), "-m", str(model), *options]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert (shown["method"], shown["target"]) == (method, "경제")


def test_views_do_not_call_other_scores_shares_of_the_model(tiny: DocumentClassifier) -> None:
    from io import StringIO

    from rich.console import Console

    from hdoc.rendering import to_terminal

    own, other = tiny.explain(LONG), explain_by("attention", tiny, LONG)
    exact, remainder = "divide the model's computation exactly", "not shares of the model's computation"
    assert exact in to_html(own, LONG, language="en").replace("&#x27;", "'")
    page = to_html(other, LONG, language="en").replace("&#x27;", "'")
    assert exact not in page
    assert remainder in page
    shown = [StringIO(), StringIO()]
    for explanation, file in zip((own, other), shown, strict=True):
        to_terminal(explanation, LONG, Console(file=file, width=200), language="en")
    assert remainder not in shown[0].getvalue()
    assert remainder in " ".join(shown[1].getvalue().split())
