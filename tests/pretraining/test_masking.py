from __future__ import annotations

import numpy as np
import pytest

from hdoc.pretraining.masking import Vocabulary, mask_row
from tests.pretraining.numbered import CLS, FIRST_PIECE, MASK, SEP


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
