"""The mean of the weights from a step on, each counting the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from pullback.core.unit import Unit
from pullback.gates.comparison import equal, less, maximum, where
from pullback.gates.elementary import floor
from pullback.optim.average import AVERAGES, Average
from pullback.optim.checks import count


@final
@dataclass(frozen=True)
class SWA(Average):
    """Stochastic weight averaging: the mean of the weights after step `start`, and each `every`.

    Both count steps, which are batches, from 1, and not epochs: steps = epochs * batches of an
    epoch, as `steps_in` counts them. SWA(steps_in(20, rows), every=steps_in(1, rows)) averages the
    weights at the ends of the 20th epoch and of each after it. Before `start`, the average is the
    weights themselves. It wants a rate that stays high, or a `CosineRestarts`. Running
    statistics are no mean of what they were: they are measured again with the mean of the weights,
    over the training data, as by PyTorch's `update_bn`, after each epoch.

    Raises `CircuitError` for numbers of steps that are not whole or fewer than 1.
    Source: Izmailov et al., "Averaging weights leads to wider optima and better generalization"
    (UAI 2018).

    >>> [round(SWA(3, every=2)(Unit(step)).value, 3) for step in (0.0, 1.0, 2.0, 3.0, 4.0, 6.0)]
    [1.0, 1.0, 1.0, 0.0, 0.5, 0.333]
    """

    start: int
    every: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", count("start", self.start))
        object.__setattr__(self, "every", count("every", self.every))

    def __call__(self, step: Unit) -> Unit:
        since = maximum(step + 1.0 - self.start, 0.0) / self.every
        count = floor(since)
        share = where(equal(count, since), 1.0 / (count + 1.0), 0.0)
        return where(less(step + 1.0, float(self.start)), 1.0, share)

    def measures_again(self, steps: int) -> bool:
        return steps >= self.start + self.every  # before, the weights are those of one moment


AVERAGES.add("SWA", SWA)
