"""A model folder: plain JSON, safetensors and a tokenizer; never pickle, never code.

    config.json          format, name, version, the encoder's config, the network's sizes
    labels.json          the classes in the order of the scores
    calibration.json     the temperature, and the scores that argue for and against nothing
    tokenizer.json       a fast tokenizer
    weights.safetensors  all weights, 16 or 32 bit
    lexical.safetensors  the lexical part, if there is one
    checksums.json       SHA-256 of each file above; written last, so a folder without it is unfinished
    README.md            the model card

Loading needs no network and executes nothing from the folder.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_numpy
from safetensors.numpy import save as array_bytes
from tokenizers import Tokenizer

from hdoc.encoding import PieceTokenizer
from hdoc.errors import HdocError, ModelError
from hdoc.explanation import ModelIdentity
from hdoc.lexical import LexicalScores
from hdoc.sentences import Split
from hdoc.shapes import NetworkShape, encoder_width, encoder_window
from hdoc.temperature import Temperature

if TYPE_CHECKING:
    from hdoc.network import DocumentNetwork
    from hdoc.onnx.network import OnnxNetwork

Runtime = Literal["torch", "onnx"]
"""What runs the network; ONNX Runtime starts faster and needs no torch, torch can use a GPU."""

FORMAT = "hdoc-model"
FORMAT_VERSION = 2
_READABLE = (1, 2)  # the first knew of no lexical part, no origin, and of one way only to find sentences
_PARTS = ("config.json", "labels.json", "calibration.json", "tokenizer.json", "weights.safetensors")
_LEXICAL = "lexical.safetensors"
_LEXICAL_TENSORS = ("idf", "weights", "bias")
_LARGEST_JSON = 64 * 2**20
_LARGEST_WEIGHTS = 16 * 2**30
# No encoder comes near these; beyond them, only building the network would take hours.
_LARGEST_SIZE = 10_000_000
_MOST_LAYERS = 1_000
_MOST_KERNELS = 100
_LEAST_TEMPERATURE = 1e-6
_LONGEST_QUOTE = 200
_PLAIN = Temperature()


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model and all that is needed to use it.

    Attributes:
        network: in evaluation mode, 32 bit.
        tokenizer: with the window it was trained with.
        encoder_config: the encoder's transformers config.
        labels: class names in the order of the scores.
        multi_label: whether a document may have several classes.
        temperature: what logits are divided by before they become probabilities.
        identity: name, version and checksum.
        split: how texts became sentences in training.
        lexical: what is added to the network's scores.
        origin: the score of a piece that argues neither for nor against a class, (classes,); None for 0.
    """

    network: DocumentNetwork | OnnxNetwork
    tokenizer: PieceTokenizer
    encoder_config: dict[str, Any]
    labels: tuple[str, ...]
    multi_label: bool
    temperature: Temperature
    identity: ModelIdentity
    split: Split = "kss"
    lexical: LexicalScores | None = None
    origin: NDArray[np.float64] | None = None


def save_model(
    folder: str | Path,
    network: DocumentNetwork,
    tokenizer: PieceTokenizer,
    *,
    encoder_config: Mapping[str, Any],
    labels: list[str],
    multi_label: bool = False,
    temperature: Temperature = _PLAIN,
    name: str = "hdoc",
    version: str = "1",
    card: str = "",
    half: bool = False,
    split: Split = "kss",
    lexical: LexicalScores | None = None,
    origin: Sequence[float] | None = None,
) -> None:
    """Write a model folder, whole or not at all.

    Args:
        folder: where; an hdoc model already there is replaced, anything else is refused.
        network: the trained network.
        tokenizer: its tokenizer.
        encoder_config: the encoder's transformers config.
        labels: class names in the order of the scores.
        multi_label: whether a document may have several classes.
        temperature: what logits are divided by before they become probabilities.
        name: the model's name.
        version: the model's version.
        card: the model card, Markdown.
        half: store weights in 16 bit.
        split: how texts became sentences in training, and are to from now on.
        lexical: what is added to the network's scores.
        origin: the score of a piece that argues neither for nor against a class, one number a class.

    Raises:
        ModelError: the folder holds something else, or cannot be written.
    """
    target = Path(folder)
    if target.is_dir() and any(target.iterdir()) and not (target / "config.json").is_file():
        raise ModelError(f"expected a new folder or an hdoc model to replace, but {target} holds other files")
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": name,
        "version": version,
        "multi_label": multi_label,
        "window": tokenizer.window,
        "pad_id": tokenizer.pad_id,
        "split": split,
        "network": asdict(network.shape),
        # Where the encoder was loaded from is nobody's business but the trainer's.
        "encoder": {name: value for name, value in encoder_config.items() if name != "_name_or_path"},
    }
    dtype = np.float16 if half else np.float32
    weights = {
        key: np.ascontiguousarray(value.detach().cpu().float().numpy().astype(dtype))
        for key, value in network.state_dict().items()
    }
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
            draft = Path(scratch) / "model"
            draft.mkdir()
            _write_json(draft / "config.json", config)
            _write_json(draft / "labels.json", labels)
            _write_json(draft / "calibration.json", _calibration(temperature, origin))
            tokenizer.tokenizer.save(str(draft / "tokenizer.json"))
            # Not save_file: it would make a file that only its owner may read.
            (draft / "weights.safetensors").write_bytes(array_bytes(weights))
            (draft / "README.md").write_text(card, encoding="utf-8")
            if lexical is not None:
                (draft / _LEXICAL).write_bytes(_lexical_bytes(lexical, dtype))
            written = [part for part in (*_PARTS, _LEXICAL) if (draft / part).is_file()]
            _write_json(
                draft / "checksums.json", {part: _sha256((draft / part).read_bytes()) for part in written}
            )
            if target.is_dir():
                target.replace(Path(scratch) / "former")
            draft.replace(target)
    except OSError as error:
        raise ModelError(f"cannot write the model folder {target}: {error.strerror or error}") from error


