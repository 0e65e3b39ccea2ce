"""hdoc as an MLflow model: logged, registered, loaded by alias, served, and used by hdoc itself."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pandas
import pytest
from mlflow.tracking import MlflowClient

from hdoc import DocumentClassifier, cli
from hdoc.errors import HdocError, InputError
from hdoc.models import table_form
from hdoc.pyfunc import _load_pyfunc
from hdoc.tracking import registry
from tests.mlflow_servers import free_port, wait_for

# MLflow's own use of its database library, and of what its input example is turned into.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow.*"),
]

TEXTS = [
    "버스 노선이 바뀌었습니다. 주민들은 불편합니다.",
    "",
    "시장은 새 도서관을 내년 봄에 열겠다고 밝혔다.",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, empty_store: Path) -> Iterator[Path]:
    """Return a folder with a store in which the tiny model is registered as hdoc, version 1 the champion."""
    folder = tmp_path_factory.mktemp("place")
    shutil.copy(empty_store, folder / "mlflow.db")
    shutil.copytree(tiny_model, folder / "model")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HOME", str(folder))
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        assert cli.main(["register", "model", "--name", "hdoc", "--alias", "champion"]) == 0
        yield folder


@pytest.fixture(scope="module")
def loaded(place: Path) -> Any:
    return mlflow.pyfunc.load_model("models:/hdoc@champion")


class TestRows:
    def test_a_table_comes_back_as_labels_with_their_evidence(self, loaded: Any, tiny_model: Path) -> None:
        rows = loaded.predict(pandas.DataFrame({"text": TEXTS}), params={"top": 2}).to_dict("records")
        classifier = DocumentClassifier.load(tiny_model)
        for text, row in zip(TEXTS, rows, strict=True):
            if not text:
                assert row["error"] == "expected a text with words, got one with nothing to read"
                assert (row["label"], row["probability"], row["probabilities"]) == ("", 0.0, {})
                continue
            explanation = classifier.explain(text)
            assert row["label"] == explanation.label
            assert row["probability"] == pytest.approx(explanation.probability, abs=1e-6)
            assert row["probabilities"] == pytest.approx(explanation.probabilities, abs=1e-6)
            strongest = sorted(explanation.sentences, key=lambda sentence: -abs(sentence.contribution))[:2]
            assert [(s["start"], s["end"]) for s in row["sentences"]] == [(s.start, s.end) for s in strongest]
            words = [word for sentence in explanation.sentences for word in sentence.words]
            assert row["words"][0]["contribution"] == pytest.approx(
                max((word.contribution for word in words), key=abs), rel=2e-6, abs=1e-6
            )
            assert len(row["words"]) == 2
            assert all(text[span["start"] : span["end"]] == span["text"] for span in row["words"])
            assert row["error"] == ""

    def test_labels_alone_are_those_of_classify(self, loaded: Any, tiny_model: Path) -> None:
        texts = [TEXTS[0], TEXTS[2]]
        table = loaded.predict(pandas.DataFrame({"text": texts}), params={"explain": False})
        assert table["sentences"].tolist() == table["words"].tolist() == [[], []]
        expected = DocumentClassifier.load(tiny_model).classify(texts)
        assert table["probability"].tolist() == [result.probability for result in expected]

    def test_an_unsure_model_gives_no_label(self, loaded: Any) -> None:
        [row] = loaded.predict(pandas.DataFrame({"text": TEXTS[:1]}), params={"abstain_below": 1.0}).to_dict(
            "records"
        )
        assert row["label"] == ""
        assert row["error"] == ""
        assert 0 < row["probability"] < 1
        assert len(row["probabilities"]) == 3

    def test_what_is_asked_for_is_checked(self, tiny_model: Path) -> None:
        model = _load_pyfunc(str(tiny_model))
        table = pandas.DataFrame({"text": [None, TEXTS[0]]})
        with pytest.raises(InputError, match=r"expected top of at least 1 .*, got 0 and 0\.0"):
            model.predict(table, {"top": 0})
        assert model.predict(table)["error"].tolist() == ["expected a text, got none", ""]


class TestRegistry:
    def test_the_signature_says_what_goes_in_and_out(self, loaded: Any) -> None:
        signature = loaded.metadata.signature
        assert signature.inputs.input_names() == ["text"]
        names = ["label", "probability", "probabilities", "sentences", "words", "error"]
        assert signature.outputs.input_names() == names
        assert {p.name: p.default for p in signature.params} == {
            "explain": True,
            "top": 3,
            "abstain_below": 0.0,
        }

    def test_nothing_is_pickled_and_all_is_pinned(self, place: Path, tmp_path: Path) -> None:
        folder = Path(mlflow.artifacts.download_artifacts("models:/hdoc@champion", dst_path=str(tmp_path)))
        files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert "data/model/weights.safetensors" in files
        assert "input_example.json" in files
        assert not [name for name in files if name.endswith((".pkl", ".py", ".pickle"))]
        lines = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
        assert {"hdoc", "kss", "mlflow", "torch", "transformers"} <= {line.split("==")[0] for line in lines}
        assert all("==" in line and "+" not in line for line in lines)

    def test_an_alias_moves_on_and_versions_stay(self, place: Path, tiny_model: Path) -> None:
        assert registry.register(tiny_model, "other", "champion", table_form(tiny_model)) == "1"
        assert registry.register(tiny_model, "other", "champion", table_form(tiny_model)) == "2"
        client = MlflowClient()
        assert int(client.get_model_version_by_alias("other", "champion").version) == 2
        first = registry.fetch_model("models:/other/1")
        second = registry.fetch_model("models:/other@champion")
        assert first != second
        assert (first / "weights.safetensors").read_bytes() == (second / "weights.safetensors").read_bytes()

    def test_hdoc_explains_with_it_and_fetches_it_once(
        self, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (place / "a.txt").write_text(TEXTS[0], encoding="utf-8")
        arguments = ["explain", "a.txt", "--format", "json", "-m"]
        assert cli.main([*arguments, "models:/hdoc@champion"]) == 0
        fetched = capsys.readouterr().out
        monkeypatch.setattr(mlflow.artifacts, "download_artifacts", lambda **_: pytest.fail("fetched again"))
        assert cli.main([*arguments, "models:/hdoc/1"]) == 0
        assert cli.main([*arguments, "model"]) == 0
        assert capsys.readouterr().out == fetched * 2

    @pytest.mark.parametrize(
        ("uri", "problem"),
        [
            ("models:/hdoc@nobody", "cannot get models:/hdoc@nobody from sqlite.*nobody"),
            ("models:/hdoc/7", "cannot get models:/hdoc/7 from sqlite"),
            ("models:/nothing/1", "cannot get models:/nothing/1 from"),
        ],
    )
    def test_a_model_that_is_not_there(self, place: Path, uri: str, problem: str) -> None:
        with pytest.raises(HdocError, match=problem):
            DocumentClassifier.load(uri)

    def test_a_model_of_something_else(self, place: Path) -> None:
        class Other(mlflow.pyfunc.PythonModel):
            def predict(self, context: Any, model_input: list[str]) -> list[str]:
                return model_input

        with mlflow.start_run():
            info = mlflow.pyfunc.log_model(name="other", python_model=Other(), pip_requirements=[])
        with pytest.raises(HdocError, match="expected a model that hdoc register logged"):
            registry.fetch_model(info.model_uri)

    def test_without_a_store_none_is_made(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        with pytest.raises(HdocError, match=r"expected MLFLOW_TRACKING_URI to name a server: no mlflow\.db"):
            registry.fetch_model("models:/hdoc@champion")
        assert not list(tmp_path.iterdir())

    def test_what_is_no_model_is_not_registered(
        self, place: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["register", "nowhere", "--name", "hdoc"]) == 1
        assert "expected a model folder, but nowhere is not there" in capsys.readouterr().err

    def test_mlflow_is_imported_only_for_such_a_model(self, tiny_model: Path) -> None:
        code = (
            "import sys\nfrom hdoc import DocumentClassifier\n"
            f"DocumentClassifier.load({str(tiny_model)!r}).explain('버스가 늦습니다.')\n"
            "sys.exit('mlflow' in sys.modules)"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_mlflow_serves_it(place: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/hdoc@champion"]
    options = ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (place / "serve.log").open("w") as log:
        # MLflow looks for uvicorn among the programs of an activated environment.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {**os.environ, "PATH": path}
        process = subprocess.Popen([*command, *options], cwd=place, stdout=log, stderr=log, env=environment)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/ping", process)
            body = {"dataframe_records": [{"text": TEXTS[0]}], "params": {"top": 1}}
            request = urllib.request.Request(
                f"{url}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                [row] = json.load(answer)["predictions"]
        finally:
            process.terminate()
            process.wait(30)
    assert row["label"] in ("경제", "사회", "문화")
    assert len(row["words"]) == len(row["sentences"]) == 1
    [word] = row["words"]
    assert TEXTS[0][word["start"] : word["end"]] == word["text"]
