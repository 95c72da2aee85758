"""What was compiled serves later tests; XLA and NumPy's products leave cores to other tests."""

import os
import signal
import threading
from tempfile import TemporaryDirectory

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """JAX keeps what took it long to compile: in a folder of each worker, for it locks no files.

    XLA's optimizing of machine code is half of its time and none of our work: it is on only where
    the engine "jax" itself is tested. OpenBLAS's threads would wait by spinning between products
    that are too small for them. Many tests start a process. As for most users, Python compiles the
    library for the first alone. Ctrl-C is listened to, as tests send it, where a shell that started
    the tests in the background has it ignored.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    folder = TemporaryDirectory(prefix="jax-of-tests-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = folder.name
    os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.05"
