"""Shards, rows, masks and pairs: what pre-training feeds the network."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hdoc.errors import DataError
from hdoc.pretraining.masking import Vocabulary, mask_row
from hdoc.pretraining.pairs import FOLLOWS, NO_PAIR, RANDOM, paired_row
from hdoc.pretraining.rows import PackedRows
from hdoc.pretraining.shards import Shard, read_manifest, read_shard, write_shard

SEP, CLS, MASK = 3, 2, 4
FIRST_PIECE = 5


def documents(n: int, sentences: int, first: int = FIRST_PIECE, length: int = 6) -> list[list[list[int]]]:
    """Documents in which every piece has a number of its own, so that its place can be told."""
    numbers = iter(range(first, first + n * sentences * length))
    return [[[next(numbers) for _ in range(length)] for _ in range(sentences)] for _ in range(n)]


@pytest.fixture
def shard(tmp_path: Path) -> Shard:
    return write_shard(tmp_path / "shard", documents(40, 5), SEP)


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


class TestRows:
    def test_an_epoch_holds_every_token_once_and_pads_nothing(self, shard: Shard) -> None:
        rows = PackedRows([shard], [1.0], row_length=21, cls_id=CLS)
        n_rows = len(shard.tokens) // 20
        epoch = np.stack([rows.pack(0, turn) for turn in range(n_rows)])
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
            pieces = np.concatenate([rows.pack(0, turn)[1:] for turn in turns])
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
        places = [rows.place(number) for number in range(3000)]
        counts = np.bincount([source for source, _ in places])
        assert counts.tolist() == [1500, 900, 600]
        for source in range(3):
            assert [turn for found, turn in places if found == source] == list(range(counts[source]))

    def test_too_little_text_for_a_row_is_refused(self, tmp_path: Path) -> None:
        small = write_shard(tmp_path, [[[5, 6]]], SEP)
        with pytest.raises(DataError, match="source 0: expected at least 20 tokens for one row, got 3"):
            PackedRows([small], [1.0], row_length=21, cls_id=CLS)


class TestMasking:
    vocabulary = Vocabulary(1000, MASK, FIRST_PIECE, np.arange(1000) % 3 == 0)

    def row(self, generator: np.random.Generator) -> np.ndarray:
        row = generator.integers(FIRST_PIECE, 1000, 128)
        row[0], row[[20, 60, 127]], row[30] = CLS, SEP, 1
        return row

    def test_shares_are_those_of_the_paper(self) -> None:
        generator = np.random.default_rng(0)
        n = kept = masked = 0
        for _ in range(2000):
            row = self.row(generator)
            seen, chosen = mask_row(row, self.vocabulary, generator)
            assert len(chosen) == round(0.15 * 128)
            assert (row[chosen] >= FIRST_PIECE).all()  # neither [CLS] nor [SEP] nor [UNK]
            untouched = np.delete(np.arange(128), chosen)
            assert (seen[untouched] == row[untouched]).all()
            n += len(chosen)
            masked += (seen[chosen] == MASK).sum()
            kept += (seen[chosen] == row[chosen]).sum()
        assert masked / n == pytest.approx(0.8, abs=0.01)
        assert kept / n == pytest.approx(0.1, abs=0.01)

    def test_random_pieces_are_ordinary_and_spread(self) -> None:
        generator = np.random.default_rng(0)
        found = []
        for _ in range(500):
            row = self.row(generator)
            seen, chosen = mask_row(row, self.vocabulary, generator)
            changed = chosen[(seen[chosen] != row[chosen]) & (seen[chosen] != MASK)]
            found.extend(seen[changed].tolist())
        assert min(found) >= FIRST_PIECE
        assert len(set(found)) > 0.5 * len(found)

    def test_a_whole_word_is_masked_or_none_of_it(self) -> None:
        generator = np.random.default_rng(0)
        sizes = []
        for _ in range(200):
            row = self.row(generator)
            _, chosen = mask_row(row, self.vocabulary, generator, whole_words=True)
            chosen_set = set(chosen.tolist())
            for position in range(1, 128):
                if row[position] >= FIRST_PIECE and self.vocabulary.continues[row[position]]:
                    before = position - 1
                    if row[before] >= FIRST_PIECE:
                        assert (position in chosen_set) == (before in chosen_set)
            sizes.append(len(chosen))
        assert max(sizes) <= round(0.15 * 128)
        assert np.mean(sizes) > 0.95 * round(0.15 * 128)

    def test_a_row_of_special_pieces_gives_nothing_to_guess(self) -> None:
        row = np.asarray([CLS, 1, SEP])
        for whole_words in (False, True):
            seen, chosen = mask_row(row, self.vocabulary, np.random.default_rng(0), 0.5, whole_words)
            assert seen.tolist() == row.tolist()
            assert not len(chosen)


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
