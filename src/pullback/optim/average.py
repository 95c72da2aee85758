"""In: a wire that counts steps. Out: the share that the newest weights have in their average.

A training may keep, beside the weights that it moves, an average of all they have been: after each
step, average' = (1 - share) * average + share * weights. An averaging is what says the share, as a
pure function of the number of steps done before this one, so that it runs inside the step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from pullback.core.copying import Portable
from pullback.core.registry import Registry
from pullback.core.unit import Unit

AVERAGES: Registry[Callable[..., Average]] = Registry("average")


class Average(Portable, ABC):
    """What the averagings share: they are frozen data. A subclass is final."""

    @abstractmethod
    def __call__(self, step: Unit) -> Unit:
        """The share of the weights after this step: 1 at the first."""

    @abstractmethod
    def measures_again(self, steps: int) -> bool:
        """Whether running statistics are to be measured with the average of so many steps.

        Else they are averaged as the weights are.
        """
