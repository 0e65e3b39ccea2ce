"""The training command as its users run it: in its own folder, from files to a model that explains."""

import csv
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from mlflow.tracking import MlflowClient
from pytorch_lightning import Trainer

from hdoc import DocumentClassifier, cli
from hdoc.cli.export import main as export_main
from hdoc.cli.train import main
from hdoc.errors import HdocError
from hdoc.tasks.document.folder.loading import load_model
from hdoc.training.configs import expand_resume, find_configs, shipped_configs
from hdoc.training.progress_lines import MinuteLine
from hdoc.training.tasks.document.export import export_checkpoint
from tests.labelled import documents, telling_documents, write
from tests.places import ROOT

pytestmark = [
    # MLflow's own use of its database library, Lightning's of jsonargparse and torch.
    pytest.mark.filterwarnings("ignore::jsonargparse._deprecated.JsonargparseDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
]

LABELS = ("교통", "교육", "환경", "복지", "문화")
TINY = ["--model.window", "32", "--model.head.value_width", "16", "--model.head.channels", "8"]
QUICK = ["--data.workers", "0", "--data.cache_folder", "cache", "--trainer.accelerator", "cpu"]


def options(encoder: Path, *more: str) -> list[str]:
    return ["--model.encoder", str(encoder), *TINY, *QUICK, *more]


def in_process(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the training script in a process and a folder of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "train.py"), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=check,
        timeout=300,
    )


