"""hdoc in Spark: the MLflow model as a user-defined function gives the rows of one process."""

import shutil
import sys
from pathlib import Path
from typing import Any

import mlflow
import pytest

from hdoc import DocumentClassifier, cli
from tests.conftest import SENTENCES

pytestmark = [
    # MLflow's own use of its database library, Spark's of pandas, and sockets that Spark leaves to the end.
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:pyspark"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java 17")
def test_rows_in_spark_are_those_of_one_process(
    tmp_path: Path, tiny_model: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = pytest.importorskip("pyspark.sql", reason="needs pyspark")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    assert cli.main(["register", str(tiny_model), "--name", "hdoc", "--alias", "champion"]) == 0

    texts = [f"{a} {b}" for a, b in zip(SENTENCES, reversed(SENTENCES), strict=True)]
    texts.insert(3, " ")
    spark = (
        sql.SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    try:
        spark.sparkContext.setLogLevel("ERROR")
        classify = mlflow.pyfunc.spark_udf(spark, "models:/hdoc@champion", env_manager="local")
        table = spark.createDataFrame(list(enumerate(texts)), ["id", "text"]).repartition(2)
        found = table.select("id", classify("text").alias("found")).orderBy("id").collect()
    finally:
        spark.stop()

    classifier = DocumentClassifier.load(tiny_model, "cpu")
    assert [row.id for row in found] == list(range(len(texts)))
    for text, row in zip(texts, found, strict=True):
        answer: dict[str, Any] = row.found.asDict(recursive=True)
        if not text.strip():
            assert answer["label"] == ""
            assert "nothing to read" in answer["error"]
            continue
        explanation = classifier.explain(text)
        assert (answer["label"], answer["error"]) == (explanation.label, "")
        assert answer["probabilities"] == pytest.approx(explanation.probabilities, abs=1e-5)
        strongest = sorted(explanation.sentences, key=lambda sentence: -abs(sentence.contribution))[:3]
        spans = [(span["start"], span["end"], span["text"]) for span in answer["sentences"]]
        assert spans == [(s.start, s.end, text[s.start : s.end]) for s in strongest]
