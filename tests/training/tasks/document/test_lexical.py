"""The fit of the lexical part: what helps on dev is taken, and nothing else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from hdoc.errors import ModelError
from hdoc.tasks.document.folder.loading import load_model
from hdoc.tasks.document.lexical import LexicalScores, ngram_keys
from hdoc.training.tasks.document.lexical import (
    fit_lexical,
    lexical_from_plain,
    lexical_logits,
    lexical_to_plain,
)
from tests.conftest import SENTENCES
from tests.labelled import make_data, telling_documents


def splits(tmp_path: Path, encoder: Path, train: list[dict[str, Any]], dev: list[dict[str, Any]]) -> Any:
    data = make_data(tmp_path, encoder, train, dev=dev)
    data.prepare_data()
    data.setup("fit")
    return data.texts("train"), data.texts("dev"), data.tokenizer


def test_pieces_that_tell_the_class_are_added(tmp_path: Path, tiny_encoder: Path) -> None:
    train, dev, tokenizer = splits(tmp_path, tiny_encoder, telling_documents(48), telling_documents(15))
    network = torch.zeros(15, 3)
    fit = fit_lexical(train, dev, network, tokenizer, 3)
    assert fit.scores is not None
    assert fit.loss < 0.5 * fit.network_loss
    assert np.isclose(fit.network_loss, np.log(3))
    logits = lexical_logits(fit.scores, dev)
    assert (logits.argmax(dim=1) == dev.targets).all()
    for row in (0, 7):  # a matrix at once is what a document alone gets
        ids = dev.store.pieces(dev.documents[[row]])[0]
        np.testing.assert_allclose(logits[row], fit.scores.logits(ids), atol=1e-5)
    again = lexical_from_plain(lexical_to_plain(fit.scores), tokenizer)
    assert again is not None
    assert torch.equal(lexical_logits(again, dev), logits)


def test_they_are_added_where_the_network_is_wrong_and_left_out_where_it_is_always_right(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    train, dev, tokenizer = splits(tmp_path, tiny_encoder, telling_documents(48), telling_documents(15))
    right = one_hot(dev.targets, 3).float()
    assert fit_lexical(train, dev, right, tokenizer, 3).scores is None, "nothing is left to gain"
    network = torch.where(torch.arange(15)[:, None] < 5, right.roll(1, dims=1), right)
    fit = fit_lexical(train, dev, network, tokenizer, 3)
    assert fit.scores is not None
    both = network + lexical_logits(fit.scores, dev)
    assert (both.argmax(dim=1) == dev.targets).all()
    assert fit.loss < fit.network_loss


def test_pieces_of_a_single_document_do_not_count(tmp_path: Path, tiny_encoder: Path) -> None:
    rows = [row for row in telling_documents(48) if SENTENCES[-1] not in row["text"]]
    rows[0]["text"] += f" {SENTENCES[-1]}"
    train, dev, tokenizer = splits(tmp_path, tiny_encoder, rows, telling_documents(15))
    fit = fit_lexical(train, dev, torch.zeros(15, 3), tokenizer, 3)
    assert fit.scores is not None
    n_pieces = tokenizer.tokenizer.get_vocab_size()
    holding = np.zeros(n_pieces, dtype=int)
    for row in range(len(rows)):
        holding[np.unique(train.store.pieces(train.documents[[row]])[0])] += 1
    assert (holding == 1).any()
    np.testing.assert_array_equal(fit.scores.idf[:n_pieces] > 0, holding > 1)


def test_ngrams_are_those_of_three_documents(tmp_path: Path, tiny_encoder: Path) -> None:
    rows = [row for row in telling_documents(48) if SENTENCES[-1] not in row["text"]]
    rows[0]["text"] += f" {SENTENCES[-1]}"
    train, dev, tokenizer = splits(tmp_path, tiny_encoder, rows, telling_documents(15))
    fit = fit_lexical(train, dev, torch.zeros(15, 3), tokenizer, 3)
    assert fit.scores is not None
    holding = Counter[int]()
    for row in range(len(rows)):
        ids = train.store.pieces(train.documents[[row]])[0]
        holding.update(ngram_keys(ids, tokenizer.spelling).tolist())
    expected = sorted(key for key, n_documents in holding.items() if n_documents >= 3)
    assert fit.scores.keys.tolist() == expected
    assert 0 < len(expected) < len(holding)
    assert (fit.scores.idf[tokenizer.tokenizer.get_vocab_size() :] > 0).all()


@pytest.fixture
def fit_with(tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that fits to the same documents, with other values of the module's constants."""
    train, dev, tokenizer = splits(tmp_path, tiny_encoder, telling_documents(48), telling_documents(15))

    def fit(**constants: int) -> LexicalScores:
        with monkeypatch.context() as patch:
            for name, value in constants.items():
                patch.setattr(f"hdoc.training.tasks.document.lexical.{name}", value)
            scores = fit_lexical(train, dev, torch.zeros(15, 3), tokenizer, 3).scores
        assert scores is not None
        return scores

    return fit


def test_counting_in_parts_changes_nothing(fit_with: Any) -> None:
    at_once, in_parts = fit_with(), fit_with(_MOST_WAITING=50)
    np.testing.assert_array_equal(at_once.keys, in_parts.keys)
    np.testing.assert_array_equal(at_once.idf, in_parts.idf)


def test_only_the_most_frequent_ngrams_are_kept(fit_with: Any) -> None:
    every, few = fit_with(), fit_with(_MOST_NGRAMS=2)
    assert len(few.keys) == 2 < len(every.keys)
    assert set(few.keys) < set(every.keys)
    n_pieces = len(every.spelling.ends)
    kept = np.isin(every.keys, few.keys)
    assert every.idf[n_pieces:][kept].max() <= every.idf[n_pieces:][~kept].min()


def test_a_lexical_part_of_an_older_checkpoint_is_refused(tiny_model: Path) -> None:
    plain = dict.fromkeys(("idf", "weights", "bias", "pairs"), torch.zeros(1))
    with pytest.raises(
        ModelError, match="expected idf, weights, bias, keys in the checkpoint's lexical part"
    ):
        lexical_from_plain(plain, load_model(tiny_model).tokenizer)
