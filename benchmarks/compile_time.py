"""How long a user waits before the first step: from nothing, and when the cache has it.

Measured in fresh processes, with an empty cache and then with what that has left: from a model to
the end of its first step of training, which records the circuit, imports LLVM, writes loop code,
compiles it (or reads what it has become) and runs it. There is no peer; the goals are in seconds on
the clock; the processor's own time stands beside them, because other work on the machine does not
lengthen it. `import pullback` must not import LLVM. The first meeting is what a terminal shows: how
long from the start of `pullback train digits`, with an empty cache, until its first epoch is there.
"""

from __future__ import annotations

import ast
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import Line

Record = Callable[[], Any]  # makes a Program, of data that are there already

GOALS = {  # from nothing, in seconds
    "perceptron": 0.7, "lstm": 1.0, "fifty_layers": 1.2, "formula32": 1.5, "formula64": 1.5,
}  # fmt: skip
CACHED, IMPORT, ENGINE, MEETING = 0.2, 0.4, 0.1, 2.0
NAMES = {
    "perceptron": "perceptron",
    "lstm": "LSTM",
    "fifty_layers": "50 dense layers",
    "formula32": "1,000 gates, float32",
    "formula64": "1,000 gates, float64",
}


def measure(quick: bool) -> list[Line]:
    times = 1 if quick else 5
    lines = [import_time(2 * times + 1)]
    imports = []
    for name, goal in GOALS.items():
        told = f"from benchmarks.compile_time import first; first({name!r})"
        cold, warm = [], []
        for _ in range(times):
            with tempfile.TemporaryDirectory() as cache:
                cold.append(fresh(told, cache))
                warm.append(fresh(told, cache))
        imports += [run["import"] for run in cold + warm]
        lines += [
            _line(NAMES[name], "from nothing", _median(cold, "seconds"), goal),
            _line(NAMES[name], "from the cache", _median(warm, "seconds"), CACHED),
            Line(NAMES[name], "from nothing, processor time", _median(cold, "processor")),
            Line(NAMES[name], "of both: recording", _median(cold + warm, "record")),
        ]
    lines.append(_line("engine", "importing", statistics.median(imports), ENGINE))
    meetings = [meeting() for _ in range(times)]
    what = "until the first epoch"
    lines.append(_line("pullback train digits", what, statistics.median(meetings), MEETING))
    return lines


def _median(runs: list[dict[str, Any]], what: str) -> float:
    return statistics.median(run[what] for run in runs)


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


def meeting() -> float:
    """Seconds from the start of `pullback train digits` until its first epoch stands there."""
    import pty  # there is none on Windows

    with tempfile.TemporaryDirectory() as cache:
        start = time.perf_counter()
        process, screen = pty.fork()
        if process == 0:
            os.environ |= {"PULLBACK_CACHE": cache, "COLUMNS": "100", "TERM": "xterm"}
            os.execv(sys.executable, [sys.executable, "-m", "pullback", "train", "digits"])
        shown, seen = "", 0.0
        while True:
            try:
                shown += os.read(screen, 65536).decode(errors="replace")
            except OSError:  # it has ended
                break
            if not seen and re.search(r"\b[1-9]\d*/\d+  loss", shown):
                seen = time.perf_counter() - start
        os.waitpid(process, 0)
    return seen


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
    import pullback  # noqa: F401  its own time is measured alone

    ready = {
        "perceptron": _perceptron,
        "lstm": _lstm,
        "fifty_layers": _fifty_layers,
        "formula32": partial(_formula, "float32"),
        "formula64": partial(_formula, "float64"),
    }[name]
    record = ready()
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


def _perceptron() -> Record:
    from benchmarks.perceptron import SMALL, data, program

    data(SMALL)
    return lambda: program(SMALL)[0]


def _lstm() -> Record:
    from benchmarks.recurrent import SMALL, data, program

    data(SMALL)
    return lambda: program(SMALL)


def _formula(dtype: str) -> Record:
    from benchmarks.formula import program

    return lambda: program(dtype, 64)


def _fifty_layers() -> Record:
    """Fifty dense layers of 64 units with ReLU between them, and SGD with momentum."""
    import numpy as np

    import pullback as pb

    x, labels = np.random.default_rng(0).normal(size=(64, 64)), np.arange(64) % 10

    def record() -> Any:
        layers = [layer for _ in range(49) for layer in (pb.Dense(64), pb.ReLU())]
        model = pb.Sequential(*layers, pb.Dense(10))
        step = pb.TrainingStep(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1, momentum=0.9))
        return step.program(step.columns(x, labels), metrics=False)

    return record
