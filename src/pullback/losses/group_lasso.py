"""Group lasso: springs that hold the weights of an input, or of a unit, together."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any, ClassVar, final

from pullback.core.unit import Unit, scope
from pullback.gates.comparison import less_equal, where
from pullback.gates.reduction import sum
from pullback.losses.groups import lengths, others, refuse_groups
from pullback.losses.penalty import Names, Penalty, Units, refuse, total


@final
@dataclass(frozen=True)
class GroupLasso(Penalty):
    """strength * the sum over groups of sqrt(size of the group) * |group|, its Euclidean length.

    The "outgoing" groups are all weights that leave an input or a unit: a row of a `Dense`, a
    channel of a convolution. The "incoming" ones are all that come into a unit: a column, a filter.
    Of a vector of weights each number is a group. A group becomes zero as a whole or not at all, so
    that inputs and units become superfluous: `prune` removes them. `on` as in `L2`.

    It is a proximal step, w * max(1 - rate * strength * sqrt(size) / |group|, 0), which makes
    groups exactly zero; with `proximal=False` it is a part of the loss, and they come near zero.
    With `L1` before it, single weights within the others become zero too (sparse group lasso).

    Of a convolution of several `groups`, the outgoing weights of channels at the same place in
    their groups are one group, so that a `DepthwiseConv2d` wants "incoming".

    Raises `CircuitError` where the strength is negative, or `on` names nothing.
    Source: Yuan and Lin, "Model selection and estimation in regression with grouped variables"
    (2006); outgoing: Scardapane and others, "Group sparse regularization for deep neural networks"
    (2017); filters and channels: Wen and others, "Learning structured sparsity in deep neural
    networks" (2016); sparse: Simon and others, "A sparse-group lasso" (2013).

    >>> w = Unit([[3.0, 4.0], [0.3, 0.4]], "w")  # of two inputs
    >>> round(float(GroupLasso(0.1)({}, {"w": w}).value), 4)  # 0.1 * sqrt(2) * (5 + 0.5)
    0.7778
    >>> GroupLasso(1 / 2**0.5).proximal_step(w, 1.0).value.round(4)  # each is 1 shorter
    array([[2.4, 3.2],
           [0. , 0. ]])
    """

    smooth: ClassVar[bool] = False
    strength: float
    groups: str = "outgoing"
    on: Names = None
    proximal: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        refuse(self.strength, self.on)
        refuse_groups("GroupLasso", self.groups)

    def __call__(self, parameters: Units, weights: Units) -> Unit:
        with scope("grouplasso"):
            held = self.held(parameters, weights)
            return total([self._weighed(w) * sum(lengths(w, self.groups)) for w in held])

    def proximal_step(self, moved: Unit, rate: Any) -> Unit:
        length, threshold = lengths(moved, self.groups), self._weighed(moved) * rate
        gone = less_equal(length, threshold)
        share = 1.0 - threshold / where(gone, 1.0, length)
        return where(gone, 0.0, moved * share)

    def _weighed(self, w: Unit) -> float:
        """The strength for groups of this size: larger ones are longer by chance alone."""
        return self.strength * prod(w.shape[axis] for axis in others(w, self.groups)) ** 0.5
