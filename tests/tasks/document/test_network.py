import numpy as np
import pytest
import torch
from torch import nn

from hdoc.encoders.bert import Bert, BertShape
from hdoc.encoders.padding import PaddedWindows
from hdoc.tasks.document.attention import Context, SentenceAttention, WordAttention, masked_softmax
from hdoc.tasks.document.network import DocumentNetwork, NetworkShape
from hdoc.tokens.batches import DocumentBatch
from hdoc.tokens.flat_windows import FlatWindows, WindowGroup

CONTEXTS: list[Context] = ["none", "convolution", "gru", "transformer"]


def network(context: Context = "convolution") -> DocumentNetwork:
    torch.manual_seed(0)
    shape = NetworkShape(4, value_width=16, channels=8, context=context)
    model = DocumentNetwork(Bert(BertShape(60, 24, 2, 2, 48, 40)), 24, shape).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model


def windows(lengths: list[int], length: int, seed: int = 0) -> PaddedWindows:
    """Return windows with the given numbers of pieces, one special token on each side, padded to `length`."""
    torch.manual_seed(seed)
    ids = torch.randint(5, 60, (len(lengths), length))
    columns, ends = torch.arange(length), torch.tensor(lengths).unsqueeze(1) + 1
    return PaddedWindows(ids, columns < ends + 1, (columns >= 1) & (columns < ends))


def batch(group: PaddedWindows, rows: list[int], counts: list[int]) -> DocumentBatch:
    """Return documents of these rows of a group, so many each."""
    flat = FlatWindows(
        group.ids[group.mask].numpy(),
        group.piece_mask[group.mask].numpy(),
        group.mask.sum(dim=1).numpy(),
        (WindowGroup(*group.ids.shape),),
        pad_id=0,
    )
    return DocumentBatch(flat, np.array(rows), np.array(counts))


def test_masked_softmax_is_zero_outside_its_mask() -> None:
    weights = masked_softmax(torch.tensor([[1.0, 2.0, 99.0]]), torch.tensor([[True, True, False]]))
    assert weights[0, 2] == 0
    assert weights.sum().item() == pytest.approx(1)


def test_words_of_a_sentence_share_all_attention_and_special_tokens_have_none() -> None:
    reading = network().read(windows([3, 8], 12))
    mask = windows([3, 8], 12).piece_mask
    assert reading.word_weights.sum(dim=1).tolist() == pytest.approx([1, 1])
    assert reading.word_weights[~mask].abs().max() == 0


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_score_is_the_sum_of_its_shares(context: Context) -> None:
    model = network(context)
    group = windows([3, 8, 1, 5, 2], 12)
    counts = [2, 3]
    with torch.inference_mode():
        reading = model.read(group)
        verdict = model.judge(reading.vectors, counts)
    assert reading.piece_scores is not None
    shares = verdict.sentence_weights[:, None, None] * reading.word_weights[:, :, None] * reading.piece_scores
    documents = torch.stack([part.sum(dim=(0, 1)) for part in torch.split(shares, counts)])
    torch.testing.assert_close(documents + model.classifier.bias, verdict.logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("context", CONTEXTS)
def test_padding_order_and_company_change_nothing(context: Context) -> None:
    model = network(context)
    narrow, wide = windows([3, 8, 1, 5, 2], 10), windows([3, 8, 1, 5, 2], 20)
    wide.ids[:, :10] = narrow.ids
    with torch.inference_mode():
        together = model(batch(narrow, [0, 1, 2, 3, 4], [2, 3])).logits
        padded = model(batch(wide, [0, 1, 2, 3, 4], [2, 3])).logits
        swapped = model(batch(narrow, [2, 3, 4, 0, 1], [3, 2])).logits
        alone = PaddedWindows(narrow.ids[2:], narrow.mask[2:], narrow.piece_mask[2:])
        single = model(batch(alone, [0, 1, 2], [3])).logits
    torch.testing.assert_close(padded, together, atol=1e-5, rtol=0)
    torch.testing.assert_close(swapped[[1, 0]], together, atol=1e-5, rtol=0)
    torch.testing.assert_close(single[0], together[1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("context", ["convolution", "gru", "transformer"])
def test_keys_look_across_sentences(context: Context) -> None:
    torch.manual_seed(0)
    attention = SentenceAttention(16, context).eval()
    vectors = torch.randn(1, 3, 16)
    changed = vectors.clone()
    changed[0, 2] = torch.randn(16)
    mask = torch.ones(1, 3, dtype=torch.bool)
    before, after = attention(vectors, mask)[0], attention(changed, mask)[0]
    # With no look across, the first two keep their ratio whatever the third one is.
    assert not torch.isclose(before[0] / before[1], after[0] / after[1], rtol=1e-6)


def test_word_attention_needs_odd_kernels_and_can_do_without() -> None:
    with pytest.raises(ValueError, match="expected odd kernel widths"):
        WordAttention(8, 8, kernel_widths=(2,))
    values, weights = WordAttention(8, 6, kernel_widths=())(
        torch.randn(2, 4, 8), torch.ones(2, 4, dtype=torch.bool)
    )
    assert values.shape == (2, 4, 6)
    assert weights.shape == (2, 4)


def test_training_gives_gradients_to_every_parameter() -> None:
    model = network().train()
    logits = model(batch(windows([3, 8], 12), [0, 1], [1, 1])).logits
    logits.square().sum().backward()
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert without == []
