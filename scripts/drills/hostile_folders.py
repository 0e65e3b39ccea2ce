"""What is done to a model folder to do harm: code, wrong sizes, wrong files, endless files."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hdoc.tasks.document.folder.model import PARTS

TRAP = "HDOC_DRILL_TRAP"  # the environment variable with the file that code of a folder touches if it is run
_TEN_TO_NINE = 1_000_000_000


def harms() -> Iterator[tuple[str, Callable[[Path], Any]]]:
    """Yield what each harm is, and what does it to a copy of a whole model folder."""
    trap = pickle.dumps(_Trap())
    for part in PARTS:
        yield f"pickled code in place of {part}", _writing(part, trap)
        yield f"{part} is a folder", _replacing(part, lambda path: path.mkdir())
        yield f"{part} is a pipe that nobody writes to", _replacing(part, os.mkfifo)
        yield f"{part} is a link to an endless device", _replacing(part, lambda p: p.symlink_to("/dev/zero"))
        yield f"{part} is a link to itself", _replacing(part, lambda p: p.symlink_to(p))
        yield f"{part} says that it has a terabyte", _growing(part, 1 << 40)
    for name in ("pytorch_model.bin", "model.pkl", "../model.pkl", "conftest.py", "modeling_hdoc.py"):
        yield f"code in {name} beside the parts", _writing(name, trap)
    yield "checksums of files outside of the folder", _editing("checksums.json", {"../../etc/passwd": "0"})
    for size in (63 << 20, 65 << 20):
        yield f"labels of {size >> 20} MiB", _growing("labels.json", size)
        yield f"nested lists of {size >> 20} MiB", _writing("labels.json", b"[" * size)
    yield "a million labels", _writing("labels.json", json.dumps([str(i) for i in range(10**6)]).encode())
    yield (
        "a number with a million digits",
        _writing("calibration.json", b'{"temperature": 1' + b"0" * 10**6 + b"}"),
    )
    for temperature in (0, -1, 1e-320, float("nan"), float("inf"), "1", None, [1], True):
        yield f"temperature {temperature!r}", _editing("calibration.json", {"temperature": temperature})
    for spread in (-1, float("nan"), float("inf"), "1", None, [1]):
        yield (
            f"spread {spread!r}",
            _editing("calibration.json", {"temperature": 1, "temperature_spread": spread}),
        )
    yield from _wrong_sizes()
    yield from _wrong_encoders()
    yield from _wrong_weights()
    yield from _wrong_tokenizers()


def sign(folder: Path) -> None:
    """Make the checksums right, so that what stands behind them is reached."""
    path = folder / "checksums.json"
    try:
        names = [name for name in json.loads(path.read_bytes()) if (folder / name).is_file()]
    except ValueError:
        return
    readable = [name for name in names if (folder / name).stat().st_size < 1 << 30]
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in readable}
    path.write_text(json.dumps(dict.fromkeys(PARTS, "0" * 64) | sums))


class _Trap:
    """Touches a file when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.system, (f'touch "${TRAP}"',)


def _wrong_sizes() -> Iterator[tuple[str, Callable[[Path], Any]]]:
    sizes = (-1, 0, 3, 10_001, _TEN_TO_NINE, 1 << 70, 0.5, "8", None, [8])
    for name in ("window", "pad_id", "multi_label", "split", "name", "encoder", "network"):
        for size in sizes:
            yield f"{name} {size!r}", _editing("config.json", {name: size})
    for name in ("n_classes", "value_width", "channels", "context", "kernel_widths"):
        for size in (*sizes, [_TEN_TO_NINE], [1] * 10**6):
            yield f"network {name} {str(size)[:20]}", _editing("config.json", {"network": {name: size}})
    for name in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size",
                 "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "hidden_act"):  # fmt: skip
        for size in sizes:
            yield f"encoder {name} {size!r}", _editing("config.json", {"encoder": {name: size}})


