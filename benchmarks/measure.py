"""In: sides that do the same work. Out: the seconds of each, measured turn by turn.

Every side has a process of its own, because the thread pools of OpenMP and of BLAS go on spinning
after their work and would take the processor from the others. All processes are told of the same
number of threads. In each round every side takes a turn while the rest sleep, so whatever slows the
machine slows them all. Before anything is timed, all sides must have computed the same numbers.

What counts is the ratio of medians. But other work on the machine does not slow all alike: a pool
that spins at a barrier loses far more of its time. So the ratio of the shortest runs stands beside
it, and a goal is reached only where both ratios say so. With one thread each (`--threads 1`) times
are the processor's, not the clock's, and all sides are pinned to the same core: a busy machine
hardly changes them.

A side may do several works, which are timed one after another in each of its turns.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np

SECONDS = 0.25  # of a turn
PAUSE = 0.05  # before a turn, in which the last side's threads give up spinning
POOLS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")


@dataclass(frozen=True)
class Work:
    """What a side does when its turn comes.

    `run` does so many `units` of work (steps, say), or a part of one. `answer` gives numbers, from
    a fresh start, by which all sides are compared before they are timed; a limit has none.
    """

    run: Callable[[], Any]
    units: float
    answer: Callable[[], np.ndarray] = lambda: np.zeros(0)


@dataclass(frozen=True)
class Line:
    """One line of a table: who does the case, in how many seconds, and how that compares.

    `seconds` is a median, `best` the shortest; a mean of ratios has neither. `ratio` and
    `best_ratio` say how many times as long as ours it takes (of a limit: what share of our time it
    is), `goal` what is aimed at in words, and `reached` whether that is so. `per` is what is done
    in these seconds where a rate tells more than they do: "GB", say. `score` is what was measured
    where it is no time: how good a result is.
    """

    case: str
    who: str
    seconds: float | None = None
    ratio: float | None = None
    best: float | None = None
    best_ratio: float | None = None
    goal: str = ""
    reached: bool | None = None
    per: str = ""
    score: float | None = None


class Times(NamedTuple):
    """Seconds of a unit of work."""

    median: float
    best: float


Works = Mapping[str, Work]  # by their names
Make = Callable[[], Work | Works]
ONLY = ""  # the name of a side's work where it has but one


def compare(
    case: str,
    ours: Make,
    peers: Mapping[str, Make],
    goals: Mapping[str, float] | None = None,
    *,
    quick: bool,
    limits: Mapping[str, Make] | None = None,
    tolerance: float = 1e-4,
    seconds: float = SECONDS,
) -> list[Line]:
    """The lines of one case.

    `goals` says of a peer, or of several joined by " or ", of which the best counts, how many times
    as fast we mean to be. `limits` do a part of the work: no side can be faster than they.

    Raises `AssertionError` where a peer's numbers are not ours.
    """
    limits = limits or {}
    sides = {"pullback": ours, **peers, **limits}
    times = turns(case, sides, tuple(limits), quick=quick, tolerance=tolerance, seconds=seconds)
    return lines_of(case, {who: t[ONLY] for who, t in times.items()}, goals or {}, tuple(limits))


def lines_of(
    case: str, times: Mapping[str, Times], goals: Mapping[str, float], limits: Sequence[str] = ()
) -> list[Line]:
    """Everyone's times as lines, ours first."""
    mine = times["pullback"]
    aims: dict[str, float] = {}
    for who, goal in goals.items():
        some = [peer for peer in who.split(" or ") if peer in times]
        if some:
            aims[min(some, key=lambda peer: times[peer].median)] = goal
    lines = [Line(case, "pullback", mine.median, best=mine.best)]
    for who, other in times.items():
        if who != "pullback":
            name = f"limit: {who}" if who in limits else who
            lines.append(against(case, name, mine, other, aims.get(who)))
    return lines


def against(case: str, who: str, mine: Times, other: Times, goal: float | None = None) -> Line:
    """The line of someone whose time stands beside ours."""
    ratios = other.median / mine.median, other.best / mine.best
    return Line(case, who, other.median, ratios[0], other.best, ratios[1], *_aim(ratios, goal))


def mean(lines: Sequence[Line], who: str, goal: float | None, what: str = "") -> Line:
    """The geometric mean of the ratios of these lines, which are of one peer or of its kind."""
    some = [line for line in lines if line.ratio is not None and line.best_ratio is not None]
    ratios = (
        statistics.geometric_mean(line.ratio for line in some),
        statistics.geometric_mean(line.best_ratio for line in some),
    )
    case = f"geometric mean{what and ', '}{what}"
    return Line(case, who, None, ratios[0], None, ratios[1], *_aim(ratios, goal))


def _aim(ratios: tuple[float, float], goal: float | None) -> tuple[str, bool | None]:
    return ("", None) if goal is None else (f"≥ {goal:,.4g}", min(ratios) >= goal)


