from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from hdoc.errors import DataError
from hdoc.pretraining.network import PretrainingNetwork, bert_config
from tests.places import ROOT


class TestNetwork:
    def sized(self, name: str, **changes: int) -> int:
        """Parameters of a configuration's network, counted without making them."""
        model = yaml.safe_load((ROOT / "configs" / name).read_text("utf8"))["model"]
        names = ("vocab_size", "n_layers", "width", "n_heads", "feed_forward_width")
        sizes = {**{key: model[key] for key in names}, **changes}
        with torch.device("meta"):
            network = PretrainingNetwork(bert_config(**sizes), next_sentence=True)
        return sum(parameter.numel() for parameter in network.bert.parameters())

    def test_base_and_large_have_the_published_sizes(self) -> None:
        # With the English vocabulary of the paper, pooler included: the numbers of the published models.
        assert self.sized("pretrain-base.yaml", vocab_size=30_522) == 109_482_240
        assert self.sized("pretrain-large.yaml", vocab_size=30_522) == 335_141_888
        assert self.sized("pretrain-base.yaml") == pytest.approx(110e6, rel=0.01)
        assert self.sized("pretrain-large.yaml") == pytest.approx(340e6, rel=0.015)

    def test_two_copies_of_the_small_encoder_fit_into_the_package(self) -> None:
        assert 2 * 2 * self.sized("pretrain-small.yaml") < 30e6

    def test_scores_at_chosen_positions_are_those_of_a_full_pass(self) -> None:
        torch.manual_seed(0)
        network = PretrainingNetwork(bert_config(50, 2, 16, 2, 32))
        ids = torch.randint(5, 50, (3, 12))
        positions = torch.tensor([1, 7, 13, 35])
        scores, follows = network(ids, torch.zeros_like(ids), positions)
        everywhere = network.predictions(network.bert(ids).last_hidden_state).flatten(0, 1)
        torch.testing.assert_close(scores, everywhere[positions])
        assert follows is None

    def test_it_trains_in_training_mode(self) -> None:
        assert all(module.training for module in PretrainingNetwork(bert_config(50, 1, 16, 2, 32)).modules())

    def test_vectors_of_another_shape_are_refused(self, tmp_path: Path) -> None:
        np.save(tmp_path / "embeddings.npy", np.zeros((50, 8)))
        with pytest.raises(DataError, match=r"expected vectors of shape \(50, 16\), got \(50, 8\)"):
            PretrainingNetwork(bert_config(50, 1, 16, 2, 32)).load_embeddings(tmp_path / "embeddings.npy")
