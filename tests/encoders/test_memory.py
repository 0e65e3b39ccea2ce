"""How many compiled kernels are kept."""

import os

import pytest

from hdoc.encoders.memory import bound_kernel_cache


def test_few_kernels_are_kept_unless_somebody_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
    monkeypatch.setenv(name, "7")
    bound_kernel_cache()
    assert os.environ[name] == "7"
    monkeypatch.delenv(name)
    bound_kernel_cache()
    assert os.environ[name] == "16"
