"""Training on pairs as its users run it: from files to a model that compares."""

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow.tracking import MlflowClient

import hdoc
from hdoc.cli.export import main as export_main
from hdoc.cli.train import main
from hdoc.tasks.pair.classifier import PairClassifier
from hdoc.training.configs import shipped_configs
from hdoc.training.tasks.pair.data import PairData
from tests.cli.test_train import in_process
from tests.labelled import write
from tests.pairs import LABELS, pairs

pytestmark = [
    # MLflow's own use of its database library, Lightning's of jsonargparse and torch.
    pytest.mark.filterwarnings("ignore::jsonargparse._deprecated.JsonargparseDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow.*"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
]


def options(encoder: Path, *more: str) -> list[str]:
    small = ["--model.window", "32", "--trainer.accelerator", "cpu", "--trainer.max_epochs", "2"]
    return ["--task", "pair", "--model.encoder", str(encoder), *small, *more]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path, empty_store: Path) -> Iterator[Path]:
    """Return the folder of someone who has trained on classes and on scores, with a store."""
    folder = tmp_path_factory.mktemp("pairs")
    shutil.copy(empty_store, folder / "mlflow.db")
    write(folder / "nli.jsonl", pairs(45))
    scored = [{"첫째": r["a"], "둘째": r["b"], "점수": r["label"]} for r in pairs(45, regression=True)]
    write(folder / "sts.jsonl", scored)
    write(folder / "test.jsonl", scored[:12])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        files = ["--data.train_file", "nli.jsonl", "--run.name", "nli", "--trainer.log_every_n_steps", "1"]
        assert main(["fit", *options(tiny_encoder, *files)]) == 0
        files = ["--data.train_file", "sts.jsonl", "--data.test_file", "test.jsonl", "--run.name", "sts"]
        columns = ["--data.a_column", "첫째", "--data.b_column", "둘째", "--data.label_column", "점수"]
        assert main(["fit", *options(tiny_encoder, *files, *columns), "--model.regression", "true"]) == 0
        yield folder


def run_of(place: Path, name: str) -> Any:
    client = MlflowClient(f"sqlite:///{place}/mlflow.db")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return {run.info.run_name: run for run in client.search_runs(experiments)}[name]


class TestAFit:
    def test_it_leaves_a_model_of_classes(self, place: Path) -> None:
        model = hdoc.load(place / "runs" / "hdoc" / "nli" / "model")
        assert isinstance(model, PairClassifier)
        assert model.labels == tuple(sorted(LABELS))
        assert model.temperature.base != 1
        [found] = model.compare([("버스가 늦는다.", "환율이 올랐다.")])
        assert found.label in LABELS
        assert sum(found.probabilities.values()) == pytest.approx(1)

    def test_it_leaves_a_model_of_scores_in_the_range_of_train(self, place: Path) -> None:
        model = hdoc.load(place / "runs" / "hdoc" / "sts" / "model")
        assert isinstance(model, PairClassifier)
        same, other = model.compare(
            [("버스가 늦는다.", "버스가 늦는다."), ("버스가 늦는다.", "환율이 올랐다.")]
        )
        assert same.score == pytest.approx(5, abs=1e-4)
        assert other.score is not None
        assert 0 <= other.score < 5

    def test_mlflow_has_the_figures_of_each_kind(self, place: Path) -> None:
        nli, sts = run_of(place, "nli"), run_of(place, "sts")
        assert {nli.info.status, sts.info.status} == {"FINISHED"}
        classes = {"dev/macro_f1", "dev/accuracy", "dev/loss", "dev/ece", "calibration/temperature"}
        assert classes | {"train/pairs_per_second", "train/loss"} <= nli.data.metrics.keys()
        scores = {f"{split}/{name}" for split in ("dev", "test") for name in ("spearman", "pearson", "mse")}
        assert scores <= sts.data.metrics.keys()
        assert not classes & sts.data.metrics.keys()

    def test_the_best_epoch_is_that_of_the_figure_that_is_watched(self, place: Path) -> None:
        for name, figure in (("nli", "macro_f1"), ("sts", "spearman")):
            run = place / "runs" / "hdoc" / name
            best = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["hdoc"]["figures"]["dev"]
            assert next(iter(best)) == figure
            assert f"monitor: dev/{figure}" in (run / "config.yaml").read_text(encoding="utf-8")

    def test_mlflow_runs_the_model_over_a_table(self, place: Path) -> None:
        import mlflow
        import pandas

        client = MlflowClient(f"sqlite:///{place}/mlflow.db")
        run = run_of(place, "sts")
        [output] = client.get_run(run.info.run_id).outputs.model_outputs
        loaded = mlflow.pyfunc.load_model(f"models:/{output.model_id}")
        assert loaded.metadata.signature.inputs.input_names() == ["a", "b"]
        names = ["label", "probability", "probabilities", "score", "error"]
        assert loaded.metadata.signature.outputs.input_names() == names
        rows = loaded.predict(pandas.DataFrame({"a": ["가", "나"], "b": ["가", "다"]})).to_dict("records")
        assert rows[0]["score"] == pytest.approx(5, abs=1e-4)
        assert (rows[0]["label"], rows[0]["probabilities"], rows[0]["error"]) == ("", {}, "")

    def test_the_card_says_what_it_is(self, place: Path) -> None:
        runs = place / "runs" / "hdoc"
        card = (runs / "sts" / "model" / "README.md").read_text(encoding="utf-8")
        assert "scores from 0 to 5" in card
        assert "dev: spearman" in card
        assert "test: spearman" in card
        assert str(place) not in card.partition("## Settings")[0]
        assert "3 classes: 같음, 다름, 모름" in (runs / "nli" / "model" / "README.md").read_text("utf-8")
        assert (runs / "nli" / "plots" / "confusion.png").is_file()


