import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from safetensors.numpy import load_file

from hdoc import DocumentClassifier, HdocError, ModelError
from hdoc.tasks.document.engine_onnx import OnnxNetwork
from hdoc.tasks.document.folder.loading import load_model
from hdoc.tasks.document.folder.saving import save_model
from hdoc.tasks.document.shape import NetworkShape
from hdoc.training.tasks.document.export import write_graph
from tests.known import known_model
from tests.places import ROOT
from tests.tasks.document.test_classifier import ARTICLE
from tests.text.test_sentences import NASTY

LONG = (
    "주민들은 공장의 소음과 냄새 때문에 잠을 잘 수 없다고 말한다. 시장은 새 도서관을 열겠다고 밝혔다.\n" * 40
)


@pytest.fixture(scope="module")
def pair(tiny_model: Path) -> tuple[DocumentClassifier, DocumentClassifier]:
    return DocumentClassifier.load(tiny_model, runtime="onnx"), DocumentClassifier.load(tiny_model, "cpu")


@pytest.mark.parametrize("text", [ARTICLE, LONG, *NASTY.values()], ids=["article", "long", *NASTY])
def test_explanations_are_those_of_torch(
    pair: tuple[DocumentClassifier, DocumentClassifier], text: str
) -> None:
    found, expected = (classifier.explain(text) for classifier in pair)
    assert found.label == expected.label
    assert found.logit == pytest.approx(expected.logit, abs=1e-4)
    assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-5)
    for one, other in zip(found.sentences, expected.sentences, strict=True):
        assert (one.start, one.end) == (other.start, other.end)
        assert one.attention == pytest.approx(other.attention, abs=1e-5)
        for word, same in zip(one.words, other.words, strict=True):
            assert (word.start, word.end) == (same.start, same.end)
            assert word.attention == pytest.approx(same.attention, abs=1e-5)
            assert word.contribution == pytest.approx(same.contribution, abs=1e-4)


def test_the_model_that_comes_with_hdoc_agrees_with_torch() -> None:
    article = ROOT / "hdoc" / "assets" / "samples" / "transport.txt"
    text = article.read_text(encoding="utf-8")
    found = DocumentClassifier.load(runtime="onnx").explain(text)
    expected = DocumentClassifier.load(device="cpu").explain(text)
    assert found.logit == pytest.approx(expected.logit, abs=1e-4)
    for one, other in zip(found.sentences, expected.sentences, strict=True):
        assert [w.contribution for w in one.words] == pytest.approx(
            [w.contribution for w in other.words], abs=1e-4
        )


def test_many_documents_are_classified_as_by_torch(
    pair: tuple[DocumentClassifier, DocumentClassifier],
) -> None:
    texts = [ARTICLE, LONG, "짧은 글이다.", ARTICLE]
    for found, expected in zip(*(classifier.classify(texts) for classifier in pair), strict=True):
        assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-5)


def test_explaining_works_where_there_is_no_torch(tiny_model: Path, tmp_path: Path) -> None:
    article = tmp_path / "article.txt"
    article.write_text(ARTICLE, encoding="utf-8")
    program = f"""
import sys
sys.modules["torch"] = None  # importing it fails
from hdoc.cli import main
from tests.places import ROOT
code = main(["explain", {str(article)!r}, "-m", {str(tiny_model)!r}, "--format", "json"])
code |= main(["explain", {str(article)!r}, "-m", {str(tiny_model)!r}, "--check", "--language", "en"])
code |= main(["classify", {str(article)!r}, "-m", {str(tiny_model)!r}, "--runtime", "onnx", "--workers", "0"])
sys.exit(code)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert '"schema_version": 1' in result.stdout


def test_the_graph_can_be_written_with_its_weights(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    path = write_graph(folder)
    onnx.checker.check_model(str(path), full_check=True)
    stored = {item.name: onnx.numpy_helper.to_array(item) for item in onnx.load(path).graph.initializer}
    weights = load_file(tiny_model / "weights.safetensors")
    assert weights.keys() - stored.keys() == {name for name in weights if name.startswith("sentence_")} | {
        "classifier.bias"
    }
    for name in weights.keys() & stored.keys():
        np.testing.assert_array_equal(stored[name], weights[name])
    seen = np.ones((2, 4), dtype=bool)
    ids = np.array([[2, 5, 6, 3], [2, 7, 8, 3]])
    inputs = {"ids": ids, "positions": np.arange(4), "mask": seen, "piece_mask": seen}
    found = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, inputs)
    network = load_model(folder, "onnx").network
    assert isinstance(network, OnnxNetwork)
    for one, other in zip(found, network.read(ids, seen, seen), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_what_only_torch_can_run_is_told(tiny_model: Path, tmp_path: Path) -> None:
    weights = {k: v.astype(np.float32) for k, v in load_file(tiny_model / "weights.safetensors").items()}
    with pytest.raises(
        ModelError, match=r"expected a BERT or RoBERTa with gelu, .* 'electra' with 'gelu'; use"
    ):
        OnnxNetwork({"model_type": "electra"}, NetworkShape(3), weights)
    model = known_model(context="gru")
    save_model(
        tmp_path / "model",
        model.network,
        model.tokenizer,
        encoder_config=model.encoder_config,
        labels=list(model.labels),
    )
    with pytest.raises(ModelError, match=r"expected the context none or convolution, .* got gru; use"):
        DocumentClassifier.load(tmp_path / "model", runtime="onnx")
    with pytest.raises(HdocError, match=r"expected the device cpu and float32, .* got cuda and float32"):
        DocumentClassifier.load(tiny_model, device="cuda", runtime="onnx")
    with pytest.raises(HdocError, match="expected the model in torch, which this needs"):
        DocumentClassifier.load(tiny_model, runtime="onnx").network  # noqa: B018


def test_damaged_weights_are_told(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"expected a weight encoder\.embeddings.word_embeddings\.weight"):
        OnnxNetwork(load_model(tiny_model).encoder_config, NetworkShape(3), {})


def test_in_8_bit_the_shares_still_add_up_and_the_scores_stay_near(
    pair: tuple[DocumentClassifier, DocumentClassifier], tiny_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    classifier = DocumentClassifier.load(tiny_model, runtime="onnx", precision="int8")
    assert classifier.engine.description == "ONNX Runtime, cpu, int8"
    found, expected = classifier.explain(LONG), pair[0].explain(LONG)
    assert found.bias + sum(sentence.contribution for sentence in found.sentences) == pytest.approx(
        found.logit, abs=1e-4
    )
    assert found.logit == pytest.approx(expected.logit, abs=0.1)
    assert found.logit != expected.logit
    assert capfd.readouterr().err == ""


def test_8_bit_is_not_for_torch(tiny_model: Path) -> None:
    with pytest.raises(HdocError, match="expected the runtime onnx with the precision int8, got torch"):
        DocumentClassifier.load(tiny_model, "cpu", precision="int8")


def test_8_bit_says_what_it_needs(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(HdocError, match=r"the precision int8 needs onnx; run: pip install onnx"):
        DocumentClassifier.load(tiny_model, runtime="onnx", precision="int8")