def _wrong_encoders() -> Iterator[tuple[str, Callable[[Path], Any]]]:
    code = {
        "auto_map": {"AutoModel": "modeling_hdoc.Model"},
        "trust_remote_code": True,
        "attn_implementation": "someone/kernels",
        "_attn_implementation": "someone/kernels",
        "_name_or_path": "../outside",
    }
    for kind in (
        "bert",
        "distilbert",
        "gpt2",
        "t5",
        "timm_wrapper",
        "../bert",
        "",
        "no such encoder",
        5,
        None,
    ):
        yield (
            f"an encoder of the kind {kind!r} that names code",
            _editing("config.json", {"encoder": {**code, "model_type": kind}}),
        )


def _wrong_weights() -> Iterator[tuple[str, Callable[[Path], Any]]]:
    name = "weights.safetensors"
    yield "a header of 2^63 bytes", _writing(name, struct.pack("<Q", 1 << 63) + b"{}")
    yield "a header of 90 MB", _writing(name, struct.pack("<Q", 90 << 20) + b" " * (90 << 20))
    yield "a tensor beyond the end", _writing(name, _safetensors({"a": ("F32", [1 << 40], [0, 1 << 42])}))
    yield (
        "tensors that overlap",
        _writing(name, _safetensors({"a": ("F32", [1], [0, 4]), "b": ("F32", [1], [0, 4])}, 4)),
    )
    yield "no tensors", _writing(name, _safetensors({}))
    yield "tensors named like paths", _writing(name, _safetensors({"../../a": ("F32", [1], [0, 4])}, 4))
    for what, change in (
        ("a shape turned round", lambda tensor: tensor.T if tensor.dim() == 2 else tensor),
        ("weights that are no numbers", lambda tensor: tensor * float("nan")),
        ("infinite weights", lambda tensor: tensor + float("inf")),
        ("whole numbers as weights", lambda tensor: tensor.long()),
        ("truth values as weights", lambda tensor: tensor > 0),
        ("huge weights", lambda tensor: tensor * 1e30),
    ):
        yield what, _changing_weights(change)


def _wrong_tokenizers() -> Iterator[tuple[str, Callable[[Path], Any]]]:
    vocabulary = {f"w{i}": i for i in range(200_000)} | {"[UNK]": 200_000}
    for what, model in (
        ("more pieces than vectors", {"type": "WordPiece", "vocab": vocabulary, "unk_token": "[UNK]",
                                      "continuing_subword_prefix": "##", "max_input_chars_per_word": 100}),
        ("no piece at all", {"type": "WordPiece", "vocab": {}, "unk_token": "[UNK]",
                             "continuing_subword_prefix": "##", "max_input_chars_per_word": 100}),
        ("ids far apart", {"type": "WordLevel", "vocab": {"[UNK]": 4_000_000_000}, "unk_token": "[UNK]"}),
        ("a tokenizer of an unknown kind", {"type": "Shell", "vocab": {}}),
    ):  # fmt: skip
        yield what, _editing("tokenizer.json", {"model": None, "post_processor": None}, {"model": model})


def _writing(name: str, content: bytes) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_bytes(content)


def _replacing(name: str, make: Callable[[Path], Any]) -> Callable[[Path], Any]:
    def replace(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return replace


def _growing(name: str, size: int) -> Callable[[Path], Any]:
    """Make a file so large without writing it."""
    return lambda folder: os.truncate(folder / name, size)


def _editing(name: str, *changes: dict[str, Any]) -> Callable[[Path], Any]:
    """Change values of a JSON file; objects are merged."""

    def edit(folder: Path) -> None:
        content = json.loads((folder / name).read_bytes())
        for change in changes:
            for key, value in change.items():
                merge = isinstance(value, dict) and isinstance(content.get(key), dict)
                content[key] = {**content[key], **value} if merge else value
        (folder / name).write_text(json.dumps(content), encoding="utf-8")

    return edit


def _changing_weights(change: Callable[[Any], Any]) -> Callable[[Path], Any]:
    def edit(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        tensors = load_file(folder / "weights.safetensors")
        save_file(
            {name: change(tensor).contiguous() for name, tensor in tensors.items()},
            folder / "weights.safetensors",
        )

    return edit


def _safetensors(header: dict[str, tuple[str, list[int], list[int]]], n_bytes: int = 0) -> bytes:
    content = json.dumps(
        {name: {"dtype": d, "shape": s, "data_offsets": o} for name, (d, s, o) in header.items()}
    ).encode()
    return struct.pack("<Q", len(content)) + content + b"\0" * n_bytes
