"""Pairs of texts: the network, its folder, and the model in use, from Python and on the command line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from torch.nn import functional as F

import hdoc
from hdoc import HdocError, InputError, ModelError, PairClassifier, cli
from hdoc.pyfunc import _load_pyfunc
from hdoc.storage.reading import sha256
from hdoc.storage.writing import write_json
from hdoc.tables.records import Record
from hdoc.tasks.pair.classifier import text_windows
from hdoc.tasks.pair.folder import load_model
from hdoc.tokens.batches import batch_documents
from tests.conftest import SENTENCES
from tests.labelled import write
from tests.pairs import CLASSES, LABELS, SCORES, network_of, save_pair_model, tokenizer_of

NOTHING = "\u200b"  # is not blank, but the tokenizer leaves nothing of it


@pytest.fixture(scope="module")
def classes(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_pair_model(tmp_path_factory.mktemp("pair") / "classes", tiny_encoder)


@pytest.fixture(scope="module")
def scores(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_pair_model(tmp_path_factory.mktemp("pair") / "scores", tiny_encoder, SCORES)


class TestNetwork:
    def test_a_mean_is_over_the_word_pieces_alone(self, tiny_encoder: Path) -> None:
        network, tokenizer = network_of(tiny_encoder, CLASSES), tokenizer_of(tiny_encoder, 64)
        texts = [text_windows(text, tokenizer) for text in SENTENCES[:5]]
        with torch.no_grad():
            found = network.means(batch_documents(texts, tokenizer))
            for mean, [pieces] in zip(found, texts, strict=True):
                ids = torch.tensor([[*tokenizer.prefix, *pieces, *tokenizer.suffix]])
                states = network.encoder(ids, torch.ones_like(ids, dtype=torch.bool))[0]
                torch.testing.assert_close(mean, states[1:-1].mean(0), atol=1e-5, rtol=0)

    def test_padding_and_company_do_not_count(self, tiny_encoder: Path) -> None:
        network, tokenizer = network_of(tiny_encoder, CLASSES), tokenizer_of(tiny_encoder)
        texts = [text_windows(text, tokenizer) for text in (SENTENCES[0] * 9, "버스", *SENTENCES)]
        with torch.no_grad():
            together = network.means(batch_documents(texts, tokenizer))
            alone = torch.cat([network.means(batch_documents([text], tokenizer)) for text in texts])
            in_parts = network.means(batch_documents(texts, tokenizer, 64), budget=64)
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
        torch.testing.assert_close(together, in_parts, atol=1e-5, rtol=0)

    def test_pieces_of_several_windows_are_averaged_together(self, tiny_encoder: Path) -> None:
        network, tokenizer = network_of(tiny_encoder, CLASSES), tokenizer_of(tiny_encoder, 8)
        windows = text_windows(" ".join(SENTENCES[:2]), tokenizer)
        assert len({len(window) for window in windows}) > 1, "of different lengths"
        with torch.no_grad():
            [whole] = network.means(batch_documents([windows], tokenizer))
            each = network.means(batch_documents([[window] for window in windows], tokenizer))
        sizes = torch.tensor([float(len(window)) for window in windows]).unsqueeze(1)
        torch.testing.assert_close(whole, (each * sizes).sum(0) / sizes.sum(), atol=1e-5, rtol=0)

    def test_an_encoder_of_transformers_gives_the_same(self, tiny_encoder: Path) -> None:
        from transformers import AutoModel

        from hdoc.encoders.build import TransformersEncoder

        network, tokenizer = network_of(tiny_encoder, SCORES), tokenizer_of(tiny_encoder)
        texts = batch_documents([text_windows(text, tokenizer) for text in SENTENCES[:6]], tokenizer)
        model = AutoModel.from_pretrained(tiny_encoder)
        network.encoder.load_state_dict(
            {name: model.state_dict()[name] for name in network.encoder.state_dict()}
        )
        with torch.no_grad():
            packed = network(texts)
            network.encoder = TransformersEncoder(model).eval()
            torch.testing.assert_close(network(texts), packed, atol=1e-5, rtol=0)

    def test_a_score_is_the_cosine_on_the_scale_and_a_class_depends_on_the_order(
        self, tiny_encoder: Path
    ) -> None:
        first, second = torch.randn(2, 4, 32)
        scored = network_of(tiny_encoder, SCORES).judge(first, second)
        torch.testing.assert_close(scored, 5 * F.cosine_similarity(first, second))
        network = network_of(tiny_encoder, CLASSES)
        assert network.judge(first, second).shape == (4, 3)
        assert not torch.allclose(network.judge(first, second), network.judge(second, first))


class TestCompare:
    PAIRS = ((SENTENCES[0], SENTENCES[0]), (SENTENCES[1], SENTENCES[2]), (SENTENCES[2], SENTENCES[1]))

    def test_classes_have_calibrated_probabilities_most_probable_first(self, classes: Path) -> None:
        model = PairClassifier.load(classes)
        found = model.compare(self.PAIRS)
        logits = []
        for pair in self.PAIRS:
            batch = batch_documents([text_windows(text, model.tokenizer) for text in pair], model.tokenizer)
            with torch.no_grad():
                logits.append(model.network(batch)[0] / 1.5)
        for result, row in zip(found, torch.stack(logits).softmax(1).tolist(), strict=True):
            assert dict(result.probabilities) == pytest.approx(dict(zip(LABELS, row, strict=True)), abs=1e-5)
            assert list(result.probabilities.values()) == sorted(result.probabilities.values(), reverse=True)
            assert result.label == next(iter(result.probabilities))
            assert result.probability == result.probabilities[result.label]
            assert result.score is None

    def test_scores_are_on_the_scale_and_the_same_both_ways(self, scores: Path) -> None:
        same, there, back = PairClassifier.load(scores).compare(self.PAIRS)
        assert same.score == pytest.approx(5, abs=1e-4)
        assert there.score == pytest.approx(back.score, abs=1e-5)
        assert (there.label, there.probability, dict(there.probabilities)) == (None, None, {})

    def test_a_text_longer_than_the_window_is_read_whole(self, scores: Path) -> None:
        model = PairClassifier.load(scores)
        long = " ".join(SENTENCES)
        assert len(text_windows(long, model.tokenizer)) > 3
        whole, other = model.compare([(long, long), (long, f"{long} {SENTENCES[0]}")])
        assert whole.score == pytest.approx(5, abs=1e-4)
        assert other.score is not None
        assert other.score < 5 - 1e-6, "what comes last counts too"

    def test_many_pairs_come_in_order(self, scores: Path) -> None:
        pairs = [(SENTENCES[i % 15], SENTENCES[(i * i) % 15]) for i in range(150)]
        model = PairClassifier.load(scores)
        alone = [model.compare([pair])[0].score for pair in pairs]
        assert [one.score for one in model.compare(pairs)] == pytest.approx(alone, abs=1e-4)

    def test_a_text_without_pieces_is_named(self, scores: Path) -> None:
        with pytest.raises(InputError, match="pair 1: expected a text with words, got one with nothing"):
            PairClassifier.load(scores).compare([("가", "나"), (NOTHING, "나")])

    def test_half_precision_gives_nearly_the_same(self, scores: Path) -> None:
        whole, half = (
            PairClassifier.load(scores, "cpu", precision=precision).compare(self.PAIRS)
            for precision in ("float32", "bfloat16")
        )
        assert [one.score for one in half] == pytest.approx([one.score for one in whole], abs=0.05)

    @pytest.mark.parametrize(("weights", "size", "apart"), [("16bit", 0.6, 0.005), ("8bit", 0.5, 0.05)])
    def test_smaller_weights_give_nearly_the_same(
        self, scores: Path, tiny_encoder: Path, tmp_path: Path, weights: Any, size: float, apart: float
    ) -> None:
        small = save_pair_model(tmp_path / "small", tiny_encoder, SCORES, weights)
        file = "weights.safetensors"
        assert (small / file).stat().st_size < size * (scores / file).stat().st_size
        whole, found = (PairClassifier.load(folder).compare(self.PAIRS) for folder in (scores, small))
        assert [one.score for one in found] == pytest.approx([one.score for one in whole], abs=apart)

    def test_what_pairs_have_not_is_one_line(self, scores: Path) -> None:
        with pytest.raises(HdocError, match="expected the runtime torch for a model of pairs, got onnx"):
            hdoc.load(scores, runtime="onnx")
        with pytest.raises(HdocError, match="expected float32 or bfloat16 for a model of pairs, got int8"):
            hdoc.load(scores, precision="int8")


class TestPredict:
    ROWS = (
        {"번호": "가", "하나": SENTENCES[0], "둘": SENTENCES[0]},
        {"번호": "나", "하나": " ", "둘": SENTENCES[1]},
        {"번호": "다", "하나": NOTHING, "둘": SENTENCES[1]},
        {"번호": "라", "하나": SENTENCES[2], "둘": SENTENCES[3]},
    )
    COLUMNS = ("--a-column", "하나", "--b-column", "둘", "--id-column", "번호", "--workers", "0")

    def predict(self, model: Path, folder: Path) -> list[dict[str, Any]]:
        table, target = write(folder / "rows.jsonl", list(self.ROWS)), folder / "out.jsonl"
        assert cli.main(["predict", "-m", str(model), table, "-o", str(target), *self.COLUMNS]) == 0
        return [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]

    def test_scores_over_a_table_with_errors_in_their_places(
        self, scores: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rows = self.predict(scores, tmp_path)
        assert [row["id"] for row in rows] == ["가", "나", "다", "라"]
        assert list(rows[0]) == ["id", "label", "probability", "probabilities", "score", "error"]
        assert rows[0]["score"] == pytest.approx(5, abs=1e-4)
        assert rows[0]["label"] is rows[0]["probabilities"] is rows[0]["error"] is None
        assert "expected a text in column '하나', got nothing but white space" in rows[1]["error"]
        assert rows[2]["error"] == "expected a text with words, got one with nothing to read"
        assert rows[1]["score"] is rows[2]["score"] is None
        said = capsys.readouterr().err
        assert "2 of 4 pairs have no result; their rows say why under 'error'" in said
        assert "without" not in said, "a score has no label, and that is no doubt"

    def test_classes_over_a_table(self, classes: Path, tmp_path: Path) -> None:
        rows = self.predict(classes, tmp_path)
        assert rows[0]["label"] in LABELS
        assert sum(rows[0]["probabilities"].values()) == pytest.approx(1)
        assert rows[0]["score"] is None

    def test_csv_and_parquet_hold_the_same(self, classes: Path, tmp_path: Path) -> None:
        import pyarrow.parquet as pq

        table = write(tmp_path / "rows.jsonl", list(self.ROWS))
        for name in ("out.csv", "out.parquet"):
            arguments = ["-m", str(classes), table, "-o", str(tmp_path / name), *self.COLUMNS]
            assert cli.main(["predict", *arguments]) == 0
        found = pq.read_table(tmp_path / "out.parquet").to_pylist()
        assert {one["label"] for one in found[0]["probabilities"]} == set(LABELS)
        assert found[0]["label"] in (tmp_path / "out.csv").read_text(encoding="utf-8-sig")

    def test_one_text_is_no_table_of_pairs(
        self, scores: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "a.txt").write_text("가", encoding="utf-8")
        assert cli.main(["predict", "-m", str(scores), str(tmp_path / "a.txt")]) == 1
        assert "with the columns a, b, got one text" in capsys.readouterr().err

    def test_rows_are_read_as_they_are_needed(self, scores: Path) -> None:
        taken = []

        def records() -> Any:
            for i in range(1000):
                taken.append(i)
                yield Record(str(i), {"a": "버스", "b": "버스"})

        rows = PairClassifier.load(scores).predict(records())
        assert next(rows)["id"] == "0"
        assert len(taken) < 200


def test_mlflow_runs_it_over_a_table_without_empty_cells(classes: Path, scores: Path) -> None:
    import pandas

    table = pandas.DataFrame({"a": [SENTENCES[0], None, NOTHING], "b": [SENTENCES[0]] * 3}, index=[7, 8, 9])
    found = _load_pyfunc(str(scores)).predict(table)
    assert found.index.tolist() == [7, 8, 9]
    assert found["score"].tolist() == [pytest.approx(5, abs=1e-4), 0.0, 0.0]
    assert found["error"].tolist() == [
        "",
        "expected a text in a, got none",
        "expected a text with words, got one with nothing to read",
    ]
    assert found["probabilities"].tolist() == [{}, {}, {}]
    assert _load_pyfunc(str(classes)).predict(table)["label"][7] in LABELS


class TestFolder:
    def test_it_comes_back_the_same(self, classes: Path, scores: Path) -> None:
        model = load_model(classes)
        assert model.labels == LABELS
        assert model.temperature.base == 1.5
        assert (model.identity.name, model.identity.version) == ("짝", "3")
        assert isinstance(hdoc.load(classes), PairClassifier)
        assert load_model(scores).network.shape == SCORES

    def changed(self, model: Path, folder: Path, name: str, content: Any) -> Path:
        """Return a copy with another part, whose checksum fits."""
        folder.mkdir(parents=True)
        for path in model.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        path = folder / name
        if name.endswith(".json"):
            value = json.loads(path.read_text(encoding="utf-8"))
            write_json(path, {**value, **content} if isinstance(content, dict) else content)
        else:
            save_file({**load_file(path), **content}, path)
        sums = json.loads((folder / "checksums.json").read_text(encoding="utf-8"))
        write_json(folder / "checksums.json", {**sums, name: sha256(path.read_bytes())})
        return folder

    @pytest.mark.parametrize(
        ("kind", "name", "content", "message"),
        [
            ("classes", "config.json", {"format_version": 9}, "expected format hdoc-model version 1 in"),
            (
                "classes",
                "config.json",
                {"task": "document"},
                "expected a model of the task pair in .* document",
            ),
            (
                "scores",
                "config.json",
                {"scores": [5, 0]},
                "lowest score below the highest in .*, got 5 and 0",
            ),
            ("scores", "config.json", {"scores": "5"}, "expected the lowest and highest score in .*, got 5"),
            (
                "scores",
                "labels.json",
                ["가"],
                r"expected no classes in a model of scores, got \['가'\]",
            ),
            (
                "classes",
                "labels.json",
                ["가"],
                r"does not fit config\.json: classifier\.(bias|weight) has shape",
            ),
            ("classes", "labels.json", ["가", "가", "나"], "names a class twice"),
            ("classes", "labels.json", [], "expected a list of class names"),
            ("classes", "calibration.json", {"temperature": 0}, "expected a temperature above"),
            ("classes", "config.json", {"window": 4000}, "expected a window of at most 128"),
            ("classes", "config.json", {"pad_id": 99999}, r"tokenizer\.json does not fit config\.json"),
            ("classes", "config.json", {"window": "x"}, "the parts of the model .* do not fit together"),
            ("classes", "weights.safetensors", {"more": np.zeros(1, np.float32)}, "more has shape"),
            (
                "classes",
                "weights.safetensors",
                {"classifier.bias": np.full(3, np.nan, np.float32)},
                "expected finite numbers in classifier.bias",
            ),
        ],
    )
    def test_a_damaged_part_is_one_clear_error(
        self, classes: Path, scores: Path, tmp_path: Path, kind: str, name: str, content: Any, message: str
    ) -> None:
        model = classes if kind == "classes" else scores
        with pytest.raises(ModelError, match=message) as raised:
            load_model(self.changed(model, tmp_path / "model", name, content))
        assert "\n" not in str(raised.value)

    @pytest.mark.parametrize("name", ["weights.safetensors", "tokenizer.json", "labels.json"])
    def test_a_part_that_is_cut_or_gone_is_told(self, scores: Path, tmp_path: Path, name: str) -> None:
        folder = self.changed(scores, tmp_path / "model", "config.json", {})
        (folder / name).write_bytes((scores / name).read_bytes()[:-1])
        with pytest.raises(ModelError, match=f"{name} is not what was exported"):
            hdoc.load(folder)
        (folder / name).unlink()
        with pytest.raises(ModelError, match=f"cannot read .*{name}"):
            hdoc.load(folder)

    def test_a_document_classifier_is_no_model_of_pairs(self, tiny_model: Path, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"expected a model of the task pair in .*, got one of document"):
            PairClassifier.load(tiny_model)
        with pytest.raises(ModelError, match="is not there"):
            PairClassifier.load(tmp_path / "nowhere")
