from pathlib import Path

import pytest
import yaml

from hdoc.training.configs import shipped_configs
from tests.places import ROOT

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
TRAINING = [path for path in CONFIGS if not path.stem.startswith("pretrain")]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_opens_with_what_it_is_and_its_command(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    header = lines[: next(i for i, line in enumerate(lines) if not line.startswith("#"))]
    assert len(header) >= 4
    assert any("python scripts/" in line or "hdoc train" in line for line in header)


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_a_training_config_says_how_to_override_and_go_on(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert f"hdoc train fit --config {path.stem}" in text
    assert "# Override:" in text
    assert "--resume runs/" in text


def test_shipped_configs_are_found_by_name() -> None:
    of_documents = {"petitions", "statutes", "klue-bert", "nsmc", "multilabel", "movies"}
    assert set(shipped_configs()) == {path.stem for path in TRAINING}
    assert of_documents <= set(shipped_configs())
    for path in shipped_configs().values():
        assert path.is_file()


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_every_value_is_one_that_exists(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytorch_lightning.cli import LightningArgumentParser

    from hdoc.training.known_tasks import find_training
    from hdoc.training.loop.checkpoints import RunCheckpoint

    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    task = find_training(config.get("task", "document"))
    parser = LightningArgumentParser()
    parser.add_lightning_class_args(task.learner(), "model")
    parser.add_lightning_class_args(task.data(), "data")
    parser.add_lightning_class_args(RunCheckpoint, "checkpoint")
    parsed = parser.parse_object({key: config[key] for key in ("model", "data")})
    for section in ("model", "data"):
        for name, value in config[section].items():
            found = getattr(parsed[section], name)
            if isinstance(value, dict):
                assert {key: getattr(found, key) for key in value} == value
            else:
                assert found == value
    assert not set(config["data"]) & set(task.shared), "they are taken from the model"
