"""In: a descent, and its phases. Out: the map that forms, watched on its way, and how it formed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import is_finite
from pullback.core.text import counted
from pullback.files.progress import working
from pullback.maps.map import Frame
from pullback.maps.repulsion import Repel
from pullback.maps.steps import Descent
from pullback.train.interrupt import Interruptible

TOLD_EVERY = 25  # iterations, after which a line of progress has another cost
_LOOKED_EVERY = 10  # iterations, after which it is looked whether a map falls together
_RESTLESS = 0.5  # for the last step of points, in the mean: at rest it is below a tenth
_SMALL = 1e-6  # a deviation of points that fell together: they begin with 1e-4,
_SMALL_PART = 1e-2  # or this part of the one that they began with


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
    """How far a map has come: its iterations and cost, frames, and why it ended before its time.

    `notes` are sentences on what went otherwise than planned, `unrest` one on how it lies now.
    """

    iterations: int = 0
    cost: float = math.nan
    frames: list[Frame] = field(default_factory=list)
    ended: str = ""
    unrest: str = ""
    notes: list[str] = field(default_factory=list)


def form(
    descent: Descent,
    repel: Repel,
    entropy: float,
    phases: Sequence[Phase],
    watch: Watch,
    done: Formed,
) -> None:
    """Run the phases, after what was `done` so far. `entropy` is -sum of p_ij * log(p_ij).

    Where exaggerated springs draw all points together, to less than numbers tell apart, their phase
    ends, and the next one has its iterations. Ctrl-C ends all after the iteration in hand.

    Raises `CircuitError` where positions are no finite numbers any more.
    """
    done.ended = done.unrest = ""
    begun, repulsion = done.iterations, repel(descent.y)
    last = begun + sum(phase.iterations for phase in phases)
    small = min(_SMALL, _SMALL_PART * float(descent.y.std()))

    def cost() -> float:
        return descent.cross_entropy() - entropy + math.log(repulsion.z)

    def keep() -> None:
        done.frames.append(Frame(done.iterations, cost(), descent.y.T.copy()))

    if watch.keep_every and not done.frames:
        keep()
    with Interruptible() as interrupt, working("a map forms", last - begun, watch.show) as line:
        for phase, end in _ends(phases, begun):
            while done.iterations < end and not (done.ended or interrupt.requested):
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
                if line.shown and done.iterations % TOLD_EVERY == 0:
                    line.tell(f"a map forms, KL {cost():.3f}")
                if watch.keep_every and done.iterations % watch.keep_every == 0:
                    keep()
                if watch.callback is not None and done.iterations % watch.callback_every == 0:
                    done.cost = cost()  # which stays if the callback raises an error
                    told = watch.callback(done.iterations, done.cost, descent.y.T.copy())
                    true = isinstance(told, bool | np.bool_) and told
                    done.ended = "the callback ended it" if true else ""
                if end < last and done.iterations % _LOOKED_EVERY == 0 and descent.y.std() < small:
                    done.notes.append(_fallen(phase.exaggeration, done.iterations))
                    break
    if interrupt.requested and done.iterations < last:
        done.ended = "Ctrl-C ended it"
    if done.ended:
        done.ended += f" after {counted(done.iterations, 'iteration')} of {last:,}"
    if watch.keep_every and done.frames[-1].iteration < done.iterations:
        keep()
    done.cost = cost()
    if begun < done.iterations and not done.ended:
        n = descent.y.shape[1]
        done.unrest = _unrest(descent.pace, done.cost - (math.log(n * (n - 1)) - entropy))


def _unrest(pace: float, beyond: float) -> str:
    """What is to be said of a map, by its pace, and its cost beyond that of a single place."""
    cure = "more iterations, or a smaller learning_rate, may help"
    if pace > _RESTLESS:
        return f"the map is not at rest, its points still moved by {pace:.2g} at the end; {cure}"
    if beyond >= 0.0:
        return f"the cost is no smaller than that of all points at one place; {cure}"
    return ""


def _ends(phases: Sequence[Phase], begun: int) -> Iterator[tuple[Phase, int]]:
    """Each phase, and the iteration at which it ends."""
    ends = accumulate((phase.iterations for phase in phases), initial=begun)
    return zip(phases, islice(ends, 1, None), strict=True)


def _fallen(exaggeration: float, iterations: int) -> str:
    return (
        f"An exaggeration of {exaggeration:g} drew all points together and was left after "
        f"{counted(iterations, 'iteration')}; a smaller one suits such points"
    )


def _refuse_divergence(y: np.ndarray, iteration: int, rate: float) -> None:
    if not is_finite(y):
        raise CircuitError(
            f"the map diverged in iteration {iteration}; choose a learning_rate below {rate:g}, or "
            "an init of small numbers"
        )
