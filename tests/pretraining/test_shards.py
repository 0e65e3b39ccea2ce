from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hdoc.errors import DataError
from hdoc.pretraining.shards import read_manifest, read_shard, write_shard
from tests.pretraining.numbered import SEP


class TestShards:
    def test_what_is_written_is_read(self, tmp_path: Path) -> None:
        given = [[[5, 6], [7]], [[65_535, 8, 9]]]
        write_shard(tmp_path, given, SEP)
        shard = read_shard(tmp_path)
        assert shard.tokens.tolist() == [5, 6, SEP, 7, SEP, 65_535, 8, 9, SEP]
        assert shard.sentences.tolist() == [0, 3, 5, 9]
        assert shard.documents.tolist() == [0, 2, 3]
        assert shard.document_bounds.tolist() == [0, 5, 9]

    def test_numpy_alone_reads_it(self, tmp_path: Path) -> None:
        write_shard(tmp_path, [[[5, 6], [7]]], SEP)
        tokens = np.fromfile(tmp_path / "tokens.bin", dtype="<u2")
        starts = np.load(tmp_path / "sentences.npy")
        assert [tokens[a:b].tolist() for a, b in pairwise(starts)] == [[5, 6, 3], [7, 3]]

    def test_empty_sentences_and_documents_leave_no_trace(self, tmp_path: Path) -> None:
        shard = write_shard(tmp_path, [[], [[]], [[5], []]], SEP)
        assert shard.tokens.tolist() == [5, SEP]
        assert shard.documents.tolist() == [0, 1]

    def test_no_text_at_all_can_be_read_back(self, tmp_path: Path) -> None:
        assert len(write_shard(tmp_path, [], SEP).tokens) == 0

    def test_a_shard_cut_short_is_refused(self, tmp_path: Path) -> None:
        write_shard(tmp_path, [[[5, 6, 7]]], SEP)
        (tmp_path / "tokens.bin").write_bytes(b"\0\0")
        with pytest.raises(DataError, match=r"expected 8 bytes of tokens .* got 2 .* prepare it again"):
            read_shard(tmp_path)

    def test_a_folder_without_shards_says_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="is no token shard"):
            read_shard(tmp_path)
        with pytest.raises(DataError, match=r"run scripts/pretrain\.py prepare first"):
            read_manifest(tmp_path)