class TestOtherCommands:
    def test_test_and_export(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        run = place / "runs" / "hdoc" / "sts"
        best = str(run / "checkpoints" / "best.ckpt")
        assert main(["test", "--config", str(run / "config.yaml"), "--ckpt_path", best]) == 0
        figures = torch.load(best, weights_only=True)["hdoc"]["figures"]["test"]
        assert f"test spearman {figures['spearman']:.4f}\n" in capsys.readouterr().err
        assert export_main([best, str(place / "again"), "--half"]) == 0
        assert "hdoc predict -m" in capsys.readouterr().out
        whole = run / "model" / "weights.safetensors"
        assert (place / "again" / whole.name).stat().st_size < 0.6 * whole.stat().st_size
        assert export_main([best, str(place / "again"), "--eight-bit"]) == 0
        assert (place / "again" / whole.name).stat().st_size < 0.5 * whole.stat().st_size
        assert export_main([best, str(place / "again")]) == 0
        assert (place / "again" / whole.name).read_bytes() == whole.read_bytes()

    @pytest.mark.parametrize("name", ["nli", "sts"])
    def test_predict_writes_what_the_exported_model_says(self, place: Path, name: str) -> None:
        rows = [{key: row[key] for key in ("id", "a", "b")} for row in pairs(7)]
        write(place / "new.jsonl", rows)
        best = f"runs/hdoc/{name}/checkpoints/best.ckpt"
        more = ["--data.predict_file", "new.jsonl", "--run.name", f"new-{name}", "--ckpt_path", best]
        assert main(["predict", "--task", "pair", "--trainer.accelerator", "cpu", *more]) == 0
        path = place / "runs" / "hdoc" / f"new-{name}" / "predictions.jsonl"
        predicted = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert [line["id"] for line in predicted] == [row["id"] for row in rows]
        model = PairClassifier.load(place / "runs" / "hdoc" / name / "model")
        for line, expected in zip(predicted, model.compare([(r["a"], r["b"]) for r in rows]), strict=True):
            assert line["label"] == expected.label
            assert line["score"] == pytest.approx(expected.score, abs=1e-4)
            assert line["probability"] == pytest.approx(expected.probability, abs=1e-5)

    def test_a_checkpoint_of_another_task_is_refused(
        self, place: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        best = "runs/hdoc/sts/checkpoints/best.ckpt"
        assert main(["test", "--data.train_file", "nli.jsonl", "--ckpt_path", best]) == 1
        wrong = "expected a checkpoint of the task document, got one of pair; use --task pair\n"
        assert capsys.readouterr().err.endswith(wrong)


class TestData:
    def make(self, folder: Path, encoder: Path, rows: list[dict[str, Any]], **values: Any) -> PairData:
        return PairData(write(folder / "train.jsonl", rows), encoder=str(encoder), window=32, **values)

    def test_a_batch_has_the_first_texts_and_then_the_second(
        self, tmp_path: Path, tiny_encoder: Path
    ) -> None:
        rows = pairs(9)
        rows[4]["a"] = " ".join([rows[4]["a"]] * 5)
        data = self.make(tmp_path, tiny_encoder, rows, dev_share=0, batch_pairs=4)
        data.setup("fit")
        batches = list(data.train_dataloader())
        assert sorted(torch.cat([batch.rows for batch in batches]).tolist()) == list(range(9))
        for batch in batches:
            n = len(batch.rows)
            assert len(batch.texts.counts) == 2 * n
            for place, row in enumerate(batch.rows.tolist()):
                assert batch.targets[place] == data.labels.index(rows[row]["label"])
                assert (batch.texts.counts[place] > 1) == (row == 4), "a long text has several windows"
        n_pieces = sum(int(batch.texts.windows.n_pieces.sum()) for batch in batches)
        texts = [row[side] for row in rows for side in ("a", "b")]
        whole = data.tokenizer.tokenizer
        assert n_pieces == sum(len(whole.encode(text, add_special_tokens=False).ids) for text in texts)

    @pytest.mark.parametrize("regression", [False, True])
    def test_dev_is_held_out_of_each_class_or_tenth(
        self, tmp_path: Path, tiny_encoder: Path, regression: bool, capsys: pytest.CaptureFixture[str]
    ) -> None:
        data = self.make(tmp_path, tiny_encoder, pairs(30, regression), regression=regression, dev_share=0.2)
        data.setup("fit")
        targets = torch.cat([batch.targets for batch in data.val_dataloader()])
        assert [int((targets == value).sum()) for value in targets.unique()] == [2, 2, 2]
        assert len(data.ids("train")) == 24
        assert not set(data.ids("train")) & set(data.ids("dev"))
        said = capsys.readouterr().err
        assert f"20% of each {'tenth of the scores' if regression else 'class'} (seed 0)" in said
        assert ("scores from 0 to 5" if regression else "3 classes") in said

    @pytest.mark.parametrize(
        ("change", "regression", "message"),
        [
            (
                {"b": " "},
                False,
                r"row 2: expected a text in 'b', got an empty one; write one or delete the row",
            ),
            ({"a": None}, False, r"row 2: expected a text in 'a', got nothing"),
            ({"label": None}, False, r"row 2: expected a label in 'label', got nothing"),
            (
                {"label": 2.5},
                False,
                r"row 2: expected a label in 'label', got 2\.5; scores need model\.regression",
            ),
            ({"label": "많이"}, True, r"row 2: expected a number in 'label', got '많이'"),
            ({"label": True}, True, r"row 2: expected a number in 'label', got True"),
            ({"a": "\u200b"}, False, r"row 2: expected words, but the encoder's tokenizer leaves nothing"),
        ],
    )
    def test_a_row_that_cannot_be_used_is_named(
        self, tmp_path: Path, tiny_encoder: Path, change: dict[str, Any], regression: bool, message: str
    ) -> None:
        rows = pairs(6, regression)
        rows[1] |= change
        with pytest.raises(hdoc.DataError, match=message):
            self.make(tmp_path, tiny_encoder, rows, regression=regression).setup("fit")

    def test_all_rows_that_are_wrong_are_counted(self, tmp_path: Path, tiny_encoder: Path) -> None:
        rows = [{**row, "a": ""} for row in pairs(3)]
        with pytest.raises(hdoc.DataError, match=r"row 1: .* \(2 more rows cannot be used: 2, 3\)"):
            self.make(tmp_path, tiny_encoder, rows).setup("fit")

    def test_what_cannot_be_learnt_from(self, tmp_path: Path, tiny_encoder: Path) -> None:
        same = [{**row, "label": "1"} for row in pairs(4)]
        with pytest.raises(hdoc.DataError, match="at least two different labels, got only '1'"):
            self.make(tmp_path, tiny_encoder, same).setup("fit")
        with pytest.raises(hdoc.DataError, match="at least two different scores, got only 1"):
            self.make(tmp_path, tiny_encoder, same, regression=True).setup("fit")
        with pytest.raises(hdoc.DataError, match=r"expected rows, got none|is empty|expected"):
            self.make(tmp_path, tiny_encoder, []).setup("fit")
        with pytest.raises(hdoc.DataError, match=r"expected a column '문장', got .*; name .* data\.b_column"):
            self.make(tmp_path, tiny_encoder, same, b_column="문장").setup("fit")
        with pytest.raises(hdoc.DataError, match=r"expected data\.train_file, got none"):
            PairData(encoder=str(tiny_encoder)).setup("fit")

    def test_dev_must_do_with_the_labels_of_train(self, tmp_path: Path, tiny_encoder: Path) -> None:
        dev = write(tmp_path / "dev.jsonl", [{**pairs(1)[0], "label": "새것"}])
        with pytest.raises(
            hdoc.DataError, match=r"dev\.jsonl, row 1: expected a label that the training data"
        ):
            self.make(tmp_path, tiny_encoder, pairs(6), dev_file=dev).setup("fit")


@pytest.mark.parametrize("name", ["nli", "similarity"])
def test_each_config_trains(
    name: str, tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert name in shipped_configs()
    monkeypatch.chdir(tmp_path)
    rows = pairs(24, regression=name == "similarity")
    arguments = ["--model.encoder", str(tiny_encoder), "--model.window", "32", "--trainer.max_epochs", "1"]
    arguments += ["--trainer.logger", "false", "--trainer.accelerator", "cpu"]
    for split in ("train", "dev", "test"):
        write(tmp_path / f"{split}.jsonl", rows)
        arguments += [f"--data.{split}_file", f"{split}.jsonl"]
    assert main(["fit", "--config", name, *arguments]) == 0
    [model] = tmp_path.glob("runs/*/*/model")
    assert (PairClassifier.load(model).labels == ()) == (name == "similarity")


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_weights_of_one_that_was_not(tmp_path: Path, tiny_encoder: Path) -> None:
    write(tmp_path / "train.jsonl", pairs(36))
    fixed = options(tiny_encoder, "--data.train_file", "train.jsonl", "--data.batch_pairs", "4")
    fixed += ["--checkpoint.minutes", "0", "--trainer.logger", "false"]
    in_process(tmp_path, "fit", *fixed, "--run.name", "whole")
    kill = [{"class_path": "tests.killing.KillAt", "init_args": {"epoch": 1, "batch": 3, "name": "SIGKILL"}}]
    more = ["--run.name", "killed", "--trainer.callbacks", json.dumps(kill)]
    killed = in_process(tmp_path, "fit", *fixed, *more, check=False)
    assert killed.returncode == -signal.SIGKILL
    in_process(tmp_path, "fit", "--resume", "runs/hdoc/killed", "--trainer.callbacks", "null")
    whole, resumed = (
        torch.load(tmp_path / "runs" / "hdoc" / name / "checkpoints" / "last.ckpt", weights_only=True)
        for name in ("whole", "killed")
    )
    assert whole["global_step"] == resumed["global_step"]
    for name, value in whole["state_dict"].items():
        torch.testing.assert_close(resumed["state_dict"][name], value, atol=1e-6, rtol=0)


@pytest.mark.slow
def test_a_search_goes_by_the_figure_of_the_task(
    store: str, tmp_path: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "train.jsonl", pairs(30, regression=True))
    fit = options(tiny_encoder, "--data.train_file", "train.jsonl", "--model.regression", "true")
    assert main(["sweep", "--trials", "1", *fit, "--trainer.max_epochs", "1"]) == 0
    assert "best: trial 0, dev spearman " in capsys.readouterr().err
    run = MlflowClient(store).search_runs(["1"], "attributes.run_name = 'sweep'")[0]
    assert "trial/dev/spearman" in run.data.metrics
