"""Weights in 8 bit by rows: how near they are, how large, and what of a damaged file is told."""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.numpy import load, save
from transformers import AutoModel, DistilBertConfig, DistilBertModel

from hdoc.encoders.bert import Bert
from hdoc.encoders.build import TransformersEncoder
from hdoc.encoders.eight_bit import eight_bit_bytes, holds_eight_bit, is_eight_bit, read_weights, to_rows
from hdoc.encoders.pretrained import load_encoder
from hdoc.errors import ModelError

FILE = Path("model.safetensors")
MARK = {"format": "hdoc-8bit-rows"}


def in_eight_bit(folder: Path) -> Path:
    """Write a transformers folder's weights anew, in 8 bit."""
    path = folder / FILE
    path.write_bytes(eight_bit_bytes(read_weights(path, path.read_bytes())))
    return folder


@settings(max_examples=100, deadline=None)
@given(arrays(np.float32, (32, 3), elements=st.floats(-1e6, 1e6, width=32)))
def test_no_weight_is_off_by_more_than_half_a_step(weights: np.ndarray) -> None:
    back = read_weights(FILE, eight_bit_bytes({"m": weights}))["m"]
    half_steps = np.abs(weights).max(axis=1, keepdims=True) / 253
    assert back.dtype == np.float32
    assert (np.abs(back - weights) <= half_steps + 1e-30).all()


def test_vectors_and_few_rows_stay_as_they_are_and_rows_of_zeros_too() -> None:
    random = np.random.default_rng(0)
    weights = {"bias": random.normal(size=70).astype(np.float32), "m": np.zeros((32, 3), np.float32)}
    weights["types"] = random.normal(size=(2, 3)).astype(np.float32)  # added to every token
    weights["conv"] = random.normal(size=(40, 3, 5)).astype(np.float32)
    back = read_weights(FILE, eight_bit_bytes(weights))
    assert back.keys() == weights.keys()
    np.testing.assert_array_equal(back["bias"], weights["bias"])
    np.testing.assert_array_equal(back["types"], weights["types"])
    np.testing.assert_array_equal(back["m"], 0)
    assert back["conv"].shape == (40, 3, 5)
    assert {name: str(one.dtype) for name, one in to_rows(weights).items()} == {
        "bias": "float32", "m.rows": "int8", "m.row_scales": "float32", "conv.rows": "int8",
        "conv.row_scales": "float32", "types": "float32",
    }  # fmt: skip


def test_what_was_in_8_bit_stays_what_it_is() -> None:
    weights = {"m": np.random.default_rng(0).normal(size=(50, 32)).astype(np.float32)}
    once = read_weights(FILE, eight_bit_bytes(weights))
    again = read_weights(FILE, eight_bit_bytes(once))
    np.testing.assert_allclose(again["m"], once["m"], rtol=1e-6)


def test_a_file_has_a_quarter_of_the_size_and_is_known_by_its_header_alone(tmp_path: Path) -> None:
    weights = {"m": np.ones((512, 256), np.float32), "bias": np.ones(256, np.float32)}
    small, large = eight_bit_bytes(weights), save(weights)
    assert len(small) < len(large) * 0.27
    assert is_eight_bit(small)
    assert not is_eight_bit(large)
    assert not is_eight_bit(save(to_rows(weights)))  # what its tensors look like says nothing
    assert not is_eight_bit(b"")
    assert not is_eight_bit(struct.pack("<Q", 2**63) + b"{}")
    assert not is_eight_bit(struct.pack("<Q", 5) + b"[1, 2")
    for name, content in (("small", small), ("large", large), ("none", b"")):
        (tmp_path / name).write_bytes(content)
        assert holds_eight_bit(tmp_path / name) == (name == "small")
    assert not holds_eight_bit(tmp_path / "missing")
    assert not holds_eight_bit(tmp_path)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_other_files_of_floats_become_32_bit(dtype: type) -> None:
    back = read_weights(FILE, save({"m": np.ones((2, 3), dtype)}))
    assert back["m"].dtype == np.float32


Q, S = np.ones((2, 3), np.int8), np.ones(2, np.float32)


