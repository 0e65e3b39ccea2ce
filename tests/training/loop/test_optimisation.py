"""Losses, figures, optimiser and what training leaves out: the learner's parts, each alone."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_lightning import Trainer
from sklearn import metrics as sklearn_metrics
from tokenizers import Tokenizer

from hdoc.encoders.bert import Bert, BertShape
from hdoc.encoders.memory import bound_kernel_cache
from hdoc.errors import HdocError
from hdoc.tasks.document.network import DocumentNetwork, NetworkShape
from hdoc.tokens.batches import DocumentBatch, batch_documents
from hdoc.tokens.tokenizer import PieceTokenizer
from hdoc.training.loop.optimisation import build_optimizer, build_schedule, count_steps, rate_factor
from hdoc.training.loop.predictions import Predictions, figures
from hdoc.training.tasks.document.dropout import drop_pieces, drop_windows
from hdoc.training.tasks.losses import class_weights, document_losses

DOCUMENTS = [[[7, 8, 9], [10] * 9, [11, 12]], [[13]], [[14] * 5, [15, 16], [17], [18] * 7, [19, 20, 21]]]
LEFT = [[[11]], [[13]], [[14, 14, 14], [17], [18, 18, 18, 18], [20]]]
"""What the seed 3 leaves of them where 0.4 of the windows go, and then 0.4 of the pieces."""


@pytest.fixture
def tokenizer(tiny_encoder: Path) -> PieceTokenizer:
    return PieceTokenizer(Tokenizer.from_file(str(tiny_encoder / "tokenizer.json")), window=32)


def tiny_network(n_layers: int = 3) -> DocumentNetwork:
    torch.manual_seed(0)
    encoder = Bert(BertShape(100, 16, n_layers, 2, 32, max_position_embeddings=32))
    return DocumentNetwork(encoder, 16, NetworkShape(3, value_width=16, channels=8)).eval()


def windows(batch: DocumentBatch) -> list[list[list[int]]]:
    """Return the word pieces of each window of each document, out of a batch."""
    pieces = [
        row[keep].tolist()
        for ids, _, piece_mask in batch.windows.rectangles()
        for row, keep in zip(ids, piece_mask, strict=True)
    ]
    in_order = iter([pieces[row] for row in batch.rows.tolist()])
    return [[next(in_order) for _ in range(count)] for count in batch.counts.tolist()]


class TestThinning:
    def test_some_windows_go_and_each_document_keeps_one(self, tokenizer: PieceTokenizer) -> None:
        batch = batch_documents(DOCUMENTS, tokenizer, budget=16)
        n_left = []
        for seed in range(50):
            torch.manual_seed(seed)
            thinned = windows(drop_windows(batch, 0.5))
            for left, whole in zip(thinned, DOCUMENTS, strict=True):
                assert left
                places = [whole.index(window) for window in left]
                assert places == sorted(places)
            n_left.append(sum(map(len, thinned)))
        assert 9 * 0.5 < np.mean(n_left) < 9 * 0.7

    def test_long_documents_keep_no_more_than_the_limit(self, tokenizer: PieceTokenizer) -> None:
        long = [[[piece] for piece in range(5, 45)], [[5], [6]], [[7]]]
        batch = batch_documents(long, tokenizer)
        drawn: set[int] = set()
        for seed in range(30):
            torch.manual_seed(seed)
            first, *others = windows(drop_windows(batch, 0.0, 10))
            assert len(first) == 10
            assert first == sorted(first)
            assert others == long[1:]
            drawn |= {piece for window in first for piece in window}
        assert drawn == set(range(5, 45)), "each has its turn"
        torch.manual_seed(0)
        assert max(map(len, windows(drop_windows(batch, 0.9, 10)))) < 10, "the share goes first"
        assert drop_windows(batch, 0.0, 40) is batch

    def test_what_is_left_is_scored_as_a_document_of_its_own(self, tokenizer: PieceTokenizer) -> None:
        torch.manual_seed(1)
        thinned = drop_pieces(drop_windows(batch_documents(DOCUMENTS, tokenizer, budget=16), 0.4), 0.4)
        again = batch_documents(windows(thinned), tokenizer)
        network = tiny_network()
        assert windows(thinned) != DOCUMENTS
        torch.testing.assert_close(network(thinned).logits, network(again).logits, atol=1e-5, rtol=0)

    def test_some_pieces_go_and_each_window_keeps_one(self, tokenizer: PieceTokenizer) -> None:
        torch.manual_seed(0)
        long = [[list(range(5, 25))] * 50, [[5]]]
        batch = drop_pieces(batch_documents(long, tokenizer), 0.3)
        lengths = [len(window) for window in windows(batch)[0]]
        assert np.mean(lengths) == pytest.approx(14, abs=1)
        assert all(window == sorted(window) for window in windows(batch)[0])
        assert windows(batch)[1] == [[5]]
        rows, masks, _ = next(batch.windows.rectangles())
        assert all(ids[0] == tokenizer.prefix[0] for ids in rows)
        assert [int(ids[mask][-1]) for ids, mask in zip(rows, masks, strict=True)] == [
            tokenizer.suffix[-1]
        ] * len(rows)

    def test_a_seed_leaves_out_what_it_always_did(self, tokenizer: PieceTokenizer) -> None:
        torch.manual_seed(3)
        thinned = drop_pieces(drop_windows(batch_documents(DOCUMENTS, tokenizer, budget=16), 0.4), 0.4)
        assert windows(thinned) == LEFT

    def test_nothing_goes_at_zero(self, tokenizer: PieceTokenizer) -> None:
        batch = batch_documents(DOCUMENTS, tokenizer)
        assert drop_windows(batch, 0.0) is batch
        assert drop_pieces(batch, 0.0) is batch

    def test_even_a_share_of_one_leaves_something(self, tokenizer: PieceTokenizer) -> None:
        thinned = windows(drop_pieces(drop_windows(batch_documents(DOCUMENTS, tokenizer), 1.0), 1.0))
        assert [[len(window) for window in document] for document in thinned] == [[1], [1], [1]]


class TestLosses:
    def test_one_class_a_document(self) -> None:
        logits = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
        expected = [math.log(1 + math.exp(-1)), math.log(1 + math.exp(2))]
        assert document_losses(logits, torch.tensor([0, 0])).tolist() == pytest.approx(expected)

    def test_several_classes_a_document(self) -> None:
        losses = document_losses(torch.zeros(2, 4), torch.tensor([[1.0, 0, 0, 1], [0, 0, 0, 0]]))
        assert losses.tolist() == pytest.approx([math.log(2)] * 2)

    def test_smoothing_punishes_certainty(self) -> None:
        for targets in (torch.tensor([0]), torch.tensor([[1.0, 0.0]])):
            certain, modest = (
                float(document_losses(torch.tensor([[scale, -scale]]), targets, smoothing=0.2))
                for scale in (20.0, 1.5)
            )
            assert certain > modest

    @pytest.mark.parametrize(("kind", "ratio"), [("balanced", 9.0), ("sqrt", 3.0)])
    def test_rare_classes_weigh_more_and_the_mean_label_weighs_one(self, kind: str, ratio: float) -> None:
        counts = [90, 10, 40]
        weights = class_weights(kind, counts)  # type: ignore[arg-type]
        assert weights is not None
        assert float(weights[1] / weights[0]) == pytest.approx(ratio)
        assert float((weights * torch.tensor(counts)).sum() / sum(counts)) == pytest.approx(1)

    def test_no_weights(self) -> None:
        assert class_weights("none", [1, 2]) is None


class TestFigures:
    def test_one_class_a_document_as_scikit_learn_counts(self) -> None:
        torch.manual_seed(0)
        logits, targets = torch.randn(200, 4), torch.randint(0, 4, (200,))
        values = figures(logits, targets, ["정치", "경제", "문화", "체육"])
        predicted = logits.argmax(1)
        assert values["accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(targets, predicted))
        assert values["macro_f1"] == pytest.approx(
            sklearn_metrics.f1_score(targets, predicted, average="macro")
        )
        by_class = sklearn_metrics.f1_score(targets, predicted, average=None)
        assert [values[f"f1/{label}"] for label in ("정치", "경제", "문화", "체육")] == pytest.approx(
            by_class.tolist()
        )

    def test_several_classes_a_document_as_scikit_learn_counts(self) -> None:
        torch.manual_seed(0)
        logits, targets = torch.randn(200, 3), torch.randint(0, 2, (200, 3)).float()
        values = figures(logits, targets, list("abc"))
        predicted, true = (logits > 0).numpy(), targets.numpy()
        for average in ("macro", "micro"):
            assert values[f"{average}_f1"] == pytest.approx(
                sklearn_metrics.f1_score(true, predicted, average=average)
            )
        assert values["subset_accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(true, predicted))
        assert "accuracy" not in values

    def test_calibration_error_over_fifteen_bins(self) -> None:
        # Sure of 0.9 and right in 3 of 4; sure of 0.6 and never right.
        chances = torch.tensor([[0.9, 0.1]] * 4 + [[0.6, 0.4]] * 2)
        targets = torch.tensor([0, 0, 0, 1, 1, 1])
        expected = (4 * abs(0.9 - 0.75) + 2 * abs(0.6 - 0.0)) / 6
        assert figures(chances.log(), targets, ["a", "b"])["ece"] == pytest.approx(expected, abs=1e-5)

    def test_a_class_that_nobody_has_and_nobody_gave_does_not_count(self) -> None:
        logits = torch.tensor([[5.0, 0, 0], [0, 5.0, 0]])
        assert figures(logits, torch.tensor([0, 1]), list("abc"))["macro_f1"] == 1.0

    def test_predictions_come_in_the_order_of_the_split(self) -> None:
        predictions = Predictions()
        predictions.update(torch.tensor([[2.0], [0.0]]), torch.tensor([12, 10]), torch.tensor([2, 0]))
        predictions.update(torch.tensor([[1.0]]), torch.tensor([11]), torch.tensor([1]))
        logits, targets = predictions.compute()
        assert logits.squeeze(1).tolist() == [0, 1, 2]
        assert targets.tolist() == [10, 11, 12]


class TestOptimisation:
    def test_each_layer_learns_more_slowly_than_the_one_above(self) -> None:
        optimizer = build_optimizer(tiny_network(3), 1e-4, 1e-3, layer_decay=0.5, weight_decay=0.1)
        rates = {group["name"]: group["lr"] for group in optimizer.param_groups}
        expected = {"head": 1e-3, "encoder": 1e-4, "encoder-1": 5e-5, "encoder-2": 2.5e-5}
        assert rates == pytest.approx({**expected, "encoder-3": 1.25e-5})

    def test_every_parameter_is_in_one_group_and_only_matrices_decay(self) -> None:
        network = tiny_network()
        optimizer = build_optimizer(network, 1e-4, 1e-3, 0.9, weight_decay=0.1)
        grouped = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        assert sorted(map(id, grouped)) == sorted(map(id, network.parameters()))
        for group in optimizer.param_groups:
            assert {parameter.ndim > 1 for parameter in group["params"]} == {group["weight_decay"] > 0}

    def test_a_frozen_encoder_is_left_out(self) -> None:
        network = tiny_network()
        network.encoder.requires_grad_(False)
        optimizer = build_optimizer(network, 1e-4, 1e-3, 0.9, 0.1)
        assert {group["name"] for group in optimizer.param_groups} == {"head"}

    def test_layers_are_found_in_models_of_transformers(self) -> None:
        from hdoc.encoders.build import build_encoder

        config = {"model_type": "distilbert", "vocab_size": 50, "dim": 16, "n_layers": 2, "n_heads": 2}
        encoder = build_encoder({**config, "hidden_dim": 32})
        network = DocumentNetwork(encoder, 16, NetworkShape(2, value_width=8, channels=4))
        optimizer = build_optimizer(network, 1e-4, 1e-3, 0.5, 0.0)
        names = {group["name"] for group in optimizer.param_groups}
        assert names == {"head", "encoder", "encoder-1", "encoder-2"}

    @pytest.mark.parametrize("kind", ["linear", "cosine"])
    def test_rates_rise_then_fall_to_zero(self, kind: str) -> None:
        factors = [rate_factor(step, kind, 100, 10) for step in range(101)]  # type: ignore[arg-type]
        assert factors[0] == 0.1
        assert factors[9] == factors[10] == 1.0
        assert factors[10:] == sorted(factors[10:], reverse=True)
        assert factors[100] == 0

    def test_the_schedule_moves_all_groups(self) -> None:
        optimizer = build_optimizer(tiny_network(), 1e-4, 1e-3, 0.9, 0.0)
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
    def test_steps_are_counted_without_reading_data(self, settings: dict[str, float], expected: int) -> None:
        trainer = Trainer(accelerator="cpu", logger=False, **settings)  # type: ignore[arg-type]
        assert count_steps(trainer, 10) == expected

    def test_a_run_needs_an_end(self) -> None:
        trainer = Trainer(accelerator="cpu", logger=False, max_epochs=-1)
        with pytest.raises(HdocError, match=r"set trainer\.max_epochs or trainer\.max_steps"):
            count_steps(trainer, 10)


class TestMemory:
    def test_few_kernels_are_kept_unless_somebody_says_otherwise(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
        monkeypatch.setenv(name, "7")
        bound_kernel_cache()
        assert os.environ[name] == "7"
        monkeypatch.delenv(name)
        bound_kernel_cache()
        assert os.environ[name] == "16"
