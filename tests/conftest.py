"""What XLA compiled serves every later test of the same worker that comes to the same program."""

import os
from tempfile import TemporaryDirectory

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """JAX keeps what took it long to compile: in a folder of each worker, for it locks no files."""
    folder = TemporaryDirectory(prefix="jax-of-tests-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = folder.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.05"
