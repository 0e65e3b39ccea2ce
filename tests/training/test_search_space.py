from pathlib import Path

import pytest

from hdoc.errors import HdocError
from hdoc.training.search_space import read_space


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[1, 2]", "expected options and their ranges"),
        ("model.dropout: 0.1", r"model\.dropout: expected \{low: , high: \}.*got 0\.1"),
        ("model.dropout: {low: 0.1}", r"got \{'low': 0\.1\}"),
        ("model.context: {choices: []}", "model.context: expected"),
    ],
)
def test_a_range_that_is_none_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HdocError, match=problem):
        read_space(path)
