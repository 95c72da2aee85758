import subprocess
import sys

import pytest
from tests.engines.native.kernels.fenced import LESSER

from pullback.engines.native.target import host


@pytest.mark.skipif(sys.platform == "win32", reason="pages are closed with mprotect")
@pytest.mark.parametrize("name", ["", *LESSER])
def test_kernels_read_and_write_only_their_arrays(name):
    if name and ("x86" not in host().triple or host().vector <= LESSER[name][1]):
        pytest.skip("this processor has no more than that")
    command = [sys.executable, "-m", "tests.engines.native.kernels.fenced", *name.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == "within their arrays\n"
