"""A training's checkpoint to the folder of a document classifier."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hdoc.encoders.precision import StoredWeights
from hdoc.errors import ModelError
from hdoc.training.finish.checkpoint import network_weights, read_checkpoint

GRAPH = "reading.onnx"


def export_checkpoint(
    checkpoint: str | Path,
    folder: str | Path,
    *,
    name: str | None = None,
    version: str | None = None,
    weights: StoredWeights = "32bit",
) -> None:
    """Write the model folder of a checkpoint: JSON, safetensors, tokenizer and a card, never pickle.

    Args:
        checkpoint: what a training saved; the best one has its temperature, others have 1.
        folder: where; an hdoc model already there is replaced, anything else is refused.
        name: of the model; the experiment's by default.
        version: of the model; the run's name by default.
        weights: how many bits they have in the folder; fewer make it smaller, and the classes stay the same
            but for rounding.

    Raises:
        ModelError: the checkpoint cannot be used, or the folder cannot be written.
    """
    from hdoc.baselines.registry import HDOC
    from hdoc.tasks.document.folder.saving import save_model
    from hdoc.tasks.document.network import DocumentNetwork
    from hdoc.tasks.temperature import Temperature
    from hdoc.training.tasks.document.blueprint import DocumentBlueprint
    from hdoc.training.tasks.document.lexical import lexical_from_plain
    from hdoc.training.tasks.document.model_card import model_card

    content = read_checkpoint(checkpoint)
    stored: Mapping[str, Any] = content["hdoc"]
    blueprint = DocumentBlueprint.from_plain(stored["blueprint"])
    network, tokenizer = blueprint.build(), blueprint.build_tokenizer()
    if blueprint.architecture != HDOC or not isinstance(network, DocumentNetwork):
        raise ModelError(
            f"expected a checkpoint of hdoc itself, {checkpoint} is of {blueprint.architecture}, which hdoc "
            "is compared with; a model folder cannot hold it"
        )
    network.load_state_dict(network_weights(content))
    name = name or stored["run"].get("experiment") or "hdoc"
    version = version or stored["run"].get("name") or "1"
    save_model(
        folder,
        network.eval(),
        tokenizer,
        encoder_config=blueprint.encoder_config,
        labels=list(blueprint.labels),
        multi_label=blueprint.multi_label,
        temperature=Temperature(**stored["temperature"]),
        lexical=lexical_from_plain(stored["lexical"], tokenizer),
        origin=stored["origin"],
        name=name,
        version=version,
        card=model_card(stored, content.get("hyper_parameters", {}), name, version, weights),
        weights=weights,
        sentence_rule=blueprint.sentence_rule,
    )


def write_graph(folder: str | Path) -> Path:
    """Write `reading.onnx` into a model folder: what `reading_graph` describes, with its weights, 32 bit.

    Its outputs are all that explanations are made of but for the attention over sentences.

    Returns:
        The file.

    Raises:
        ModelError: the model cannot be read, or only torch can run it, or the file cannot be written.
    """
    from hdoc.tasks.document.engine_onnx import OnnxNetwork
    from hdoc.tasks.document.folder.loading import load_model

    model = load_model(folder, "onnx")
    if not isinstance(model.network, OnnxNetwork):
        raise TypeError(f"expected a network of ONNX Runtime, got {type(model.network).__name__}")
    path = Path(folder) / GRAPH
    try:
        path.write_bytes(model.network.whole_graph())
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror or error}") from error
    return path
