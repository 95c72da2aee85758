"""An average of the weights in which what is old fades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from pullback.core.unit import Unit
from pullback.gates.comparison import greater, where
from pullback.optim.average import AVERAGES, Average
from pullback.optim.checks import fraction


@final
@dataclass(frozen=True)
class EMA(Average):
    """Exponential moving average: decay * average + (1 - decay) * weights, after each step.

    The first weights stand in for all before them, and would weigh 1 / (1 - decay) times as much as
    each after them. With `correct_bias` they weigh what others do: the share of the newest is
    (1 - decay) / (1 - decay**t) at the t-th step. Without, it is PyTorch's `get_ema_multi_avg_fn`.
    An average looks back over about 1 / (1 - decay) steps; let that be a part of all. Running
    statistics are averaged too.

    Raises `CircuitError` for a decay outside [0, 1).
    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992);
    the correction: Kingma and Ba, "Adam" (ICLR 2015), section 3.

    >>> [round(EMA(0.9)(Unit(step)).value, 3) for step in (0.0, 1.0, 100.0)]
    [1.0, 0.526, 0.1]
    >>> [round(EMA(0.9, correct_bias=False)(Unit(step)).value, 3) for step in (0.0, 1.0)]
    [1.0, 0.1]
    """

    decay: float = 0.999
    correct_bias: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "decay", fraction("decay", self.decay))

    def __call__(self, step: Unit) -> Unit:
        share = 1.0 - self.decay
        if self.correct_bias:
            return share / (1.0 - self.decay ** (step + 1.0))
        return where(greater(step, 0.0), share, 1.0)

    def measures_again(self, steps: int) -> bool:
        return False


AVERAGES.add("EMA", EMA)
