from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hdoc.errors import DataError
from hdoc.pretraining.packed_rows import PackedRows
from hdoc.pretraining.shards import Shard, write_shard
from tests.pretraining.numbered import CLS, FIRST_PIECE, SEP, documents


class TestRows:
    def test_an_epoch_holds_every_token_once_and_pads_nothing(self, shard: Shard) -> None:
        rows = PackedRows([shard], [1.0], row_length=21, cls_id=CLS)
        n_rows = len(shard.tokens) // 20
        epoch = np.stack([rows.row_of_source(0, turn) for turn in range(n_rows)])
        assert (epoch[:, 0] == CLS).all()
        pieces = epoch[:, 1:].ravel()
        assert sorted(pieces[pieces != SEP]) == sorted(shard.tokens[shard.tokens != SEP])
        assert (pieces == SEP).sum() == (shard.tokens == SEP).sum()

    def test_documents_stay_whole_and_come_in_another_order_each_epoch(self, shard: Shard) -> None:
        rows = PackedRows([shard], [1.0], row_length=21, cls_id=CLS)
        n_rows = len(shard.tokens) // 20
        orders = []
        for epoch in range(2):
            turns = range(epoch * n_rows, (epoch + 1) * n_rows)
            pieces = np.concatenate([rows.row_of_source(0, turn)[1:] for turn in turns])
            pieces = pieces[pieces != SEP]
            of_document = (pieces - FIRST_PIECE) // 30
            assert (np.diff(of_document) != 0).sum() == 39  # each of the 40 documents in one stretch
            orders.append(of_document[::30].tolist())
        assert orders[0] != orders[1]

    def test_a_row_depends_on_seed_and_number_alone(self, shard: Shard) -> None:
        one, other = (PackedRows([shard], [1.0], 21, CLS, seed=7) for _ in range(2))
        forwards = [one[number][0].tolist() for number in range(150)]
        backwards = [other[number][0].tolist() for number in reversed(range(150))]
        assert forwards == backwards[::-1]
        assert forwards != [PackedRows([shard], [1.0], 21, CLS, seed=8)[n][0].tolist() for n in range(150)]

    def test_sources_come_by_weight_and_none_skips_a_row(self, tmp_path: Path) -> None:
        shards = [write_shard(tmp_path / str(n), documents(10, 5), SEP) for n in range(3)]
        rows = PackedRows(shards, [0.5, 0.3, 0.2], row_length=21, cls_id=CLS)
        places = [rows.source_and_turn(number) for number in range(3000)]
        counts = np.bincount([source for source, _ in places])
        assert counts.tolist() == [1500, 900, 600]
        for source in range(3):
            assert [turn for found, turn in places if found == source] == list(range(counts[source]))

    def test_too_little_text_for_a_row_is_refused(self, tmp_path: Path) -> None:
        small = write_shard(tmp_path, [[[5, 6]]], SEP)
        with pytest.raises(DataError, match="source 0: expected at least 20 tokens for one row, got 3"):
            PackedRows([small], [1.0], row_length=21, cls_id=CLS)
