"""In: the sizes of a convolution. Out: what its kernels must know of them.

Shapes: x (N, H, W, C), w (KH, KW, C / G, O), y (N, OH, OW, O).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from pullback.engines.native.kernels.tile import shapes
from pullback.engines.native.number import SIZES
from pullback.engines.native.target import Target

PIXELS = 128
"""As many should the gradient of the weights add up before it stores its sums."""

EDGES = 160
"""The most pixels of a row that may be in windows that leave the image, to be written out."""


@dataclass(frozen=True)
class Convolution:
    """The sizes of a convolution; (SH, SW) is the stride, and the border is top and left wide.

    G is the number of groups, and taps are (DH, DW) apart.
    """

    kind: str
    N: int
    H: int
    W: int
    C: int
    OH: int
    OW: int
    O: int
    KH: int
    KW: int
    SH: int
    SW: int
    top: int
    left: int
    G: int = 1
    DH: int = 1
    DW: int = 1

    @property
    def depthwise(self) -> bool:
        """Whether vectors run over the channels: each has one filter of its own.

        Outputs at the left and right edges are written out, and so must not be too many.
        """
        edges = 2 * self.window[1] + abs(self.W - self.OW * self.SW)
        return self.G == self.C == self.O > 1 and edges <= EDGES

    @property
    def part(self) -> tuple[int, int]:
        """The channels of a group, and its filters."""
        return self.C // self.G, self.O // self.G

    @property
    def window(self) -> tuple[int, int]:
        """Rows and columns from the first tap to the last."""
        return (self.KH - 1) * self.DH + 1, (self.KW - 1) * self.DW + 1

    @property
    def bordered(self) -> tuple[int, int]:
        """Rows and columns of an image with all that its windows look at."""
        rows, columns = self.window
        return (self.OH - 1) * self.SH + rows, (self.OW - 1) * self.SW + columns

    @property
    def direct(self) -> bool:
        """Whether all windows lie inside of the image."""
        rows, width = self.bordered
        return self.top == self.left == 0 and rows <= self.H and width <= self.W

    @property
    def around(self) -> tuple[int, int]:
        """Rows and columns of an output with the border that its gradient's windows look at."""
        above, before = self.before
        rows = (self.H - 1 + self.top) // self.SH + above + 1
        return rows, (self.W - 1 + self.left) // self.SW + before + 1

    @property
    def before(self) -> tuple[int, int]:
        """How wide that border is at the top and at the left."""
        rows, columns = self.window
        return (rows - 1) // self.SH, (columns - 1) // self.SW

    def workspace(self, target: Target) -> int:
        """The bytes that any of the three needs on each thread."""
        if self.depthwise:
            return 0
        group = self.group(target)
        (channels, filters), taps = self.part, self.KH * self.KW
        table = max(self.OH * self.OW, self.H * self.W, taps * channels)
        lines = max(taps, group * self.OH)
        image = max(group * math.prod(self.bordered) * self.C, math.prod(self.around) * self.O)
        widest = len(shapes(target).heights) * target.lanes(self.kind)
        weights = max(channels * (filters + widest), filters * (channels + widest))
        weights *= taps * self.G
        weights = max(weights, group * self.OH * self.OW * widest)
        return 8 * (table + lines) + (image + weights) * SIZES[self.kind] + 256

    def group(self, target: Target) -> int:
        """Images that the gradient of the weights takes at once.

        So many that their pixels are worth loading its sums, and fit a part of the level-2 cache.
        """
        pixels, bytes = self.OH * self.OW, math.prod(self.bordered) * self.C * SIZES[self.kind]
        fit = min(-(-PIXELS // max(pixels, 1)), target.caches[1] // 8 // max(bytes, 1))
        return max(1, min(self.N, fit))


class Phase(NamedTuple):
    """Pixels along an axis for which the same taps of a window count.

    The `first` of them and how many `pixels`; how many `taps`, the `last`, the `step` from one to
    the next, and how far `apart` are the outputs that they are for; and where the window of the
    first pixel starts in a bordered output.
    """

    first: int
    pixels: int
    taps: int
    last: int
    step: int
    apart: int
    start: int


def phases(s: Convolution) -> tuple[list[Phase], list[Phase]]:
    """The phases down and across of the gradient of an image, as many as the strides."""
    above, before = s.before
    return (
        _phases(s.H, s.KH, s.SH, s.DH, s.top, above),
        _phases(s.W, s.KW, s.SW, s.DW, s.left, before),
    )


def _phases(
    pixels: int, size: int, stride: int, dilation: int, before: int, border: int
) -> list[Phase]:
    found, shared = [], math.gcd(stride, dilation)
    for r in range(stride):
        first = (r - before) % stride
        taps = [a for a in range(size) if (a * dilation - r) % stride == 0]
        last, mine = taps[-1] if taps else 0, len(range(first, pixels, stride))
        start = (first + before - last * dilation) // stride + border
        steps = stride // shared, dilation // shared
        found.append(Phase(first, mine, len(taps), last, *steps, start))
    return found


class Band(NamedTuple):
    """Rows of pixels whose windows reach into the image with the same of their rows of taps.

    The first of the `rows` and their number, and the `taps` from which on and before which.
    """

    first: int
    rows: int
    taps: tuple[int, int]


def bands(rows: int, start: int, stride: int, taps: int, apart: int, height: int) -> list[Band]:
    """The bands of so many rows of pixels.

    The window of row i begins at row `start + i stride` of an image of a height, and has rows of
    taps so far `apart`. What stands outside is zero, and need not be multiplied.

    >>> [tuple(band) for band in bands(4, -1, 1, 3, 1, 4)]
    [(0, 1, (1, 3)), (1, 2, (0, 3)), (3, 1, (0, 2))]
    """
    found: list[Band] = []
    for i in range(rows):
        begin = start + i * stride
        low = min(taps, max(0, -(begin // apart)))
        inside = low, max(low, min(taps, -((begin - height) // apart)))
        if found and found[-1].taps == inside:
            found[-1] = found[-1]._replace(rows=found[-1].rows + 1)
        else:
            found.append(Band(i, 1, inside))
    return found
