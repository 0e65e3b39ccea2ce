"""The lexical part: exact sums, its fit, and its place beside the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hdoc.lexical import LexicalScores, weigh_pieces

IDF = np.array([0.0, 1.0, 2.0, 0.5, 3.0])
SCORES = LexicalScores(IDF, np.random.default_rng(0).normal(size=(5, 3)), np.array([0.1, -0.2, 0.3]))


@given(st.lists(st.integers(0, 4), max_size=60))
def test_shares_and_bias_sum_to_the_logits(ids: list[int]) -> None:
    pieces = np.array(ids, dtype=np.int64)
    shares = SCORES.shares(pieces)
    assert shares.shape == (len(ids), 3)
    assert SCORES.bias + shares.sum(axis=0) == pytest.approx(SCORES.logits(pieces), abs=1e-9)


def test_occurrences_of_a_piece_share_equally_and_uncounted_pieces_get_nothing() -> None:
    shares = SCORES.shares(np.array([2, 0, 2, 1]))
    assert shares[0] == pytest.approx(shares[2])
    assert not shares[1].any()
    assert shares[3].any()


def test_weights_are_sublinear_tf_idf_of_unit_length() -> None:
    found = weigh_pieces(np.array([1, 1, 1, 4, 0]), IDF)
    expected = np.array([(1 + np.log(3)) * 1.0, 3.0])
    assert found.pieces.tolist() == [1, 4]
    assert found.weights == pytest.approx(expected / np.linalg.norm(expected))


def test_order_does_not_matter() -> None:
    ids = np.array([1, 2, 3, 4, 4, 2])
    assert SCORES.logits(ids) == pytest.approx(SCORES.logits(ids[::-1]))


def test_a_document_without_counted_pieces_has_the_bias_alone() -> None:
    assert SCORES.logits(np.array([0, 0])) == pytest.approx(SCORES.bias)
    assert SCORES.logits(np.array([], dtype=np.int64)) == pytest.approx(SCORES.bias)
