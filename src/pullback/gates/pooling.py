"""Pooling: one pixel for each window of an image. Images are (N, H, W, C), channels last.

Where the largest pixels of x stand, `max_pool_pick(h, x)` picks those of h, and
`max_pool_spread(g, x)` puts g, adding up where windows overlap. With x given both are linear, and
each is the other's gradient; by x they have none. `max_pool(x)` is `max_pool_pick(x, x)`. So the
three are closed under differentiation, as are `sum_pool` and `sum_pool_spread`, which are linear.
An average is the sum divided by the number of pixels.

The gates' static arguments: `size` (height, width) of a window, `stride` (down, across), `padding`
((top, bottom), (left, right)), and for `sum_pool_spread` the `image` (height, width) that it makes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from pullback.core.convolution import Padding, Pair
from pullback.core.errors import CircuitError
from pullback.core.gate import built_in as gate
from pullback.core.values import zeros
from pullback.gates.shape import Shape, as_floats, input_dtype
from pullback.gates.windows import (
    IMAGES,
    NO_PADDING,
    Border,
    Stride,
    by,
    pair,
    plain_windows,
    shape_of_axes,
)


def _samples(form: Callable[..., tuple[tuple, dict]]):
    """Samples of one of the gates: `form` picks its inputs from x, h of x's shape, and g of y's."""

    def samples(rng: np.random.Generator) -> list[tuple[tuple, dict]]:
        cases = []
        for x, outputs, size, stride, padding in (
            ((2, 4, 6, 2), (2, 3), (2, 2), (2, 2), ((0, 0), (0, 0))),
            ((1, 5, 4, 3), (3, 2), (3, 2), (1, 2), ((0, 0), (0, 0))),
            ((2, 5, 6, 1), (2, 4), (3, 3), (3, 2), ((1, 0), (2, 1))),
            ((0, 3, 3, 1), (1, 1), (2, 2), (2, 2), ((0, 0), (0, 0))),
        ):
            image = rng.permutation(int(np.prod(x))).reshape(x) / 7.0  # no two alike: no ties
            g = rng.normal(size=(x[0], *outputs, x[3]))
            inputs, static = form(image, rng.normal(size=x), g)
            cases.append((inputs, {**static, "size": size, "stride": stride, "padding": padding}))
        return cases

    return samples


# The largest -------------------------------------------------------------------------------------


def _gap(x: Any, *, size: Pair, stride: Pair, padding: Padding) -> Any:
    """For each window, how far the largest pixel is from the next: zero at a tie."""
    border = ((0, 0), *padding, (0, 0))
    whole = np.pad(np.asarray(x, float), border, constant_values=-np.inf)
    views = np.lib.stride_tricks.sliding_window_view(whole, size, (1, 2))  # pyright: ignore
    pixels = views[:, :: stride[0], :: stride[1]]
    pixels = np.sort(pixels.reshape(*pixels.shape[:4], size[0] * size[1]), axis=-1)
    return pixels[..., -1] - pixels[..., -2] if pixels.shape[-1] > 1 else np.full(1, np.inf)


@gate(
    pullback=(lambda g, y, x, **windows: max_pool_spread(g, x, **windows),),
    symbol="maxpool",
    samples=_samples(lambda x, h, g: ((x,), {})),
    kinks=_gap,
)
def _max_pool(m, x, *, size, stride, padding):
    if not m.shape(x)[0]:
        return _none(m, x, size, stride, padding)
    for axis in (2, 1):
        along = m.shape(x)[axis], size[axis - 1], stride[axis - 1], padding[axis - 1]
        x = reduce(m.maximum, [_pixels(m, x, axis, at) for at in _places(*along)])
    return x


@_max_pool.gate.public
def max_pool(x: Any, size: int | Pair, stride: Stride | None = None, padding: Border = 0) -> Any:
    """The largest pixel of each window of the images x, for each channel alone.

    y[n, i, j, c] = max x[n, i·s + a, j·t + b, c] over 0 <= a, b < `size`. Pixels of the padding
    are never the largest. Of tied pixels the first in reading order, row by row, gets the gradient.

    Shapes (N, H, W, C) -> (N, HO, WO, C). `stride` is by default `size`; `padding` is as in
    `convolve`. Raises `CircuitError` as `convolve`, and where padding is as wide as the window.
    Source: the guide, chapter 4, "Convolutional Neural Networks".

    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> max_pool(x, 2)[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    _, size, stride, padding = _plain(x, size, stride, padding, "max_pool")
    return _max_pool(x, size=size, stride=stride, padding=padding)


@gate(
    pullback=(lambda g, y, h, x, **windows: max_pool_spread(g, x, **windows), None),
    samples=_samples(lambda x, h, g: ((h, x), {})),
)
def max_pool_pick(m, h, x, *, size, stride, padding):
    """The pixels of h that stand where `max_pool` finds those of x.

    >>> h, x = (np.reshape(pixels, (1, 1, 4, 1)) for pixels in ([1.0, 2, 3, 4], [0.0, 9, 7, 7]))
    >>> max_pool_pick(h, x, size=(1, 2), stride=(1, 2), padding=((0, 0), (0, 0)))[0, 0, :, 0]
    array([2., 3.])
    """
    if m.shape(h) != m.shape(x):
        raise ValueError("both must be of one shape")
    at = _winners(m, x, size, stride, padding)
    picked = m.take(m.reshape(h, (-1,)), m.reshape(at, (-1,)), axis=0)
    return m.reshape(picked, m.shape(at))


@gate(
    pullback=(lambda h, y, g, x, **windows: max_pool_pick(h, x, **windows), None),
    samples=_samples(lambda x, h, g: ((g, x), {})),
)
def max_pool_spread(m, g, x, *, size, stride, padding):
    """g, added up where `max_pool` finds the pixels of x, and zero elsewhere.

    >>> g, x = (np.reshape(pixels, (1, 1, -1, 1)) for pixels in ([1.0, 2, 4], [0.0, 9, 7, 7]))
    >>> max_pool_spread(g, x, size=(1, 2), stride=(1, 1), padding=((0, 0), (0, 0)))[0, 0, :, 0]
    array([0., 3., 4., 0.])
    """
    shape, at = m.shape(x), _winners(m, x, size, stride, padding)
    if m.shape(g) != m.shape(at):
        raise ValueError(f"there are windows of {m.shape(at)}, but pulls of {m.shape(g)}")
    spread = m.scatter_add(
        zeros((int(np.prod(shape)),), g.dtype), m.reshape(at, (-1,)), m.reshape(g, (-1,)), 0
    )
    return m.reshape(spread, shape)


def _winners(m: Any, x: Any, size: Pair, stride: Pair, padding: Padding) -> Any:
    """Where among all elements of x the largest of each window stands.

    First within each row, then among rows: so the first in reading order wins. A nan does, too.
    """
    batch, height, width, channels = m.shape(x)
    at: Any = None
    for axis, step in ((2, channels), (1, width * channels)):
        along = m.shape(x)[axis], size[axis - 1], stride[axis - 1], padding[axis - 1]
        best = won = None
        for k in _places(*along):
            here = (k * step).astype(np.int32).reshape((-1, 1) if axis == 2 else (-1, 1, 1))
            value = _pixels(m, x, axis, k)
            place = here if at is None else m.add(_pixels(m, at, axis, k), here)
            if best is None:
                best, won = value, place
                continue
            better = m.logical_and(m.logical_not(m.less_equal(value, best)), m.equal(best, best))
            best = m.maximum(best, value)
            won = m.add(won, m.multiply(better, m.subtract(place, won)))  # where is far slower
        x, at = best, m.broadcast_to(won, m.shape(best))
    firsts = np.arange(batch)[:, None, None, None] * (height * width * channels)
    return m.add(at, firsts + np.arange(channels))


def _none(m: Any, x: Any, size: Pair, stride: Pair, padding: Padding) -> Any:
    """The pool of no images, at no cost: of their size there may be nothing but a claim."""
    _, *image, channels = m.shape(x)
    rows, columns = (
        _count(n + sum(pads), k, s)
        for n, pads, k, s in zip(image, padding, size, stride, strict=True)
    )
    return m.reshape(x, (0, rows, columns, channels))


def _places(length: int, size: int, stride: int, pads: Pair) -> list[np.ndarray]:
    """For each place in a window along an axis, which elements of the image stand there.

    Where a window lies over the border that is the last element inside, once more: neither the
    largest of the window nor which comes first is another by that.
    """
    if length < 1 or max(pads) >= size:
        raise ValueError(f"in {length} elements with padding {pads} windows of {size} are empty")
    starts = np.arange(_count(length + sum(pads), size, stride)) * stride - pads[0]
    return [np.clip(starts + k, 0, length - 1) for k in range(size)]


def _count(length: int, size: int, stride: int) -> int:
    """How many windows there are along an axis; at least one."""
    if length < size:
        raise ValueError(f"windows of {size} are larger than {length} elements")
    return (length - size) // stride + 1


def _pixels(m: Any, x: Any, axis: int, places: np.ndarray) -> Any:
    """Elements along an axis, by position; a slice where they lie evenly."""
    steps = np.unique(np.diff(places))
    if len(steps) > 1 or (len(steps) == 1 and steps[0] == 0):
        return m.take(x, places, axis=axis)
    walks = [(0, n, 1) for n in m.shape(x)]
    walks[axis] = (int(places[0]), len(places), int(steps[0]) if len(steps) else 1)
    return m.slice(x, tuple(walks))


# The sum -----------------------------------------------------------------------------------------


@gate(
    pullback=(lambda g, y, x, **windows: sum_pool_spread(g, image=x.shape[1:3], **windows),),
    symbol="sumpool",
    samples=_samples(lambda x, h, g: ((x,), {})),
)
def sum_pool(m, x, *, size, stride, padding):
    """The sum of the pixels in each window; those of the padding are zero.

    >>> x = np.arange(4.0).reshape(1, 1, 4, 1)
    >>> sum_pool(x, size=(1, 2), stride=(1, 2), padding=((0, 0), (0, 0)))[0, 0, :, 0]
    array([1., 5.])
    """
    if not m.shape(x)[0]:
        return _none(m, x, size, stride, padding)
    whole, inside = _framed(m.shape(x), padding)
    x = x if padding == NO_PADDING else m.embed(x, whole, inside)
    for axis in (2, 1):
        walks = _walks(m.shape(x), axis, size[axis - 1], stride[axis - 1])
        x = reduce(m.add, [m.slice(x, walk) for walk in walks])
    return x


@gate(
    pullback=(lambda h, y, g, *, image, **windows: sum_pool(h, **windows),),
    samples=_samples(lambda x, h, g: ((g,), {"image": x.shape[1:3]})),
)
def sum_pool_spread(m, g, *, image, size, stride, padding):
    """g, added to every pixel of its window.

    >>> g = np.array([1.0, 2.0, 4.0]).reshape(1, 1, 3, 1)
    >>> windows = {"size": (1, 2), "stride": (1, 1), "padding": ((0, 0), (0, 0))}
    >>> sum_pool_spread(g, image=(1, 4), **windows)[0, 0, :, 0]
    array([1., 3., 6., 4.])
    """
    batch, *outputs, channels = m.shape(g)
    whole, inside = _framed((batch, *image, channels), padding)
    for axis in (1, 2):
        shape = (*m.shape(g)[:axis], whole[axis], *m.shape(g)[axis + 1 :])
        walks = _walks(shape, axis, size[axis - 1], stride[axis - 1])
        if walks[0][axis][1] != outputs[axis - 1]:
            raise ValueError(f"an image of {image} has no outputs of {tuple(outputs)}")
        g = reduce(m.add, [m.embed(g, shape, walk) for walk in walks])
    return g if padding == NO_PADDING else m.slice(g, inside)


def _framed(shape: Shape, padding: Padding) -> tuple[Shape, tuple[tuple[int, int, int], ...]]:
    """The shape of images in a frame of padding, and the walks over what is inside."""
    pads = ((0, 0), *padding, (0, 0))
    whole = tuple(n + a + b for n, (a, b) in zip(shape, pads, strict=True))
    return whole, tuple((a, n, 1) for n, (a, _) in zip(shape, pads, strict=True))


def _walks(shape: Shape, axis: int, size: int, stride: int) -> list[tuple]:
    """For each place in a window along an axis, the walks over the elements that stand there."""
    count = _count(shape[axis], size, stride)
    whole = [(0, n, 1) for n in shape]
    return [(*whole[:axis], (k, count, stride), *whole[axis + 1 :]) for k in range(size)]


def average_pool(
    x: Any, size: int | Pair, stride: Stride | None = None, padding: Border = 0
) -> Any:
    """The mean of the pixels in each window of the images x, for each channel alone.

    y[n, i, j, c] = mean x[n, i·s + a, j·t + b, c] over 0 <= a, b < `size`. Pixels of the padding do
    not count: at the border it is the mean of fewer pixels.

    Shapes, `stride`, `padding` and what is raised are as in `max_pool`.

    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> average_pool(x, 2)[0, :, :, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    images, size, stride, padding = _plain(x, size, stride, padding, "average_pool")
    x = as_floats(x)
    total = sum_pool(x, size=size, stride=stride, padding=padding)
    if not images[0]:
        return total
    if padding == NO_PADDING:
        return total / float(size[0] * size[1])
    down, across = map(_real_pixels, images[1:3], size, stride, padding)
    return total / np.multiply.outer(down, across)[:, :, None].astype(input_dtype(x))


def _real_pixels(length: int, size: int, stride: int, pads: Pair) -> np.ndarray:
    """How many places of each window along an axis are not padding."""
    count = _count(length + sum(pads), size, stride)
    starts = np.arange(count) * stride - pads[0]
    return np.minimum(starts + size, length) - np.maximum(starts, 0)


def _plain(
    x: Any, size: Any, stride: Any, padding: Any, what: str
) -> tuple[Shape, Pair, Pair, Padding]:
    """The shape of images to be pooled, and the windows in plain form."""
    images = shape_of_axes(x, what, "images", IMAGES)
    size = pair(size, f"{what}: size", 1)
    stride = size if stride is None else stride
    stride, padding, _ = plain_windows(images[1:3], size, stride, padding, what)
    if min(images[1:3]) < 1:
        raise CircuitError(f"{what}: images of shape {images} have no pixels to be pooled")
    if any(p >= k for pads, k in zip(padding, size, strict=True) for p in pads):
        raise CircuitError(
            f"{what}: with padding {padding} some windows of {by(size)} would hold no pixel; "
            "pad by less than the size of a window"
        )
    return images, size, stride, padding
