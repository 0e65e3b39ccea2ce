from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from torch import Tensor

from hdoc import DocumentClassifier
from hdoc.encoders import flash
from hdoc.encoders.bert import Bert, BertShape
from hdoc.encoders.packing import PackedWindows, attention
from hdoc.encoders.padding import PaddedWindows, pad_groups
from hdoc.encoders.precision import Precision
from hdoc.tasks.document.attention import WordAttention
from hdoc.tasks.document.network import DocumentNetwork, NetworkShape
from hdoc.tokens.batches import batch_documents
from hdoc.tokens.flat_windows import FlatWindows
from hdoc.tokens.tokenizer import PieceTokenizer

# Lengths that meet in one group, and lengths that need several.
DOCUMENTS = [[[5, 6, 7], [8] * 20, [9]], [[6] * 4, [7, 8] * 14], [[5]]]


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> PieceTokenizer:
    return PieceTokenizer(Tokenizer.from_file(str(tiny_encoder / "tokenizer.json")), window=32)


def rectangles(windows: FlatWindows) -> list[PaddedWindows]:
    return list(pad_groups(windows, torch.device("cpu")))


def network(kernel_widths: tuple[int, ...]) -> DocumentNetwork:
    torch.manual_seed(0)
    shape = BertShape(
        12,
        16,
        2,
        2,
        32,
        max_position_embeddings=32,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return DocumentNetwork(Bert(shape), 16, NetworkShape(3, 8, kernel_widths, 4), dropout=0.0)


@pytest.mark.parametrize("kernel_widths", [(), (1,), (1, 3, 5), (7,)])
@pytest.mark.parametrize("training", [True, False])
def test_windows_without_padding_have_the_vectors_and_gradients_of_padded_ones(
    tokenizer: PieceTokenizer, kernel_widths: tuple[int, ...], training: bool
) -> None:
    model = network(kernel_widths).train(training)
    windows = batch_documents(DOCUMENTS, tokenizer, budget=64).windows
    groups = rectangles(windows)
    assert any(not bool(group.mask.all()) for group in groups)
    found = []
    for vectors in (model.vectors(windows), torch.cat([model.read(group).vectors for group in groups])):
        model.zero_grad()
        (vectors * torch.arange(vectors.numel()).reshape(vectors.shape)).sum().backward()
        found.append(
            [vectors, *(parameter.grad for parameter in model.parameters() if parameter.grad is not None)]
        )
    for packed, padded in zip(*found, strict=True):
        torch.testing.assert_close(packed, padded, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("kernel_widths", [(), (1, 3, 5)])
def test_word_weights_and_scores_of_packed_windows_are_those_of_padded_ones(
    tokenizer: PieceTokenizer, kernel_widths: tuple[int, ...]
) -> None:
    model = network(kernel_widths).eval()
    torch.nn.init.normal_(model.word_attention.value.bias)
    windows = batch_documents(DOCUMENTS, tokenizer, budget=64).windows
    groups = rectangles(windows)
    with torch.inference_mode():
        packed = model.read_packed(PackedWindows.of(windows))
        readings = [model.read(group) for group in groups]
    weights = [one.word_weights[group.piece_mask] for one, group in zip(readings, groups, strict=True)]
    scores = [one.piece_scores[group.piece_mask] for one, group in zip(readings, groups, strict=True)]
    torch.testing.assert_close(packed.word_weights, torch.cat(weights), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(packed.piece_scores, torch.cat(scores), atol=1e-6, rtol=1e-5)


def test_only_hdocs_own_encoder_reads_packed_windows(tokenizer: PieceTokenizer) -> None:
    model = network((1,))
    windows = batch_documents(DOCUMENTS, tokenizer).windows
    model.encoder = torch.nn.Identity()
    with pytest.raises(TypeError, match="expected hdoc's own BERT, got Identity"):
        model.read_packed(PackedWindows.of(windows))


def test_tokens_lie_in_the_order_of_their_groups(tokenizer: PieceTokenizer) -> None:
    flat = batch_documents(DOCUMENTS, tokenizer, budget=64).windows
    groups = rectangles(flat)
    windows = PackedWindows.of(flat)
    assert windows.n_windows == 6
    assert len(windows.ids) == sum(int(group.mask.sum()) for group in groups)
    rows = [row for group in groups for row in group.ids.tolist()]
    for i, row in enumerate(rows):
        own = windows.ids[windows.pieces][windows.owners == i].tolist()
        assert own == row[1 : 1 + len(own)]
    assert (windows.positions == 0).sum() == 6


def test_convolutions_of_packed_sentences_do_not_see_their_neighbours(tokenizer: PieceTokenizer) -> None:
    attention = WordAttention(4, 4, kernel_widths=(5,), channels=3, dropout=0.0)
    windows = PackedWindows.of(batch_documents([[[5], [6], [7]]], tokenizer).windows)
    hidden = torch.randn(len(windows.ids), 4)
    changed = hidden.clone()
    changed[windows.pieces[1]] += 1
    before, after = (attention.packed(states, windows).vectors for states in (hidden, changed))
    same = (before == after).all(dim=1)
    assert same.tolist() == [True, False, True]


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_gradients_are_the_same_when_hidden_states_are_computed_again(
    tokenizer: PieceTokenizer, dropout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hdoc.tasks.document.network.TOKEN_BUDGET", 40)
    model = network((1, 3, 5)).train()
    model.word_attention.dropout.p = dropout
    batch = batch_documents(DOCUMENTS, tokenizer, budget=40)
    assert len(batch.windows.groups) > 2
    n_read = 0

    def count(*_: object) -> None:
        nonlocal n_read
        n_read += 1

    model.encoder.embeddings.register_forward_hook(count)  # type: ignore[union-attr]
    found = []
    for kept_tokens in (0, 10**6):
        model.kept_tokens = kept_tokens
        if kept_tokens and dropout:
            # Other parts draw other numbers, so the plain way is that of the parts, one by one.
            monkeypatch.setattr(
                "torch.utils.checkpoint.checkpoint", lambda function, *given, **_: function(*given)
            )
            model.kept_tokens = 0
        model.zero_grad()
        torch.manual_seed(1)
        logits = model(batch).logits
        logits.logsumexp(dim=1).sum().backward()
        found.append([logits, *(parameter.grad for parameter in model.parameters())])
    assert n_read > len(batch.windows.groups)
    for again, kept in zip(*found, strict=True):
        torch.testing.assert_close(again, kept)


def one_by_one(
    query: Tensor, key: Tensor, value: Tensor, begins: Tensor, ends: Tensor, longest: int, _same: int
) -> Tensor:
    """What torch's variable-length kernel computes, by its documentation, without a GPU."""
    assert begins is ends
    assert begins.dtype == torch.int32
    assert int(begins[-1]) == len(query)
    lengths = begins.diff().tolist()
    assert max(lengths) <= longest
    parts = zip(*(part.split(lengths) for part in (query, key, value)), strict=True)
    return torch.cat([attention(q[None], k[None], v[None], None, 0.0)[0] for q, k, v in parts])


@pytest.mark.parametrize("training", [True, False])
def test_variable_length_attention_gets_where_each_window_begins(
    tokenizer: PieceTokenizer, monkeypatch: pytest.MonkeyPatch, training: bool
) -> None:
    model = network((1, 3)).train(training)
    windows = batch_documents(DOCUMENTS, tokenizer, budget=64).windows
    expected = model.vectors(windows)
    calls = []
    monkeypatch.setattr("hdoc.encoders.flash.fits", lambda _query, _dropout: True)
    monkeypatch.setattr(
        "hdoc.encoders.flash._kernel", lambda: lambda *given: calls.append(1) or one_by_one(*given)
    )
    torch.testing.assert_close(model.vectors(windows), expected, atol=1e-6, rtol=1e-5)
    assert len(calls) == 2  # once a layer, whatever the windows


def test_without_a_gpu_or_in_32_bit_windows_are_attended_to_in_rectangles() -> None:
    query = torch.zeros(3, 2, 8, dtype=torch.bfloat16)
    assert not flash.fits(query, 0.0)
    assert not flash.runs_on(torch.device("cpu"), 64)
    assert not flash.runs_on(torch.device("cuda"), 12)
    assert not flash.runs_on(torch.device("cuda"), 512)


def test_a_torch_without_the_kernel_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hdoc.encoders.flash._kernel", lambda: None)
    query = torch.zeros(3, 2, 8)
    with pytest.raises(RuntimeError, match=r"expected variable-length attention, which torch .* lacks"):
        flash.attend(query, query, query, torch.tensor([0, 3], dtype=torch.int32), 3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_gpu_reads_what_a_cpu_reads(precision: Precision) -> None:
    text = "버스가 오지 않습니다. 아이를 맡길 어린이집이 모자랍니다. 세금이 너무 많습니다."
    explanations = [
        DocumentClassifier.load(device=device, precision=precision).explain(text)
        for device in ("cpu", "cuda")
    ]
    on_cpu, on_gpu = (
        torch.tensor([word.contribution for sentence in found.sentences for word in sentence.words])
        for found in explanations
    )
    torch.testing.assert_close(on_gpu, on_cpu, atol=0.05 if precision == "bfloat16" else 1e-3, rtol=0.05)
