"""In: images, channels last, and a filter for each channel. Out: their convolution, and gradients.

Vectors run over the channels. A few pixels side by side are made at once, or added to the taps, and
a pixel that several windows see is loaded once for them. Nothing is copied: taps outside of the
image are left out, down by the bounds of a loop, across while recording. The gradient of the input
is the same with the taps turned round, for each phase of the stride alone.

Shapes: x (N, H, W, C), w (KH, KW, 1, C), y (N, OH, OW, C), all contiguous.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from pullback.engines.native.code import Code
from pullback.engines.native.kernels.geometry import Convolution, Phase, phases
from pullback.engines.native.kernels.windows import lanes_for
from pullback.engines.native.number import Array, Number
from pullback.engines.native.threads import Thread, portion

TOGETHER = 8
"""Outputs side by side that are in registers at once: no sum then waits for the one before it."""


class Axis(NamedTuple):
    """Along an axis, the outputs that windows make, and what these see.

    Output i, of `outputs`, is at place `first` + i `step` of an array, and its tap t, of `taps`, at
    pixel i `stride` + t `apart` - `before` of the image, of `pixels`. The weight of tap t is number
    `weight` + t `turn`.
    """

    outputs: int
    first: int
    step: int
    pixels: int
    stride: int
    taps: int
    apart: int
    before: int
    weight: int = 0
    turn: int = 1

    @property
    def inner(self) -> tuple[int, int]:
        """The first output whose window lies inside, and the one after the last."""
        first = min(max(-(-self.before // self.stride), 0), self.outputs)
        last = self.pixels + self.before - (self.taps - 1) * self.apart - 1
        return first, min(max(last // self.stride + 1, first), self.outputs)

    def inside(self, k: Code, i: Any) -> tuple[Any, Any]:
        """The first tap of output i that is a pixel, and the one after the last."""
        start = self.before - i * self.stride
        low, high = k.maximum(start, 0), k.maximum(start + self.pixels, 0)
        if self.apart > 1:
            low, high = (n + (self.apart - 1) for n in (low, high))
            low, high = low // self.apart, high // self.apart
        return low, k.minimum(high, self.taps)


class Axes(NamedTuple):
    """Down and across."""

    down: Axis
    right: Axis


def _windows(s: Convolution) -> Axes:
    return Axes(
        Axis(s.OH, 0, 1, s.H, s.SH, s.KH, s.DH, s.top),
        Axis(s.OW, 0, 1, s.W, s.SW, s.KW, s.DW, s.left),
    )


def _turned(s: Convolution) -> Iterator[Axes]:
    """For each phase of the pixels, the windows on the outputs that its gradient is made of."""

    def axis(phase: Phase, outputs: int, stride: int, border: int) -> Axis:
        taps, before = (phase.taps, phase.apart), border - phase.start
        turned = phase.last, -phase.step
        return Axis(phase.pixels, phase.first, stride, outputs, 1, *taps, before, *turned)

    for down, right in product(*phases(s)):
        above, before = s.before
        yield Axes(axis(down, s.OH, s.SH, above), axis(right, s.OW, s.SW, before))


def record_depthwise(k: Code, s: Convolution, thread: Thread, y: Any, x: Any, w: Any) -> None:
    """y[n, i, j, c] = sum_{a, b} x[n, i SH + a DH - top, j SW + b DW - left, c] w[a, b, c].

    Threads share the images.
    """
    y, x, w = (k.array(place, s.kind) for place in (y, x, w))
    for n in k.range(*portion(s.N, thread)):
        target, source = y.after(n * (s.OH * s.OW * s.C)), x.after(n * (s.H * s.W * s.C))
        _filtered(k, s, _windows(s), target, s.OW, source, s.W, w)


def record_depthwise_input(k: Code, s: Convolution, thread: Thread, x: Any, y: Any, w: Any) -> None:
    """x[n, h, v, c] = sum_{a, b} y[n, (h + top - a DH) / SH, (v + left - b DW) / SW, c] w[a, b, c]
    where both quotients are whole. Threads share the images.
    """
    x, y, w = (k.array(place, s.kind) for place in (x, y, w))
    for n in k.range(*portion(s.N, thread)):
        target, source = x.after(n * (s.H * s.W * s.C)), y.after(n * (s.OH * s.OW * s.C))
        for axes in _turned(s):
            _filtered(k, s, axes, target, s.W, source, s.OW, w)


def _filtered(
    k: Code, s: Convolution, axes: Axes, y: Array, wide: int, x: Array, width: int, w: Array
) -> None:
    """What windows make of one image; rows of it are `width`, those of y `wide`."""
    down, right = axes
    for i in k.range(down.outputs):
        line = y.after((down.first + i * down.step) * (wide * s.C))
        low, high = down.inside(k, i)
        for j, count in _blocks(k, right):
            for c, used, lanes in _channels(k, s, (0, -(-s.C // _lanes(k, s)))):
                mask = _mask(k, used, lanes)
                sums = [k.cell(0.0, s.kind, lanes) for _ in range(count)]
                for a in k.range(low, high):
                    row = x.after((i * down.stride + a * down.apart - down.before) * (width * s.C))
                    start = (a * down.turn + down.weight) * s.KW
                    columns = _Columns(right, j, row, s.C, c, lanes, mask)
                    for b in range(right.taps):
                        at = (start + (right.weight + b * right.turn)) * s.C + c
                        tap = w.load(at, lanes, mask)
                        for p in range(count):
                            if columns.has(p, b):
                                sums[p].set(k.muladd(columns.load(p, b), tap, sums[p].value))
                for p, total in enumerate(sums):
                    place = (right.first + (j + p) * right.step) * s.C + c
                    line.store(place, total.value, mask)


def record_depthwise_weights(
    k: Code, s: Convolution, thread: Thread, w: Any, x: Any, y: Any
) -> None:
    """w[a, b, c] = sum_{n, i, j} x[n, i SH + a DH - top, j SW + b DW - left, c] y[n, i, j, c].

    Threads share the vectors of channels, so that the result does not depend on their number.
    """
    w, x, y = (k.array(place, s.kind) for place in (w, x, y))
    down, right = _windows(s)
    span = portion(-(-s.C // _lanes(k, s)), thread)
    for tap in k.range(s.KH * s.KW):
        for c, used, lanes in _channels(k, s, span):
            w.store(tap * s.C + c, k.constant(0.0, s.kind, lanes), _mask(k, used, lanes))
    for n in k.range(s.N):
        for i in k.range(s.OH):
            pulls = y.after((n * s.OH + i) * (s.OW * s.C))
            low, high = down.inside(k, i)
            for j, count in _blocks(k, right):
                for c, used, lanes in _channels(k, s, span):
                    mask = _mask(k, used, lanes)
                    for a in k.range(low, high):
                        row = n * s.H + (i * down.stride + a * down.apart - down.before)
                        image, taps = x.after(row * (s.W * s.C)), w.after(a * (s.KW * s.C) + c)
                        columns = _Columns(right, j, image, s.C, c, lanes, mask)
                        _add_to_taps(k, s, taps, columns, pulls.after(j * s.C + c), count)


def _add_to_taps(
    k: Code, s: Convolution, w: Array, columns: _Columns, y: Array, count: int
) -> None:
    """What some pulls side by side and a row of pixels add to a row of taps."""
    lanes, mask = columns.lanes, columns.mask
    sums = [k.cell(w.load(b * s.C, lanes, mask)) for b in range(s.KW)]
    for p in range(count):
        pull = y.load(p * s.C, lanes, mask)
        for b, total in enumerate(sums):
            if columns.has(p, b):
                total.set(k.muladd(columns.load(p, b), pull, total.value))
    for b, total in enumerate(sums):
        w.store(b * s.C, total.value, mask)


class _Columns:
    """The pixels of a row that the windows of some outputs, from j on, see: each is loaded once."""

    def __init__(
        self, axis: Axis, j: Any, row: Array, channels: int, c: Any, lanes: int,
        mask: Number | None,
    ) -> None:  # fmt: skip
        self.axis, self.j, self.row, self.channels = axis, j, row, channels
        self.c, self.lanes, self.mask = c, lanes, mask
        self._known: dict[int, Number] = {}

    def has(self, p: int, b: int) -> bool:
        """Whether tap b of output j + p is inside."""
        if isinstance(self.j, Number):  # all of them are
            return True
        axis = self.axis
        return 0 <= (self.j + p) * axis.stride + b * axis.apart - axis.before < axis.pixels

    def load(self, p: int, b: int) -> Number:
        """The pixel there."""
        axis = self.axis
        at = p * axis.stride + b * axis.apart
        if at not in self._known:
            column = self.j * axis.stride + (at - axis.before)
            self._known[at] = self.row.load(column * self.channels + self.c, self.lanes, self.mask)
        return self._known[at]


def _blocks(k: Code, axis: Axis) -> Iterator[tuple[Any, int]]:
    """The outputs of a row, a few at a time: the first, and how many.

    The first is known while recording where some of their taps lie outside.
    """
    left, right = axis.inner
    left = min(-(-left // TOGETHER) * TOGETHER, axis.outputs)
    right = max(right // TOGETHER * TOGETHER, left)
    for j in range(0, left, TOGETHER):
        yield j, min(TOGETHER, left - j)
    for j in k.range(left, right, TOGETHER):
        yield j, TOGETHER
    for j in range(right, axis.outputs, TOGETHER):
        yield j, min(TOGETHER, axis.outputs - j)


def _lanes(k: Code, s: Convolution) -> int:
    return k.target.lanes(s.kind)


def _mask(k: Code, used: int, lanes: int) -> Number | None:
    return None if used == lanes else k.first_lanes(used, lanes)


def _channels(k: Code, s: Convolution, span: tuple[Any, Any]) -> Iterator[tuple[Any, int, int]]:
    """A span of the vectors of channels: where each begins, how many lanes are used, and how many
    there are.
    """
    lanes, (low, high) = _lanes(k, s), span
    whole, left = divmod(s.C, lanes)
    for vector in k.range(low, k.minimum(high, whole)):
        yield vector * lanes, lanes, lanes
    if left:
        with k.when(high > whole):
            yield whole * lanes, left, lanes_for(left)
