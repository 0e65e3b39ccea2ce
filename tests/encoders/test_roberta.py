"""RoBERTa and XLM-R in hdoc's own code: the states of transformers, packed, in ONNX, and in a folder."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.numpy import load_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor
from transformers import RobertaConfig, RobertaModel, XLMRobertaConfig, XLMRobertaModel

from hdoc import DocumentClassifier
from hdoc.encoders.build import TransformersEncoder, build_encoder
from hdoc.encoders.config import encoder_window, first_position
from hdoc.encoders.packing import PackedWindows
from hdoc.encoders.pretrained import load_encoder
from hdoc.encoders.roberta import Roberta, RobertaShape
from hdoc.tasks.document.folder.saving import save_model
from hdoc.tasks.document.network import DocumentNetwork, NetworkShape
from hdoc.tokens.batches import batch_documents
from hdoc.tokens.tokenizer import PieceTokenizer

KINDS = {"roberta": (RobertaConfig, RobertaModel), "xlm-roberta": (XLMRobertaConfig, XLMRobertaModel)}
SIZES: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 34,
}
WORDS = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    *["오늘", "날씨", "학교", "버스", "도로", "사람", "저녁", "시장", "공원", "의자"],
]
TEXT = "오늘 버스 도로\n사람 시장 공원 의자 저녁 오늘\n학교\n버스 버스 날씨 도로 사람 저녁 시장 공원"


def pair(kind: str, **options: Any) -> tuple[Roberta, torch.nn.Module, dict[str, Any]]:
    """Return hdoc's encoder, transformers', both with the same random weights, and the config."""
    torch.manual_seed(0)
    make_config, make_model = KINDS[kind]
    config = make_config(**SIZES | options)
    theirs = make_model(config).eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    ours = build_encoder(config.to_dict()).eval()
    assert isinstance(ours, Roberta)
    weights = theirs.state_dict()
    ours.load_state_dict({name: weights[name] for name in ours.state_dict()})
    return ours, theirs, config.to_dict()


def states(model: torch.nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    with torch.inference_mode():
        return model(input_ids=ids, attention_mask=mask.long()).last_hidden_state


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("roberta", {}),
        ("roberta", {"type_vocab_size": 1, "hidden_act": "gelu_new"}),
        ("roberta", {"pad_token_id": 0}),
        ("xlm-roberta", {"type_vocab_size": 1, "layer_norm_eps": 1e-5}),
        ("xlm-roberta", {"pad_token_id": 5, "num_hidden_layers": 3, "hidden_act": "relu"}),
    ],
)
def test_hidden_states_equal_those_of_transformers(kind: str, options: dict[str, Any]) -> None:
    ours, theirs, config = pair(kind, **options)
    pad_id = config["pad_token_id"]
    mask = torch.arange(11) < torch.tensor([[11], [7], [3], [1]])
    ids = torch.randint(6, 40, (4, 11)).masked_fill(~mask, pad_id)
    with torch.inference_mode():
        found = ours(ids, mask)
    torch.testing.assert_close(found[mask], states(theirs, ids, mask)[mask], atol=1e-5, rtol=0)


def test_the_longest_sequence_ends_at_the_last_position() -> None:
    ours, theirs, config = pair("roberta")
    assert first_position(config) == 2
    ids = torch.randint(6, 40, (1, encoder_window(config)))
    mask = torch.ones_like(ids, dtype=torch.bool)
    with torch.inference_mode():
        torch.testing.assert_close(ours(ids, mask), states(theirs, ids, mask), atol=1e-5, rtol=0)
        with pytest.raises(IndexError):
            ours(torch.cat([ids, ids[:, :1]], dim=1), torch.ones(1, ids.shape[1] + 1, dtype=torch.bool))


def test_token_types_may_be_none() -> None:
    torch.manual_seed(0)
    ours, _, config = pair("roberta", type_vocab_size=1)
    without = build_encoder(config | {"type_vocab_size": 0}).eval()
    weights = ours.state_dict()
    # One type is the same number everywhere, so it may as well be part of every word.
    weights["embeddings.word_embeddings.weight"] += weights["embeddings.token_type_embeddings.weight"]
    weights["embeddings.token_type_embeddings.weight"] = torch.zeros(0, 24)
    expected = pair("roberta", type_vocab_size=1)[0]
    without.load_state_dict(weights)
    ids = torch.randint(6, 40, (2, 7))
    mask = torch.ones_like(ids, dtype=torch.bool)
    with torch.inference_mode():
        torch.testing.assert_close(without(ids, mask), expected(ids, mask), atol=1e-5, rtol=0)


def test_what_hdoc_does_not_compute_goes_through_transformers() -> None:
    config = RobertaConfig(**SIZES, hidden_act="silu").to_dict()
    assert RobertaShape.from_config(config) is None
    assert isinstance(build_encoder(config), TransformersEncoder)
    assert RobertaShape.from_config(config | {"hidden_act": "gelu", "is_decoder": True}) is None


def test_packed_windows_have_the_states_of_padded_ones(tokenizer: PieceTokenizer) -> None:
    ours, _, _ = pair("xlm-roberta", type_vocab_size=1)
    windows = batch_documents(
        [[[5, 6, 7], [8] * 13, [9]], [[6] * 4, [7, 8] * 7]], tokenizer, budget=40
    ).windows
    assert windows.n_cells > len(windows.ids)
    with torch.inference_mode():
        packed = ours.packed(PackedWindows.of(windows))
        parts = []
        for rectangle in windows.rectangles():
            ids, mask, _ = map(torch.from_numpy, rectangle)
            parts.append(ours(ids, mask)[mask])
    torch.testing.assert_close(packed, torch.cat(parts), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_of_transformers_gives_its_weights(kind: str, tmp_path: Path) -> None:
    ours, theirs, _ = pair(kind)
    theirs.save_pretrained(tmp_path)  # type: ignore[operator]
    found, config = load_encoder(str(tmp_path))
    assert isinstance(found, Roberta)
    assert found.training
    assert config["model_type"] == kind
    assert found.state_dict().keys() == ours.state_dict().keys()
    for name, weights in ours.state_dict().items():
        assert found.state_dict()[name].equal(weights)


@pytest.fixture(scope="module")
def tokenizer() -> PieceTokenizer:
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 0))
    return PieceTokenizer(words, window=16, pad_id=1)


@pytest.fixture(scope="module")
def folder(tokenizer: PieceTokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model folder on such an encoder, with two classes."""
    encoder, _, config = pair("xlm-roberta", type_vocab_size=1)
    network = DocumentNetwork(encoder, 24, NetworkShape(2, value_width=16, channels=8)).eval()
    path = tmp_path_factory.mktemp("models") / "roberta"
    save_model(path, network, tokenizer, encoder_config=config, labels=["경제", "사회"])
    return path


