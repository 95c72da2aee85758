"""Random circuits and their gradients, run by the native engine and by eager: do they agree?

    python scripts/fuzz_native.py 10000 [seed]

Fifty circuits are compiled at once, as one Program, which runs twice, at other values the second
time. Where it disagrees or does not run, halves of it are tried until single circuits are left;
they are printed, and the exit code is 1. Batch k has the seed `seed + k`, so that it can be run
again by itself. What is compiled stays in the memory of a process and in a folder: after every few
batches both are given up, and another process goes on. A circuit takes a third of a second on a
free core. Ctrl-C ends it.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parent.parent))

AT_ONCE = 50
BATCHES = 4  # of a process
GATES = 10


def main(count: int, start: int) -> int:
    """Compare so many circuits, and tell how it goes. Returns the exit code."""
    begun, done, wrong = time.monotonic(), 0, 0
    batches = range(start, start + -(-count // AT_ONCE))
    for k in range(0, len(batches), BATCHES):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["PULLBACK_CACHE"] = folder
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as worker:
                for batch, found in zip(
                    batches[k:], worker.map(compare, batches[k : k + BATCHES]), strict=False
                ):
                    for fault in found:
                        print(f"\nbatch {batch}: {fault}", flush=True)
                    done, wrong = done + AT_ONCE, wrong + len(found)
                    pace = (time.monotonic() - begun) / done
                    told = f"{done} circuits, {wrong} wrong, {pace:.2f} s each"
                    print(f"\r{told}", end="", flush=True)
    print()
    return 1 if wrong else 0


def compare(batch: int) -> list[str]:
    """What is wrong with the circuits of a batch, a text each."""
    warnings.simplefilter("ignore")
    return faults(drawn(batch))


def drawn(batch: int) -> list[Any]:
    """The circuits of a batch."""
    from tests.circuits import circuits

    made: list[Any] = []

    @seed(batch)
    @settings(
        max_examples=AT_ONCE,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(circuits(gates=GATES))
    def draw(circuit: Any) -> None:
        made.append(circuit)

    draw()
    return made


def faults(circuits: Sequence[Any]) -> list[str]:
    """The circuits on which the engines disagree, and how, by halving."""
    error = disagreement(circuits)
    if error is None:
        return []
    if len(circuits) == 1:
        return [f"{circuits[0]}\n{error}"]
    middle = len(circuits) // 2
    parts = faults(circuits[:middle]) + faults(circuits[middle:])
    return parts or [f"{len(circuits)} circuits fail together, and neither half does:\n{error}"]


def disagreement(circuits: Sequence[Any]) -> str | None:
    """What goes wrong in a Program of these circuits; None where nothing does."""
    from tests.compile.test_simplify import assert_same, nudge, program_of

    import pullback as pb
    from pullback.engines.eager import Eager
    from pullback.engines.native import Native

    outputs: dict[str, Any] = {}
    for k, circuit in enumerate(circuits):
        outputs |= program_of(circuit, f" of circuit {k}").outputs
    program = pb.Program({}, outputs, {})
    values = {unit: unit.value for unit in program.wires if unit.gate is None}
    try:
        native = Native(program)
        for _ in range(2):
            with np.errstate(all="ignore"):
                assert_same(Eager(program)(), native())
            nudge(program)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        for unit, value in values.items():
            unit.value = value
    return None


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
