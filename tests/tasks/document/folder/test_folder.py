import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save as save_numpy
from safetensors.torch import load_file, save_file

from hdoc import DocumentClassifier
from hdoc.encoders.precision import StoredWeights
from hdoc.errors import ModelError
from hdoc.storage.reading import sha256
from hdoc.storage.shipped import default_model
from hdoc.tasks.document.folder.loading import load_model
from hdoc.tasks.document.folder.saving import save_model
from hdoc.tasks.document.lexical import LexicalScores, ngram_keys
from hdoc.tasks.temperature import Temperature


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_model, tmp_path / "copy")


def sign(folder: Path) -> None:
    """Make the checksums right again after a change, so that the check behind them is reached."""
    path = folder / "checksums.json"
    names = {*json.loads(path.read_text()), *(part.name for part in folder.glob("*.safetensors"))}
    sums = {name: sha256((folder / name).read_bytes()) for name in names}
    path.write_text(json.dumps(sums))


def edit(folder: Path, name: str, **changes: object) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")
    sign(folder)


def test_a_model_comes_back_as_it_was_saved(tiny_model: Path, tmp_path: Path) -> None:
    model = load_model(tiny_model)
    assert model.labels == ("경제", "사회", "문화")
    assert (model.temperature, model.multi_label, model.tokenizer.window) == (
        Temperature(1.5, 0.25),
        False,
        32,
    )
    assert (model.identity.name, model.identity.version) == ("tiny", "7")
    assert not model.network.training
    again = tmp_path / "again"
    save_model(
        again,
        model.network,
        model.tokenizer,
        encoder_config=model.encoder_config,
        labels=list(model.labels),
        temperature=Temperature(1.5, 0.25),
        name="tiny",
        version="7",
    )
    assert load_model(again).identity == model.identity
    assert (tiny_model / "README.md").read_text() == "# tiny\n"
    modes = {path.stat().st_mode & 0o777 for path in again.iterdir()}
    assert len(modes) == 1, "all files of a model are readable to the same people"


def test_a_model_splits_texts_as_in_its_training(copy: Path) -> None:
    text = "버스가 늦게 왔습니다. 그래서 지각했어요!\n다음부터는 일찍 나가겠다고 말했다."
    assert json.loads((copy / "config.json").read_text())["split"] == "kss"
    assert len(DocumentClassifier.load(copy).explain(text).sentences) == 3
    edit(copy, "config.json", split="lines")
    classifier = DocumentClassifier.load(copy)
    assert len(classifier.explain(text).sentences) == 2
    assert len(classifier.classify([text])[0].sentences) == 2
    edit(copy, "config.json", split="words")
    with pytest.raises(ModelError, match=r"expected split to be one of kss, lines in .*, got 'words'"):
        load_model(copy)


