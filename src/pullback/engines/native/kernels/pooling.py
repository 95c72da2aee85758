"""In: images, channels last, and windows on them. Out: a pixel for each window, and its gradient.

Threads share the images, and each adds to an image in the order of its windows: the result does not
depend on how many they are. Shapes: x (N, H, W, C), y (N, OH, OW, C), all contiguous.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import reduce
from operator import or_
from typing import Any

from pullback.engines.native.code import Code
from pullback.engines.native.kernels.windows import Cut, Inner, Outputs, Pooling, outputs_in_row
from pullback.engines.native.number import SIZES, Array, Number
from pullback.engines.native.threads import Thread, portion


def record_max_pool(k: Code, s: Pooling, thread: Thread, y: Any, x: Any) -> None:
    """y[n, i, j] = the largest pixel in a window of x."""
    y, x = k.array(y, s.kind), k.array(x, s.kind)
    for place, to, of in _pooled(k, s, thread, y, x):
        to.store(place.y, _largest(place, of), place.mask)


def record_max_pool_pick(k: Code, s: Pooling, thread: Thread, y: Any, h: Any, x: Any) -> None:
    """y[n, i, j] = the pixel of h where the largest in a window of x stands."""
    y, h, x = k.array(y, s.kind), k.array(h, s.kind), k.array(x, s.compared)
    for place, to, of, given in _pooled(k, s, thread, y, h, x):
        read = place.reader(of)
        picked = _at_largest(place, given, lambda tap, a, b: read(a, b), s.kind)
        to.store(place.y, picked, place.mask)


def record_max_pool_spread(k: Code, s: Pooling, thread: Thread, z: Any, g: Any, x: Any) -> None:
    """z = 0, and then z += g[n, i, j] where the largest pixel of x stands."""
    z, g, x = k.array(z, s.kind), k.array(g, s.kind), k.array(x, s.compared)
    kind = "i8" if SIZES[s.compared] == 8 else "i4"
    for place, to, of, given in _spread(k, s, thread, z, g, x):
        at = _at_largest(place, given, lambda tap, a, b: tap, kind)
        pull = of.load(place.y, place.lanes, place.mask)

        def chosen(tap: Any, at: Number = at, pull: Number = pull) -> Number:
            tap = k.convert(tap, kind) if isinstance(tap, Number) else tap
            return k.select(at == tap, pull, 0)

        place.add(to, chosen)


def record_sum_pool(k: Code, s: Pooling, thread: Thread, y: Any, x: Any) -> None:
    """y[n, i, j] = the sum of the pixels in a window of x."""
    y, x = k.array(y, s.kind), k.array(x, s.kind)
    for place, to, of in _pooled(k, s, thread, y, x):
        read = place.reader(of)
        total = k.cell(0, s.kind, place.lanes)
        for _, a, b in place.taps():
            total.set(total.value + read(a, b))
        to.store(place.y, total.value, place.mask)


def record_sum_pool_spread(k: Code, s: Pooling, thread: Thread, z: Any, g: Any) -> None:
    """z = 0, and then z += g[n, i, j] at each pixel of a window."""
    z, g = k.array(z, s.kind), k.array(g, s.kind)
    for place, to, of in _spread(k, s, thread, z, g):
        pull = of.load(place.y, place.lanes, place.mask)
        place.add(to, lambda tap, pull=pull: pull)


# Images and their rows ---------------------------------------------------------------------------


def _pooled(k: Code, s: Pooling, thread: Thread, y: Array, *xs: Array) -> Iterator[tuple]:
    """All outputs of a thread, y from the image on, and so the arrays that it is made of."""
    for n in _images(k, s, thread):
        images = [x.after(n * (s.H * s.W * s.C)) for x in xs]
        outputs = y.after(n * (s.OH * s.OW * s.C))
        for i in k.range(s.OH):
            for place in outputs_in_row(k, s, i, None):
                yield place, outputs, *images


def _spread(k: Code, s: Pooling, thread: Thread, z: Array, g: Array, *xs: Array) -> Iterator[tuple]:
    """All outputs of a thread, and the image of z, to which pulls are added, from g and others.

    An image is cleared just before its rows are reached, while they are near.
    """
    put = s.put(k.target)
    for n in _images(k, s, thread):
        image, *others = (x.after(n * (s.H * s.W * s.C)) for x in (z, *xs))
        pulls = g.after(n * (s.OH * s.OW * s.C))
        if put:
            _clear(k, s, image, 0, s.KH - s.SH)
        for i in k.range(s.OH):
            if put:
                _clear_sides(k, s, image, i)
            else:
                _clear(k, s, image, _reached(k, s, i - 1), _reached(k, s, i))
            for place in outputs_in_row(k, s, i, image):
                yield place, image, pulls, *others
        _clear(k, s, image, _reached(k, s, s.OH - 1), s.H)


def _images(k: Code, s: Pooling, thread: Thread) -> Iterator[Any]:
    """The images of a thread; none where they are empty."""
    if s.C:
        yield from k.range(*portion(s.N, thread))


def _reached(k: Code, s: Pooling, i: Any) -> Any:
    """Before which row of an image the windows of the outputs in rows up to i end."""
    end = k.maximum(0, k.minimum(s.H, i * s.SH - s.top + s.KH))
    return k.select(i < 0, 0, end) if isinstance(i, Number) else end if i >= 0 else 0


def _clear(k: Code, s: Pooling, image: Array, first: Any, last: Any) -> None:
    """Let rows of an image be zero."""
    if isinstance(first, Number) or isinstance(last, Number) or first < last:
        k.clear(image.after(first * (s.W * s.C)), (last - first) * (s.W * s.C))


def _clear_sides(k: Code, s: Pooling, image: Array, i: Any) -> None:
    """Let be zero, of the rows that windows in row i are the first to reach, what none will put."""
    left, right = 0 if s.carried(k.target) else s.KW - s.SW, (s.OW - 1) * s.SW + s.KW
    for a in range(s.KH - s.SH, s.KH):
        row = image.after((i * s.SH + a) * (s.W * s.C))
        for first, last in ((0, left), (right, s.W)):
            if last > first:
                k.clear(row.after(first * s.C), (last - first) * s.C)


# The largest pixel -------------------------------------------------------------------------------


def _largest(place: Outputs, x: Array) -> Number:
    """The largest pixel of a window, or a nan where there is one."""
    k, read = place.k, place.reader(x)
    if isinstance(place, Cut):
        return _at_largest(place, x, lambda tap, a, b: read(a, b), x.kind)
    pixels = [read(a, b) for _, a, b in place.taps()]
    best = reduce(lambda old, new: k.select(new > old, new, old), pixels)
    if not best.is_float:
        return best
    return k.select(reduce(or_, [pixel != pixel for pixel in pixels]), math.nan, best)


def _at_largest(place: Outputs, x: Array, told: Callable[..., Any], kind: str) -> Number:
    """What `told(tap, row, column)` gives, of this kind, at the largest pixel of a window.

    The first of several, or the first nan.
    """
    k, read = place.k, place.reader(x)

    def at(tap: Any, a: Any, b: Any) -> tuple[Number, Number]:
        given = told(tap, a, b)
        given = k.convert(given, kind) if isinstance(given, Number) else k.constant(given, kind)
        return read(a, b), k.splat(given, place.lanes)

    def first(one: tuple[Number, Number], two: tuple[Number, Number]) -> tuple[Number, Number]:
        (old, kept), (new, given) = one, two
        better = ~(new <= old) & (old == old) if new.is_float else new > old
        return k.select(better, new, old), k.select(better, given, kept)

    if isinstance(place, Inner):  # pairs, and pairs of these: they need not wait for each other
        found = [at(*tap) for tap in place.taps()]
        while len(found) > 1:
            odd = found[len(found) // 2 * 2 :]
            found = [first(*pair) for pair in zip(found[::2], found[1::2], strict=False)] + odd
        return found[0][1]
    cells = [k.cell(number) for number in at(*place.first())]
    for tap in place.taps():
        best, given = first((cells[0].value, cells[1].value), at(*tap))
        cells[0].set(best)
        cells[1].set(given)
    return cells[1].value
