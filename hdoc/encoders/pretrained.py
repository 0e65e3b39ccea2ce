"""The encoder that a training starts from, and its tokenizer: by name, from a folder, or from a hub.

"small" is the encoder that comes with hdoc. A folder that holds a config and a tokenizer but no weights
gives an encoder with random weights. Code that comes with a model is never run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from hdoc.console import say
from hdoc.encoders.build import TransformersEncoder, build_encoder, build_own_encoder
from hdoc.encoders.eight_bit import eight_bit_tensors, holds_eight_bit
from hdoc.errors import ModelError
from hdoc.tokens.tokenizer import PieceTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_WEIGHTS = (
    "*.safetensors",
    "*.safetensors.index.json",
    "pytorch_model*.bin",
    "pytorch_model*.bin.index.json",
)

_EIGHT_BIT_FILE = "model.safetensors"


def load_tokenizer(encoder: str, window: int) -> PieceTokenizer:
    """Load an encoder's tokenizer.

    Args:
        encoder: "small", a folder as transformers writes it, or a hub name.
        window: longest sequence the encoder is to be given, special tokens included.

    Raises:
        ModelError: there is no such encoder, or it has no fast tokenizer.
    """
    tokenizer = load_fast_tokenizer(encoder)
    pad_id = tokenizer.pad_token_id
    return PieceTokenizer(tokenizer.backend_tokenizer, window, 0 if pad_id is None else int(pad_id))


def load_fast_tokenizer(encoder: str) -> PreTrainedTokenizerBase:
    """Load an encoder's tokenizer as transformers has it; see `load_tokenizer`."""
    from transformers import AutoTokenizer

    source = encoder_source(encoder)
    with _explained(encoder):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(source)
    if not tokenizer.is_fast:
        raise ModelError(
            f"{encoder}: expected a fast tokenizer (tokenizer.json), the only kind that tells where a word "
            f"piece stands in the text, got {type(tokenizer).__name__}; convert it, or take another encoder"
        )
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        # For some models transformers makes up an empty vocabulary where there is none.
        raise ModelError(
            f"{encoder}: expected a tokenizer beside the encoder, found none; "
            "save it there too (tokenizer.save_pretrained)"
        )
    return tokenizer


def load_encoder(encoder: str) -> tuple[nn.Module, dict[str, Any]]:
    """Load an encoder, ready to be trained.

    Args:
        encoder: "small", a folder as transformers writes it (weights also in 8 bit), or a hub name.

    Returns:
        A module `(ids, mask) -> hidden states` with 32-bit weights, in training mode, and what stands in
        its transformers `config.json`.

    Raises:
        ModelError: there is no such encoder, or transformers cannot load it.
    """
    from transformers import AutoConfig

    source = encoder_source(encoder)
    with _explained(encoder):
        config: dict[str, Any] = AutoConfig.from_pretrained(source).to_dict()
    if not _has_weights(source):
        say(f"{encoder} holds no weights: the encoder starts from random ones")
        return build_encoder(config).train(), config
    model = load_model(encoder)
    own = build_own_encoder(config)
    if own is None:
        # It arrives in evaluation mode, and Lightning would leave it there.
        return TransformersEncoder(model).train(), config
    weights = model.state_dict()
    own.load_state_dict({name: weights[name] for name in own.state_dict()})
    return own.train(), config


def load_model(encoder: str) -> PreTrainedModel:
    """Load the model of transformers that an encoder is, with 32-bit weights.

    Args:
        encoder: "small", a folder with weights, or a hub name.

    Raises:
        ModelError: there is no such encoder, some of its weights are missing, or transformers cannot load it.
    """
    from transformers import AutoConfig, AutoModel

    source = encoder_source(encoder)
    weights = Path(source) / _EIGHT_BIT_FILE
    # Its report on weights is for those who know the model; what matters of it is checked here.
    with _explained(encoder), _silent():
        if holds_eight_bit(weights):
            model = AutoModel.from_config(AutoConfig.from_pretrained(source))  # type: ignore[no-untyped-call]
            missing = _fill(model, weights)
        else:
            model, report = AutoModel.from_pretrained(source, output_loading_info=True)
            missing = report["missing_keys"]
    _check_complete(encoder, missing)
    # Weights are often kept in 16 bits, in which no optimiser can take small steps.
    found: PreTrainedModel = model.float()
    return found


def _fill(model: nn.Module, path: Path) -> list[str]:
    """Give a model the weights of a file in 8 bit; returns the names of those that the file lacks."""
    try:
        missing: list[str] = model.load_state_dict(eight_bit_tensors(path), strict=False).missing_keys
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path} does not fit config.json: {reason}; write the folder again") from error
    return missing


def _check_complete(encoder: str, missing: Iterable[str]) -> None:
    """Refuse an encoder without some of its weights; nobody here needs a pooler."""
    lacking = sorted(name for name in missing if not name.startswith("pooler."))
    if lacking:
        raise ModelError(
            f"{encoder}: expected the weights of an encoder, found none for {', '.join(lacking[:3])}"
            f"{' and others' if len(lacking) > 3 else ''}; name the folder or hub name of a whole one"
        )


@contextmanager
def _silent() -> Iterator[None]:
    from transformers.utils import logging as messages

    level = messages.get_verbosity()
    messages.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        messages.set_verbosity(level)


def hide_progress_bars() -> None:
    """Have transformers load encoders without progress bars: it takes no time."""
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]


def encoder_source(encoder: str) -> str:
    """Return the folder or hub name that transformers loads an encoder from.

    Raises:
        ModelError: it looks like a folder, but there is none.
    """
    if encoder == "small":
        folder = Path(str(files("hdoc") / "assets" / "encoder"))
        if not folder.is_dir():
            raise ModelError(
                f"expected the small encoder in {folder}, found none; "
                "install hdoc again, or name another encoder"
            )
        return str(folder)
    folder = Path(encoder).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelError(
                f"{folder}: expected an encoder as transformers writes it, found no config.json; "
                "name the folder that save_pretrained wrote"
            )
        return str(folder)
    # A hub name is "name" or "owner/name"; anything else can only be meant as a path.
    if folder.is_absolute() or encoder.startswith((".", "~")) or encoder.count("/") > 1 or folder.exists():
        raise ModelError(f"expected the folder of an encoder, but {encoder} is no folder; check the path")
    return encoder


def _has_weights(source: str) -> bool:
    folder = Path(source)
    return not folder.is_dir() or any(any(folder.glob(pattern)) for pattern in _WEIGHTS)


@contextmanager
def _explained(encoder: str) -> Iterator[None]:
    """Turn what transformers raises for a missing or unusable encoder into an error with a remedy."""
    try:
        yield
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ModelError(
            f"{encoder}: expected an encoder and its tokenizer in a folder or on a hub, but: "
            f"{reason.rstrip('.')}; check the name and the network connection, or name a folder "
            "that you downloaded it to"
        ) from error
