"""In: slopes that a rule tells, and an answer to steps. Out: whether the two agree; if not, why.

A numerical slope is a measurement, and can fail where the rule is right: at a kink, where there are
two slopes, and where the change drowns in rounding. So a disagreement is measured again at many
step sizes, and only what no step size and no kink explains is called wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.inspect.arguments import not_negative, positive
from pullback.inspect.report import KINDS, KINK, ROUNDING, WRONG
from pullback.inspect.sizes import largest, norm

EPS = float(np.finfo(float).eps)
TINY = float(np.finfo(float).tiny)  # below it numbers have fewer digits, and shares of them none
FEW = 64  # elements up to which each one is moved alone

# Step sizes, as shares of the values' size.
_STEPS = 10.0 ** np.arange(-8, 0)  # the last is there to contradict
_SHORT_STEPS = 10.0 ** np.arange(-15, -8)  # for waves shorter than the values are large
_LONG_STEPS = 10.0 ** np.arange(0, 13)  # for values that drown in others

# How measurements are weighed.
_ULPS = 4.0  # by which a value may be off: a few roundings, each of half a unit, add up
_DOUBT = 10.0  # errors of a measurement: within as many of it, a rule is not ruled out
_STEADY = 0.05  # of the disagreement: step sizes that differ by less tell the same slope
_WITNESSES = 3  # step sizes that must tell the same before a fault below atol is believed
_TELLING = 0.1  # of the rule or the disagreement: a slope below that is no clear witness
_APART = 0.75  # of a jump that is left at half the step: a kink's stays, a curve's halves
_SLACK = 1e-3  # of a slope: by so much a rule at a kink may miss the span of its two sides
_GROWTH = 2.0  # times that a slope grows when steps shrink ten thousandfold: it has no limit
_FELT = 0.01  # of the largest change: from there on the rounding of the input spoils it
_REACH = 4.0  # times that a kink's distance changes in a step: so far off it is still a suspect


@dataclass(frozen=True)
class Settings:
    """How a check is made: |a - n| <= atol + rtol |n|, n being measured with steps of eps first.

    Raises `CircuitError` where they make no sense.
    """

    eps: float
    atol: float
    rtol: float
    on_failure: str
    rng: np.random.Generator

    def __post_init__(self) -> None:
        if self.on_failure not in ("raise", "report"):
            raise CircuitError(f"on_failure must be 'raise' or 'report', got {self.on_failure!r}")
        positive(eps=self.eps)
        not_negative(atol=self.atol, rtol=self.rtol)


@dataclass(frozen=True)
class Slopes:
    """What a rule tells of the outputs' slopes in one direction, and the means to measure them.

    `rule` has a slope for each output, or for each row of `forces` on the outputs. `answer(s)` is
    the outputs after a step s, and `near(s)` tells whether a kink is within that step. `size` is
    the length of the direction, in which atol is measured; atol shrinks with slopes below it, of
    which `largest` is the largest known.

    A rule at a kink must answer a value between the slopes on both sides, unless not `bounded`. Of
    a `whole` circuit, whose gates are right one by one, a measurement that contradicts itself
    proves nothing; `noise` is the rounding of its output.
    """

    rule: np.ndarray
    answer: Callable[[float], np.ndarray]
    near: Callable[[float], Any]
    size: Any
    settings: Settings
    forces: np.ndarray | None = None
    largest: float = 0.0
    noise: float | None = None
    bounded: bool = True
    whole: bool = False

    def measure(self) -> Verdict:
        """The slopes at the first step size, which are not judged."""
        none = np.full(self.rule.shape, "", dtype=object)
        return Verdict(self.rule, self._central(self.settings.eps), none)

    def judge(self) -> Verdict:
        """The slopes at the step size that suits each best, and what is wrong with the rule's."""
        a, first = self.rule, self.measure()
        numerical, kinds = first.numerical, first.kinds
        number = np.isfinite(a)
        if not number.all():
            n, kind = self._without_number(numerical)
            numerical, kinds = np.where(number, numerical, n), np.where(number, kinds, kind)
        bad = number & ~self._agree(numerical)
        kinds[(kinds == WRONG) & self._too_short] = ROUNDING
        if not bad.any():
            return Verdict(a, numerical, kinds)
        slopes = np.array([self._central(s) for s in _STEPS])
        for n in slopes[:-1]:
            numerical, bad = self._better(n, numerical, bad, bad)
        # What still disagrees is measured with the step size at which the slope varies least.
        errors = np.abs(np.diff(slopes, axis=0)) + self._rounding / _STEPS[:-1, None]
        errors = np.where(np.isnan(errors), np.inf, errors)
        best = np.argmin(errors, axis=0)
        each = np.arange(a.size)
        n, error = slopes[best, each], errors[best, each]
        numerical = np.where(bad, n, numerical)
        unresolved = ~(np.abs(a - n) > _DOUBT * error)
        for s in _LONG_STEPS:
            if not (bad & unresolved).any():
                break
            numerical, bad = self._better(self._central(s), numerical, bad, bad & unresolved)
        unresolved = self._look_closer(n, bad, unresolved) | self._too_coarse(slopes)
        # What is wrong by less than atol is wrong only if the measurement is beyond doubt.
        off = np.abs(a - n)
        steady = np.sum(np.abs(slopes - n) <= _STEADY * off, axis=0) >= _WITNESSES
        clear = np.abs(slopes[-1] - n) <= _TELLING * off
        steady &= (np.abs(n) > _TELLING * np.abs(a)) | clear
        within = off <= self.settings.atol * self.size + self.settings.rtol * np.abs(n)
        within &= np.isfinite(n)
        bad &= ~(within & (unresolved | ~steady))
        for k in np.unique(best[bad]):
            here = bad & (best == k)
            kinds[here] = self._explain(float(_STEPS[k]), unresolved)[here]
        kinds[(kinds == WRONG) & self._too_short] = ROUNDING
        return Verdict(a, numerical, kinds)

    def _without_number(self, central: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slopes and kinds for rules that answer nan or infinity.

        That is right only where no side has a finite slope: at an edge, or where it grows and
        grows as steps shrink.
        """
        s, kinds = _STEPS[0], np.full(self.rule.shape, KINK, dtype=object)
        for close, far in zip(self._sides(s), self._sides(_STEPS[4]), strict=True):
            close, far = self._felt(close), self._felt(far)
            grows = np.abs(close) > _GROWTH * np.abs(far) + 2.0 * self._rounding / s
            finite = np.isfinite(close / self.size) & ~grows
            central = np.where(finite & ~np.isfinite(central), close, central)
            kinds[finite] = WRONG
        return central, kinds

    def _too_coarse(self, slopes: np.ndarray) -> np.ndarray:
        """Whether x is so large that no step from it is short enough to tell a slope.

        By the rule the rounding of x alone is felt in every change, and no limit is in sight.
        """
        changes = np.max(2.0 * _STEPS[:, None] * np.abs(slopes), axis=0)
        small, large = (np.max(np.abs(part), axis=0) for part in (slopes[:2], slopes[3:5]))
        noise = _ULPS * EPS * self._spread(self._start) / _STEPS[0]
        return (small > _GROWTH * large + noise) & (self._rounding > _FELT * changes)

    def _better(
        self, n: np.ndarray, numerical: np.ndarray, bad: np.ndarray, where: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Take slopes n where they agree with the rule, and call those good."""
        better = where & self._agree(n)
        return np.where(better, n, numerical), bad & ~better

    def _look_closer(self, n: np.ndarray, bad: np.ndarray, unresolved: np.ndarray) -> np.ndarray:
        """What stays unresolved once shorter, blurred steps have spoken for the rule or for n."""
        a = self.rule
        # A closer look that rules the number out and not the rule speaks for the rule.
        excluded = np.full(a.shape, not self.whole)
        for s in (*_SHORT_STEPS, *_STEPS[:4]) if (bad & ~unresolved).any() else ():
            closer, blur = self._central(s), 2.0 * self._rounding / s
            slack = self.settings.rtol * np.maximum(np.abs(a), np.abs(n)) + blur
            rule_fits, number_fits = np.abs(a - closer) <= slack, np.abs(n - closer) <= slack
            unresolved = unresolved | (~number_fits & (rule_fits | self.whole))
            excluded |= number_fits & ~rule_fits
        return unresolved | (~excluded & bad)

    def _explain(self, s: float, unresolved: np.ndarray) -> np.ndarray:
        """Why slopes that are measured best at step s differ from the rule's: the kind of each."""
        a = self.rule
        (left, right), (left2, right2) = self._sides(s), self._sides(s / 2.0)
        middle = self._felt((left + right) / 2.0)
        half, half2 = self._spread(right - left) / 2.0, self._spread(right2 - left2) / 2.0
        curved = self._spread(np.abs(left - left2) + np.abs(right - right2))
        slack = 2.0 * curved + 2.0 * self._rounding / s + _SLACK * np.abs(middle)
        inside = np.abs(a - middle) <= half + slack
        close = np.broadcast_to(self.near(s), a.shape)
        # An undeclared kink: the two slopes stay apart however small the step, and one is the rule.
        one_side = np.any(
            [self._agree(self._felt(v)) for v in (left, right, left2, right2)], axis=0
        )
        apart = half2 > _APART * half
        edge = ~np.isfinite(middle) & one_side  # of a domain: there is one side only
        kink = np.where(close, inside | (not self.bounded), (one_side & apart) | edge)
        kink |= unresolved & ~np.isfinite(middle)  # a step away there is no number
        return np.where(kink, KINK, np.where(unresolved & ~close, ROUNDING, WRONG))

    @property
    def _too_short(self) -> Any:
        """Whether values are so small that a share of them is no number of full precision."""
        return np.asarray(self.size) < TINY

    @cached_property
    def _start(self) -> np.ndarray:
        return self.answer(0.0)

    @cached_property
    def _rounding(self) -> Any:
        """How far the answer may be off by rounding."""
        if self.noise is not None:
            return self.noise
        rule = np.where(np.isfinite(self.rule), np.abs(self.rule), 0.0)
        return _ULPS * EPS * (self._spread(self._start) + rule)

    def _felt(self, v: np.ndarray) -> np.ndarray:
        return v if self.forces is None else self.forces @ v

    def _spread(self, v: np.ndarray) -> np.ndarray:
        return np.abs(v) if self.forces is None else np.abs(self.forces) @ np.abs(v)

    def _central(self, s: float) -> np.ndarray:
        return self._felt((self.answer(s) - self.answer(-s)) / (2.0 * s))

    def _sides(self, s: float) -> tuple[np.ndarray, np.ndarray]:
        return (self._start - self.answer(-s)) / s, (self.answer(s) - self._start) / s

    def _agree(self, n: np.ndarray) -> np.ndarray:
        a = self.rule
        larger = np.maximum(np.abs(a), np.abs(n))
        top = max(self.largest, largest(larger))
        allowed = self.settings.rtol * larger + self.settings.atol * np.minimum(self.size, top)
        return np.isfinite(larger) & (np.abs(a - n) <= allowed)


@dataclass(frozen=True)
class Verdict:
    """Slopes by the rule and as measured, and for each the kind of disagreement, "" for none."""

    analytic: np.ndarray
    numerical: np.ndarray
    kinds: np.ndarray

    def worst(self, unit: Any = 1.0) -> list[tuple[str, int, float, float]]:
        """Each kind there is, where it is worst, and both slopes there as multiples of `unit`."""
        found = []
        for kind in KINDS:
            at = np.flatnonzero(self.kinds == kind)
            if at.size:
                k = max(map(int, at), key=lambda k: apart(self.analytic[k], self.numerical[k]))
                one = np.broadcast_to(unit, self.kinds.shape)[k]
                found.append((kind, k, self.analytic[k] / one, self.numerical[k] / one))
        return [(kind, k, float(a), float(n)) for kind, k, a, n in found]


def apart(a: float, n: float) -> float:
    """The relative difference of two slopes; infinite where there is no number."""
    off = abs(a - n) / max(abs(a), abs(n), 1e-300)
    return float(off) if np.isfinite(off) else np.inf


# Where to step -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Direction:
    """A flat direction to move values in: along one element, or (element None) a mixture."""

    along: np.ndarray
    element: tuple[int, ...] | None = None

    @property
    def size(self) -> float:
        """The length of a step of 1, in which atol is measured."""
        return float(np.max(np.abs(self.along), initial=0.0))

    @property
    def unit(self) -> float:
        """What slopes are divided by to be shown: those along an element are by that element."""
        return 1.0 if self.element is None else self.size

    def slope(self, gradient: np.ndarray) -> Any:
        """What a gradient, or each row of several, foretells of a step of 1.

        An element that does not move does not count, not even with an infinite gradient.
        """
        moved = self.along != 0.0
        return gradient[..., moved] @ self.along[moved]


def directions(x: Any, rng: np.random.Generator) -> list[Direction]:
    """Directions to move x in: each element alone, or of many some, and random mixtures."""
    lengths = step_lengths(x)
    n = lengths.size
    made = []
    for k in range(n) if n <= FEW else rng.choice(n, 6, replace=False):
        along = np.zeros(n)
        along[k] = np.ravel(lengths)[k]
        made.append(Direction(along, index(k, np.shape(x))))
    if n > FEW:
        made += mixtures(np.ravel(lengths), 4, rng)
    return made


def mixtures(lengths: np.ndarray, count: int, rng: np.random.Generator) -> list[Direction]:
    """Directions that move everything at once, each element by about its length."""
    return [Direction(lengths * random_signs(rng, lengths.shape)) for _ in range(count)]


def step_lengths(x: Any) -> np.ndarray:
    """For each element the length of which steps are a share: its size, or that of the others."""
    size = np.abs(np.asarray(x, dtype=float))
    typical = norm(size) / max(1.0, size.size) ** 0.5
    return np.where(size > 0.0, size, typical or 1.0)


def mover(x: Any, along: np.ndarray) -> Callable[[float], Any]:
    """x moved by s along a direction, as a Python float where x is one."""
    way = float(np.ravel(along)[0]) if type(x) is float else np.reshape(along, np.shape(x))
    return lambda s: x + s * way if s else x


def random_signs(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Random numbers, none near 0, so that nothing hides behind a small one."""
    return rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)


def index(k: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of element k, counted flat, in an array of this shape."""
    return tuple(int(at) for at in np.unravel_index(k, shape))


def kink_within(here: np.ndarray, there: Sequence[np.ndarray]) -> np.ndarray:
    """Whether a distance can have shrunk to zero within steps after which it is `there`."""
    change = np.max([np.abs(d - here) for d in there], axis=0)
    return (np.abs(here) <= _REACH * change) & (change > 0.0)
