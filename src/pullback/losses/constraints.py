"""Constraints: walls in place of springs. Their proximal step is the nearest point inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from pullback.core.errors import CircuitError
from pullback.core.gate import constant
from pullback.core.unit import Unit
from pullback.gates.comparison import maximum
from pullback.losses.groups import lengths, refuse_groups
from pullback.losses.penalty import Names, Penalty, Units, refuse_names


class Constraint(Penalty):
    """A penalty of 0 inside and infinity outside, where no step ends. A subclass is final."""

    proximal = True

    def __call__(self, parameters: Units, weights: Units) -> Unit:
        self.held(parameters, weights)  # refused where it names nothing
        return constant(0.0)


@final
@dataclass(frozen=True)
class MaxNorm(Constraint):
    """|w| <= limit for the weights w of each group: after each step, w * min(limit / |w|, 1).

    The groups are those of `GroupLasso`: by default all weights that come into a unit or a filter.
    It holds all weights, or the parameters that `on` names, as in `L2`. With it and `Dropout`,
    large learning rates do no harm; 3 or 4 are usual limits.

    Raises `CircuitError` for a limit that is not positive, and where `on` names nothing.
    Source: Srebro and Shraibman, "Rank, trace-norm and max-norm" (2005); Srivastava, Hinton,
    Krizhevsky, Sutskever, Salakhutdinov, "Dropout" (2014).

    >>> w = Unit([[3.0, 0.3], [4.0, 0.4]], "w")  # of two units
    >>> MaxNorm(2.5).proximal_step(w, 0.1).value
    array([[1.5, 0.3],
           [2. , 0.4]])
    """

    limit: float
    groups: str = "incoming"
    on: Names = None

    def __post_init__(self) -> None:
        if not 0.0 < self.limit < float("inf"):
            raise CircuitError(f"MaxNorm needs a positive, finite limit, got {self.limit}")
        refuse_groups("MaxNorm", self.groups)
        refuse_names(self.on)

    def proximal_step(self, moved: Unit, rate: Any) -> Unit:
        return moved * (self.limit / maximum(lengths(moved, self.groups), self.limit))


@final
@dataclass(frozen=True)
class NonNegative(Constraint):
    """w >= 0: after each step, max(w, 0).

    It holds all weights, or the parameters that `on` names, as in `L2`: a model of such weights and
    rising activations rises with each input. Raises `CircuitError` where `on` names nothing.
    Source: Lee and Seung, "Learning the parts of objects by non-negative matrix factorization"
    (1999).

    >>> NonNegative().proximal_step(Unit([0.5, -2.0]), 0.1).value
    array([0.5, 0. ])
    """

    on: Names = None

    def __post_init__(self) -> None:
        refuse_names(self.on)

    def proximal_step(self, moved: Unit, rate: Any) -> Unit:
        return maximum(moved, 0.0)
