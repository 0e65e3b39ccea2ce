"""Model folders whose weights are in 8 bit: smaller, read by both runtimes, and nearly the same scores."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.numpy import load, save

from hdoc import DocumentClassifier
from hdoc.cli import main
from hdoc.encoders.eight_bit import is_eight_bit
from hdoc.errors import ModelError
from hdoc.storage.shipped import default_model
from hdoc.tasks.document.folder.loading import load_model
from hdoc.tasks.document.folder.saving import save_model
from tests.places import ROOT
from tests.tasks.document.folder.test_folder import edit, sign

WEIGHTS = "weights.safetensors"
SAMPLES = sorted((ROOT / "hdoc" / "assets" / "samples").glob("*.txt"))


def save_again(source: Path, target: Path, weights: str) -> Path:
    """Write a model once more, with its weights in so many bits."""
    model = load_model(source)
    save_model(
        target,
        model.network,
        model.tokenizer,
        encoder_config=model.encoder_config,
        labels=list(model.labels),
        temperature=model.temperature,
        lexical=model.lexical,
        origin=None if model.origin is None else model.origin.tolist(),
        weights=weights,  # type: ignore[arg-type]
    )
    return target


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model that comes with hdoc, in 8 bit."""
    return save_again(default_model(), tmp_path_factory.mktemp("models") / "small", "8bit")


@pytest.fixture
def copy(small: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small, tmp_path / "copy")


def test_the_folder_says_it_and_is_small(small: Path, tmp_path: Path) -> None:
    config = json.loads((small / "config.json").read_text(encoding="utf-8"))
    assert (config["format_version"], config["weights"]) == (6, "8bit")
    assert is_eight_bit((small / WEIGHTS).read_bytes())
    sizes = {small: (small / WEIGHTS).stat().st_size}
    for weights in ("16bit", "32bit"):
        folder = save_again(small, tmp_path / weights, weights)
        sizes[folder] = (folder / WEIGHTS).stat().st_size
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        assert config["format_version"] == 5  # as an older hdoc reads it
        assert "weights" not in config
    eight, sixteen, thirty_two = sizes.values()
    assert eight < sixteen * 0.55 < thirty_two * 0.28


@pytest.mark.parametrize("runtime", ["torch", "onnx"])
def test_scores_stay_within_noise(small: Path, runtime: str) -> None:
    whole, eight = (
        DocumentClassifier.load(folder, runtime=runtime, device="cpu")  # type: ignore[arg-type]
        for folder in (default_model(), small)
    )
    for path in SAMPLES:
        expected, found = (one.explain(path.read_text(encoding="utf-8")) for one in (whole, eight))
        assert found.label == expected.label
        assert found.probabilities == pytest.approx(expected.probabilities, abs=0.02)
        assert found.logit != expected.logit
        assert found.bias + sum(s.contribution for s in found.sentences) == pytest.approx(
            found.logit, abs=1e-4
        )


def test_both_runtimes_read_the_same_weights(small: Path) -> None:
    one, other = (
        DocumentClassifier.load(small, runtime=runtime, device="cpu") for runtime in ("torch", "onnx")
    )
    text = SAMPLES[0].read_text(encoding="utf-8")
    assert one.explain(text).logit == pytest.approx(other.explain(text).logit, abs=1e-4)


def test_explain_and_its_graph_take_such_a_folder(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from hdoc.training.tasks.document.export import write_graph

    assert main(["explain", str(SAMPLES[0]), "-m", str(copy), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["coverage"] == 1
    assert write_graph(copy).stat().st_size > (copy / WEIGHTS).stat().st_size * 3  # 32 bit


def test_saving_what_was_read_changes_nothing_more(small: Path, tmp_path: Path) -> None:
    again = save_again(small, tmp_path / "again", "8bit")
    once, twice = (load((folder / WEIGHTS).read_bytes()) for folder in (small, again))
    assert all((once[name] == twice[name]).all() for name in once if name.endswith(".rows"))


def test_weights_that_are_not_what_the_config_says_are_refused(copy: Path, tiny_model: Path) -> None:
    edit(copy, "config.json", weights="32bit")
    with pytest.raises(ModelError, match=r"does not fit config\.json: expected weights in 16 or 32 bit"):
        load_model(copy)
    edit(copy, "config.json", weights="8bit")
    shutil.copy(tiny_model / WEIGHTS, copy)
    sign(copy)
    with pytest.raises(ModelError, match=r"does not fit config\.json: expected weights in 8 bit, got others"):
        load_model(copy)


def test_damaged_weights_are_told(copy: Path) -> None:
    content = (copy / WEIGHTS).read_bytes()
    (copy / WEIGHTS).write_bytes(content[: len(content) // 2])
    sign(copy)
    with pytest.raises(ModelError, match="is no safetensors file"):
        load_model(copy)
    tensors = load(content)
    lost = next(name for name in tensors if name.endswith(".row_scales"))
    metadata = {"format": "hdoc-8bit-rows"}
    (copy / WEIGHTS).write_bytes(save({k: v for k, v in tensors.items() if k != lost}, metadata))
    sign(copy)
    with pytest.raises(ModelError, match=r"expected 8-bit rows with a scale each in .* scales none"):
        load_model(copy)
