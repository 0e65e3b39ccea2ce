import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hdoc.tokens.grouping import ceil_div, equal_length_groups, similar_length_groups


@given(st.lists(st.integers(1, 200), max_size=60), st.integers(1, 1000))
def test_groups_keep_the_budget_and_hold_each_row_once(lengths: list[int], budget: int) -> None:
    groups = similar_length_groups(lengths, budget)
    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    for group in groups:
        assert len(group) == 1 or len(group) * max(lengths[i] for i in group) <= budget


@given(st.lists(st.integers(1, 200), max_size=60), st.integers(1, 1000))
def test_groups_of_equal_length_fill_the_budget_one_after_the_other(lengths: list[int], budget: int) -> None:
    groups = equal_length_groups(lengths, budget)
    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    assert all(len({lengths[i] for i in group}) == 1 for group in groups)
    sizes = [sum(lengths[i] for i in group) for group in groups]
    assert all(len(group) == 1 or size <= budget for group, size in zip(groups, sizes, strict=True))
    # A length is cut in two only where not even one more row of it would have fitted.
    n_tokens = 0
    for one, other, size in zip(groups, groups[1:], sizes, strict=False):
        n_tokens = size if n_tokens + size > budget else n_tokens + size
        assert lengths[one[0]] > lengths[other[0]] or n_tokens + lengths[other[0]] > budget


def test_whole_numbers_are_divided_and_rounded_up() -> None:
    assert [ceil_div(amount, 4) for amount in (0, 1, 4, 5, 8)] == [0, 1, 1, 2, 2]
    assert ceil_div(np.array([3, 4, 5]), 4).tolist() == [1, 1, 2]
