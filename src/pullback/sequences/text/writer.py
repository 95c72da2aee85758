"""In: a recurrent step and how to draw. Out: numbers, drawn by one compiled step for each.

The step draws its own next input, so that many steps run without a return to Python: the noise that
each needs to draw is the row of data that it is given, and its number is state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.engines.prepare import prepare
from pullback.gates.comparison import equal, greater, less, logical_and, logical_or, where
from pullback.gates.linear import matmul
from pullback.gates.reduction import argmax, max, softmax, sum
from pullback.gates.shape import astype, reshape
from pullback.program.program import Program
from pullback.sequences.text.sampling import Sampling

LARGEST = 512
"""Classes among which the step itself finds the likeliest: it compares each with each other."""


class Writer:
    """A compiled step that draws.

    `step` and `states`, the first values (1, size) of the state, are those of `StepByStep`.
    """

    def __init__(
        self, step: Callable[..., Any], states: Sequence[np.ndarray], choosy: bool, engine: str
    ) -> None:
        self.number = Unit(np.zeros(1, np.int64), "number")
        self.states = [Unit(x, f"state{k}") for k, x in enumerate(states)]
        self.settings = Unit(np.ones(3), "settings")  # temperature, top_k and top_p
        scores, after = answered(step, self.number, self.states)
        scores = astype(scores, np.float64)
        self.classes = scores.shape[1]
        noise = Unit(np.zeros((1, self.classes)), "noise")
        noisy = scores + noise
        if choosy:
            noisy = where(self._kept(reshape(scores, (self.classes,))), noisy, -np.inf)
        drawn = argmax(noisy, axis=1)
        outputs = {"number": reshape(astype(drawn, np.float64), ()), "largest": max(scores)}
        updates = dict(zip([self.number, *self.states], [drawn, *after], strict=True))
        self._run = prepare(engine, Program({"noise": noise}, outputs, updates))

    def _kept(self, scores: Unit) -> Unit:
        """Which classes are drawn from, (classes,), as `Sampling` says."""
        temperature, top_k, top_p = (self.settings[k] for k in range(3))
        mine, other = reshape(scores, (self.classes, 1)), reshape(scores, (1, self.classes))
        earlier = np.tri(self.classes, k=-1, dtype=bool)  # of equals
        before = logical_or(greater(other, mine), logical_and(equal(other, mine), earlier))
        before = astype(before, np.float64)
        rank = sum(before, axis=1)
        kept = less(rank, top_k)
        shares = softmax(where(kept, scores / temperature, -np.inf))
        likelier = matmul(before, shares)
        return logical_and(kept, logical_or(less(likelier, top_p), less(rank, 1.0)))

    def write(
        self,
        number: np.ndarray,
        states: Sequence[np.ndarray],
        count: int,
        sampling: Sampling,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """So many numbers that follow `number` (1,), and the state before the last of them.

        Raises `CircuitError` where the scores of a step are not finite.
        """
        for unit, value in zip([self.number, *self.states], [number, *states], strict=True):
            unit.value = value
        top_k = self.classes if sampling.top_k is None else sampling.top_k
        top_p = 2.0 if sampling.top_p in (None, 1.0) else sampling.top_p
        self.settings.value = np.array([sampling.temperature or 1.0, top_k, top_p])
        noise = sampling.noise((count, self.classes), rng)
        made = self._run.epoch({"noise": noise}, np.arange(count), lambda: False)
        if not np.isfinite(made.numbers["largest"]).all():
            raise CircuitError("scores hold nan or infinity: the model has nothing to draw from")
        return made.numbers["number"].astype(np.int64), [np.array(x.value) for x in self.states]


def answered(
    step: Callable[..., Any], numbers: Unit, states: Sequence[Unit]
) -> tuple[Unit, list[Unit]]:
    """The scores and the next state that a step answers.

    Raises `CircuitError` where they are of another shape or dtype than they should be.
    """
    made = step(numbers, *states)
    scores, *after = made if isinstance(made, tuple | list) else (made,)
    units = all(isinstance(x, Unit) for x in (scores, *after))
    wanted = [(x.shape, x.dtype) for x in states]
    rows = len(numbers.value)
    if (
        not units
        or len(scores.shape) != 2
        or scores.shape[0] != rows
        or [(x.shape, x.dtype) for x in after] != wanted
    ):
        given = ", ".join(str(getattr(x, "shape", x)) for x in (scores, *after))
        states_are = ", ".join(f"{dtype} {shape}" for shape, dtype in wanted) or "none"
        raise CircuitError(
            f"a step answers scores ({rows}, classes) and states of {states_are}, got {given}"
        )
    return scores, after
