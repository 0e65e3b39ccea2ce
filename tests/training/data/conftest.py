from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.labelled import make_data


@pytest.fixture
def data(tmp_path: Path, tiny_encoder: Path) -> Any:
    """Return `make_data` for a folder of this test."""
    return partial(make_data, tmp_path, tiny_encoder)