def runs(folder: Path) -> dict[str, Any]:
    """Return the runs of a folder's store by name."""
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return {run.info.run_name: run for run in client.search_runs(experiments)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Iterator[Path]:
    """Return the folder of someone who has trained on a CSV file with Korean column names."""
    folder = tmp_path_factory.mktemp("place")
    with (folder / "민원.csv").open("w", encoding="cp949", newline="") as file:
        table = csv.DictWriter(file, ["번호", "내용", "분류"])
        table.writeheader()
        for i, row in enumerate(documents(60, LABELS)):
            table.writerow({"번호": i, "내용": row["text"], "분류": row["label"]})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", raising=False)
        data = ["--data.train_file", "민원.csv", "--data.text_column", "내용", "--data.label_column", "분류"]
        limits = ["--trainer.max_epochs", "2", "--trainer.log_every_n_steps", "2"]
        names = ["--run.experiment", "민원", "--run.name", "first"]
        assert main(["fit", *options(tiny_encoder, *data, *limits, *names)]) == 0
        yield folder


class TestAFit:
    @pytest.mark.usefixtures("place")
    def test_kernels_of_shapes_long_past_are_not_kept(self) -> None:
        assert os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == "16"

    def test_it_leaves_a_model_that_explains(self, place: Path) -> None:
        classifier = DocumentClassifier.load(place / "runs" / "민원" / "first" / "model")
        assert set(classifier.labels) == set(LABELS)
        text = "버스 노선이 바뀌었습니다. 주민들은 불편합니다."
        explanation = classifier.explain(text)
        total = sum(sentence.contribution for sentence in explanation.sentences)
        assert explanation.logit == pytest.approx(explanation.bias + total, abs=1e-4)
        assert classifier.identity.name == "민원"
        assert classifier.identity.version == "first"

    def test_the_model_is_calibrated_and_has_a_card(self, place: Path) -> None:
        model = place / "runs" / "민원" / "first" / "model"
        calibration = json.loads((model / "calibration.json").read_text(encoding="utf-8"))
        assert calibration["temperature"] != 1.0
        card = (model / "README.md").read_text(encoding="utf-8")
        assert "| macro-F1 |" in card
        assert "F1 of 교통" in card
        assert "fitted on dev" in card
        assert str(place) not in card
        assert not [path for path in model.iterdir() if path.suffix in (".ckpt", ".pt", ".bin", ".pkl")]

    def test_the_best_checkpoint_is_exported_again_to_the_same_model(self, place: Path) -> None:
        run = place / "runs" / "민원" / "first"
        export_checkpoint(run / "checkpoints" / "best.ckpt", place / "again")
        for name in ("weights.safetensors", "calibration.json", "labels.json", "README.md"):
            assert (place / "again" / name).read_bytes() == (run / "model" / name).read_bytes()

    def test_mlflow_has_the_whole_run(self, place: Path) -> None:
        run = runs(place)["first"]
        assert run.info.status == "FINISHED"
        assert run.data.params["model.window"] == "32"
        assert run.data.params["data.label_column"] == "분류"
        assert len(run.data.tags["data.train"]) == 64
        [used] = run.inputs.dataset_inputs
        assert used.dataset.name == "민원.csv"
        assert run.data.tags["data.train"].startswith(used.dataset.digest)
        assert [tag.value for tag in used.tags] == ["training"]
        client = MlflowClient(f"sqlite:///{place}/mlflow.db")
        for name in ("train/loss", "train/waiting_share", "train/learning_rate/encoder", "dev/f1/교통"):
            assert client.get_metric_history(run.info.run_id, name), name
        assert {"calibration/temperature", "calibration/dev_ece_before", "dev/ece"} <= set(run.data.metrics)
        found = {
            f"{folder}/{Path(item.path).name}" if folder else item.path
            for folder in ("", "model", "model/data/model", "plots", "explanations")
            for item in client.list_artifacts(run.info.run_id, folder)
        }
        assert {"config.yaml", "environment.json", "model/MLmodel"} <= found
        assert "model/data/model/weights.safetensors" in found
        assert {"plots/confusion.png", "plots/reliability.png"} <= found
        pages = [name for name in found if name.startswith("explanations/")]
        assert 2 <= len(pages) <= 6
        assert all(name.endswith(".html") for name in pages)
        plot = place / "runs" / "민원" / "first" / "plots" / "confusion.png"
        assert plot.read_bytes().startswith(b"\x89PNG")

    def test_the_runs_config_is_the_resolved_one_and_runs_again(self, place: Path) -> None:
        text = (place / "runs" / "민원" / "first" / "config.yaml").read_text(encoding="utf-8")
        config = yaml.safe_load(text)
        assert config["run"] == {"experiment": "민원", "name": "first", "folder": "runs", "parent": None}
        assert config["model"]["deletion"]["sentences"] == 0.1
        assert config["ckpt_path"] is None
        assert main(["fit", "--config", "runs/민원/first/config.yaml", "--run.name", "second"]) == 0
        first, second = (place / "runs" / "민원" / name / "model" for name in ("first", "second"))
        weights = "weights.safetensors"
        assert (first / weights).read_bytes() == (second / weights).read_bytes(), (
            "the same seed, the same model"
        )

    @pytest.mark.usefixtures("place")
    def test_without_a_terminal_lines_say_how_far_it_is(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(MinuteLine.__init__, "__defaults__", (0.0,))
        assert main(["fit", "--config", "runs/민원/first/config.yaml", "--run.name", "third"]) == 0
        said = capsys.readouterr().err
        assert re.search(r"^epoch 1  step 1 of \d+  \d+ s left$", said, re.MULTILINE), said
        wanted = (
            r"^epoch 2  step (\d+) of \1  train/loss [\d.]+  [\d,]+ documents/s  [\d,]+ tokens/s  0 s left$"
        )
        assert re.search(wanted, said, re.MULTILINE), said

    def test_a_run_is_not_overwritten(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["fit", "--config", "runs/민원/first/config.yaml"]) == 1
        assert "the run runs/민원/first exists; choose another --run.name" in capsys.readouterr().err


def test_the_three_commands_of_the_readme_lead_from_a_table_to_an_explained_article(
    place: Path, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(place / "민원.csv", "complaints.csv")
    shutil.copy(place / "mlflow.db", "mlflow.db")  # a store without tables takes seconds to make
    Path("complaint.txt").write_text("버스가 오지 않습니다. 빠른 조치를 부탁드립니다.", encoding="utf-8")
    for readme in ("README.md", "README.ko.md"):
        block = (ROOT / readme).read_text(encoding="utf-8").partition("    hdoc train fit --data.train_file ")
        lines = f"{block[1]}{block[2]}".partition("\n\n")[0].splitlines()
        commands = [shlex.split(line)[1:] for line in lines]
        assert [command[0] for command in commands] == ["train", "export", "explain"]
        assert cli.main([*commands[0], *options(tiny_encoder, "--trainer.max_epochs", "1")]) == 0
        assert cli.main(commands[1]) == 0
        capsys.readouterr()
        assert cli.main(commands[2]) == 0
        assert "complaint.txt" in capsys.readouterr().out
        shutil.rmtree("runs")
        shutil.rmtree("my-model")


class TestOtherCommands:
    def test_validate_shows_the_figures_that_the_fit_ended_with(
        self, place: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run = place / "runs" / "민원" / "first"
        best = str(run / "checkpoints" / "best.ckpt")
        assert main(["validate", "--config", str(run / "config.yaml"), "--ckpt_path", best]) == 0
        shown = capsys.readouterr().err
        figures = torch.load(best, weights_only=True)["hdoc"]["figures"]["dev"]
        for name in ("macro_f1", "ece", "f1/교통"):
            assert f"dev {name} {figures[name]:.4f}\n" in shown

    def test_test_shows_calibrated_figures(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        write(place / "test.jsonl", [{"내용": r["text"], "분류": r["label"]} for r in documents(12, LABELS)])
        best = "runs/민원/first/checkpoints/best.ckpt"
        config = ["--config", "runs/민원/first/config.yaml", "--data.test_file", "test.jsonl"]
        assert main(["test", *config, "--ckpt_path", best]) == 0
        shown = capsys.readouterr().err
        assert "test macro_f1 " in shown
        assert "test f1/교통 " in shown
        assert runs(place)["first test"].info.status == "FINISHED"

    def test_predict_writes_what_the_exported_model_says(self, place: Path) -> None:
        rows = documents(7, LABELS, seed=5)
        write(place / "new.jsonl", [{"id": f"n{i}", "text": row["text"]} for i, row in enumerate(rows)])
        arguments = ["--data.predict_file", "new.jsonl", "--data.cache_folder", "cache", *QUICK[:2]]
        best = "runs/민원/first/checkpoints/best.ckpt"
        names = ["--run.experiment", "민원", "--run.name", "new", "--trainer.accelerator", "cpu"]
        assert main(["predict", *arguments, *names, "--ckpt_path", best]) == 0
        lines = (
            (place / "runs" / "민원" / "new" / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
        )
        predicted = [json.loads(line) for line in lines]
        assert [line["id"] for line in predicted] == [f"n{i}" for i in range(7)]
        classifier = DocumentClassifier.load(place / "runs" / "민원" / "first" / "model")
        for line, expected in zip(predicted, classifier.classify([r["text"] for r in rows]), strict=True):
            assert line["label"] == expected.label
            assert line["probability"] == pytest.approx(expected.probability, abs=1e-5)
            assert sum(line["probabilities"].values()) == pytest.approx(1)

    def test_without_a_checkpoint_nothing_can_be_evaluated(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["validate"]) == 1
        assert capsys.readouterr().err == (
            "hdoc: error: expected a checkpoint to validate: --ckpt_path runs/…/checkpoints/best.ckpt\n"
        )


class TestExport:
    def test_the_command(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        last = place / "runs" / "민원" / "first" / "checkpoints" / "last.ckpt"
        target = place / "half"
        assert export_main([str(last), str(target), "--half", "--name", "민원 분류", "--version", "3"]) == 0
        assert f"hdoc explain -m {target} FILE" in capsys.readouterr().out
        whole = place / "runs" / "민원" / "first" / "model" / "weights.safetensors"
        assert (target / "weights.safetensors").stat().st_size < 0.6 * whole.stat().st_size
        assert DocumentClassifier.load(target).identity.name == "민원 분류"
        assert "Not calibrated" in (target / "README.md").read_text(encoding="utf-8")

    def test_the_command_in_eight_bit(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        last = place / "runs" / "민원" / "first" / "checkpoints" / "last.ckpt"
        target = place / "eight"
        assert export_main([str(last), str(target), "--eight-bit"]) == 0
        whole = place / "runs" / "민원" / "first" / "model" / "weights.safetensors"
        assert (target / "weights.safetensors").stat().st_size < 0.5 * whole.stat().st_size
        assert "Weights are stored in 8 bit, by rows." in (target / "README.md").read_text(encoding="utf-8")
        assert DocumentClassifier.load(target).explain("버스가 오지 않습니다.").coverage == 1
        with pytest.raises(SystemExit):
            export_main([str(last), str(target), "--half", "--eight-bit"])
        assert "not allowed with argument" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "cannot read the checkpoint"),
            (b"no checkpoint", "is no checkpoint, or not a whole one"),
            ({"state_dict": {}}, "expected a checkpoint that hdoc train wrote"),
        ],
    )
    def test_what_is_no_checkpoint(
        self, tmp_path: Path, content: Any, message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "a.ckpt"
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif content is not None:
            torch.save(content, path)
        assert export_main([str(path), str(tmp_path / "model")]) == 1
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
        assert not (tmp_path / "model").exists()

    def test_pickled_code_is_not_run(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        class Trap:
            def __reduce__(self) -> Any:
                return (Path.touch, (tmp_path / "sprung",))

        torch.save({"hdoc": Trap()}, tmp_path / "a.ckpt")
        assert export_main([str(tmp_path / "a.ckpt"), str(tmp_path / "model")]) == 1
        assert not (tmp_path / "sprung").exists()


class TestArguments:
    def test_help_is_short_and_names_the_configs(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--help"]) == 0
        shown = capsys.readouterr().out
        assert "petitions" in shown
        assert len(shown.splitlines()) < 25

    def test_shipped_configs_go_by_name_and_files_by_path(self, tmp_path: Path) -> None:
        own = tmp_path / "petitions"
        petitions = str(shipped_configs()["petitions"])
        assert find_configs(["fit", "--config", "petitions", "-c=nsmc"]) == [
            "fit",
            "--config",
            petitions,
            f"-c={shipped_configs()['nsmc']}",
        ]
        own.write_text("", encoding="utf-8")
        assert find_configs(["fit", f"--config={own}"]) == ["fit", f"--config={own}"]

    def test_an_unknown_config_lists_those_there_are(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["fit", "--config", "petition"]) == 1
        error = capsys.readouterr().err
        names = ", ".join(sorted(shipped_configs()))
        assert "movies, multilabel, " in names
        assert f"{names}; petition is neither" in error

    def test_an_unknown_option_is_a_usage_error(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["fit", "--model.dropuot", "0.3"])
        assert ended.value.code == 2
        error = capsys.readouterr().err
        assert "dropuot" in error
        assert len(error.splitlines()) < 6

    def test_bad_data_is_one_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert main(["fit", "--data.train_file", "nowhere.csv"]) == 1
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith("hdoc: error: ")
        assert "nowhere.csv" in error

    def test_a_missing_package_names_the_extra(self) -> None:
        code = (
            "import sys; sys.modules['mlflow'] = None\n"
            "from hdoc.cli.train import main\n"
            "sys.exit(main(['fit', '--config', 'petitions']))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
        )
        assert done.returncode == 1
        assert done.stderr == (
            "hdoc: error: training needs mlflow, which is not installed; run: pip install 'hdoc[train]'\n"
        )

    def test_resuming_needs_a_run_that_got_somewhere(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(HdocError, match=r"found no runs/\*/\*/checkpoints/last\.ckpt here"):
            expand_resume(["fit", "--resume", "last"])
        with pytest.raises(HdocError, match=r"nowhere has no config\.yaml"):
            expand_resume(["fit", "--resume", "nowhere"])
        with pytest.raises(HdocError, match="expected: hdoc train fit --resume FOLDER"):
            expand_resume(["fit", "--resume"])
        run = tmp_path / "runs" / "a" / "b"
        run.mkdir(parents=True)
        (run / "config.yaml").write_text("", encoding="utf-8")
        with pytest.raises(HdocError, match="it ended before its first checkpoint"):
            expand_resume(["fit", "--resume=runs/a/b"])
        (run / "checkpoints").mkdir()
        (run / "checkpoints" / "last.ckpt").touch()
        assert expand_resume(["fit", "--resume", "last", "--trainer.max_epochs", "9"]) == [
            "fit",
            "--config",
            "runs/a/b/config.yaml",
            "--trainer.max_epochs",
            "9",
            "--ckpt_path",
            "runs/a/b/checkpoints/last.ckpt",
        ]


class TestConfigs:
    """Each shipped config trains, made small: its own values but for sizes, files and the encoder."""

    @pytest.mark.parametrize("name", ["petitions", "statutes", "klue-bert", "nsmc", "multilabel"])
    def test_it_trains(
        self, name: str, tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        rows = documents(24)
        if name == "multilabel":
            rows = [
                {**row, "label": [row["label"], "긴 글"][: 1 + (i % 5 > 2)]} for i, row in enumerate(rows)
            ]
        files = {"train": rows, "dev": rows[:12], "test": rows[12:]}
        arguments = options(tiny_encoder, "--trainer.logger", "false", "--trainer.max_epochs", "1")
        for split, part in files.items():
            write(tmp_path / f"{split}.jsonl", part)
            arguments += [f"--data.{split}_file", f"{split}.jsonl"]
        assert main(["fit", "--config", name, *arguments, "--data.batch_documents", "4"]) == 0
        [model] = tmp_path.glob("runs/*/*/model")
        # Also where the config looks at dev in every second epoch only, and there was but one.
        figures = json.loads((model.parent / "outcome.json").read_text(encoding="utf-8"))["splits"]
        assert set(figures) == {"dev", "test"}
        classifier = DocumentClassifier.load(model)
        assert classifier.multi_label == (name == "multilabel")
        assert set(classifier.labels) == {"경제", "문화", "사회"} | (
            {"긴 글"} if classifier.multi_label else set()
        )
        assert load_model(model).sentence_rule == ("lines" if name in ("nsmc", "statutes") else "kss")


def test_an_end_that_was_interrupted_is_made_again_the_same(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "train.jsonl", telling_documents(48))
    write(tmp_path / "dev.jsonl", telling_documents(15))
    files = ["--data.train_file", "train.jsonl", "--data.dev_file", "dev.jsonl", "--run.name", "a"]
    quiet = ["--trainer.logger", "false", "--trainer.max_epochs", "1"]
    looks: list[str] = []
    validate = Trainer.validate
    monkeypatch.setattr(Trainer, "validate", lambda *a, **k: looks.append("dev") or validate(*a, **k))
    assert main(["fit", *options(tiny_encoder, *files, *quiet)]) == 0
    assert not looks, "what training saw last is the best checkpoint: dev need not be read again"
    run = tmp_path / "runs" / "hdoc" / "a"
    assert (run / "model" / "lexical.safetensors").is_file(), "the best checkpoint holds a lexical part"
    before = {path: np.load(run / path / "scores" / "dev.npz")["logits"] for path in (".", "parts/network")}
    shutil.rmtree(run / "parts")
    (run / "outcome.json").unlink()
    assert main(["fit", "--resume", "runs/hdoc/a"]) == 0
    assert looks == ["dev"]
    for path, logits in before.items():
        np.testing.assert_allclose(np.load(run / path / "scores" / "dev.npz")["logits"], logits, atol=1e-5)


@pytest.mark.slow
class TestKilled:
    @pytest.fixture
    def train(self, tmp_path: Path, tiny_encoder: Path) -> Any:
        write(tmp_path / "train.jsonl", documents(40))
        write(tmp_path / "dev.jsonl", documents(12, seed=1))
        fixed = options(tiny_encoder, "--data.train_file", "train.jsonl", "--data.dev_file", "dev.jsonl")
        fixed += ["--data.batch_documents", "4", "--trainer.max_epochs", "2", "--checkpoint.minutes", "0"]
        fixed += ["--model.deletion.pieces", "0.1", "--trainer.accumulate_grad_batches", "2"]

        def run(name: str, *more: str, check: bool = True) -> Any:
            return in_process(tmp_path, "fit", *fixed, "--run.name", name, *more, check=check)

        return run

    @staticmethod
    def kill_at(epoch: int, batch: int, name: str = "SIGKILL") -> list[str]:
        values = {"epoch": epoch, "batch": batch, "name": name}
        callback = [{"class_path": "tests.killing.KillAt", "init_args": values}]
        return ["--trainer.callbacks", json.dumps(callback)]

    def test_a_killed_run_goes_on_to_the_weights_of_one_that_was_not(
        self, tmp_path: Path, train: Any
    ) -> None:
        train("whole")
        killed = train("killed", *self.kill_at(1, 5), check=False)
        assert killed.returncode == -signal.SIGKILL
        assert runs(tmp_path)["killed"].info.status == "RUNNING"
        folder = tmp_path / "runs" / "hdoc" / "killed"
        stopped = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
        assert stopped["global_step"] == 7, "five steps of the first epoch, two of the second"
        # A checkpoint that was being written when the kill came.
        shutil.copy(folder / "checkpoints" / "last.ckpt", folder / "checkpoints" / ".last.ckpt.1")

        in_process(tmp_path, "fit", "--resume", "runs/hdoc/killed", "--trainer.callbacks", "null")
        whole, resumed = (
            torch.load(tmp_path / "runs" / "hdoc" / name / "checkpoints" / "last.ckpt", weights_only=True)
            for name in ("whole", "killed")
        )
        assert whole["global_step"] == resumed["global_step"] == 10
        for name, value in whole["state_dict"].items():
            torch.testing.assert_close(resumed["state_dict"][name], value, atol=1e-6, rtol=0)
        statuses = {name: run.info.status for name, run in runs(tmp_path).items()}
        assert statuses == {"whole": "FINISHED", "killed": "FINISHED"}, "the same run went on"
        figures = [runs(tmp_path)[name].data.metrics["dev/macro_f1"] for name in ("whole", "killed")]
        assert figures[0] == figures[1]

    def test_a_run_that_was_told_to_stop_says_so(self, tmp_path: Path, train: Any) -> None:
        stopped = train("stopped", *self.kill_at(0, 3, "SIGTERM"), check=False)
        assert stopped.returncode == 128 + signal.SIGTERM
        assert runs(tmp_path)["stopped"].info.status == "KILLED"

    def test_ctrl_c_is_no_failure_of_the_run(self, tmp_path: Path, train: Any) -> None:
        train("stopped", *self.kill_at(0, 3, "SIGINT"), check=False)
        assert runs(tmp_path)["stopped"].info.status == "KILLED"
