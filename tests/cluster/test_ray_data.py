import pytest

from hdoc.cluster.ray_data import workforce
from hdoc.errors import HdocError
from tests.cluster.warnings_of_ray import QUIET

pytestmark = QUIET


def test_workers_are_no_more_than_the_cluster_has(cluster: None) -> None:
    everyone = workforce(None, "cpu")
    assert (everyone.n_cores, everyone.n_gpus) == (1, 0)
    with pytest.raises(HdocError, match=f"expected at most {everyone.n_workers} workers on a cluster of"):
        workforce(everyone.n_workers + 1, "cpu")
