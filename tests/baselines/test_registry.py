"""The models that hdoc is compared with: what each reads, that each learns, and what HAN's weights say."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from hdoc.baselines import rows
from hdoc.baselines.explaining import HanExplainer
from hdoc.baselines.han import HierarchicalAttentionNetwork
from hdoc.baselines.pooled import masked_mean, repeat_positions, sines
from hdoc.baselines.registry import TFIDF, AnyNetwork, NetworkParts, architectures, build_network
from hdoc.encoders.bert import Bert, BertShape
from hdoc.encoders.build import build_encoder
from hdoc.errors import HdocError, LabelError, ModelError
from hdoc.rendering import to_html
from hdoc.tasks.document.network import NetworkShape
from hdoc.tasks.temperature import Temperature
from hdoc.tokens.batches import DocumentBatch, batch_documents
from hdoc.tokens.tokenizer import PieceTokenizer
from tests.conftest import SENTENCES

NETWORKS = [name for name in architectures() if name not in TFIDF]


WINDOW = 16


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> PieceTokenizer:
    return PieceTokenizer(Tokenizer.from_file(str(tiny_encoder / "tokenizer.json")), WINDOW)


@pytest.fixture(scope="module")
def build(tiny_encoder: Path, tokenizer: PieceTokenizer) -> Any:
    """Return a maker of tiny networks without dropout, which start from the same weights."""
    config = json.loads((tiny_encoder / "config.json").read_text(encoding="utf-8"))
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}

    def make(architecture: str, **options: Any) -> AnyNetwork:
        torch.manual_seed(0)
        shape = NetworkShape(3, value_width=16, channels=8)
        parts = NetworkParts(build_encoder(config), config, tokenizer, shape, 0.0)
        return build_network(architecture, parts, options)

    return make


def numbered(*counts: int) -> list[list[int]]:
    """Return a document whose windows have so many pieces, all different."""
    pieces = iter(range(10, 200))
    return [[next(pieces) for _ in range(count)] for count in counts]


def lists(windows: list[Any]) -> list[list[int]]:
    return [list(map(int, window)) for window in windows]


def arrays(document: list[list[int]]) -> list[rows.Pieces]:
    return [np.array(window) for window in document]


class TestRows:
    def test_the_beginning(self) -> None:
        assert lists(rows.first(arrays(numbered(3, 4, 5)), 6, False)) == [[10, 11, 12, 13, 14, 15]]
        assert lists(rows.first(arrays(numbered(3)), 6, False)) == [[10, 11, 12]]

    def test_beginning_and_end(self) -> None:
        row = lists(rows.head_tail(arrays(numbered(10, 10)), 8, False))
        assert row == [[10, 11, 24, 25, 26, 27, 28, 29]]
        assert lists(rows.head_tail(arrays(numbered(4, 4)), 8, False)) == lists([range(10, 18)])

    def test_random_sentences_keep_their_order_and_are_whole_but_for_the_last(self) -> None:
        document = numbered(*[3] * 12)
        [row] = lists(rows.random_sentences(arrays(document), 9, False))
        assert len(row) == 9
        assert row == sorted(row)
        assert sorted(window for window in document if window[0] in row) == [
            window for window in document if set(window) <= set(row)
        ]

    def test_random_sentences_change_in_training_only(self) -> None:
        document = arrays(numbered(*[3] * 12))
        torch.manual_seed(0)
        drawn = {tuple(lists(rows.random_sentences(document, 9, True))[0]) for _ in range(5)}
        fixed = {tuple(lists(rows.random_sentences(document, 9, False))[0]) for _ in range(5)}
        assert len(drawn) == 5
        assert len(fixed) == 1

    def test_chunks_hold_everything(self) -> None:
        assert lists(rows.chunks(arrays(numbered(5, 5, 1)), 4, False)) == lists(
            [range(10, 14), range(14, 18), range(18, 21)]
        )

    def test_windows_come_back_from_a_batch_in_document_order(self, tokenizer: PieceTokenizer) -> None:
        documents = [numbered(2, 9, 1), numbered(14), numbered(7, 7)]
        batch = batch_documents(documents, tokenizer, budget=32)
        assert len(batch.windows.groups) > 1
        assert [lists(document) for document in rows.document_windows(batch)] == documents

    def test_rows_have_special_tokens_and_the_length_that_was_asked_for(
        self, tokenizer: PieceTokenizer
    ) -> None:
        batch = batch_documents([numbered(9, 9, 9), numbered(2)], tokenizer)
        read = rows.rows_of(batch, rows.first, tokenizer, 12, False)
        assert read.counts.tolist() == [1, 1]
        ids = read.windows.ids.tolist()
        assert ids == [2, *range(10, 20), 3, 2, 10, 11, 3]


@pytest.fixture
def batch(tokenizer: PieceTokenizer) -> DocumentBatch:
    return batch_documents([numbered(5, 12, 3), numbered(4), numbered(*[9] * 12)], tokenizer)


class TestNetworks:
    @pytest.mark.parametrize("name", NETWORKS)
    def test_a_document_scores_the_same_alone_and_in_company(
        self, build: Any, tokenizer: PieceTokenizer, name: str
    ) -> None:
        network = build(name).eval()
        documents = [numbered(5, 12, 3), numbered(4), numbered(*[9] * 12)]
        together = network(batch_documents(documents, tokenizer)).logits
        assert together.shape == (3, 3)
        assert together.dtype == torch.float32
        for document, logits in zip(documents, together, strict=True):
            alone = network(batch_documents([document], tokenizer)).logits[0]
            torch.testing.assert_close(alone, logits, atol=1e-5, rtol=1e-4)

    @pytest.mark.parametrize("name", NETWORKS)
    def test_every_parameter_learns(self, build: Any, batch: DocumentBatch, name: str) -> None:
        network = build(name).train()
        torch.nn.functional.cross_entropy(network(batch).logits, torch.tensor([0, 1, 2])).backward()
        still = {n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()}
        # Keys have a bias that softmax takes out again; token types beyond the first do not occur.
        assert not {name for name in still if "key.bias" not in name}

    @pytest.mark.parametrize(
        ("name", "reads_the_end"),
        [("first", False), ("head-tail", True), ("chunk-mean", True), ("tobert", True), ("han", True)],
    )
    def test_what_is_cut_off_does_not_count(
        self, build: Any, tokenizer: PieceTokenizer, name: str, reads_the_end: bool
    ) -> None:
        options = {"length": 16} if name in ("first", "head-tail") else {}
        network = build(name, **options).eval()
        whole = numbered(*[8] * 10)
        changed = [*whole[:-1], [201] * 8]
        logits = [network(batch_documents([document], tokenizer)).logits for document in (whole, changed)]
        assert bool((logits[0] != logits[1]).any()) == reads_the_end

    def test_memory_is_saved_on_long_documents_without_changing_the_gradient(
        self, build: Any, tokenizer: PieceTokenizer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gradients = []
        batch = batch_documents([numbered(*[14] * 4)], tokenizer)
        for n_groups in (0, 8):
            monkeypatch.setattr("hdoc.baselines.pooled._GROUPS_IN_MEMORY", n_groups)
            network = build("chunk-mean").train()
            network(batch).logits.sum().backward()
            gradients.append({name: p.grad for name, p in network.named_parameters()})
        for name, gradient in gradients[0].items():
            torch.testing.assert_close(gradient, gradients[1][name])

    def test_a_mean_of_rows_may_stand_for_the_first_state(self, build: Any, batch: DocumentBatch) -> None:
        first, mean = (build("first", summary=name).eval()(batch).logits for name in ("cls", "mean"))
        assert (first != mean).all()

    def test_sentences_all_count_the_same_without_sentence_attention(
        self, build: Any, batch: DocumentBatch
    ) -> None:
        weights = build("mean-sentences").eval()(batch).sentence_weights
        torch.testing.assert_close(weights, torch.tensor([1 / 3] * 3 + [1.0] + [1 / 12] * 12))

    @pytest.mark.parametrize(
        ("name", "options", "message"),
        [
            ("bert", {}, r"one of hdoc, .*tfidf-svm, tfidf-logistic, got 'bert'"),
            ("hdoc", {"length": 3}, "options of the architecture hdoc among: none; got 'length'"),
            ("tobert", {"length": 3}, "among: summary; got 'length'"),
            ("first", {"length": 500}, "length of at most 128, the encoder's positions; got 500"),
            ("first", {"length": 64, "summary": "max"}, "one of cls, mean; got 'max'"),
        ],
    )
    def test_wrong_settings(self, build: Any, name: str, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ModelError, match=message):
            build(name, **options)


class TestParts:
    def test_untrained_positions_start_as_copies_of_trained_ones(self) -> None:
        encoder = Bert(BertShape(10, 8, 0, 2, 8, max_position_embeddings=11))
        trained = encoder.embeddings.position_embeddings.weight[:4].clone()
        repeat_positions(encoder, 4)
        table = encoder.embeddings.position_embeddings.weight
        torch.testing.assert_close(table, torch.cat([trained, trained, trained[:3]]))
        with pytest.raises(ModelError, match="one table of positions to repeat, this one has 0"):
            repeat_positions(torch.nn.Linear(2, 2), 4)

    def test_sines(self) -> None:
        places = sines(3, 4)
        torch.testing.assert_close(places[0], torch.tensor([0.0, 1.0, 0.0, 1.0]))
        assert places[2, :2].tolist() == pytest.approx([math.sin(2), math.cos(2)])

    def test_a_masked_mean_sees_no_padding(self) -> None:
        items = torch.tensor([[[1.0], [3.0], [100.0]]])
        assert masked_mean(items, torch.tensor([[True, True, False]])).item() == 2.0


class TestHanExplanations:
    TEXT = " ".join(SENTENCES[:4])

    @pytest.fixture
    def explainer(self, build: Any, tokenizer: PieceTokenizer) -> HanExplainer:
        network = build("han")
        assert isinstance(network, HierarchicalAttentionNetwork)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.mul_(3)  # so that scores are far from equal
        return HanExplainer(network, tokenizer, ["경제", "사회", "문화"], temperature=Temperature(2.0))

    def test_shares_add_up_to_the_networks_score(
        self, explainer: HanExplainer, tokenizer: PieceTokenizer
    ) -> None:
        from hdoc.text.sentences import split_sentences

        found = explainer.explain(self.TEXT, "사회")
        windows = tokenizer.windows(self.TEXT, split_sentences(self.TEXT))
        logits = explainer.network(batch_documents([[w.ids for w in windows]], tokenizer)).logits[0].detach()
        assert found.logit == pytest.approx(float(logits[1]), abs=1e-4)
        assert found.bias + sum(s.contribution for s in found.sentences) == pytest.approx(found.logit)
        assert found.probabilities[found.label] == pytest.approx(float((logits / 2).softmax(0).max()))

    def test_attention_sums_to_one_and_divides_a_sentence(self, explainer: HanExplainer) -> None:
        found = explainer.explain(self.TEXT)
        assert sum(s.attention for s in found.sentences) == pytest.approx(1)
        for sentence in found.sentences:
            assert sum(word.attention for word in sentence.words) == pytest.approx(1)
            assert sum(word.contribution for word in sentence.words) == pytest.approx(sentence.contribution)
            for word in sentence.words:
                assert not any(character.isspace() for character in self.TEXT[word.start : word.end])

    def test_two_classes_are_compared(self, explainer: HanExplainer) -> None:
        one, other = (explainer.explain(self.TEXT, label).logit for label in ("사회", "문화"))
        assert explainer.explain(self.TEXT, "사회", "문화").logit == pytest.approx(one - other, abs=1e-5)

    def test_the_page_says_that_these_are_no_shares(self, explainer: HanExplainer) -> None:
        page = to_html(explainer.explain(self.TEXT), self.TEXT)
        assert "HAN attention" in page

    def test_errors(self, explainer: HanExplainer) -> None:
        with pytest.raises(LabelError, match="no class '체육'"):
            explainer.explain(self.TEXT, "체육")
        with pytest.raises(LabelError, match="two different classes"):
            explainer.explain(self.TEXT, "사회", "사회")
        with pytest.raises(HdocError, match="nothing to read"):
            explainer.explain(" \n")


def test_architectures_are_all_named() -> None:
    assert {"hdoc", "first", "head-tail", "random-sentences", "chunk-mean", "tobert", "han"} <= set(NETWORKS)
