"""Random circuits and their gradients, run by the native engine and by eager: do they agree?

    python scripts/fuzz_native.py 10000 [seed] [--interpreted]
    python scripts/fuzz_native.py 60min [seed] [--interpreted]

Circuits of elementwise gates and circuits that move elements take turns, in both precisions. Fifty
are compiled at once, as one Program: by one thread, and by two with bytes around every buffer that
must not change (see `engines/native/guard.py`). It runs twice, at other values the second time.
Where it disagrees or does not run, halves of it are tried until single circuits are left; they are
printed, and the exit code is 1. Batch k has the seed `seed + k`, so that it can be run again by
itself. What is compiled stays in the memory of a process: after every few batches it is given up,
and another process goes on. If one dies, its batches are named. Ctrl-C ends it.

A circuit takes a tenth of a second. With `--interpreted` Python runs what the engine writes, twice
as many circuits in the same time, and sees every element that is read or written.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parent.parent))

AT_ONCE = 50
BATCHES = 4  # of a process
GATES = 10


def main(amount: str, start: int, interpreted: bool) -> int:
    """Compare so many circuits, or for so many minutes, and tell how it goes: the exit code."""
    minutes = float(amount.removesuffix("min")) if amount.endswith("min") else float("inf")
    count = float("inf") if amount.endswith("min") else int(amount)
    begun, done, wrong = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PULLBACK_CACHE"] = folder
        first = start
        while done < count and time.monotonic() - begun < 60 * minutes:
            batches = range(first, first + BATCHES)
            first = batches.stop
            try:
                with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as worker:
                    found = [*worker.map(compare, batches, repeat(interpreted))]
            except BrokenProcessPool:
                found = [[f"the process died in one of the batches {batches}"]]
            for fault in (fault for batch in found for fault in batch):
                print(f"\n{fault}", flush=True)
                wrong += 1
            done += AT_ONCE * BATCHES
            pace = (time.monotonic() - begun) / done
            print(f"\r{done} circuits, {wrong} wrong, {pace:.2f} s each", end="", flush=True)
    print()
    return 1 if wrong else 0


def compare(batch: int, interpreted: bool) -> list[str]:
    """What is wrong with the circuits of a batch, a text each."""
    warnings.simplefilter("ignore")
    return [f"batch {batch}: {fault}" for fault in faults(drawn(batch), interpreted)]


def drawn(batch: int) -> list[Any]:
    """The circuits of a batch, as Programs."""
    from tests.circuits import circuits
    from tests.moving import moving_programs
    from tests.program.test_simplify import program_of

    dtype = (np.float64, np.float32)[batch // 2 % 2]
    moving = moving_programs(gates=GATES, dtype=dtype)
    elementwise = circuits(gates=GATES, dtype=dtype).map(program_of)
    made: list[Any] = []

    @seed(batch)
    @settings(
        max_examples=AT_ONCE,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given((moving, elementwise)[batch % 2])
    def draw(program: Any) -> None:
        made.append(program)

    draw()
    return made


def faults(programs: Sequence[Any], interpreted: bool) -> list[str]:
    """The circuits on which the engines disagree, and how, by halving."""
    error = disagreement(programs, interpreted)
    if error is None:
        return []
    if len(programs) == 1:
        return [f"{text_of(programs[0])}\n{error}"]
    middle = len(programs) // 2
    parts = faults(programs[:middle], interpreted) + faults(programs[middle:], interpreted)
    return parts or [f"{len(programs)} circuits fail together, and neither half does:\n{error}"]


def text_of(program: Any) -> str:
    """A circuit, a wire a line."""
    wires = dict.fromkeys([*program.wires, *program.updates])  # state that nobody reads, too
    names = {unit: f"w{k}" for k, unit in enumerate(wires)}
    lines = []
    for unit, name in names.items():
        if unit.gate is None or not unit.inputs:
            made = str(np.asarray(unit.value).tolist())
        else:
            told = [names[x] for x in unit.inputs]
            told += [f"{key}={value}" for key, value in unit.static.items()]
            made = f"{unit.gate.name}({', '.join(told)})"
        lines.append(f"{name} = {made}  # {unit.dtype} {unit.shape}")
    given_ = [f"{name} = {names[unit]}" for name, unit in program.outputs.items()]
    given_ += [f"{names[state]} <- {names[new]}" for state, new in program.updates.items()]
    return "\n".join([*lines, *given_])


def disagreement(programs: Sequence[Any], interpreted: bool) -> str | None:
    """What goes wrong in a Program of all these; None where nothing does."""
    from tests.engines.interpreted import Interpreted
    from tests.moving import assert_agree, joined

    program = joined(programs)
    values = {unit: unit.value for unit in program.wires if unit.gate is None}
    try:
        engines = [Interpreted(program)] if interpreted else compiled(program)
        assert_agree(program, engines)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        for unit, value in values.items():
            unit.value = value
    return None


def compiled(program: Any) -> list[Any]:
    """The native engine: watched and on two threads that share all, as it is used, and again.

    The last comes from the cache.
    """
    from pullback.engines.native import build, fuse, recompute, row_sums
    from pullback.engines.native.engine import Native

    least: dict[tuple[Any, str], int] = {  # from which sizes on something is worth its while
        (build, "ALONE"): 0,
        (fuse, "LONG"): 1,
        (fuse, "LARGE"): 1,
        (recompute, "LARGE"): 1,
        (row_sums, "ROWS"): 1,
        (row_sums, "ELEMENTS"): 1,
    }
    usual = {at: getattr(*at) for at in least}

    def set_to(sizes: dict[tuple[Any, str], int]) -> None:
        for (module, name), size in sizes.items():
            setattr(module, name, size)

    os.environ["PULLBACK_GUARD"] = "1"
    set_to(least)
    watched = Native(program, threads=2)
    os.environ["PULLBACK_GUARD"] = "0"
    set_to(usual)
    return [watched, Native(program, threads=1), Native(program, threads=1)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("amount", help="how many circuits, or for how long: 10000, 60min")
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--interpreted", action="store_true")
    told = parser.parse_args()
    sys.exit(main(told.amount, told.seed, told.interpreted))
