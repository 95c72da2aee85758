"""In: a descent, and its phases. Out: the map that forms, watched on its way, and how it formed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import is_finite
from pullback.files.progress import working
from pullback.files.words import counted
from pullback.maps.map import Frame
from pullback.maps.repulsion import Repel
from pullback.maps.steps import Descent
from pullback.train.interrupt import Interruptible

TOLD_EVERY = 25  # iterations, after which a line of progress has another cost


@dataclass(frozen=True)
class Phase:
    """So many iterations with the same numbers."""

    iterations: int
    exaggeration: float
    learning_rate: float
    momentum: float


@dataclass(frozen=True)
class Watch:
    """What is asked for while a map forms.

    `callback(iteration, cost, positions)` is told of every so many iterations, and ends it where it
    returns True; positions are (N, d). Frames are kept every so many iterations. `show` is of a
    line of progress; None means: where somebody looks on.
    """

    callback: Callable[[int, float, np.ndarray], Any] | None = None
    callback_every: int = 50
    keep_every: int | None = None
    show: bool | None = None


@dataclass
class Formed:
    """How far a map has come: its iterations and cost, frames, and why it ended before its time."""

    iterations: int = 0
    cost: float = math.nan
    frames: list[Frame] = field(default_factory=list)
    ended: str = ""


def form(
    descent: Descent,
    repel: Repel,
    entropy: float,
    phases: Sequence[Phase],
    watch: Watch,
    so_far: Formed | None = None,
) -> Formed:
    """Run the phases, after what was done so far. `entropy` is -sum of p_ij * log(p_ij).

    Ctrl-C ends it after the iteration in hand.

    Raises `CircuitError` where positions are no finite numbers any more.
    """
    done = Formed() if so_far is None else so_far
    done.ended = ""
    last = done.iterations + sum(phase.iterations for phase in phases)
    repulsion = repel(descent.y)

    def cost() -> float:
        return descent.cross_entropy() - entropy + math.log(repulsion.z)

    def keep() -> None:
        done.frames.append(Frame(done.iterations, cost(), descent.y.T.copy()))

    if watch.keep_every and not done.frames:
        keep()
    total = last - done.iterations
    with Interruptible() as interrupt, working("a map forms", total, watch.show) as line:
        for phase in phases:
            for _ in range(phase.iterations):
                if done.ended or interrupt.requested:
                    break
                descent(
                    repulsion,
                    exaggeration=phase.exaggeration,
                    learning_rate=phase.learning_rate,
                    momentum=phase.momentum,
                )
                done.iterations += 1
                _refuse_divergence(descent.y, done.iterations, phase.learning_rate)
                repulsion = repel(descent.y)
                line.advance(1)
                if line.shown and (done.iterations % TOLD_EVERY == 0):
                    line.tell(f"a map forms, KL {cost():.3f}")
                if watch.keep_every and done.iterations % watch.keep_every == 0:
                    keep()
                if watch.callback is not None and done.iterations % watch.callback_every == 0:
                    told = watch.callback(done.iterations, cost(), descent.y.T.copy())
                    done.ended = "the callback ended it" if told is True else ""
    if interrupt.requested and done.iterations < last:
        done.ended = "Ctrl-C ended it"
    if done.ended:
        done.ended += f" after {counted(done.iterations, 'iteration')} of {last:,}"
    if watch.keep_every and done.frames[-1].iteration < done.iterations:
        keep()
    done.cost = cost()
    return done


def _refuse_divergence(y: np.ndarray, iteration: int, rate: float) -> None:
    if not is_finite(y):
        raise CircuitError(
            f"the map diverged in iteration {iteration}; choose a learning_rate below {rate:g}, or "
            "an init of small numbers"
        )
