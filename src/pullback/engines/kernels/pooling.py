"""In: images as addresses, channels last. Out: the largest or the mean of each window; gradients.

Plain loops whose innermost one runs over the channels, without a branch, so that it becomes vector
code. Shapes: x (N, H, W, C), y (N, OH, OW, C), contiguous; output pixel (i, j) sees the window that
begins at (i SH - top, j SW - left), cut off at the edges of the image. Threads share the images.
"""

from __future__ import annotations

from pullback.engines.kernels.lower import kernel, no_limit, numbers_at, select, zero
from pullback.engines.kernels.symbols import native


@kernel
def pooling_workspace_size(C, size):
    """The bytes that the gradient of the largest needs on each thread."""
    return C * size


@kernel
def _clear(to, start, stop, like):
    for i in range(start, stop):
        to[i] = zero(like)


def _max_pool(y, x, first, last, H, W, C, OH, OW, KH, KW, SH, SW, top, left, like):
    """y[n, i, j, c] = the largest x in the window, for the images first <= n < last.

    A NaN in the window is the largest. A window that lies outside of the image gives -inf.
    """
    to, of = numbers_at(y, like), numbers_at(x, like)
    for n in range(first, last):
        for i in range(OH):
            for j in range(OW):
                target = ((n * OH + i) * OW + j) * C
                for c in range(C):
                    to[target + c] = no_limit(like)
                for a in range(max(0, i * SH - top), min(H, i * SH - top + KH)):
                    for b in range(max(0, j * SW - left), min(W, j * SW - left + KW)):
                        source = ((n * H + a) * W + b) * C
                        for c in range(C):
                            value, best = of[source + c], to[target + c]
                            larger = (value > best) | (value != value)
                            to[target + c] = select(larger, value, best)


def _max_pool_gradient(
    dx, dy, y, x, first, last, H, W, C, OH, OW, KH, KW, SH, SW, top, left, workspace, like
):
    """dx: each dy goes to the first place of its window that holds the largest value.

    The place is found again by comparison, which costs less than storing it. `workspace` holds the
    part of dy that has not found its place yet.
    """
    to, pulls = numbers_at(dx, like), numbers_at(dy, like)
    largest, of, rest = numbers_at(y, like), numbers_at(x, like), numbers_at(workspace, like)
    _clear(to, first * H * W * C, last * H * W * C, like)
    for n in range(first, last):
        for i in range(OH):
            for j in range(OW):
                origin = ((n * OH + i) * OW + j) * C
                for c in range(C):
                    rest[c] = pulls[origin + c]
                for a in range(max(0, i * SH - top), min(H, i * SH - top + KH)):
                    for b in range(max(0, j * SW - left), min(W, j * SW - left + KW)):
                        place = ((n * H + a) * W + b) * C
                        for c in range(C):
                            value, best, pull = of[place + c], largest[origin + c], rest[c]
                            here = (value == best) | ((value != value) & (best != best))
                            to[place + c] += select(here, pull, zero(like))
                            rest[c] = select(here, zero(like), pull)


def _mean_pool(y, x, first, last, H, W, C, OH, OW, KH, KW, SH, SW, top, left, like):
    """y[n, i, j, c] = the sum of x in the window / (KH KW); outside of the image x is 0."""
    to, of = numbers_at(y, like), numbers_at(x, like)
    area = zero(like) + KH * KW
    for n in range(first, last):
        for i in range(OH):
            for j in range(OW):
                target = ((n * OH + i) * OW + j) * C
                _clear(to, target, target + C, like)
                for a in range(max(0, i * SH - top), min(H, i * SH - top + KH)):
                    for b in range(max(0, j * SW - left), min(W, j * SW - left + KW)):
                        source = ((n * H + a) * W + b) * C
                        for c in range(C):
                            to[target + c] += of[source + c]
                for c in range(C):
                    to[target + c] = to[target + c] / area


def _mean_pool_gradient(dx, dy, first, last, H, W, C, OH, OW, KH, KW, SH, SW, top, left, like):
    """dx: each place of a window gets dy / (KH KW)."""
    to, pulls = numbers_at(dx, like), numbers_at(dy, like)
    area = zero(like) + KH * KW
    _clear(to, first * H * W * C, last * H * W * C, like)
    for n in range(first, last):
        for i in range(OH):
            for j in range(OW):
                origin = ((n * OH + i) * OW + j) * C
                for a in range(max(0, i * SH - top), min(H, i * SH - top + KH)):
                    for b in range(max(0, j * SW - left), min(W, j * SW - left + KW)):
                        place = ((n * H + a) * W + b) * C
                        for c in range(C):
                            to[place + c] += pulls[origin + c] / area


max_pool = native("max_pool", _max_pool, 15)
max_pool_gradient = native("max_pool_gradient", _max_pool_gradient, 18)
mean_pool = native("mean_pool", _mean_pool, 15)
mean_pool_gradient = native("mean_pool_gradient", _mean_pool_gradient, 15)