def test_a_model_from_before_that_was_known_splits_by_kss(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    del config["split"]
    (copy / "config.json").write_text(json.dumps(config), encoding="utf-8")
    sign(copy)
    assert load_model(copy).sentence_rule == "kss"


def test_weights_can_be_stored_in_16_bit(tiny_model: Path, tmp_path: Path) -> None:
    model = load_model(tiny_model)
    folder = tmp_path / "half"
    save_model(
        folder,
        model.network,
        model.tokenizer,
        encoder_config=model.encoder_config,
        labels=["가", "나", "다"],
        weights="16bit",
    )
    stored = load_file(folder / "weights.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}
    assert {parameter.dtype for parameter in load_model(folder).network.parameters()} == {torch.float32}


def test_a_model_does_not_tell_where_its_encoder_lay(tiny_model: Path, tmp_path: Path) -> None:
    model = load_model(tiny_model)
    save_model(
        tmp_path / "model",
        model.network,
        model.tokenizer,
        encoder_config={**model.encoder_config, "_name_or_path": "/home/someone/encoder"},
        labels=list(model.labels),
    )
    assert "/home/someone" not in (tmp_path / "model" / "config.json").read_text(encoding="utf-8")


def test_the_model_that_comes_with_hdoc_names_no_place() -> None:
    assert "_name_or_path" not in (default_model() / "config.json").read_text(encoding="utf-8")


def test_an_older_model_is_replaced_and_other_folders_are_not(copy: Path, tmp_path: Path) -> None:
    model = load_model(copy)
    arguments = {"encoder_config": model.encoder_config, "labels": list(model.labels)}
    save_model(copy, model.network, model.tokenizer, version="8", **arguments)  # type: ignore[arg-type]
    assert load_model(copy).identity.version == "8"
    other = tmp_path / "letters"
    other.mkdir()
    (other / "letter.txt").write_text("소중한 글")
    with pytest.raises(ModelError, match="expected a new folder or an hdoc model to replace"):
        save_model(other, model.network, model.tokenizer, **arguments)  # type: ignore[arg-type]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "letters"]


def test_folders_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not there"):
        load_model(tmp_path / "none")
    with pytest.raises(ModelError, match=r"has no config\.json; export one with: hdoc export"):
        load_model(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="is a file"):
        load_model(tmp_path / "file")


def test_an_unfinished_model_is_refused(copy: Path) -> None:
    (copy / "checksums.json").unlink()
    with pytest.raises(ModelError, match=r"is unfinished \(no checksums\.json\)"):
        load_model(copy)


@pytest.mark.parametrize(
    "name", ["config.json", "labels.json", "calibration.json", "tokenizer.json", "weights.safetensors"]
)
def test_one_changed_byte_is_noticed(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{name} is not what was exported"):
        load_model(copy)


def test_a_missing_part_is_named(copy: Path) -> None:
    (copy / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"cannot read .*tokenizer\.json: No such file"):
        load_model(copy)


def test_weights_that_do_not_fit_are_named(copy: Path) -> None:
    weights = load_file(copy / "weights.safetensors")
    weights["classifier.weight"] = torch.zeros(5, 5)
    save_file(weights, copy / "weights.safetensors")
    sign(copy)
    with pytest.raises(ModelError, match=r"classifier\.weight has shape \(5, 5\), expected \(3, 16\)"):
        load_model(copy)


def test_pickled_weights_are_not_opened(copy: Path) -> None:
    torch.save({"x": torch.zeros(1)}, copy / "weights.safetensors")
    sign(copy)
    with pytest.raises(ModelError, match="is no safetensors file"):
        load_model(copy)


@pytest.mark.parametrize(("stored", "error"), [("32bit", 1e-5), ("16bit", 1e-2), ("8bit", 1e-2)])
def test_the_lexical_part_comes_back(
    tiny_model: Path, tmp_path: Path, stored: StoredWeights, error: float
) -> None:
    model = load_model(tiny_model)
    vocabulary, n_classes = model.tokenizer.tokenizer.get_vocab_size(), len(model.labels)
    random = np.random.default_rng(0)
    spelling = model.tokenizer.spelling
    keys = ngram_keys(np.arange(0, vocabulary, 2), spelling)
    size = vocabulary + len(keys)
    weights, bias = random.normal(size=(size, n_classes)), random.normal(size=n_classes)
    lexical = LexicalScores(random.random(size), weights, bias, spelling, keys)
    save_model(
        tmp_path / "model",
        model.network,
        model.tokenizer,
        encoder_config=model.encoder_config,
        labels=list(model.labels),
        lexical=lexical,
        weights=stored,
    )
    found = load_model(tmp_path / "model").lexical
    assert found is not None
    ids = np.arange(0, vocabulary, 2)
    assert found.keys.tolist() == keys.tolist()
    assert found.logits(ids) == pytest.approx(lexical.logits(ids), abs=error)
    assert model.lexical is None


def test_a_lexical_part_that_does_not_fit_is_refused(copy: Path) -> None:
    tensors = {"idf": np.ones(3), "weights": np.ones((3, 2)), "bias": np.ones(2)}
    (copy / "lexical.safetensors").write_bytes(save_numpy(tensors))
    sign(copy)
    with pytest.raises(ModelError, match=r"expected tensors .* in .*lexical\.safetensors"):
        load_model(copy)
    (copy / "lexical.safetensors").write_bytes(b"no tensors")
    sign(copy)
    with pytest.raises(ModelError, match="is no safetensors file"):
        load_model(copy)


def test_keys_out_of_order_are_refused(tiny_model: Path, copy: Path) -> None:
    model = load_model(tiny_model)
    size, n_classes = model.tokenizer.tokenizer.get_vocab_size() + 2, len(model.labels)
    tensors = {"idf": np.ones(size), "weights": np.ones((size, n_classes)), "bias": np.ones(n_classes)}
    (copy / "lexical.safetensors").write_bytes(save_numpy({**tensors, "keys": np.array([9, 7])}))
    sign(copy)
    with pytest.raises(ModelError, match=r"expected ascending keys in .*lexical\.safetensors; export it"):
        load_model(copy)
    (copy / "lexical.safetensors").write_bytes(save_numpy({**tensors, "keys": np.array([7])}))
    sign(copy)
    with pytest.raises(ModelError, match=r"expected tensors .* in .*lexical\.safetensors"):
        load_model(copy)


def test_a_lexical_part_from_before_there_were_ngrams_is_read(tiny_model: Path, copy: Path) -> None:
    model = load_model(tiny_model)
    size, n_classes = model.tokenizer.tokenizer.get_vocab_size(), len(model.labels)
    random = np.random.default_rng(0)
    tensors = {
        "idf": np.ones(size),
        "weights": random.normal(size=(size, n_classes)),
        "bias": np.ones(n_classes),
    }
    (copy / "lexical.safetensors").write_bytes(save_numpy(tensors))
    edit(copy, "config.json", format_version=3)
    found = load_model(copy).lexical
    assert found is not None
    assert found.logits(np.array([3])) == pytest.approx(1 + tensors["weights"][3])


def test_other_formats_and_broken_json_are_refused(copy: Path) -> None:
    for version in (2, 4, 7):
        edit(copy, "config.json", format_version=version)
        with pytest.raises(
            ModelError, match=f"expected format hdoc-model version 1 or 3 or 5 or 6 .* version {version}"
        ):
            load_model(copy)
    (copy / "config.json").write_text("{")
    sign(copy)
    with pytest.raises(ModelError, match=r"config\.json is no JSON"):
        load_model(copy)
    (copy / "config.json").write_text("[]")
    sign(copy)
    with pytest.raises(ModelError, match=r"expected a JSON object in .*config\.json, got list"):
        load_model(copy)


def test_labels_and_temperature_are_checked(copy: Path) -> None:
    edit(copy, "calibration.json", temperature=0)
    with pytest.raises(ModelError, match="expected a temperature above"):
        load_model(copy)
    for spread in (-0.1, float("nan"), "1", None):
        edit(copy, "calibration.json", temperature=1, temperature_spread=spread)
        with pytest.raises(ModelError, match="expected a temperature_spread of 0 or more"):
            load_model(copy)
    edit(copy, "calibration.json", temperature=1, temperature_spread=0)
    assert load_model(copy).temperature == Temperature(1.0)
    (copy / "labels.json").write_text('["가", "가", "나"]')
    sign(copy)
    with pytest.raises(ModelError, match="names a class twice"):
        load_model(copy)
    (copy / "labels.json").write_text('{"0": "가"}')
    sign(copy)
    with pytest.raises(ModelError, match="expected a list of class names"):
        load_model(copy)


def test_settings_that_make_no_sense_are_refused(copy: Path) -> None:
    edit(copy, "config.json", window="wide")
    with pytest.raises(ModelError, match="do not fit together"):
        load_model(copy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pad_id": -1}, "and padding -1, but the encoder has"),
        ({"pad_id": 10**9}, "padding 1000000000, but the encoder has"),
        ({"window": 4_000}, "expected a window of at most 128 in .*config.json, got 4000"),
        ({"encoder": {"num_hidden_layers": 10**6}}, "expected at most 1,000 for num_hidden_layers"),
        ({"encoder": {"hidden_size": 10**9}}, "expected at most 10,000,000 for hidden_size"),
        ({"encoder": {"num_attention_heads": 3}}, "do not fit together"),
        ({"network": {"kernel_widths": [1] * 1_000}}, "expected at most 100 kernel_widths"),
        ({"network": {"n_classes": 4}}, "labels.json does not fit config.json: 3 classes, expected 4"),
    ],
)
def test_sizes_that_could_not_be_used_are_refused(copy: Path, changes: dict[str, Any], message: str) -> None:
    config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    merged = {key: {**config[key], **v} if isinstance(v, dict) else v for key, v in changes.items()}
    edit(copy, "config.json", **merged)
    with pytest.raises(ModelError, match=message):
        load_model(copy)


def test_weights_that_are_no_finite_numbers_are_refused(copy: Path) -> None:
    weights = load_file(copy / "weights.safetensors")
    for wrong in (torch.full((3,), float("nan")), torch.zeros(3, dtype=torch.int64)):
        save_file(weights | {"classifier.bias": wrong}, copy / "weights.safetensors")
        sign(copy)
        with pytest.raises(ModelError, match=r"expected finite numbers in classifier\.bias"):
            load_model(copy)


def test_what_would_be_read_without_end_is_refused(copy: Path) -> None:
    (copy / "labels.json").unlink()
    (copy / "labels.json").symlink_to("/dev/zero")
    with pytest.raises(ModelError, match=r"expected a file, but .*labels\.json is none"):
        load_model(copy)


def test_a_config_that_names_code_has_it_left_out() -> None:
    from hdoc.encoders.build import build_encoder

    config = {
        "model_type": "distilbert",
        "dim": 8,
        "n_heads": 1,
        "n_layers": 1,
        "hidden_dim": 8,
        "vocab_size": 9,
    }
    named = {"auto_map": {"AutoModel": "evil.Model"}, "attn_implementation": "someone/kernels"}
    plain, given = build_encoder(config), build_encoder(config | named)
    assert str(given) == str(plain)


def test_a_model_of_another_encoder_works(tmp_path: Path, tiny_model: Path) -> None:
    from transformers import DistilBertConfig

    from hdoc.encoders.build import build_encoder
    from hdoc.tasks.document.network import DocumentNetwork, NetworkShape

    tokenizer = load_model(tiny_model).tokenizer
    config = DistilBertConfig(vocab_size=600, dim=16, n_layers=1, n_heads=2, hidden_dim=32).to_dict()
    network = DocumentNetwork(build_encoder(config), 16, NetworkShape(2, value_width=8, channels=4))
    save_model(tmp_path / "other", network, tokenizer, encoder_config=config, labels=["가", "나"])
    result = DocumentClassifier.load(tmp_path / "other").classify(["버스가 늦었다."])
    assert set(result[0].probabilities) == {"가", "나"}


def test_a_missing_runtime_is_no_fault_of_the_model(copy: Path) -> None:
    program = (
        "import sys; sys.modules['torch'] = None; "
        f"from hdoc.tasks.document.folder.loading import load_model; load_model({str(copy)!r})"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    message = (
        "running a model in torch needs torch, which is not installed; "
        "run: pip install torch, or choose --runtime onnx"
    )
    assert result.stderr.splitlines()[-1].endswith(message)
