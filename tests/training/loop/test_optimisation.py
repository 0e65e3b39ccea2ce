"""The optimiser's groups, and how learning rates rise and fall."""

from functools import partial

import pytest
import torch
from pytorch_lightning import Trainer

from hdoc.encoders.bert import Bert, BertShape
from hdoc.errors import HdocError
from hdoc.tasks.document.network import DocumentNetwork, NetworkShape
from hdoc.training.loop.optimisation import build_optimizer, build_schedule, count_steps, rate_factor
from hdoc.training.loop.options import OptimiserOptions

options = partial(OptimiserOptions, encoder_rate=1e-4, head_rate=1e-3)


def tiny_network(n_layers: int = 3) -> DocumentNetwork:
    torch.manual_seed(0)
    encoder = Bert(BertShape(100, 16, n_layers, 2, 32, max_position_embeddings=32))
    return DocumentNetwork(encoder, 16, NetworkShape(3, value_width=16, channels=8)).eval()


def test_each_layer_learns_more_slowly_than_the_one_above() -> None:
    optimizer = build_optimizer(tiny_network(3), options(layer_decay=0.5, weight_decay=0.1))
    rates = {group["name"]: group["lr"] for group in optimizer.param_groups}
    expected = {"head": 1e-3, "encoder": 1e-4, "encoder-1": 5e-5, "encoder-2": 2.5e-5}
    assert rates == pytest.approx({**expected, "encoder-3": 1.25e-5})


def test_every_parameter_is_in_one_group_and_only_matrices_decay() -> None:
    network = tiny_network()
    optimizer = build_optimizer(network, options(weight_decay=0.1))
    grouped = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    assert sorted(map(id, grouped)) == sorted(map(id, network.parameters()))
    for group in optimizer.param_groups:
        assert {parameter.ndim > 1 for parameter in group["params"]} == {group["weight_decay"] > 0}


def test_a_frozen_encoder_is_left_out() -> None:
    network = tiny_network()
    network.encoder.requires_grad_(False)
    optimizer = build_optimizer(network, options())
    assert {group["name"] for group in optimizer.param_groups} == {"head"}


def test_layers_are_found_in_models_of_transformers() -> None:
    from hdoc.encoders.build import build_encoder

    config = {"model_type": "distilbert", "vocab_size": 50, "dim": 16, "n_layers": 2, "n_heads": 2}
    encoder = build_encoder({**config, "hidden_dim": 32})
    network = DocumentNetwork(encoder, 16, NetworkShape(2, value_width=8, channels=4))
    optimizer = build_optimizer(network, options(layer_decay=0.5))
    names = {group["name"] for group in optimizer.param_groups}
    assert names == {"head", "encoder", "encoder-1", "encoder-2"}


@pytest.mark.parametrize("kind", ["linear", "cosine"])
def test_rates_rise_then_fall_to_zero(kind: str) -> None:
    factors = [rate_factor(step, kind, 100, 10) for step in range(101)]  # type: ignore[arg-type]
    assert factors[0] == 0.1
    assert factors[9] == factors[10] == 1.0
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[100] == 0


def test_the_schedule_moves_all_groups() -> None:
    optimizer = build_optimizer(tiny_network(), options())
    build_schedule(optimizer, "constant", 10, warmup_share=0.4)
    first = optimizer.param_groups[0]
    assert first["lr"] == pytest.approx(first["initial_lr"] / 4)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"max_epochs": 3}, 30),
        ({"max_epochs": 3, "accumulate_grad_batches": 4}, 9),
        ({"max_epochs": 3, "max_steps": 7}, 7),
        ({"max_epochs": 3, "limit_train_batches": 4}, 12),
        ({"max_epochs": 2, "limit_train_batches": 0.5}, 10),
        ({"max_steps": 500}, 500),
    ],
)
def test_steps_are_counted_without_reading_data(settings: dict[str, float], expected: int) -> None:
    trainer = Trainer(accelerator="cpu", logger=False, **settings)  # type: ignore[arg-type]
    assert count_steps(trainer, 10) == expected


def test_a_run_needs_an_end() -> None:
    trainer = Trainer(accelerator="cpu", logger=False, max_epochs=-1)
    with pytest.raises(HdocError, match=r"set trainer\.max_epochs or trainer\.max_steps"):
        count_steps(trainer, 10)
