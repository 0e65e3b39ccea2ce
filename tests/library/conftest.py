from collections.abc import Iterator
from pathlib import Path

import pytest

from hdoc.library import Library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(tmp_path / "library.sqlite", create=True)
    yield library
    library.close()
