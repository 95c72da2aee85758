"""In: images, channels last. Out: their pixels, as windows on them see these, in vectors.

Vectors run over the channels. Where these are few, several outputs stand in one vector side by
side: what a row of windows looks at is read as it lies, and put in order in registers (`Inner`).
A window that may leave the image is walked pixel by pixel (`Cut`). Of both it can be asked what
stands at each tap, a place in the window, so that what is done there is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pullback.engines.native.code import Code
from pullback.engines.native.number import Array, Cell, Number
from pullback.engines.native.target import Target

UNROLLED = 25  # taps of a window that are written one after another
APART = 4  # pixels between windows, up to which several stand in one vector


@dataclass(frozen=True)
class Pooling:
    """The sizes of a pooling; (SH, SW) is the stride, and the border is top and left wide.

    `kind` is that of the pixels moved, `compared` that of those of which the largest is sought.
    """

    kind: str
    compared: str
    N: int
    H: int
    W: int
    C: int
    OH: int
    OW: int
    KH: int
    KW: int
    SH: int
    SW: int
    top: int
    left: int

    def workspace(self, target: Target) -> int:
        return 0

    def lanes(self, target: Target) -> int:
        return min(target.lanes(self.kind), target.lanes(self.compared))

    def together(self, target: Target) -> int:
        """How many outputs stand side by side in a vector."""
        return max(self.lanes(target) // max(self.C, 1), 1) if self.SW <= APART else 1

    def carried(self, target: Target) -> bool:
        """Whether what falls on the next vector of outputs as well is kept in a register."""
        overlap = self.SW < self.KW <= 2 * self.SW and self.lanes(target) >= self.SW * self.C
        return overlap and self.together(target) > 1

    @property
    def inner(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The first and last row and column of the outputs whose windows lie inside, and are short
        enough to be written out.
        """
        rows = -(-self.top // self.SH), min((self.H + self.top - self.KH) // self.SH + 1, self.OH)
        columns = (
            -(-self.left // self.SW),
            min((self.W + self.left - self.KW) // self.SW + 1, self.OW),
        )
        some = rows[0] < rows[1] and columns[0] < columns[1]
        return (rows, columns) if some and self.KH * self.KW <= UNROLLED else ((0, 0), (0, 0))

    @property
    def disjoint(self) -> bool:
        """Whether no pixel is in two windows."""
        return self.KH <= self.SH and self.KW <= self.SW

    def put(self, target: Target) -> bool:
        """Whether the first window that has a pixel puts there what others add to.

        All windows must then lie inside and touch each other.
        """
        whole = self.inner == ((0, self.OH), (0, self.OW))
        apart = self.together(target) == 1 or self.SW == self.KW or self.carried(target)
        return whole and apart and self.SH <= self.KH and self.SW <= self.KW


@dataclass(frozen=True)
class Inner:
    """Outputs (i, j), (i, j + 1), … whose windows lie inside, `lanes` of their channels.

    `count` of the lanes are used. `x` and `y` are where the first window, and the first output,
    begin in an image. `carry` is, for each row of a window, what falls on the next outputs' pixels.
    """

    k: Code
    s: Pooling
    x: Any
    y: Any
    pixels: int
    count: int
    lanes: int
    carry: tuple[Cell, ...] = ()

    @property
    def mask(self) -> Number | None:
        return self._first(self.count)

    def _first(self, count: int) -> Number | None:
        return None if count >= self.lanes else self.k.first_lanes(count, self.lanes)

    def taps(self) -> Iterator[tuple[Any, Any, Any]]:
        """(number, row, column) of each pixel of a window."""
        for a in range(self.s.KH):
            for b in range(self.s.KW):
                yield a * self.s.KW + b, a, b

    def reader(self, x: Array) -> Callable[[Any, Any], Number]:
        """A function of row and column to the pixels that stand there in their windows."""
        s, known = self.s, {}

        def read(a: int, b: int) -> Number:
            if self.pixels == 1:
                return x.load(self.x + (a * s.W + b) * s.C, self.lanes, self.mask)
            group, at = divmod(b, s.SW)
            if (a, group) not in known:
                row = self._row(a, group)
                known[a, group] = [x.load(place, self.lanes, mask) for place, mask in row]
            order = [(p * s.SW + at) * s.C + c for p in range(self.pixels) for c in range(s.C)]
            return known[a, group][0] if s.SW == 1 else self._arranged(known[a, group], order)

        return read

    def _row(self, a: int, group: int) -> Iterator[tuple[Any, Number | None]]:
        """What lies in row a of the windows from column group · SW on, up to where the next windows
        have theirs, as vectors: their places and masks.
        """
        s = self.s
        start = self.x + (a * s.W + group * s.SW) * s.C
        whole = ((self.pixels - 1) * s.SW + min(s.SW, s.KW - group * s.SW)) * s.C
        for at in range(0, whole, self.lanes):
            yield start + at, self._first(whole - at)

    def add(self, x: Array, value: Callable[[Any], Number]) -> None:
        """Add `value(number)` to the pixels at each tap, or put it there where it is the first."""
        s = self.s
        for a in range(s.KH):
            taps = [value(a * s.KW + b) for b in range(s.KW)]
            new = s.disjoint or (s.put(self.k.target) and a >= s.KH - s.SH)
            if self.carry:
                self._add_carrying(x, a, taps, new)
            elif self.pixels > 1:
                for group in range(-(-s.KW // s.SW)):
                    rows = self._woven(taps[group * s.SW :][: s.SW])
                    for (place, mask), row in zip(self._row(a, group), rows, strict=False):
                        self._add(x, place, row, mask, new)
            else:
                for b, tap in enumerate(taps):
                    place = self.x + (a * s.W + b) * s.C
                    self._add(x, place, tap, self.mask, new and (s.disjoint or b >= s.KW - s.SW))

    def _add(self, x: Array, at: Any, value: Number, mask: Number | None, new: bool) -> None:
        x.store(at, value if new else x.load(at, self.lanes, mask) + value, mask)

    def _add_carrying(self, x: Array, a: int, taps: list[Number], new: bool) -> None:
        """Add a row of taps, of which the last are the first of the next pixel's window."""
        s, k, carry = self.s, self.k, self.carry[a]
        near, far, zero = taps[: s.SW], taps[s.SW :], k.constant(0, s.kind, self.lanes)
        moved = [self.lanes] * s.C + [*range((self.pixels - 1) * s.C)]
        for b, tap in enumerate(far):
            near[b] = near[b] + self._arranged([tap, zero], moved)
        rows = self._woven(near)
        rows[0] = rows[0] + carry.value
        for (place, mask), row in zip(self._row(a, 0), rows, strict=True):
            self._add(x, place, row, mask, new)
        start = (self.pixels - 1) * s.C
        order = [b * self.lanes + start + c for b in range(len(far)) for c in range(s.C)]
        order += [len(far) * self.lanes] * (self.lanes - len(order))
        carry.set(self._arranged([*far, zero], order))

    def carried(self, x: Array) -> None:
        """Add what falls on the pixels from those of these outputs on, behind the last."""
        s = self.s
        count = (s.KW - s.SW) * s.C
        for a, carry in enumerate(self.carry):
            new = s.put(self.k.target) and a >= s.KH - s.SH
            self._add(x, self.x + a * s.W * s.C, carry.value, self._first(count), new)

    def _woven(self, taps: list[Number]) -> list[Number]:
        """Rows of pixels, as they lie, of those at each of the taps side by side in a window."""
        s = self.s
        if s.SW == 1:
            return taps
        if len(taps) < s.SW:
            taps = [*taps, self.k.constant(0, s.kind, self.lanes)]
        order = [
            min(b, len(taps) - 1) * self.lanes + p * s.C + c
            for p in range(self.pixels)
            for b in range(s.SW)
            for c in range(s.C)
        ]
        parts = range(0, len(order), self.lanes)
        return [self._arranged(taps, order[n : n + self.lanes]) for n in parts]

    def _arranged(self, vectors: list[Number], order: list[int]) -> Number:
        """Lanes of several vectors, numbered one behind the other, in this order; others anyhow."""
        lanes = self.lanes
        order = order + order[:1] * (lanes - len(order))
        used = sorted({at // lanes for at in order})
        y, lane = vectors[used[0]], [at % lanes for at in order]
        for following in used[1:] or used:
            mixed = [
                lanes + at % lanes if at // lanes == following else kept
                for at, kept in zip(order, lane, strict=True)
            ]
            y, lane = self.k.shuffle(y, vectors[following], mixed), [*range(lanes)]
        return y


@dataclass(frozen=True)
class Cut:
    """One output (i, j), `lanes` of its channels, of which `count` are used.

    Of its window `rows` and `columns`, from the first to before the last, lie inside; `x` and `y`
    are as in `Inner`.
    """

    k: Code
    s: Pooling
    x: Any
    y: Any
    rows: tuple[Any, Any]
    columns: tuple[Any, Any]
    count: int
    lanes: int

    @property
    def mask(self) -> Number | None:
        return None if self.count == self.lanes else self.k.first_lanes(self.count, self.lanes)

    def taps(self) -> Iterator[tuple[Any, Any, Any]]:
        """(number, row, column) of each pixel of the window that lies inside."""
        for a in self.k.range(*self.rows):
            for b in self.k.range(*self.columns):
                yield a * self.s.KW + b, a, b

    def first(self) -> tuple[Any, Any, Any]:
        """The first of them."""
        a, b = self.rows[0], self.columns[0]
        return a * self.s.KW + b, a, b

    def reader(self, x: Array) -> Callable[[Any, Any], Number]:
        """A function of row and column to the pixel that stands there."""
        return lambda a, b: x.load(self.x + (a * self.s.W + b) * self.s.C, self.lanes, self.mask)

    def add(self, x: Array, value: Callable[[Any], Number]) -> None:
        """Add `value(number)` to the pixel at each tap."""
        for number, a, b in self.taps():
            at = self.x + (a * self.s.W + b) * self.s.C
            x.store(at, x.load(at, self.lanes, self.mask) + value(number), self.mask)


Outputs = Inner | Cut


def outputs_in_row(k: Code, s: Pooling, i: Any, added: Array | None) -> Iterator[Outputs]:
    """All outputs of row i, each of them once: what is recorded meanwhile is done for each.

    `added` is the image of which pixels are added to.
    """
    (top, bottom), (left, right) = s.inner
    if top == bottom:
        yield from _cut(k, s, i, s.OW, lambda j: j)
    elif (top, bottom) == (0, s.OH):
        yield from _inner(k, s, i, left, right, added)
        yield from _cut(k, s, i, s.OW - (right - left), lambda j: _beside(k, j, left, right))
    else:
        inside = (i >= top) & (i < bottom)
        with k.when(inside):
            yield from _inner(k, s, i, left, right, added)
        count = k.select(inside, k.constant(s.OW - (right - left), "i8"), s.OW)

        def column(j: Any) -> Any:
            return k.select(inside, _beside(k, j, left, right), j)

        yield from _cut(k, s, i, count, column)


def _beside(k: Code, j: Any, left: int, right: int) -> Any:
    """The j-th of the columns that do not lie from left to right."""
    if left == 0:
        return j + right
    return k.select(j < left, j, j + (right - left)) if isinstance(j, Number) else j


def _inner(
    k: Code, s: Pooling, i: Any, left: int, right: int, added: Array | None
) -> Iterator[Outputs]:
    together, lanes = s.together(k.target), s.lanes(k.target)
    carry = ()
    if added is not None and s.carried(k.target):
        carry = tuple(k.cell(0, s.kind, lanes) for _ in range(s.KH))

    def of(j: Any, pixels: int) -> Iterator[Inner]:
        x = ((i * s.SH - s.top) * s.W + (j * s.SW - s.left)) * s.C
        y = (i * s.OW + j) * s.C
        if pixels > 1 or carry:
            width = lanes if carry else lanes_for(pixels * s.C)
            yield Inner(k, s, x, y, pixels, pixels * s.C, width, carry)
            return
        for c, count, width in _channels(k, s):
            yield Inner(k, s, x + c, y + c, 1, count, width)

    rest = (right - left) % together
    for j in k.range(left, right - rest, together):
        yield from of(j, together)
    if rest:
        yield from of(right - rest, rest)
    if added is not None and carry:
        for behind in of(right, 1):
            behind.carried(added)


def _cut(
    k: Code, s: Pooling, i: Any, count: Any, column: Callable[[Any], Any]
) -> Iterator[Outputs]:
    """Outputs in row i: so many, of which `column` says where each is."""
    for n in k.range(count):
        j = column(n)
        above, before = i * s.SH - s.top, j * s.SW - s.left
        rows = k.maximum(0, -above), k.minimum(s.KH, s.H - above)
        columns = k.maximum(0, -before), k.minimum(s.KW, s.W - before)
        x, y = (above * s.W + before) * s.C, (i * s.OW + j) * s.C
        for c, used, lanes in _channels(k, s):
            yield Cut(k, s, x + c, y + c, rows, columns, used, lanes)


def _channels(k: Code, s: Pooling) -> Iterator[tuple[Any, int, int]]:
    """Vectors of channels: where each begins, how many lanes are used, and how many there are."""
    lanes = s.lanes(k.target)
    end = s.C // lanes * lanes
    for c in k.range(0, end, lanes):
        yield c, lanes, lanes
    if end < s.C:
        yield end, s.C - end, lanes_for(s.C - end)


def lanes_for(count: int) -> int:
    """The lanes of the narrowest vector that holds so many numbers."""
    return 1 << (count - 1).bit_length()
