"""Show that a change of the code changes no result: run it before and after, and compare the two folders.

    python scripts/same_results.py before --data dev.jsonl
    python scripts/same_results.py after --data dev.jsonl
    diff --recursive before after

It writes the explanations of documents as JSON, HTML and terminal view, their classification, and the
SHA-256 of each weight after a short training with a fixed seed. Only the command line is used, so that it
runs whatever the code looks like. A run takes about two minutes on one core.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

FORMATS = {"text": "txt", "json": "json", "html": "html"}
SETTINGS = {"OMP_NUM_THREADS": "1", "COLUMNS": "100", "LC_ALL": "C.UTF-8", "MLFLOW_DISABLE_TELEMETRY": "true"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("output", type=Path, help="folder for the results")
    parser.add_argument("--data", type=Path, required=True, help="JSON Lines with text and label")
    parser.add_argument("--documents", type=int, default=50, help="default: 50")
    options = parser.parse_args()
    with options.data.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in islice(file, options.documents)]
    output = options.output.resolve()
    output.mkdir(parents=True)
    with TemporaryDirectory() as folder:
        explain(rows, Path(folder), output)
        train(rows, Path(folder), output)


def explain(rows: list[dict], folder: Path, output: Path) -> None:
    articles = folder / "articles"
    articles.mkdir()
    for number, row in enumerate(rows):
        (articles / f"{number:03}.txt").write_text(row["text"], encoding="utf-8")
    names = [path.name for path in sorted(articles.iterdir())]
    for kind in FORMATS:
        for runtime in ("onnx", "torch"):
            place = output / f"{kind}-{runtime}"
            hdoc(articles, "explain", *names, "--format", kind, "--runtime", runtime, "-o", str(place))
    hdoc(
        articles, "explain", names[0], "--method", "integrated-gradients", "-o", str(output / "gradients.txt")
    )
    hdoc(articles, "explain", *names[:5], "--check", "-o", str(output / "check"), "--top", "5")
    hdoc(articles, "classify", ".", "-o", str(output / "classified.jsonl"))


def train(rows: list[dict], folder: Path, output: Path) -> None:
    import torch

    data = folder / "train.jsonl"
    frequent = [label for label, _ in Counter(row["label"] for row in rows).most_common(3)]
    kept = [row for row in rows if row["label"] in frequent]
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept * 2), encoding="utf-8")
    more = ["--run.name", "same", "--trainer.max_epochs", "2", "--trainer.accelerator", "cpu"]
    more += ["--data.cache_folder", str(folder / "cache"), "--data.workers", "0"]
    hdoc(folder, "train", "fit", "--data.train_file", str(data), *more)
    run = folder / "runs" / "hdoc" / "same"
    state = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    sums = {name: hashlib.sha256(value.numpy().tobytes()).hexdigest() for name, value in state.items()}
    content = json.dumps(dict(sorted(sums.items())), indent=2)
    (output / "weights.json").write_text(content + "\n", encoding="utf-8")
    (output / "labels.json").write_bytes((run / "model" / "labels.json").read_bytes())


def hdoc(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "hdoc", *arguments]
    environment = {**os.environ, **SETTINGS}
    subprocess.run(command, cwd=folder, env=environment, check=True, stderr=subprocess.DEVNULL)  # noqa: S603 (ourselves)


if __name__ == "__main__":
    main()