def turns(
    case: str,
    sides: Mapping[str, Make],
    unlike: tuple[str, ...] = (),
    *,
    quick: bool,
    tolerance: float = 0.0,
    seconds: float = SECONDS,
) -> dict[str, dict[str, Times]]:
    """The seconds of a unit of work, by side and work; those `unlike` are not asked for numbers.

    `seconds` are those of one work in one turn. Raises `AssertionError` where numbers differ.
    """
    rounds, seconds = (3, seconds / 5) if quick else (15, seconds)
    workers: dict[str, _Worker] = {}
    try:
        for who, make in sides.items():
            _say(f"{case}: {who} starts")
            workers[who] = _Worker(make)
            workers[who].ask("answer" if who not in unlike else "ready")
        answers = {who: workers[who].hear() for who in sides}
        first = next(iter(sides))
        for who in sides:
            if who not in unlike:
                for name, answer in answers[who].items():
                    what = ", ".join(filter(None, (case, name)))
                    _same(answers[first][name], answer, f"{what}: {who}", tolerance)
        spent: dict[str, list[dict[str, Times]]] = {who: [] for who in sides}
        for who in sides:
            workers[who].ask(seconds)
            workers[who].hear()
        for k in range(rounds):
            names = list(sides)[:: 1 if k % 2 else -1]
            for who in names:
                _say(f"{case}: round {k + 1} of {rounds}, {who}")
                time.sleep(PAUSE)
                workers[who].ask(seconds)
                spent[who].append(workers[who].hear())
        _say("")
        return {who: _together(times) for who, times in spent.items()}
    finally:
        for worker in workers.values():
            worker.end()


def _together(turns: list[dict[str, Times]]) -> dict[str, Times]:
    """The times of all turns of a side."""
    return {
        name: Times(
            statistics.median(turn[name].median for turn in turns),
            min(turn[name].best for turn in turns),
        )
        for name in turns[0]
    }


def _same(a: np.ndarray, b: np.ndarray, what: str, tolerance: float) -> None:
    a, b = np.ravel(a).astype(float), np.ravel(b).astype(float)
    assert a.shape == b.shape, f"{what} gives {b.size} numbers, pullback {a.size}"
    error = float(np.max(np.abs(a - b), initial=0.0) / (np.max(np.abs(a), initial=0.0) or 1.0))
    assert error <= tolerance, f"{what} computes other numbers than pullback: {error:.1e} off"


def _say(text: str) -> None:
    """What is going on, in one line that the next one replaces, where a person looks on."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


# Processes ---------------------------------------------------------------------------------------


def limit_threads(count: int) -> None:
    """Tell this process, before it imports NumPy's kin, and all that it starts."""
    names = ("PULLBACK_THREADS", *(f"{pool}_NUM_THREADS" for pool in POOLS))
    os.environ |= dict.fromkeys(names, str(count))
    os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={str(count > 1).lower()}"


def threads() -> int:
    """How many each side may use."""
    return int(os.environ["OMP_NUM_THREADS"])


def native(program: Any) -> Any:
    """A Program on the native engine, which chooses its threads itself, up to the limit."""
    from pullback.engines.native.engine import Native

    return Native(program)


class _Worker:
    """A side in its own process, asleep until it is asked."""

    def __init__(self, make: Make) -> None:
        context = multiprocessing.get_context("spawn")
        self._line, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(make, there), daemon=True)
        self._process.start()
        there.close()

    def ask(self, what: Any) -> None:
        self._line.send(what)

    def hear(self) -> Any:
        try:
            answer = self._line.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            raise RuntimeError(f"a side died, exit code {self._process.exitcode}") from None
        if isinstance(answer, str):
            raise RuntimeError(answer)
        return answer

    def end(self) -> None:
        self._process.terminate()
        self._process.join()


def _serve(make: Make, line: Connection) -> None:
    try:
        if threads() == 1 and hasattr(os, "sched_setaffinity"):
            # There are pools that no setting makes smaller.
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        made = make()
        works = made if isinstance(made, Mapping) else {ONLY: made}
        while True:
            asked = line.recv()
            if asked == "answer":
                line.send({name: work.answer() for name, work in works.items()})
            elif asked == "ready":
                line.send({})
            else:
                gc.collect()
                line.send({name: _turn(work, asked) for name, work in works.items()})
    except EOFError:
        pass
    except BaseException:
        line.send(traceback.format_exc())


def _turn(work: Work, seconds: float) -> Times:
    """The seconds of a unit, over runs that fill a turn; the first run warms up."""
    work.run()
    clock = time.perf_counter if threads() > 1 else time.process_time
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = clock()
        work.run()
        times.append((clock() - start) / work.units)
    return Times(statistics.median(times), min(times))