def load_model(folder: str | Path, runtime: Runtime = "torch") -> StoredModel:
    """Read a model folder.

    Args:
        folder: what `save_model` wrote.
        runtime: what is to run the network.

    Raises:
        HdocError: ONNX Runtime is not installed.
        ModelError: it is missing, unfinished, damaged, of another format, or its parts do not fit together.
    """
    root = Path(folder)
    parts, checksum = _read_parts(root)
    config = _json_object(root / "config.json", parts["config.json"])
    if config.get("format") != FORMAT or config.get("format_version") not in _READABLE:
        raise ModelError(
            f"expected format {FORMAT} version {' or '.join(map(str, _READABLE))} in {root / 'config.json'}, "
            f"got {config.get('format')!r} version {config.get('format_version')!r}"
        )
    network = _onnx_network if runtime == "onnx" else _network
    try:
        labels = _labels(root, parts["labels.json"])
        _check_sizes(root, config)
        sizes = dict(config["network"], kernel_widths=tuple(config["network"]["kernel_widths"]))
        if sizes["n_classes"] != len(labels):
            raise ModelError(
                f"{root / 'labels.json'} does not fit config.json: {len(labels)} classes, "
                f"expected {_short(sizes['n_classes'])}"
            )
        tokenizer = PieceTokenizer(
            Tokenizer.from_buffer(parts["tokenizer.json"]), config["window"], config["pad_id"]
        )
        _check_tokenizer(root, tokenizer, config["encoder"])
        return StoredModel(
            network=network(root, config["encoder"], NetworkShape(**sizes), parts["weights.safetensors"]),
            tokenizer=tokenizer,
            encoder_config=config["encoder"],
            labels=labels,
            multi_label=bool(config["multi_label"]),
            temperature=_temperature(root, parts["calibration.json"]),
            identity=ModelIdentity(str(config["name"]), str(config["version"]), checksum),
            split=_split(root, config),
            lexical=_lexical(root, parts, len(labels), tokenizer.tokenizer.get_vocab_size()),
            origin=_origin(root, parts["calibration.json"], len(labels)),
        )
    except HdocError:
        raise
    except ImportError as error:
        raise HdocError(
            f"running a model in {runtime} needs {error.name}, which is not installed; run: pip install "
            f"{error.name}{'' if runtime == 'onnx' else ', or choose --runtime onnx'}"
        ) from error
    except Exception as error:  # tokenizers raises bare Exception; whatever is wrong, the folder is at fault
        reason = f"{type(error).__name__}: {_short(error)}"
        raise ModelError(f"the parts of the model {root} do not fit together: {reason}") from error


def _read_parts(root: Path) -> tuple[dict[str, bytes], str]:
    """Return the files' contents and the checksum over all, after each was compared with its own."""
    if not root.is_dir():
        raise ModelError(
            f"expected a model folder, but {root} is {'a file' if root.exists() else 'not there'}"
        )
    if not (root / "config.json").is_file():
        raise ModelError(
            f"expected a model folder, but {root} has no config.json; export one with: hdoc export"
        )
    if not (root / "checksums.json").is_file():
        raise ModelError(f"the model {root} is unfinished (no checksums.json); export it again")
    expected = _json_object(root / "checksums.json", _read(root / "checksums.json"))
    parts = {}
    names = (*_PARTS, _LEXICAL) if _LEXICAL in expected else _PARTS
    for part in names:
        parts[part] = _read(root / part)
        if _sha256(parts[part]) != expected.get(part):
            raise ModelError(
                f"{root / part} is not what was exported (SHA-256 differs); copy the model again"
            )
    return parts, _sha256("".join(f"{part} {expected[part]}\n" for part in names).encode())


