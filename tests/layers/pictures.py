"""What the layers that change pictures in training compute, in NumPy and SciPy, one at a time.

What they draw is drawn by the reference of the generator, at seed and step 0: the first draw of a
layer from stream 0, the second from stream 1, and so on, a number for each picture.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage


def drawn(x, stream, dtype="float64"):
    from tests.gates.reference import REFERENCES

    return REFERENCES["random"](
        0, 0, shape=(len(x),), stream=stream, kind="uniform", dtype=np.dtype(dtype)
    )


def whole(x, stream, least, most):
    return [least + math.floor(u * (most - least + 1)) for u in drawn(x, stream)]


def stacked(pictures, x, shape=None):
    return np.reshape(pictures, (len(x), *(shape or x.shape[1:])))


def framed(picture, above, beside, fill):
    widths = ((above, above), (beside, beside), (0, 0))
    if fill == "edge":
        return np.pad(picture, widths, "edge")
    return np.pad(picture, widths, constant_values=fill)


def flipped(x, horizontal=True, vertical=False):
    y, stream = list(x), 0
    for wanted, flip in (horizontal, np.fliplr), (vertical, np.flipud):
        if wanted:
            flips = drawn(x, stream, "float32") < 0.5
            y = [flip(picture) if f else picture for picture, f in zip(y, flips, strict=True)]
            stream += 1
    return stacked(y, x)


def cropped(x, size, padding=(0, 0), fill=0.0):
    rooms = [n + 2 * p - m for n, p, m in zip(x.shape[1:3], padding, size, strict=True)]
    tops, lefts = (whole(x, k, 0, room) for k, room in enumerate(rooms))
    return stacked(
        [
            framed(picture, *padding, fill)[top : top + size[0], left : left + size[1]]
            for picture, top, left in zip(x, tops, lefts, strict=True)
        ],
        x,
        (*size, x.shape[3]),
    )


def middle(x, size, padding=(0, 0), fill=0.0):
    top, left = ((n + 2 * p - m) // 2 for n, p, m in zip(x.shape[1:3], padding, size, strict=True))
    return stacked(
        [framed(v, *padding, fill)[top : top + size[0], left : left + size[1]] for v in x],
        x,
        (*size, x.shape[3]),
    )


def shifted(x, rows, columns, fill=0.0):
    downs, rights = whole(x, 0, -rows, rows), whole(x, 1, -columns, columns)
    height, width = x.shape[1:3]
    return stacked(
        [
            framed(v, rows, columns, fill)[rows - d :, columns - r :][:height, :width]
            for v, d, r in zip(x, downs, rights, strict=True)
        ],
        x,
    )


def rotated(x, degrees, fill=0.0):
    how = {"mode": "nearest"} if fill == "edge" else {"mode": "grid-constant", "cval": fill}
    angles = degrees * (2 * drawn(x, 0) - 1)
    return stacked(
        [
            ndimage.rotate(v, angle, reshape=False, order=1, **how)
            for v, angle in zip(x, angles, strict=True)
        ],
        x,
    )


def kept(y, limits):
    return y if limits is None else np.clip(y, *limits)


def brightened(x, amount, limits=None):
    each = amount * (2 * drawn(x, 0) - 1)
    return kept(x + each[:, None, None, None], limits)


def contrasted(x, amount, limits=None):
    factors = 1 + amount * (2 * drawn(x, 0) - 1)
    y = [(v - v.mean((0, 1))) * c + v.mean((0, 1)) for v, c in zip(x, factors, strict=True)]
    return kept(stacked(y, x), limits)


def covered(picture, top, left, high, wide, fill):
    """The fill in a rectangle, of which what is beyond the picture does not count."""
    y = picture.copy()
    y[max(top, 0) : max(top + high, 0), max(left, 0) : max(left + wide, 0)] = (
        picture.mean((0, 1)) if fill == "mean" else fill
    )
    return y


def cut_out(x, size, fill=0.0):
    high, wide = size
    rows, columns = whole(x, 0, 0, x.shape[1] - 1), whole(x, 1, 0, x.shape[2] - 1)
    return stacked(
        [
            covered(v, r - high // 2, c - wide // 2, high, wide, fill)
            for v, r, c in zip(x, rows, columns, strict=True)
        ],
        x,
    )


def erased(x, probability=0.5, area=(0.02, 0.4), ratio=(0.3, 1 / 0.3), fill=0.0):
    height, width = x.shape[1:3]
    y = []
    for v, *u in zip(x, *(drawn(x, k) for k in range(5)), strict=True):
        share = area[0] + (area[1] - area[0]) * u[1]
        r = ratio[0] * (ratio[1] / ratio[0]) ** u[2]
        high = min(round(math.sqrt(share * height * width * r)), height)
        wide = min(round(math.sqrt(share * height * width / r)), width)
        top, left = int(u[3] * (height - high + 1)), int(u[4] * (width - wide + 1))
        y.append(covered(v, top, left, high, wide, fill) if u[0] < probability else v)
    return stacked(y, x)
