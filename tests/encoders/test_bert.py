import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, BertConfig, BertModel, DistilBertConfig, DistilBertModel

from hdoc.encoders.bert import Bert, BertShape
from hdoc.encoders.build import TransformersEncoder, build_encoder
from hdoc.encoders.config import encoder_width, encoder_window
from hdoc.errors import ModelError


def config_of(folder: Path) -> dict[str, object]:
    config: dict[str, object] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return config


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu"])
def test_hidden_states_equal_those_of_transformers(activation: str) -> None:
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=50,
        hidden_size=24,
        num_hidden_layers=3,
        num_attention_heads=3,
        intermediate_size=40,
        hidden_act=activation,
    )
    theirs = BertModel(config, add_pooling_layer=False).eval()
    ours = build_encoder(config.to_dict()).eval()
    assert isinstance(ours, Bert)
    ours.load_state_dict(
        {name: value for name, value in theirs.state_dict().items() if "position_ids" not in name}
    )
    ids = torch.randint(0, 50, (4, 11))
    mask = torch.arange(11) < torch.tensor([[11], [7], [3], [1]])
    with torch.inference_mode():
        expected = theirs(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        torch.testing.assert_close(ours(ids, mask)[mask], expected[mask], atol=1e-5, rtol=0)


def test_new_weights_are_drawn_as_in_the_paper() -> None:
    torch.manual_seed(0)
    model = Bert(BertShape(1000, 64, 1, 2, 128, 32))
    assert model.embeddings.word_embeddings.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert model.encoder["layer"][0].output.dense.bias.abs().max().item() == 0


def test_other_encoders_go_through_transformers(tmp_path: Path) -> None:
    config = DistilBertConfig(vocab_size=50, dim=16, n_layers=1, n_heads=2, hidden_dim=32)
    DistilBertModel(config).save_pretrained(tmp_path)
    values = config_of(tmp_path)
    encoder = build_encoder(values)
    assert isinstance(encoder, TransformersEncoder)
    assert encoder_width(values) == 16
    ids = torch.randint(0, 50, (2, 5))
    assert encoder(ids, torch.ones(2, 5, dtype=torch.bool)).shape == (2, 5, 16)
    encoder.model.load_state_dict(AutoModel.from_pretrained(tmp_path).state_dict())


def test_an_unknown_encoder_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="expected an encoder that transformers knows, got 'no-such-model'"):
        build_encoder({"model_type": "no-such-model", "auto_map": {"AutoModel": "evil.Evil"}})


def test_a_config_without_width_is_refused() -> None:
    with pytest.raises(ModelError, match="expected hidden_size in the encoder's config"):
        encoder_width({"model_type": "bert"})


def test_roberta_has_fewer_positions_than_it_says() -> None:
    assert encoder_window({"model_type": "bert", "max_position_embeddings": 512, "pad_token_id": 0}) == 512
    assert (
        encoder_window({"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1})
        == 512
    )
