"""One at a time holds a lock, and whoever ends gives it back."""

import os
import subprocess
import sys

import pytest

from pullback.core.errors import CircuitError
from pullback.core.lock import locked

HOLDS = """
import fcntl, os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(file, fcntl.LOCK_EX)
os.write(file, b"process 77\\n")
print("holds", flush=True)
sys.stdin.read()
"""


def test_one_at_a_time_and_then_the_next(tmp_path):
    path = tmp_path / "lock"
    with locked(path, "it"):
        assert path.read_text() == f"process {os.getpid()}\n"
        with (
            pytest.raises(CircuitError, match=f"it is in use by process {os.getpid()}; wait"),
            locked(path, "it"),
        ):
            pass
    with locked(path, "it"):
        pass


def test_another_process_holds_it_until_it_is_killed(tmp_path):
    pytest.importorskip("fcntl")
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"holds\n"
        with pytest.raises(CircuitError, match="in use by process 77"), locked(path, "it"):
            pass
        other.kill()
    with locked(path, "it"):
        pass


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with (
        pytest.raises(CircuitError, match=f"cannot write to {tmp_path / 'no'}: No such file"),
        locked(tmp_path / "no" / "lock", "it"),
    ):
        pass
