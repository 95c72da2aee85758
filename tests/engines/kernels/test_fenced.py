import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="pages are closed with mprotect")
def test_kernels_read_and_write_only_their_arrays():
    command = [sys.executable, "-m", "tests.engines.kernels.fenced"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == "within their arrays\n"
