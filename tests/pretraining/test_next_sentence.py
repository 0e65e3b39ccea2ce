from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hdoc.pretraining.next_sentence import FOLLOWS, NO_PAIR, RANDOM, paired_row
from hdoc.pretraining.packed_rows import PackedRows
from hdoc.pretraining.shards import write_shard
from tests.pretraining.numbered import CLS, FIRST_PIECE, SEP, documents


class TestPairs:
    def test_half_follow_and_half_come_from_another_document(self, tmp_path: Path) -> None:
        shard = write_shard(tmp_path, documents(300, 5, length=9), SEP)
        rows = PackedRows([shard], [1.0], row_length=41, cls_id=CLS)
        fates = []
        for index in range(600):
            row, parts, _, pair = paired_row(rows, index, SEP)
            fates.append(pair)
            cut = int(np.argmax(parts))
            assert parts.tolist() == [0] * cut + [1] * (41 - cut)
            assert row[cut - 1] == SEP
            last, following = row[cut - 2], row[cut]
            same_document = (last - FIRST_PIECE) // 45 == (following - FIRST_PIECE) // 45
            assert same_document == (pair == FOLLOWS)
            if pair == FOLLOWS:
                assert following == last + 1
                assert row.tolist() == rows[index][0].tolist()
            assert (following - FIRST_PIECE) % 9 == 0  # a sentence's first piece
        assert NO_PAIR not in fates
        assert np.mean(np.asarray(fates) == RANDOM) == pytest.approx(0.5, abs=0.06)

    def test_documents_of_one_sentence_take_no_part(self, tmp_path: Path) -> None:
        shard = write_shard(tmp_path, documents(30, 1), SEP)
        rows = PackedRows([shard], [1.0], row_length=21, cls_id=CLS)
        row, parts, _, pair = paired_row(rows, 0, SEP)
        assert pair == NO_PAIR
        assert not parts.any()
        assert row.tolist() == rows[0][0].tolist()
