"""What users install: the wheel alone, in an environment of its own."""

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.places import ROOT

SAMPLE = ROOT / "hdoc" / "assets" / "samples" / "pets.txt"


def run(*command: str | Path, cwd: Path) -> str:
    given = [str(part) for part in command]
    result = subprocess.run(given, capture_output=True, text=True, check=False, cwd=cwd)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    [path] = folder.glob("*.whl")
    return path


def test_the_wheel_is_whole_and_at_most_30_mb(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for part in (
        "assets/models/petitions/weights.safetensors",
        "assets/models/petitions/README.md",
        "assets/samples/transport.txt",
        "configs/petitions.yaml",
        "rendering/style.css",
        "py.typed",
    ):
        assert f"hdoc/{part}" in names
    assert not [name for name in names if name.startswith(("tests/", "scripts/"))]
    assert wheel.stat().st_size <= 30e6


@pytest.mark.slow
def test_the_wheel_alone_explains_the_sample_and_a_part_of_it_does_too(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    bin_folder = tmp_path / "env" / "bin"
    pip = [bin_folder / "python", "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel, cwd=tmp_path)
    value = json.loads(run(bin_folder / "hdoc", "explain", SAMPLE, "--format", "json", cwd=tmp_path))
    assert value["label"] == "반려동물"
    assert value["coverage"] == 1
    packages = json.loads(run(*pip, "list", "--format", "json", cwd=tmp_path))
    installed = {package["name"].lower() for package in packages}
    assert "hdoc" in installed
    assert not installed & {"pytorch-lightning", "mlflow", "datasets", "torchmetrics", "matplotlib", "captum"}
    size = int(run(bin_folder / "python", "-c", _EXPLAINING_ALONE, *given_to_it(), cwd=tmp_path).split()[-1])
    assert 100e6 < size < 400e6


def given_to_it() -> list[str | Path]:
    lines = (ROOT / "requirements-explaining.txt").read_text(encoding="utf-8").splitlines()
    return [SAMPLE, "hdoc", *(line for line in lines if not line.startswith("#"))]


# Uses hdoc as if only some distributions were installed, and says how many bytes these are.
_EXPLAINING_ALONE = """
import sys
from importlib import metadata

sample, *names = sys.argv[1:]
kept = {name.lower().replace("_", "-") for name in names}
for package, owners in metadata.packages_distributions().items():
    if not kept & {owner.lower().replace("_", "-") for owner in owners}:
        sys.modules[package] = None  # an import of it fails

from hdoc.cli import main
for view in ("text", "html", "json"):
    assert main(["explain", sample, "--format", view, "-o", "view"]) == 0
assert main(["classify", sample, "--runtime", "onnx", "-o", "rows.jsonl"]) == 0
files = [file.locate() for name in names for file in metadata.files(name)]
print(sum(file.stat().st_size for file in files if file.is_file()))
"""
