"""In: the numbers that a figure shows. Out: where along its axis each belongs, and round marks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_FAR = 100.0  # times the smallest, from which a curve over plain numbers would show one end alone
_ROUND = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """The ends of an axis, by their logarithms where it is `logarithmic`; what is no number is out.

    >>> scale = Scale.over([1.0, 3.0])
    >>> scale.share(1.5), scale.marks(3)
    (0.25, [1.0, 2.0, 3.0])
    """

    low: float
    high: float
    logarithmic: bool = False

    @classmethod
    def over(cls, values: Iterable[float], logarithmic: bool | None = None) -> Scale:
        """The scale from the least to the largest number; by default logarithmic if they are far.

        >>> Scale.over([2.0, 800.0, float("nan")])
        Scale(low=2.0, high=800.0, logarithmic=True)
        """
        there = [float(x) for x in values if math.isfinite(x)]
        low, high = min(there, default=0.0), max(there, default=1.0)
        if logarithmic is None:
            logarithmic = low > 0.0 and high > _FAR * low
        above = [x for x in there if x > 0.0]
        if logarithmic and above:
            return cls(min(above), high, True)
        return cls(low, high)

    def share(self, x: float) -> float:
        """How far along the axis, from 0 to 1; beyond its ends, as at them; in its middle if none.

        Of what is no number the share is nan.
        """
        if not math.isfinite(x):
            return math.nan
        low, high, at = (self._place(v) for v in (self.low, self.high, x))
        return 0.5 if high == low else min(1.0, max(0.0, (at - low) / (high - low)))

    def _place(self, x: float) -> float:
        return math.log10(max(x, self.low)) if self.logarithmic else x

    def marks(self, most: int) -> list[float]:
        """Round numbers between the ends, about so many; the ends where there are none."""
        found = self._powers(most) if self.logarithmic else _steps(self.low, self.high, most)
        return found if len(found) > 1 else sorted({self.low, self.high})

    def _powers(self, most: int) -> list[float]:
        """Powers of ten, or where there are few of them the numbers between them."""
        first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
        every = max(1, math.ceil((last - first + 1) / most))
        powers = [10.0**k for k in range(first, last + 1, every)]
        if len(powers) > 2:
            return powers
        between = [m * 10.0**k for k in range(first - 1, last + 1) for m in _ROUND[:3]]
        between = [x for x in between if self.low <= x <= self.high]
        return between if 1 < len(between) <= most + 1 else powers


def _steps(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    if high <= low:
        return []
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in _ROUND if m * power >= rough * (1.0 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]