@pytest.mark.parametrize(
    ("tensors", "problem"),
    [
        ({"m.rows": Q}, r"8-bit rows with a scale each in m, got int8 \(2, 3\) with scales none; export"),
        (
            {"m.rows": Q, "m.row_scales": np.ones(3, np.float32)},
            r"got int8 \(2, 3\) with scales float32 \(3,\)",
        ),
        ({"m.rows": Q.astype(np.int32), "m.row_scales": S}, r"got int32 \(2, 3\)"),
        ({"m.rows": Q[0], "m.row_scales": np.ones(3, np.float32)}, r"got int8 \(3,\)"),
        ({"m.rows": Q, "m.row_scales": np.ones(2, np.int64)}, r"with scales int64 \(2,\)"),
        ({"m.rows": Q, "m.row_scales": S * np.nan}, "expected finite numbers in m, got"),
        ({"m.rows": Q * 100, "m.row_scales": S * np.float32(3e38)}, "expected finite numbers in m, got"),
        ({"m.rows": Q, "m.row_scales": S * np.float32(1e36), "n": S}, None),
        ({"m.rows": Q, "m.row_scales": S * np.float32(3e38)}, "expected finite numbers in m, got"),
        ({"bias": S * np.inf}, "expected finite numbers in bias"),
        ({"m.row_scales": S}, r"expected rows for the scales m\.row_scales, got none"),
    ],
)
def test_what_does_not_fit_together_is_told(tensors: dict[str, np.ndarray], problem: str | None) -> None:
    content = save(tensors, metadata=MARK)
    if problem is None:
        assert read_weights(FILE, content).keys() == {"m", "n"}
        return
    with pytest.raises(ModelError, match=problem):
        read_weights(FILE, content)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_file_is_an_error_or_finite_numbers(data: st.DataObject) -> None:
    content = bytearray(eight_bit_bytes({"m": np.eye(32, dtype=np.float32), "bias": np.ones(2, np.float32)}))
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    try:
        found = read_weights(FILE, bytes(content))
    except ModelError:
        return
    assert all(np.isfinite(values).all() for values in found.values())


def test_an_encoder_in_8_bit_computes_nearly_the_same(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = in_eight_bit(shutil.copytree(tiny_encoder, tmp_path / "small"))
    assert (folder / FILE).stat().st_size < (tiny_encoder / FILE).stat().st_size * 0.45  # of rows of 32
    encoder, config = load_encoder(str(folder))
    assert isinstance(encoder, Bert)
    assert encoder.training
    assert config["hidden_size"] == 32
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}
    ids = torch.tensor([[2, 7, 8, 3], [2, 9, 3, 0]])
    with torch.no_grad():
        before = load_encoder(str(tiny_encoder))[0].eval()(ids, ids > 0)[ids > 0]
        after = encoder.eval()(ids, ids > 0)[ids > 0]
    assert 0 < (after - before).abs().max() < 0.05
    assert torch.cosine_similarity(after, before).min() > 0.999


def test_other_encoders_in_8_bit_go_through_transformers_too(tmp_path: Path) -> None:
    config = DistilBertConfig(vocab_size=50, dim=16, n_layers=1, n_heads=2, hidden_dim=32)
    DistilBertModel(config).save_pretrained(tmp_path / "whole")
    folder = in_eight_bit(shutil.copytree(tmp_path / "whole", tmp_path / "small"))
    encoder, _ = load_encoder(str(folder))
    assert isinstance(encoder, TransformersEncoder)
    ids, mask = torch.tensor([[2, 7, 3]]), torch.ones(1, 3, dtype=torch.bool)
    with torch.no_grad():
        expected = load_encoder(str(tmp_path / "whole"))[0].eval()(ids, mask)
        torch.testing.assert_close(encoder.eval()(ids, mask), expected, atol=0.05, rtol=0)


def test_an_encoder_in_8_bit_that_is_damaged_is_told(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = in_eight_bit(shutil.copytree(tiny_encoder, tmp_path / "small"))
    whole = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(whole[:-100])
    with pytest.raises(ModelError, match="is no safetensors file"):
        load_encoder(str(folder))
    tensors = load(whole)
    lost = next(name for name in tensors if "layer.1" in name and name.endswith(".bias"))
    (folder / FILE).write_bytes(save({k: v for k, v in tensors.items() if k != lost}, metadata=MARK))
    with pytest.raises(ModelError, match=r"expected the weights of an encoder, found none for .*layer\.1"):
        load_encoder(str(folder))
    (folder / FILE).write_bytes(whole)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": config["vocab_size"] + 1}))
    with pytest.raises(ModelError, match=r"does not fit config\.json: .*word_embeddings"):
        load_encoder(str(folder))


def test_transformers_alone_finds_no_matrix_rather_than_misread_one(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    folder = in_eight_bit(shutil.copytree(tiny_encoder, tmp_path / "small"))
    model, report = AutoModel.from_pretrained(folder, output_loading_info=True)
    matrices = {name for name, values in model.state_dict().items() if values.ndim > 1 and len(values) >= 32}
    assert set(report["missing_keys"]) == matrices
