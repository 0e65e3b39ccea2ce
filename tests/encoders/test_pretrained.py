import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoTokenizer, DistilBertConfig, DistilBertModel

from hdoc.encoders.bert import Bert
from hdoc.encoders.build import TransformersEncoder
from hdoc.encoders.pretrained import load_encoder, load_tokenizer
from hdoc.errors import ModelError
from hdoc.training.data.tokenising import tokenise_many
from tests.conftest import SENTENCES


def test_bert_computes_what_transformers_computes(tiny_encoder: Path) -> None:
    encoder, config = load_encoder(str(tiny_encoder))
    assert isinstance(encoder, Bert)
    assert config["hidden_size"] == 32
    assert all(module.training for module in encoder.modules())
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}
    ids = torch.tensor([[2, 7, 8, 3], [2, 9, 3, 0]])
    with torch.no_grad():
        theirs = AutoModel.from_pretrained(tiny_encoder)(ids, (ids > 0).long()).last_hidden_state
        ours = encoder.eval()(ids, ids > 0)
    torch.testing.assert_close(ours[ids > 0], theirs[ids > 0], atol=1e-5, rtol=1e-4)


def test_weights_of_16_bits_become_32(tiny_encoder: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_encoder, tmp_path / "half")
    AutoModel.from_pretrained(tiny_encoder).half().save_pretrained(tmp_path / "half")
    encoder, _ = load_encoder(str(tmp_path / "half"))
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}


def test_other_encoders_go_through_transformers(tiny_encoder: Path, tmp_path: Path) -> None:
    config = DistilBertConfig(vocab_size=500, dim=16, n_layers=1, n_heads=2, hidden_dim=32)
    DistilBertModel(config).save_pretrained(tmp_path / "other")
    encoder, values = load_encoder(str(tmp_path / "other"))
    assert isinstance(encoder, TransformersEncoder)
    assert values["model_type"] == "distilbert"
    assert all(module.training for module in encoder.modules())
    assert encoder(torch.tensor([[2, 7, 3]]), torch.ones(1, 3, dtype=torch.bool)).shape == (1, 3, 16)


def test_a_folder_without_weights_is_said_to_start_at_random(
    tiny_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tiny_encoder, tmp_path / "bare", ignore=shutil.ignore_patterns("*.safetensors"))
    encoder, _ = load_encoder(str(tmp_path / "bare"))
    assert "bare holds no weights: the encoder starts from random ones" in capsys.readouterr().err
    assert isinstance(encoder, Bert)
    assert encoder.training


def test_the_tokenizer_of_a_folder(tiny_encoder: Path) -> None:
    tokenizer = load_tokenizer(str(tiny_encoder), 16)
    theirs = AutoTokenizer.from_pretrained(tiny_encoder)
    assert (tokenizer.prefix, tokenizer.suffix) == ([theirs.cls_token_id], [theirs.sep_token_id])
    assert (tokenizer.pad_id, tokenizer.capacity) == (theirs.pad_token_id, 14)
    assert tokenizer.tokenizer.encode(SENTENCES[0]).ids == theirs(SENTENCES[0])["input_ids"]


def test_worker_processes_give_what_this_one_gives(tiny_encoder: Path) -> None:
    tokenizer = load_tokenizer(str(tiny_encoder), 16)
    texts = [SENTENCES[i % len(SENTENCES)] * (1 + i % 3) for i in range(6)] + ["", "\u200b"]
    here, there = (list(tokenise_many(texts, tokenizer, "kss", workers)) for workers in (0, 1))
    assert len(here) == len(there) == len(texts)
    for (pieces, windows), (other_pieces, other_windows) in zip(here, there, strict=True):
        assert pieces.tolist() == other_pieces.tolist()
        assert windows.tolist() == other_windows.tolist()
    assert here[-2][0].tolist() == here[-2][1].tolist() == []


def no_config(folder: Path, encoder: Path) -> str:
    return str(folder)


def no_folder(folder: Path, encoder: Path) -> str:
    return str(folder / "missing")


def no_hub(folder: Path, encoder: Path) -> str:
    return "nobody/nothing"


def no_tokenizer(folder: Path, encoder: Path) -> str:
    shutil.copy(encoder / "config.json", folder)
    return str(folder)


def slow_tokenizer(folder: Path, encoder: Path) -> str:
    shutil.copy(encoder / "config.json", folder)
    settings = {"tokenizer_class": "CanineTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return str(folder)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (no_config, "found no config.json; name the folder that save_pretrained wrote"),
        (no_folder, "expected the folder of an encoder, but .*missing is no folder; check the path"),
        (no_hub, "nobody/nothing: expected an encoder and its tokenizer .* or name a folder"),
        (no_tokenizer, "expected a tokenizer beside the encoder, found none"),
        (slow_tokenizer, "expected a fast tokenizer .*, got CanineTokenizer; convert it"),
    ],
)
def test_an_encoder_that_cannot_be_used_is_named(
    tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: object, problem: str
) -> None:
    # As if there were no network: a hub would be asked five times.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=problem):
        load_tokenizer(make(tmp_path, tiny_encoder), 16)  # type: ignore[operator]


def test_an_encoder_without_some_of_its_weights_is_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    weights = load_file(folder / "model.safetensors")
    weights.pop(next(name for name in weights if "layer.1" in name))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"expected the weights of an encoder, found none for .*layer\.1"):
        load_encoder(str(folder))


def test_loading_says_nothing_of_a_pooler_that_nobody_needs(capfd: pytest.CaptureFixture[str]) -> None:
    load_encoder("small")
    said = capfd.readouterr()
    assert "MISSING" not in said.out + said.err
