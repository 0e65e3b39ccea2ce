import json
import random
import subprocess
import sys
import unicodedata
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from hdoc import DocumentClassifier
from hdoc.cli import main
from hdoc.evaluation.examples import Columns, read_examples
from hdoc.tables.labelled import LabelledTable
from tests.known import AGAINST, FOR, LABELS, PLAIN, document, save_known_model

N_DOCUMENTS = 14


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_known_model(tmp_path_factory.mktemp("models") / "known")


def write_rows(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Documents in which one word decides; people marked it; a by-line gives the class away."""
    choose = random.Random(0)
    rows = []
    for i in range(N_DOCUMENTS):
        label = LABELS[i % 2]
        sentences = [
            [choose.choice(PLAIN) for _ in range(choose.randint(4, 9))] for _ in range(choose.randint(4, 9))
        ]
        sentence = choose.choice(sentences)
        sentence[choose.randrange(len(sentence))] = (FOR, AGAINST)[i % 2]
        text = document([" ".join(words) for words in sentences])
        start = text.index((FOR, AGAINST)[i % 2])
        rows.append(
            {"id": f"d{i}", "text": text, "label": label, "split": "test", "reasons": [[start, start + 2]]}
        )
    rows.append({"id": "other", "text": "오늘", "label": "체육", "split": "train", "reasons": None})
    return write_rows(tmp_path_factory.mktemp("data") / "known.jsonl", rows)


@pytest.fixture(scope="module")
def everything(model, data, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("evaluations") / "out"
    options = ["--faithfulness", "--rationales", "--rationale-column", "reasons", "--evidence"]
    options += ["--documents", "10", "--seeds", str(model), "--sentences", "lines", "-o", str(folder)]
    assert main(["evaluate", str(model), str(data), *options]) == 0
    return folder


def test_the_report_holds_all_that_was_asked_for(everything: Path) -> None:
    report = json.loads((everything / "report.json").read_text(encoding="utf-8"))
    assert report["quality"]["documents"] == N_DOCUMENTS  # the split test alone
    assert report["quality"]["accuracy"] == 1
    assert report["explanations"]["explanations"] == 10
    assert report["explanations"]["seeds"]["kendall"] == pytest.approx(1)
    names = {path.name for path in everything.iterdir() if path.is_file()}
    assert names == {
        "report.json", "report.md", "documents.parquet", "explanations.parquet", "evidence.parquet",
        "evidence.html", "confusion.png", "reliability.png", "words.png", "sentences.png", "methods.png",
    }  # fmt: skip


def test_methods_that_find_known_evidence_beat_those_that_cannot(everything: Path) -> None:
    methods = json.loads((everything / "report.json").read_text(encoding="utf-8"))["explanations"]["methods"]
    for name in ("contribution", "gradient", "integrated-gradients", "occlusion"):
        words = methods[name]["word"]
        for control in ("attention", "random", "random weights"):
            other = methods[control]["word"]
            assert words["comprehensiveness"] > other["comprehensiveness_interval"][1]
            assert words["sufficiency"] < other["sufficiency_interval"][0]
        assert methods[name]["auprc"] == pytest.approx(1)
        assert methods["random"]["auprc_sentences"] < methods[name]["auprc_sentences"] <= 1
    assert methods["random"]["auprc"] < 0.5
    assert methods["occlusion"]["leave_one_out"] == pytest.approx(1)
    assert methods["contribution"]["times_contribution"] == 1
    assert methods["integrated-gradients"]["seconds"] > methods["contribution"]["seconds"]


def test_the_tables_say_how_deletion_was_done(everything: Path) -> None:
    text = (everything / "report.md").read_text(encoding="utf-8")
    for word in ("eojeol", "1, 5, 10, 20, 50 %", "1, 2, 3, 5", "deleted, not masked", "10 random orders"):
        assert word in text
    assert "| integrated-gradients |" in text
    assert "with random weights the order of words is no better than" in text


def test_parquet_holds_a_row_for_each_document_and_explanation(everything: Path) -> None:
    documents = pq.read_table(everything / "documents.parquet").to_pylist()
    assert [row["id"] for row in documents] == [f"d{i}" for i in range(N_DOCUMENTS)]
    assert all(row["right"] for row in documents)
    explanations = pq.read_table(everything / "explanations.parquet").to_pylist()
    assert len(explanations) == 10 * 7  # five methods, random orders and random weights
    report = json.loads((everything / "report.json").read_text(encoding="utf-8"))
    values = [row["word_comprehensiveness"] for row in explanations if row["method"] == "contribution"]
    mean = report["explanations"]["methods"]["contribution"]["word"]["comprehensiveness"]
    assert sum(values) / len(values) == pytest.approx(mean)


def test_evidence_by_class_names_the_deciding_words(everything: Path) -> None:
    rows = pq.read_table(everything / "evidence.parquet").to_pylist()
    first = {(row["label"], row["unit"], row["side"]): row for row in rows if row["rank"] == 1}
    assert first["체육", "word", "for"]["text"] == first["경제", "word", "against"]["text"] == FOR
    assert first["경제", "word", "for"]["text"] == AGAINST
    assert first["체육", "word", "for"]["documents"] == N_DOCUMENTS / 2
    assert first["체육", "word", "for"]["share_of_class"] == 1
    assert FOR in first["체육", "sentence", "for"]["text"]
    page = (everything / "evidence.html").read_text(encoding="utf-8")
    assert f"<bdi>{FOR}</bdi>" in page
    assert "script" not in page.replace("default-src", "")


def test_an_evaluation_goes_on_where_it_was(model, data, tmp_path, capsys, monkeypatch) -> None:
    from hdoc.evaluation.explanations import ExplanationEvaluator

    options = ["--faithfulness", "--methods", "contribution", "--documents", "6", "--sentences", "lines"]
    command = ["evaluate", str(model), str(data), *options, "-o", str(tmp_path / "out")]
    measured: list[int] = []
    original = ExplanationEvaluator.measure

    def killed_after_three(self, row, example, target):
        if len(measured) == 3:
            raise KeyboardInterrupt
        measured.append(row)
        return original(self, row, example, target)

    monkeypatch.setattr(ExplanationEvaluator, "measure", killed_after_three)
    assert main(command) == 130
    progress = next((tmp_path / "out" / "progress").glob("explanations-*.jsonl"))
    with progress.open("a", encoding="utf-8") as file:
        file.write('["torn')  # what a kill in the middle of a line leaves
    rest: list[int] = []

    def noted(self, row, example, target):
        rest.append(row)
        return original(self, row, example, target)

    monkeypatch.setattr(ExplanationEvaluator, "measure", noted)
    capsys.readouterr()
    assert main(command) == 0
    assert "explaining: going on after 3 of 6" in capsys.readouterr().err
    assert len(rest) == 3
    assert not set(rest) & set(measured)
    one = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["explanations"]
    monkeypatch.setattr(ExplanationEvaluator, "measure", original)
    assert main([*command[:-1], str(tmp_path / "new")]) == 0
    other = json.loads((tmp_path / "new" / "report.json").read_text(encoding="utf-8"))["explanations"]
    assert one["methods"]["random"] == other["methods"]["random"]
    assert one["methods"]["contribution"]["word"] == other["methods"]["contribution"]["word"]


@pytest.mark.parametrize(
    ("label", "multi_label", "labels"),
    [
        (unicodedata.normalize("NFD", "경제"), False, ("경제",)),
        (" 경제 ", False, ("경제",)),
        (1.0, False, ("1",)),
        (1, False, ("1",)),
        (True, False, ("true",)),
        ("체육|경제", True, ("경제", "체육")),
        ([unicodedata.normalize("NFD", "경제")], True, ("경제",)),
        ("", True, ()),
    ],
)
def test_labels_are_read_as_training_reads_them(tmp_path, label, multi_label, labels) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": "오늘", "label": label}, ensure_ascii=False), encoding="utf-8")
    trained = LabelledTable.open(path, "text", "label", multi_label)
    assert [row.labels for row in trained.rows()] == [labels]
    classes = ("체육", "경제", "1", "true")
    [example] = read_examples(path, Columns(), classes, multi_label=multi_label)
    assert example.labels == labels


def test_every_assigned_label_is_explained(tmp_path) -> None:
    model = save_known_model(tmp_path / "model", multi_label=True)
    both = document([f"{FOR} 버스", f"{AGAINST} 도로", "오늘 날씨 학교"])
    rows = [
        {"text": both, "label": ["체육", "경제"]},
        {"text": f"{FOR} 버스\n도로 오늘\n날씨 학교", "label": "체육"},
        {"text": "사람 저녁\n시장 공원", "label": []},
    ]
    data = write_rows(tmp_path / "data.jsonl", rows)
    options = [
        "--faithfulness",
        "--methods",
        "contribution",
        "-o",
        str(tmp_path / "out"),
        "--sentences",
        "lines",
    ]
    assert main(["evaluate", str(model), str(data), *options]) == 0
    rows = pq.read_table(tmp_path / "out" / "explanations.parquet").to_pylist()
    explained = [(row["id"], row["target"]) for row in rows if row["method"] == "contribution"]
    assert explained[:3] == [("1", "체육"), ("1", "경제"), ("2", "체육")]
    assert len(explained) == 4  # of a text without a class the most probable one is explained
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert {"micro_f1", "subset_accuracy"} < report["quality"].keys()


# MLflow's own queries use what SQLAlchemy gives up.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated:DeprecationWarning")
def test_an_evaluation_is_logged_to_mlflow(model, data, tmp_path, monkeypatch) -> None:
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", str(model), str(data), "--mlflow", "-o", "out", "--sentences", "lines"]) == 0
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("evaluation")
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    run = client.search_runs([experiment.experiment_id])[0]
    assert run.info.status == "FINISHED"
    assert run.data.metrics["quality/accuracy"] == 1
    assert run.data.params["data"] == "known.jsonl"
    assert "report.json" in {artifact.path for artifact in client.list_artifacts(run.info.run_id)}


@pytest.mark.parametrize(
    ("row", "options", "message"),
    [
        ({"text": "오늘", "label": "스포츠"}, [], "expected a label of the model (체육, 경제), got '스포츠'"),
        ({"text": " ", "label": "체육"}, [], ":1: expected a text in column 'text', got ' '"),
        ({"text": "오늘", "label": None}, [], "expected a label of the model (체육, 경제), got none"),
        ({"body": "오늘", "label": "체육"}, [], "name the right one with --text-column"),
        (
            {"text": "오늘", "label": "체육"},
            ["--split", "dev"],
            "expected a column 'split' to take 'dev' from",
        ),
        (
            {"text": "오늘", "label": "체육", "split": "dev"},
            [],
            "expected rows of the split 'test', found none",
        ),
        ({"text": "오늘", "label": "체육"}, ["--rationales"], "name the right one with --rationale-column"),
        (
            {"text": "오늘", "label": "체육", "evidences": [[0, 9]]},
            ["--rationales"],
            "expected a rationale as spans of characters [start, end] within the text",
        ),
        (
            {"text": "오늘", "label": "체육", "evidences": None},
            ["--rationales"],
            "expected rationales in 'evidences', found none",
        ),
    ],
)
def test_bad_data_is_one_line(model, tmp_path, capsys, row, options, message) -> None:
    data = write_rows(tmp_path / "data.jsonl", [row])
    assert main(["evaluate", str(model), str(data), *options, "-o", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("hdoc: error: ")
    assert message in error


def test_models_of_other_classes_are_no_seeds(model, tiny_model, data, tmp_path, capsys) -> None:
    options = [
        "--faithfulness",
        "--seeds",
        str(tiny_model),
        "-o",
        str(tmp_path / "out"),
        "--sentences",
        "lines",
    ]
    assert main(["evaluate", str(model), str(data), *options]) == 1
    assert "takes models of the same training with other seeds" in capsys.readouterr().err


def test_a_missing_extra_is_said_in_one_line(model, data, capsys, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    assert main(["evaluate", str(model), str(data)]) == 1
    error = capsys.readouterr().err
    assert error == "hdoc: error: 'hdoc evaluate' needs captum; run: pip install 'hdoc[evaluate]'\n"


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\nfrom hdoc.cli import main\ntry: main(['evaluate', '--help'])\nexcept SystemExit: pass\n"
        "print('LOADED', [m for m in ('torch', 'numpy', 'captum', 'rich', 'pyarrow') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "LOADED []" in result.stdout
    assert "--faithfulness" in result.stdout


def test_predictions_are_those_of_the_classifier(model, data, everything) -> None:
    classifier = DocumentClassifier.load(model)
    rows = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
    for row, found in zip(rows, pq.read_table(everything / "documents.parquet").to_pylist(), strict=False):
        expected = classifier.classify([row["text"]])[0].probabilities
        for label in LABELS:
            assert found[f"p/{label}"] == pytest.approx(expected[label], abs=1e-5)
