from pathlib import Path

import pytest

from hdoc.errors import HdocError
from hdoc.training.known_tasks import find_training
from hdoc.training.search_space import RATES, read_space


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[1, 2]", "expected options and their ranges"),
        ("model.head.dropout: 0.1", r"model\.head\.dropout: expected \{low: , high: \}.*got 0\.1"),
        ("model.head.dropout: {low: 0.1}", r"got \{'low': 0\.1\}"),
        ("model.head.context: {choices: []}", "model.head.context: expected"),
    ],
)
def test_a_range_that_is_none_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HdocError, match=problem):
        read_space(path)


def test_without_a_file_the_task_says_what_is_tried() -> None:
    assert read_space(None, find_training("pair").space) == RATES
    of_documents = read_space(None, find_training("document").space)
    assert of_documents.keys() > RATES.keys()
    assert "model.head.kernel_widths" in of_documents