def contributions(folder: Path, runtime: Any) -> list[float]:
    explanation = DocumentClassifier.load(folder, "cpu", runtime).explain(TEXT, "경제")
    return [word.contribution for sentence in explanation.sentences for word in sentence.words]


def test_a_model_on_it_is_loaded_and_onnx_computes_what_torch_computes(folder: Path) -> None:
    classifier = DocumentClassifier.load(folder, "cpu")
    assert isinstance(classifier.network.encoder, Roberta)
    found = contributions(folder, "torch")
    assert max(map(abs, found)) > 1e-3
    assert contributions(folder, "onnx") == pytest.approx(found, abs=1e-5)


@pytest.mark.parametrize("runtime", ["torch", "onnx"])
def test_a_folder_that_transformers_computed_is_read_too(folder: Path, tmp_path: Path, runtime: str) -> None:
    """As an older hdoc wrote it: its encoder's weights have other names, and a pooler that nobody needs."""
    classifier = DocumentClassifier.load(folder, "cpu")
    network, (_, theirs, config) = classifier.network, pair("xlm-roberta", type_vocab_size=1)
    expected = contributions(folder, runtime)
    network.encoder = TransformersEncoder(theirs)
    older = tmp_path / "older"
    save_model(older, network, classifier.tokenizer, encoder_config=config, labels=list(classifier.labels))
    names = load_file(older / "weights.safetensors").keys()
    assert {"encoder.model.pooler.dense.bias", "encoder.model.embeddings.LayerNorm.bias"} <= names
    assert contributions(older, runtime) == expected