def _lexical_bytes(lexical: LexicalScores, dtype: type[np.floating[Any]]) -> bytes:
    values = (lexical.idf, lexical.weights, lexical.bias)
    return array_bytes(
        {
            name: np.ascontiguousarray(np.asarray(value).astype(dtype))
            for name, value in zip(_LEXICAL_TENSORS, values, strict=True)
        }
    )


def _lexical(root: Path, parts: Mapping[str, bytes], n_classes: int, vocabulary: int) -> LexicalScores | None:
    if _LEXICAL not in parts:
        return None
    try:
        tensors = load_numpy(parts[_LEXICAL])
    except SafetensorError as error:
        raise ModelError(f"{root / _LEXICAL} is no safetensors file: {error}") from error
    expected = dict(
        zip(_LEXICAL_TENSORS, ((vocabulary,), (vocabulary, n_classes), (n_classes,)), strict=True)
    )
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if found != expected:
        raise ModelError(f"expected tensors {expected} in {root / _LEXICAL}, got {found}; export it again")
    return LexicalScores(*(tensors[name].astype(np.float32) for name in _LEXICAL_TENSORS))


def _network(
    root: Path, encoder_config: dict[str, Any], shape: NetworkShape, weights: bytes
) -> DocumentNetwork:
    import torch

    from hdoc.encoder import build_encoder
    from hdoc.network import DocumentNetwork

    tensors = {name: torch.from_numpy(values) for name, values in _weights(root, weights).items()}
    with torch.device("meta"):  # sizes without memory: the weights are put in place below
        network = DocumentNetwork(build_encoder(encoder_config), encoder_width(encoder_config), shape)
    wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise ModelError(
                f"{root / 'weights.safetensors'} does not fit config.json: {name} has shape "
                f"{_shape(found.get(name))}, expected {_shape(wanted.get(name))}"
            )
    if len(list(network.buffers())) > 0:  # tables that are computed, not stored, need a real device
        network = DocumentNetwork(build_encoder(encoder_config), encoder_width(encoder_config), shape)
    network.load_state_dict(tensors, assign=True)
    network.eval()
    _try(root, network)
    return network


def _onnx_network(
    root: Path, encoder_config: dict[str, Any], shape: NetworkShape, weights: bytes
) -> OnnxNetwork:
    try:
        from hdoc.onnx.network import OnnxNetwork
    except ModuleNotFoundError as error:
        raise HdocError(f"the runtime onnx needs {error.name}; run: pip install onnxruntime") from error
    from hdoc.engine import Rectangle

    network = OnnxNetwork(encoder_config, shape, _weights(root, weights))
    seen = np.ones((1, 3), dtype=bool)
    vectors, _, _ = network.read(Rectangle(np.zeros((1, 3), dtype=np.int64), seen, seen))
    _check_scores(root, network.judge(vectors)[0])
    return network


def _weights(root: Path, content: bytes) -> dict[str, NDArray[np.float32]]:
    """Return all weights as 32 bit."""
    path = root / "weights.safetensors"
    try:
        arrays = load_numpy(content)
    except SafetensorError as error:
        raise ModelError(f"{path} is no safetensors file: {error}") from error
    for name, values in sorted(arrays.items()):
        if values.dtype not in (np.float16, np.float32, np.float64) or not np.isfinite(values).all():
            raise ModelError(f"{path}: expected finite numbers in {name}, got others")
    return {name: values.astype(np.float32) for name, values in arrays.items()}


def _check_scores(root: Path, logits: NDArray[np.floating[Any]]) -> None:
    if not np.isfinite(logits).all():
        raise ModelError(f"expected finite scores of the model {root}, got others; export it again")


def _check_sizes(root: Path, config: Mapping[str, Any]) -> None:
    """Refuse sizes that no model has, before anything is built of them."""
    for name, value in _numbers(config["encoder"]):
        most = _MOST_LAYERS if "layer" in str(name) else _LARGEST_SIZE
        if isinstance(value, int) and value > most:
            raise ModelError(f"expected at most {most:,} for {name} in {root / 'config.json'}, got {value:,}")
    if len(config["network"]["kernel_widths"]) > _MOST_KERNELS:
        raise ModelError(
            f"expected at most {_MOST_KERNELS} kernel_widths in {root / 'config.json'}, got more"
        )


