import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from hdoc.cluster.ray_data import ray_cluster
from tests.tables.mixed import write_mixed_tables


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    pytest.importorskip("ray", reason="needs the extra ray")
    with ray_cluster():
        yield
    with warnings.catch_warnings():  # Ray ends its processes without waiting for them
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    return write_mixed_tables(tmp_path / "articles")
