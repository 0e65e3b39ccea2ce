"""The quality benchmark: the same documents, search and figures for all; resumed; and what its table says."""

from __future__ import annotations

import argparse
import csv
import json
import re
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess
from threading import Barrier
from typing import Any

import mlflow
import numpy as np
import pytest
import yaml
from benchmarks.columns import markdown
from benchmarks.quality.benchmark import run
from benchmarks.quality.entries import MOST_TRIALS, Base, choose, entries
from benchmarks.quality.options import add_arguments
from benchmarks.quality.run import Run
from benchmarks.quality.runs import Bench
from benchmarks.quality.statistics import N_BUCKETS, buckets, lines, macro_f1, resamples
from benchmarks.quality.tasks import SPLITS, Task, limit, own_task, shipped_task
from benchmarks.quality.training import train_in_process
from benchmarks.result import Result
from mlflow.tracking import MlflowClient
from sklearn.metrics import f1_score

from hdoc.cli.train import main as train_main
from hdoc.errors import HdocError, InputError
from hdoc.training.configs import shipped_configs
from tests.labelled import telling_documents, write
from tests.places import ROOT

pytestmark = [
    # Lightning's own use of jsonargparse and torch, MLflow's of its database library.
    pytest.mark.filterwarnings("ignore::jsonargparse._deprecated.JsonargparseDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
]

BASE = Base("small", 1e-4, 1e-3, "convolution")
CONFIGS = sorted((ROOT / "configs" / "baselines").glob("*.yaml"))
PETITIONS = shipped_configs()["petitions"]


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


def flat(name: str, value: Any) -> dict[str, Any]:
    """Return the options that a config sets, with dots between their sections."""
    if not isinstance(value, dict):
        return {name: value}
    first = "-" if name == "-" else "."
    return {
        full: leaf
        for key, inner in value.items()
        for full, leaf in flat(f"{name}{first}{key}", inner).items()
    }


def read(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class TestEntries:
    @pytest.mark.parametrize("entry", entries().values(), ids=lambda entry: entry.name)
    def test_all_may_try_equally_many_settings_none_twice(self, entry: Any) -> None:
        tried = [tuple(entry.arguments(BASE, trial)) for trial in range(MOST_TRIALS)]
        assert len(set(tried)) == len(entry.search(BASE)) == MOST_TRIALS

    def test_they_are_chosen_by_name_and_kind_in_the_order_of_the_table(self) -> None:
        assert [entry.name for entry in choose("hdoc, tfidf", BASE)] == [
            "tfidf-svm",
            "tfidf-logistic",
            "hdoc",
        ]
        assert len(choose("all", BASE)) == len(entries()) - 1, "all but the context that hdoc has anyway"
        assert "context-convolution" not in {entry.name for entry in choose("ablation", BASE)}
        with pytest.raises(HdocError, match=r"expected --entries among all, ablation, .*hdoc, .*got 'bert'"):
            choose("hdoc,bert", BASE)

    @pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
    def test_the_first_guess_is_the_entrys_config(self, path: Path) -> None:
        """The files are for those who train one entry by hand."""
        arguments = entries()[path.stem].arguments(BASE, 0)
        values = flat("-", yaml.safe_load(path.read_text(encoding="utf-8")))
        told = dict(zip(arguments[::2], map(yaml.safe_load, arguments[1::2]), strict=True))
        assert values == told
        assert f"--config configs/baselines/{path.name}" in path.read_text(encoding="utf-8")

    def test_every_entry_that_is_not_hdoc_has_a_config(self) -> None:
        wanted = {entry.name for entry in entries().values() if entry.kind in ("tfidf", "neural")}
        assert {path.stem for path in CONFIGS} == wanted

    def test_only_the_encoder_that_comes_with_hdoc_has_untrained_positions(self) -> None:
        first = entries()["first-512"]
        assert "128" in first.arguments(BASE, 0)
        assert "128" not in first.arguments(Base("klue/bert-base", 3e-5, 5e-4, "convolution"), 0)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return someone's complaints as a CSV file: 40 of one kind, 20 and 10 of others."""
    path = tmp_path / "민원.csv"
    with path.open("w", encoding="cp949", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["내용", "분류"])
        for i in range(70):
            writer.writerow([f"글 {i} 입니다.", "교통" if i < 40 else "교육" if i < 60 else "환경"])
    return path


class TestTasks:
    def own(self, table: Path, folder: Path, **files: Path) -> Task:
        return own_task({"train": table, **files}, PETITIONS, folder, "내용", "분류")

    def test_a_table_is_divided_the_same_share_of_each_class(self, table: Path, tmp_path: Path) -> None:
        task = self.own(table, tmp_path / "parts")
        assert task.name == "민원"
        parts = {split: read(task.files[split]) for split in SPLITS}
        counts = {split: Counter(row["label"] for row in rows) for split, rows in parts.items()}
        assert counts["test"] == {"교통": 8, "교육": 4, "환경": 2}
        assert counts["dev"] == {"교통": 4, "교육": 2, "환경": 1}
        texts = [row["text"] for rows in parts.values() for row in rows]
        assert len(texts) == len(set(texts)) == 70
        before = [task.files[split].read_bytes() for split in SPLITS]
        again = self.own(table, tmp_path / "again")
        assert [again.files[split].read_bytes() for split in SPLITS] == before

    def test_documents_for_test_that_are_given_are_used(self, table: Path, tmp_path: Path) -> None:
        test = tmp_path / "test.jsonl"
        write(test, [{"내용": "다른 글.", "분류": label} for label in ("교통", "환경")])
        task = self.own(table, tmp_path / "parts", test=test)
        assert [row["label"] for row in read(task.files["test"])] == ["교통", "환경"]
        assert len(read(task.files["train"])) == 63
        assert len(read(task.files["dev"])) == 7
        assert task.lengths("test").tolist() == [5, 5]

    def test_all_files_given_are_used_as_they_are(self, table: Path, tmp_path: Path) -> None:
        task = self.own(table, tmp_path / "parts", dev=table, test=table)
        assert set(task.files.values()) == {table}
        assert task.arguments()[-4:] == ["--data.text_column", "내용", "--data.label_column", "분류"]

    def test_fewer_documents_keep_every_class(self, table: Path, tmp_path: Path) -> None:
        task = limit(self.own(table, tmp_path / "parts"), 7, tmp_path / "few")
        assert Counter(row["label"] for row in read(task.files["train"])) == {"교통": 4, "교육": 2, "환경": 1}
        assert len(read(task.files["dev"])) == 7, "there are no more"
        with pytest.raises(HdocError, match="--max-documents of at least the 3 classes"):
            limit(task, 2, tmp_path / "fewer")

    def test_other_documents_and_other_encoders_are_told_apart(self, table: Path, tmp_path: Path) -> None:
        task = self.own(table, tmp_path / "parts")
        shorter = limit(task, 9, tmp_path / "few")
        other = own_task({"train": table}, PETITIONS, tmp_path / "other", "내용", "분류", "klue/bert-base")
        assert len({task.fingerprint(), shorter.fingerprint(), other.fingerprint()}) == 3

    def test_a_config_is_told_by_its_values(self, table: Path, tmp_path: Path) -> None:
        def fingerprint(config: str) -> str:
            path = tmp_path / "config.yaml"
            path.write_text(config, encoding="utf-8")
            return own_task({"train": table}, path, tmp_path / "parts", "내용", "분류").fingerprint()

        settings = PETITIONS.read_text(encoding="utf-8")
        assert fingerprint(settings + "# another word\n") == fingerprint(settings)
        assert fingerprint(settings.replace("dropout: 0.", "dropout: 0.0")) != fingerprint(settings)

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            ([{"내용": "글"}], "expected a column '분류'"),
            ([{"내용": "글", "분류": "가"}, {"내용": " ", "분류": "가"}], "row 2: expected a text in '내용'"),
            ([{"내용": "글", "분류": None}], "row 1: expected a label in '분류', got none"),
            ([{"내용": "글", "분류": "가"}] * 2, "at least 3 documents with the label '가'.* got 2"),
        ],
    )
    def test_what_cannot_be_used(self, tmp_path: Path, rows: list[dict[str, Any]], message: str) -> None:
        path = tmp_path / "rows.jsonl"
        write(path, rows)
        with pytest.raises((HdocError, InputError), match=message):
            self.own(path, tmp_path / "parts")

    def test_a_shipped_task_says_how_its_documents_are_made(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(HdocError, match=r"no such file; make it with: python scripts/petitions\.py"):
            shipped_task("petitions", PETITIONS)


class TestStatistics:
    def test_macro_f1_is_scikit_learns_for_any_weights(self) -> None:
        generator = np.random.default_rng(0)
        predicted, true = generator.integers(0, 4, (2, 50))
        predicted[predicted == 3] = 0
        weights = generator.multinomial(50, np.full(50, 0.02), size=5).astype(float)
        expected = [f1_score(true, predicted, average="macro", sample_weight=row) for row in weights]
        np.testing.assert_allclose(macro_f1(predicted, true, 6, weights), expected)

    def test_classes_that_are_nowhere_do_not_count(self) -> None:
        assert macro_f1(np.array([0, 1]), np.array([0, 1]), 9).tolist() == [1.0]

    def test_resamples_are_as_large_as_the_data_and_always_the_same(self) -> None:
        drawn = resamples(20)
        assert (drawn.sum(axis=1) == 20).all()
        np.testing.assert_array_equal(drawn, resamples(20))

    def test_buckets_are_quarters(self) -> None:
        borders, bucket = buckets(np.arange(1, 101))
        assert np.bincount(bucket).tolist() == [25] * N_BUCKETS
        assert len(borders) == N_BUCKETS - 1

    def test_a_line_holds_means_spread_intervals_and_differences(self, tmp_path: Path) -> None:
        true = np.array([0, 1] * 50)
        ours, theirs = entries()["hdoc"], entries()["tfidf-svm"]
        chosen = {
            "hdoc": [made_run(tmp_path, ours, seed, true, wrong) for seed, wrong in ((0, 10), (1, 20))],
            "tfidf-svm": [made_run(tmp_path, theirs, 0, true, 40)],
        }
        hdoc, svm = lines(chosen, {"hdoc": 2, "tfidf-svm": 1}, np.arange(100))
        assert (hdoc.n_tried, svm.n_tried) == (2, 1)
        values = [f1_score(true, wrong_at(true, n), average="macro") for n in (10, 20, 40)]
        assert hdoc.macro_f1 == pytest.approx(np.mean(values[:2]))
        assert hdoc.deviation == pytest.approx(np.std(values[:2], ddof=1))
        assert hdoc.low < hdoc.macro_f1 < hdoc.high
        assert (hdoc.difference, hdoc.difference_high) == (0, 0)
        assert svm.deviation is None
        assert svm.difference == pytest.approx(values[2] - hdoc.macro_f1)
        assert svm.difference_low < svm.difference < svm.difference_high < 0
        assert hdoc.documents_per_second == pytest.approx(100 / 2)
        assert (hdoc.accuracy, hdoc.ece, hdoc.loss) == pytest.approx((0.5, 0.1, 1.5))
        assert svm.by_length[0] < svm.by_length[-1] == 1.0, "the mistakes are in the shortest documents"


def wrong_at(true: Any, n_wrong: int) -> Any:
    return np.where(np.arange(len(true)) < n_wrong, 1 - true, true)


def made_run(folder: Path, entry: Any, seed: int, true: Any, n_wrong: int, dev: float = 0.5) -> Run:
    task = Task("made", "none", {}, "text", "label", BASE)
    made = Run(task, entry, 0, seed, folder / f"{entry.name}-{seed}", ())
    (made.folder / "scores").mkdir(parents=True)
    logits = np.eye(2, dtype=np.float32)[wrong_at(true, n_wrong)]
    np.savez_compressed(made.folder / "scores" / "test.npz", logits=logits, targets=true)
    write_outcome(made.folder, dev)
    return made


def write_outcome(folder: Path, dev: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    figures = {"macro_f1": dev, "accuracy": 0.5, "ece": 0.1, "loss": 1.5}
    outcome = {"n_parameters": 7, "train_seconds": 60.0, "test_seconds": 2.0}
    content = {**outcome, "splits": {"dev": figures, "test": figures}}
    (folder / "outcome.json").write_text(json.dumps(content), encoding="utf-8")


class TestBench:
    """Which runs are made, with a training that only writes down what it was asked."""

    @pytest.fixture
    def asked(self) -> list[list[str]]:
        return []

    @pytest.fixture
    def bench(self, table: Path, tmp_path: Path, asked: list[list[str]]) -> Bench:
        def train(arguments: Sequence[str], log: Path) -> None:
            asked.append(list(arguments))
            values = dict(zip(arguments[1::2], arguments[2::2], strict=True))
            if values.get("--model.architecture") == "tobert":
                raise HdocError("no memory")
            place = Path(values.get("--resume") or tmp_path / "runs" / "quality" / values["--run.name"])
            dev = 0.9 if values.get("--model.optimiser.encoder_rate") == "0.00015" else 0.1
            write_outcome(place, dev)
            write_outcome(place / "parts" / "network", 1 - dev)

        task = own_task({"train": table}, PETITIONS, tmp_path / "parts", "내용", "분류")
        return Bench(task, choose("hdoc,tobert", BASE), [0, 1], 3, tmp_path / "runs", train=train)

    def test_the_best_setting_on_dev_gets_the_other_seeds(self, bench: Bench, asked: list[list[str]]) -> None:
        made = list(bench.make())
        hdoc = [run for run in made if run.entry.name == "hdoc"]
        assert [(run.trial, run.seed) for run in hdoc] == [(0, 0), (1, 0), (2, 0), (1, 1)]
        assert [run.seed for run in bench.chosen(hdoc[0].entry)] == [0, 1]
        assert [bench.tried(entry) for entry in bench.entries] == [3, 1]
        assert all({"--seed_everything", "--data.train_file", "--config"} <= set(a) for a in asked)
        assert bench.failures == {"tobert": "no memory"}
        assert len(asked) == 4 + 3, "what failed with every setting gets no further seeds"

    def test_what_is_done_is_not_done_again(self, bench: Bench, asked: list[list[str]]) -> None:
        list(bench.make())
        asked.clear()
        made = list(bench.make())
        assert len(made) == 4
        assert all("tobert" in arguments for arguments in asked), "only what failed is tried once more"

    def test_a_killed_run_goes_on_and_one_that_hardly_began_starts_anew(
        self, bench: Bench, asked: list[list[str]]
    ) -> None:
        hdoc = bench.entries[0]
        killed, begun = (bench.run(hdoc, trial, 0).folder for trial in (0, 1))
        (killed / "checkpoints").mkdir(parents=True)
        (killed / "checkpoints" / "last.ckpt").touch()
        begun.mkdir(parents=True)
        (begun / "config.yaml").touch()
        list(bench.make())
        assert ["fit", "--resume", str(killed)] in asked
        assert not (begun / "config.yaml").exists()

    def test_other_settings_are_other_runs(self, bench: Bench) -> None:
        run = bench.run(bench.entries[0], 0, 0)
        bench.more = ["--trainer.max_epochs", "1"]
        assert bench.run(bench.entries[0], 0, 0).folder != run.folder

    def test_entries_may_have_epochs_of_their_own(self, bench: Bench) -> None:
        bench.epochs = {"": 5, "hdoc": 7}
        bench.entries = choose("hdoc,hdoc-network,tobert", BASE)
        whole, network, tobert = (bench.run(entry, 0, 0) for entry in bench.entries)
        assert " ".join(whole.arguments).count("--trainer.max_epochs 7") == 1
        assert network.folder == whole.folder, "a part of a fit has the fit's"
        assert " ".join(tobert.arguments).count("--trainer.max_epochs 5") == 1
        bench.epochs = {"hdoc": 7}
        assert bench.run(bench.entries[0], 0, 0).folder == whole.folder
        assert "--trainer.max_epochs" not in bench.run(bench.entries[2], 0, 0).arguments

    def test_what_is_done_is_found_without_running_the_rest(
        self, bench: Bench, asked: list[list[str]]
    ) -> None:
        bench.entries, bench.seeds = choose("hdoc", BASE), [0]
        made = [run.folder for run in bench.make()]
        bench.entries, bench.seeds = choose("hdoc,tobert", BASE), [0, 1]
        asked.clear()
        assert [run.folder for run in bench.find()] == made
        assert asked == []
        assert bench.failures == {"hdoc": "1 of 4 not run yet", "tobert": "4 of 4 not run yet"}

    def test_any_seed_of_a_single_setting_is_shown(self, bench: Bench) -> None:
        bench.entries, bench.seeds, bench.n_trials = choose("hdoc", BASE), [1], 1
        [made] = bench.make()
        bench.seeds = [0, 1]
        assert [run.folder for run in bench.chosen(bench.entries[0])] == [made.folder]
        bench.n_trials = 3
        assert bench.chosen(bench.entries[0]) == [], "the best of three is not known yet"

    def test_several_are_made_at_once(self, bench: Bench) -> None:
        together, train = Barrier(2), bench.train

        def waiting(arguments: Sequence[str], log: Path) -> None:
            together.wait(timeout=30)  # breaks, and the run fails, if no other training is under way
            train(arguments, log)

        bench.entries, bench.n_trials = bench.entries[:1], 2
        alone = [run.folder.name for run in bench.make()]
        for done in bench.folder.glob("quality/*/outcome.json"):
            done.unlink()
        bench.train, bench.jobs, bench.seeds = waiting, 2, [0]
        assert [run.folder.name for run in bench.make()] == alone[:2]
        assert not bench.failures

    @pytest.mark.parametrize("jobs", [1, 2])
    def test_parts_of_a_fit_cost_no_fit(self, bench: Bench, asked: list[list[str]], jobs: int) -> None:
        said: list[str] = []
        bench.entries = choose("hdoc,hdoc-network,hdoc-words", BASE)
        bench.jobs, bench.say = jobs, said.append
        made = list(bench.make())
        assert len(asked) == 3 + 1, "three settings, and the second seed of the best"
        whole, network = ([run for run in made if run.entry.part == part] for part in ("", "network"))
        assert [run.folder for run in network] == [run.folder for run in whole]
        assert [run.trial for run in network] == [0, 1, 2, 1], "it goes with the whole, not its own best"
        of_part = [run.outcome()["splits"]["dev"]["macro_f1"] for run in network]
        assert of_part == pytest.approx([0.9, 0.1, 0.9, 0.1])
        assert [run.dev_macro_f1() for run in network] == [0.1, 0.9, 0.1, 0.9]
        assert not bench.failures, "a sum without scores of words is no failure"
        assert sum(line.endswith("hdoc-words is no part of what it left") for line in said) == 3

    def test_parts_of_a_fit_that_failed_have_its_reason(self, bench: Bench, asked: list[list[str]]) -> None:
        def failing(arguments: Sequence[str], log: Path) -> None:
            asked.append(list(arguments))
            raise HdocError("no memory")

        bench.entries, bench.n_trials, bench.train = choose("hdoc,hdoc-network", BASE), 1, failing
        assert not list(bench.make())
        assert bench.failures == {"hdoc": "no memory", "hdoc-network": "no memory"}
        assert len(asked) == 1

    def test_each_of_some_trainings_has_its_threads(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given: list[dict[str, str]] = []

        def started(command: Sequence[str], *, env: dict[str, str], **_: Any) -> CompletedProcess[str]:
            given.append(env)
            return CompletedProcess(command, 0)

        monkeypatch.setattr("benchmarks.quality.training.subprocess.run", started)
        train_in_process(["fit"], tmp_path / "a.log", n_threads=3)
        assert given[0]["OMP_NUM_THREADS"] == "3"

    def test_a_training_that_fails_says_where_its_output_is(self, tmp_path: Path) -> None:
        log = tmp_path / "logs" / "a.log"
        with pytest.raises(
            HdocError, match=r"status 1: hdoc: error: expected --config to be .* its output: .*a\.log"
        ):
            train_in_process(["fit", "--config", "nowhere"], log)


class TestCommand:
    @pytest.fixture
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        mlflow.set_tracking_uri(None)  # other tests may have set one for the whole process
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        rows = telling_documents(60)
        write(tmp_path / "topics.jsonl", [{"글": row["text"], "주제": row["label"]} for row in rows])
        return tmp_path

    def test_from_a_table_to_a_table(self, place: Path, tiny_encoder: Path) -> None:
        """Real trainings of one entry of each kind, through the training command."""

        def train(arguments: Sequence[str], _log: Path) -> None:
            assert train_main(arguments) == 0

        said: list[str] = []
        names = "tfidf-svm,hdoc,hdoc-network,hdoc-words,first-512,han,mlp-head,mean-sentences"
        arguments = ["--data", "topics.jsonl", "--text-column", "글", "--label-column", "주제"]
        arguments += ["--entries", names, "--epochs", "1", "--trials", "1", "--max-documents", "24", "--"]
        arguments += [
            "--model.encoder",
            str(tiny_encoder),
            "--model.window",
            "32",
            "--model.head.value_width",
            "16",
        ]
        arguments += ["--model.head.channels", "8", "--data.workers", "0", "--data.cache_folder", "cache"]
        arguments += ["--trainer.accelerator", "cpu", "--trainer.precision", "32-true"]
        assert run(options(*arguments), shipped_configs, train, said.append) == 0
        folder = place / "runs" / "quality" / "report" / "topics"
        report = json.loads((folder / "table.json").read_text(encoding="utf-8"))
        assert {line["entry"] for line in report["lines"]} == set(names.split(","))
        assert report["documents"] == {"train": 24, "dev": 6, "test": 12}
        for line in report["lines"]:
            assert 0 <= line["low"] <= line["macro_f1"] <= line["high"] <= 1
            assert line["train_minutes"] > 0
            assert line["documents_per_second"] > 0
        table = (folder / "table.md").read_text(encoding="utf-8")
        assert "| entry | macro-F1 | 95 % |" in table
        assert table.count("| 1 of 1 | 0 |") == len(report["lines"]), "the setting and its seeds"
        assert "--model.architecture han" in table
        for name in ("length.png", "cost.png"):
            assert (folder / name).read_bytes().startswith(b"\x89PNG")
        [han] = place.glob("runs/quality/topics-han-*/explanations")
        assert list(han.glob("*.html")), "HAN's weights are shown in the same page"
        assert not list(place.glob("runs/quality/topics-first-512-*/model"))

        client = MlflowClient(f"sqlite:///{place}/mlflow.db")
        [experiment] = [e for e in client.search_experiments() if e.name == "quality"]
        assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
        found = client.search_runs([experiment.experiment_id])
        [parent] = [run for run in found if run.info.run_name == "topics"]
        children = [run for run in found if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
        parts = {"hdoc-network", "hdoc-words"}
        assert {run.data.tags["hdoc.entry"] for run in children} == set(names.split(",")) - parts
        assert {run.info.status for run in found} == {"FINISHED"}
        assert all({"dev/macro_f1", "test/macro_f1"} <= set(run.data.metrics) for run in children)
        by_entry = {line["entry"]: line for line in report["lines"]}
        assert parent.data.metrics["hdoc/macro_f1"] == pytest.approx(by_entry["hdoc"]["macro_f1"])
        for name in ("macro_f1", "loss", "difference_low"):
            assert parent.data.metrics[f"tfidf-svm/{name}"] == pytest.approx(by_entry["tfidf-svm"][name])

        [fit] = place.glob("runs/quality/topics-hdoc-*")
        for split in ("dev", "test"):
            whole, network, words = (
                np.load(folder / "scores" / f"{split}.npz")["logits"]
                for folder in (fit, fit / "parts" / "network", fit / "parts" / "words")
            )
            np.testing.assert_allclose(network + words, whole, atol=1e-5)
            assert np.abs(words).max() > 0
        sizes = [by_entry[name]["parameters"] for name in ("hdoc", "hdoc-network", "hdoc-words")]
        assert sizes[0] == sizes[1] + sizes[2]

        said.clear()
        assert (
            run(options(*arguments), shipped_configs, lambda *_: pytest.fail("ran again"), said.append) == 0
        )
        assert len(client.search_runs([experiment.experiment_id])) == len(found)

        said.clear()
        more = [names + ",tobert" if each == names else each for each in arguments]
        more = ["--report", "--json", "results", *more]
        assert run(options(*more), shipped_configs, lambda *_: pytest.fail("ran"), said.append) == 0
        again = json.loads((folder / "table.json").read_text(encoding="utf-8"))
        assert again["lines"] == report["lines"]
        assert again["failures"] == {"tobert": "1 of 1 not run yet"}
        assert "## Without an outcome" in (folder / "table.md").read_text(encoding="utf-8")
        result = Result.read(place / "results" / "quality-topics.json")
        assert result.tables["quality"] == report["lines"]
        assert result.about == {"documents": "24 / 6 / 12 (train / dev / test)"}
        assert "| `tfidf-svm` |" in markdown("quality", result.tables["quality"])

    def test_commands_can_be_listed(self, place: Path) -> None:
        said: list[str] = []
        listed = options("--data", "topics.jsonl", "--text-column", "글", "--label-column", "주제", "--list",
                         "--entries", "hdoc", "--trials", "2")  # fmt: skip
        assert run(listed, shipped_configs, lambda *_: pytest.fail("ran"), said.append) == 0
        assert [line.split()[:4] for line in said] == [["open", "hdoc", "train", "fit"]] * 2
        assert "--model.optimiser.encoder_rate 0.00015" in said[1]
        assert shlex.split(said[1])[-2:] == ["--run.folder", "runs"]

    def test_ctrl_c_is_no_failure(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        def stopped(arguments: Sequence[str], _log: Path) -> None:
            raise KeyboardInterrupt

        columns = ["--text-column", "글", "--label-column", "주제"]
        assert run(options("--data", "topics.jsonl", *columns), shipped_configs, stopped) == 130
        assert capsys.readouterr().err == "interrupted; the same command goes on\n"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--tasks", "petition"], "expected a task or --config among .*petitions.*; got 'petition'"),
            (["--tasks", "nsmc", "--data", "topics.jsonl"], "either --tasks or --data, got both"),
            (["--trials", "9"], "expected --trials from 1 to 4, got 9"),
            (["--seeds", "a"], "expected --seeds such as 0,1,2, got 'a'"),
            (["--epochs", "0"], "expected --epochs such as 5, or 5,han=12 with names of entries, got '0'"),
            (["--epochs", "5,hann=12"], "expected --epochs such as 5, .* got '5,hann=12'"),
            (["--epochs", "5,6"], "expected --epochs such as 5, .* got '5,6'"),
            (["--epochs", "han=x"], "expected --epochs such as 5, .* got 'han=x'"),
            (["--jobs", "0"], "expected --jobs of at least 1, got 0"),
            (["--data", "nowhere.csv"], r"nowhere\.csv is none"),
        ],
    )
    def test_mistakes_are_one_line(
        self, place: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(options(*arguments), shipped_configs, say=lambda _: None) == 1
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert error.startswith("hdoc: error: ")
        assert re.search(message, error)