def _numbers(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _numbers(part, key)
    elif isinstance(value, list):
        for part in value:
            yield from _numbers(part, name)
    else:
        yield name, value


def _check_tokenizer(root: Path, tokenizer: PieceTokenizer, encoder_config: Mapping[str, Any]) -> None:
    """Refuse a tokenizer that gives ids or positions for which the encoder has no vectors."""
    n_pieces = 1 + max(tokenizer.tokenizer.get_vocab().values(), default=-1)
    n_vectors = encoder_config.get("vocab_size")
    if n_vectors is not None and not (0 <= tokenizer.pad_id < n_vectors and 0 < n_pieces <= n_vectors):
        raise ModelError(
            f"{root / 'tokenizer.json'} does not fit config.json: {n_pieces:,} pieces and padding "
            f"{tokenizer.pad_id}, but the encoder has {n_vectors:,} vectors"
        )
    longest = encoder_window(encoder_config)
    if "max_position_embeddings" in encoder_config and tokenizer.window > longest:
        raise ModelError(
            f"expected a window of at most {longest} in {root / 'config.json'}, got {tokenizer.window}"
        )


def _try(root: Path, network: DocumentNetwork) -> None:
    """Score three pieces, or a model whose sizes fit but do not work would fail at the first document."""
    import torch

    from hdoc.batches import PaddedWindows

    ids = torch.zeros(1, 3, dtype=torch.long)
    seen = torch.ones(1, 3, dtype=torch.bool)
    with torch.inference_mode():
        vectors = network.read(PaddedWindows(ids, seen, seen)).vectors
        _check_scores(root, network.judge(vectors, torch.tensor([1])).logits.numpy())


def _labels(root: Path, content: bytes) -> tuple[str, ...]:
    labels = _json(root / "labels.json", content)
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels) or len(labels) < 1:
        raise ModelError(f"expected a list of class names in {root / 'labels.json'}")
    if len(set(labels)) < len(labels):
        raise ModelError(f"{root / 'labels.json'} names a class twice")
    return tuple(labels)


def _split(root: Path, config: Mapping[str, Any]) -> Split:
    split: Split = config.get("split", "kss")  # models before this entry were all trained with kss
    if split not in get_args(Split):
        raise ModelError(
            f"expected split to be one of {', '.join(get_args(Split))} in {root / 'config.json'}, "
            f"got {split!r}"
        )
    return split


def _calibration(temperature: Temperature, origin: Sequence[float] | None) -> dict[str, Any]:
    content: dict[str, Any] = {"temperature": temperature.base}
    if temperature.spread:
        content["temperature_spread"] = temperature.spread
    return content if origin is None else content | {"origin": list(origin)}


def _temperature(root: Path, content: bytes) -> Temperature:
    calibration = _json_object(root / "calibration.json", content)
    temperature, spread = calibration.get("temperature"), calibration.get("temperature_spread", 0.0)
    if not isinstance(temperature, int | float) or not _LEAST_TEMPERATURE < temperature < float("inf"):
        raise ModelError(
            f"expected a temperature above {_LEAST_TEMPERATURE} in {root / 'calibration.json'}, "
            f"got {_short(temperature)}"
        )
    if not isinstance(spread, int | float) or not 0 <= spread < float("inf"):
        raise ModelError(
            f"expected a temperature_spread of 0 or more in {root / 'calibration.json'}, got {_short(spread)}"
        )
    return Temperature(float(temperature), float(spread))


def _origin(root: Path, content: bytes, n_classes: int) -> NDArray[np.float64] | None:
    origin = _json_object(root / "calibration.json", content).get("origin")
    if origin is None:
        return None
    found = np.array(origin, dtype=float) if isinstance(origin, list) else np.empty(0)
    if found.shape != (n_classes,) or not np.isfinite(found).all():
        raise ModelError(
            f"expected an origin of {n_classes} numbers, one a class, in {root / 'calibration.json'}, "
            f"got {origin!r}"
        )
    return found


def _read(path: Path) -> bytes:
    most = _LARGEST_JSON if path.suffix == ".json" else _LARGEST_WEIGHTS
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):  # reading a device or a pipe may never end
            raise ModelError(f"expected a file, but {path} is none; copy the model again")
        if status.st_size > most:
            raise ModelError(f"{path} has {status.st_size:,} bytes; expected at most {most:,}")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error
    except MemoryError as error:
        raise ModelError(f"cannot read {path}: it is larger than the free memory") from error


def _json(path: Path, content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is no JSON: {error}") from error


def _json_object(path: Path, content: bytes) -> dict[str, Any]:
    value = _json(path, content)
    if not isinstance(value, dict):
        raise ModelError(f"expected a JSON object in {path}, got {type(value).__name__}")
    return value


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _shape(shape: Sequence[int] | None) -> str:
    return "none" if shape is None else str(tuple(shape))


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"
