"""A checkpoint as an ordinary transformers folder, for every tool that takes a BERT."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from transformers import BertConfig, BertModel

from hdoc.encoders.eight_bit import eight_bit_bytes
from hdoc.errors import DataError
from hdoc.pretraining.tokenizer import load_tokenizer, save_tokenizer

_PREFIX = "network.bert."


def export(checkpoint: Path, folder: Path, tokenizer: Path, dtype: str = "float32") -> None:
    """Write `config.json`, `model.safetensors` and the tokenizer's files.

    Args:
        checkpoint: what `fit` saved.
        folder: made if it does not exist.
        tokenizer: folder with the `tokenizer.json` that the shards were made with.
        dtype: of the weights on disk: float32, float16, bfloat16, or int8 by rows.

    Raises:
        DataError: the checkpoint is none of pre-training, or the vocabulary is another one.
    """
    try:
        saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
        config = BertConfig.from_dict(saved["encoder_config"])
        weights = saved["state_dict"]
    except (OSError, KeyError, TypeError, RuntimeError, pickle.UnpicklingError) as error:
        raise DataError(
            f"{checkpoint}: expected a checkpoint of scripts/pretrain.py fit, "
            f"but {type(error).__name__}: {str(error).partition(chr(10))[0]}"
        ) from error
    vocabulary = load_tokenizer(tokenizer)
    if vocabulary.get_vocab_size() != config.vocab_size:
        raise DataError(
            f"{tokenizer}: expected a vocabulary of {config.vocab_size} pieces, as {checkpoint} was trained "
            f"with, got {vocabulary.get_vocab_size()}; give the folder that the shards were made with"
        )
    encoder = {
        name.removeprefix(_PREFIX): value for name, value in weights.items() if name.startswith(_PREFIX)
    }
    # The pooler was trained only if next sentences were predicted.
    has_pooler = "pooler.dense.weight" in encoder
    model = BertModel(config, add_pooling_layer=has_pooler)
    model.load_state_dict(encoder)
    path = folder / "model.safetensors"
    model.to(getattr(torch, "float32" if dtype == "int8" else dtype)).save_pretrained(folder)
    # It is written for its owner alone, and would be packaged so.
    path.chmod(0o644)
    if dtype == "int8":
        path.write_bytes(eight_bit_bytes({name: value.numpy() for name, value in model.state_dict().items()}))
    save_tokenizer(vocabulary, folder)
