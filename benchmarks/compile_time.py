"""How long a user waits before the first step: from nothing, and when the cache has it.

Measured in fresh processes, once with an empty cache and then with what that has left: from a model
to the end of its first step of training, which records the circuit, imports LLVM, writes loop
code, compiles it (or reads what it has become) and runs it. There is no peer; the goals are in
seconds on the clock; the processor's own time stands beside them, because other work on the machine
does not lengthen it. `import pullback` must not import LLVM.
"""

from __future__ import annotations

import ast
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import Line

GOALS = {"perceptron": 6.0, "lstm": 12.0, "fifty_layers": 30.0}  # from nothing, in seconds
CACHED, IMPORT = 1.0, 0.4
NAMES = {"perceptron": "perceptron", "lstm": "LSTM", "fifty_layers": "50 dense layers"}


def measure(quick: bool) -> list[Line]:
    lines = [import_time(3 if quick else 9)]
    for name, goal in GOALS.items():
        with tempfile.TemporaryDirectory() as cache:
            told = f"from benchmarks.compile_time import first; first({name!r})"
            try:
                runs = [fresh(told, cache) for _ in range(2 if quick else 4)]
            except subprocess.CalledProcessError as error:
                last = error.stderr.strip().splitlines()[-1]
                print(f"left out: {NAMES[name]}: {last}", file=sys.stderr)
                continue
        cold, warm = runs[0]["seconds"], statistics.median(run["seconds"] for run in runs[1:])
        lines.append(_line(NAMES[name], "from nothing", cold, goal))
        lines.append(_line(NAMES[name], "from the cache", warm, CACHED))
        lines.append(Line(NAMES[name], "from nothing, processor time", runs[0]["processor"]))
        for part, words in (("record", "recording"), ("import", "importing the engine")):
            seconds = statistics.median(run[part] for run in runs)
            lines.append(Line(NAMES[name], f"of both: {words}", seconds))
    return lines


def _line(case: str, who: str, seconds: float, goal: float) -> Line:
    return Line(case, who, seconds, goal=f"≤ {goal:g} s", reached=seconds <= goal)


def import_time(times: int) -> Line:
    told = (
        "import sys, time; start = time.perf_counter(); import pullback;"
        "print({'seconds': time.perf_counter() - start, 'compiler': 'llvmlite' in sys.modules})"
    )
    runs = [fresh(told) for _ in range(times)]
    assert not any(run["compiler"] for run in runs), "import pullback imports LLVM"
    return _line(
        "import pullback", "pullback", statistics.median(run["seconds"] for run in runs), IMPORT
    )


def fresh(told: str, cache: str | None = None) -> dict[str, Any]:
    """What a new process prints, with an empty cache unless one is given."""
    if cache is None:
        with tempfile.TemporaryDirectory() as cache:
            return fresh(told, cache)
    done = subprocess.run(
        [sys.executable, "-c", told],
        env={**os.environ, "PULLBACK_CACHE": cache},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return ast.literal_eval(done.stdout.splitlines()[-1])


# In the fresh process ----------------------------------------------------------------------------


def first(name: str) -> None:
    """Print the seconds that the first step takes, and its parts."""
    import time

    import pullback  # noqa: F401  its own time is measured alone

    record = {"perceptron": _perceptron, "lstm": _lstm, "fifty_layers": _fifty_layers}[name]
    begun, busy = time.perf_counter(), time.process_time()
    program = record()
    recorded = time.perf_counter()
    from pullback.engines.native.engine import Native

    imported = time.perf_counter()
    Native(program)()
    ended = time.perf_counter()
    print(
        {
            "seconds": ended - begun,
            "record": recorded - begun,
            "import": imported - recorded,
            "processor": time.process_time() - busy,
        }
    )


def _perceptron() -> Any:
    from benchmarks.perceptron import SMALL, program

    return program(SMALL)[0]


def _lstm() -> Any:
    from benchmarks.lstm import program

    return program()


def _fifty_layers() -> Any:
    """Fifty dense layers of 64 units with ReLU between them, and SGD with momentum."""
    import numpy as np

    import pullback as pb

    layers = [layer for _ in range(49) for layer in (pb.Dense(64), pb.ReLU())]
    model = pb.Sequential(*layers, pb.Dense(10))
    step = pb.TrainingStep(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1, momentum=0.9))
    x = np.random.default_rng(0).normal(size=(64, 64))
    return step.program(step.columns(x, np.arange(64) % 10), metrics=False)
