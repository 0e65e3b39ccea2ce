"""What users install: the wheel alone, in an environment of its own."""

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
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
        "assets/model/weights.safetensors",
        "assets/model/README.md",
        "assets/samples/transport.txt",
        "configs/petitions.yaml",
        "rendering/style.css",
        "py.typed",
    ):
        assert f"hdoc/{part}" in names
    assert not [name for name in names if name.startswith(("tests/", "scripts/"))]
    assert wheel.stat().st_size <= 30e6


@pytest.mark.slow
def test_the_wheel_alone_explains_the_sample(wheel: Path, tmp_path: Path) -> None:
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
