"""Random circuits and their gradients, run by the native engine and by eager: do they agree?

    python scripts/fuzz_native.py 10000 [seed]

Ten circuits are compiled at once, in a folder that is deleted in the end. The first circuits that
disagree are printed, and the exit code is 1.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent.parent))

AT_ONCE = 10


def main(count: int, start: int) -> None:
    from tests.circuits import circuits
    from tests.compile.test_simplify import assert_same, program_of

    import pullback as pb
    from pullback.engines.eager import Eager
    from pullback.engines.native import Native

    done = 0

    @seed(start)
    @settings(
        max_examples=-(-count // AT_ONCE),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(circuits(gates=20), min_size=AT_ONCE, max_size=AT_ONCE))
    def fuzz(made: list) -> None:
        nonlocal done
        outputs = {}
        for k, circuit in enumerate(made):
            outputs |= program_of(circuit, f" of circuit {k}").outputs
        program = pb.Program({}, outputs, {})
        with np.errstate(all="ignore"):
            assert_same(Eager(program)(), Native(program)())
        done += AT_ONCE
        print(f"\r{done} circuits agree", end="", flush=True)

    fuzz()
    print()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PULLBACK_CACHE"] = folder
        main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
