from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from hdoc.tokens.flat_windows import FlatWindows, WindowGroup, flatten
from hdoc.tokens.tokenizer import PieceTokenizer

WINDOWS = [[7, 8], [9], [5, 6, 7], [8]]
GROUPS = [[2, 0], [1, 3]]


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> PieceTokenizer:
    return PieceTokenizer(Tokenizer.from_file(str(tiny_encoder / "tokenizer.json")), window=128)


@pytest.fixture(scope="module")
def windows(tokenizer: PieceTokenizer) -> FlatWindows:
    return FlatWindows.of(*flatten(WINDOWS), GROUPS, tokenizer)


def test_tokens_lie_end_to_end_in_the_order_of_the_groups(
    tokenizer: PieceTokenizer, windows: FlatWindows
) -> None:
    (cls,), (sep,) = tokenizer.prefix, tokenizer.suffix
    expected = [[cls, *WINDOWS[i], sep] for group in GROUPS for i in group]
    assert windows.ids.tolist() == [token for window in expected for token in window]
    assert windows.lengths.tolist() == [5, 4, 3, 3]
    assert windows.n_pieces.tolist() == [3, 2, 1, 1]
    assert windows.starts.tolist() == [0, 5, 9, 12]
    assert windows.owners.tolist() == [0] * 5 + [1] * 4 + [2] * 3 + [3] * 3
    assert windows.positions.tolist() == [*range(5), *range(4), *range(3), *range(3)]
    assert windows.ids[windows.piece_mask].tolist() == [5, 6, 7, 7, 8, 9, 8]
    assert windows.groups == (WindowGroup(2, 5), WindowGroup(2, 3))
    assert windows.n_cells == 16


def test_rectangles_are_filled_up_with_padding(tokenizer: PieceTokenizer, windows: FlatWindows) -> None:
    (cls,), (sep,) = tokenizer.prefix, tokenizer.suffix
    first, second = windows.rectangles()
    assert first[0].tolist() == [[cls, 5, 6, 7, sep], [cls, 7, 8, sep, tokenizer.pad_id]]
    assert first[1].tolist() == [[True] * 5, [True] * 4 + [False]]
    assert first[2].tolist() == [[False, True, True, True, False], [False, True, True, False, False]]
    assert second[1].all()


def test_leaving_out_windows_keeps_the_others(windows: FlatWindows) -> None:
    left = windows.keep_windows(np.array([False, True, False, False]))
    assert left.ids.tolist() == windows.ids[5:9].tolist()
    assert left.lengths.tolist() == [4]
    assert left.groups == (WindowGroup(1, 5),)
    assert next(left.rectangles())[1].tolist() == [[True] * 4 + [False]]


def test_leaving_out_tokens_makes_groups_narrower(windows: FlatWindows) -> None:
    keep = np.ones(len(windows.ids), dtype=bool)
    keep[[1, 2, 6]] = False
    left = windows.keep_tokens(keep)
    assert left.ids.tolist() == windows.ids[keep].tolist()
    assert left.lengths.tolist() == [3, 3, 3, 3]
    assert left.groups == (WindowGroup(2, 3), WindowGroup(2, 3))
    assert left.n_pieces.tolist() == [1, 1, 1, 1]


def test_groups_are_read_together_up_to_a_budget(tokenizer: PieceTokenizer) -> None:
    lengths = [8] * 3 + [6] * 2 + [6] + [1] * 9
    groups = [range(3), range(3, 5), range(5, 6), range(6, 15)]
    windows = FlatWindows.of(*flatten([[7] * length for length in lengths]), groups, tokenizer)
    parts = list(windows.parts(30))
    assert [[group.n_cells for group in part.groups] for part in parts] == [[30], [16, 8], [27]]
    assert np.concatenate([part.ids for part in parts]).tolist() == windows.ids.tolist()
    assert np.concatenate([part.lengths for part in parts]).tolist() == windows.lengths.tolist()
    nothing = FlatWindows.of(*flatten([]), [], tokenizer)
    assert list(nothing.parts(30)) == list(nothing.rectangles()) == []


@given(st.lists(st.lists(st.integers(5, 20), min_size=1, max_size=6), min_size=1, max_size=8), st.randoms())
def test_whatever_is_left_out_rectangles_hold_the_same_tokens(
    tokenizer: PieceTokenizer, given_windows: list[list[int]], random
) -> None:
    order = list(range(len(given_windows)))
    random.shuffle(order)
    cut = random.randrange(1, len(order) + 1)
    groups = [group for group in (order[:cut], order[cut:]) if group]
    windows = FlatWindows.of(*flatten(given_windows), groups, tokenizer)
    kept = windows.keep_windows(np.array([random.random() < 0.7 for _ in order]))
    rows = [ids[mask].tolist() for ids, mask, _ in kept.rectangles()]
    assert [token for row in rows for token in row] == kept.ids.tolist()
    assert sum(group.n_windows for group in kept.groups) == len(kept.lengths)
