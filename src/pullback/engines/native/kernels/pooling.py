"""In: images as addresses, channels last. Out: the largest or the mean of each window; gradients.

The innermost loop runs over the channels, without a branch: by vectors written out for the largest,
which stays in a register over its window, and by LLVM for the mean. Shapes: x (N, H, W, C),
y (N, OH, OW, C), contiguous; output pixel (i, j) sees the window that begins at (i SH - top,
j SW - left), cut off at the edges of the image. Threads share the images.
"""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from pullback.engines.native.kernels.lower import itemsize, kernel, numbers_at, zero
from pullback.engines.native.kernels.symbols import native
from pullback.engines.native.kernels.tile import ADDRESS, BYTES, INTEGER, Shape, Writer


@kernel
def _cut(begin, length, end):
    """Where a window begins inside of the image, and how much of it lies there."""
    first = max(0, begin)
    return first, max(0, min(end, begin + length) - first)


@kernel
def _clear(to, start, stop, like):
    for i in range(start, stop):
        to[i] = zero(like)


@intrinsic
def _largest(typing_context, y, x, rows, columns, row_step, column_step, count, like):
    """y[c] = the largest of x[a row_step + b column_step + c] over a < rows, b < columns."""

    def body(writer, arguments):
        y, x, rows, columns, row_step, column_step = arguments
        builder = writer.builder
        lowest = ir.Constant(writer.vector, [float("-inf")] * writer.lanes)
        best = cgutils.alloca_once_value(builder, lowest)
        for place in _window(writer, x, rows, columns, row_step, column_step):
            value, old = writer.load(place, 0), builder.load(best, typ=writer.vector)
            larger = builder.fcmp_unordered(">", value, old)
            stays = builder.fcmp_unordered("uno", old, old)
            builder.store(
                builder.select(builder.and_(larger, builder.not_(stays)), value, old), best
            )
        writer.store(builder.load(best, typ=writer.vector), y, 0)

    return types.void(*[types.int64] * 7, like), _by_chunks(body, like, 2)


@intrinsic
def _give(typing_context, dx, x, dy, y, rows, columns, row_step, column_step, adding, count, like):
    """dx += dy at the first place of the window where x is y; see `_largest`.

    Without `adding`, what was in dx is not part of the sum.
    """

    def body(writer, arguments):
        dx, x, dy, y, rows, columns, row_step, column_step, adding = arguments
        builder = writer.builder
        best = writer.load(y, 0)
        added = builder.icmp_signed("!=", adding, INTEGER(0))
        lost = builder.fcmp_unordered("uno", best, best)
        rest = cgutils.alloca_once_value(builder, writer.load(dy, 0))
        apart = builder.sub(builder.ptrtoint(dx, INTEGER), builder.ptrtoint(x, INTEGER))
        for place in _window(writer, x, rows, columns, row_step, column_step):
            target = builder.add(builder.ptrtoint(place, INTEGER), apart)
            target = builder.inttoptr(target, ADDRESS)
            value, pull = writer.load(place, 0), builder.load(rest, typ=writer.vector)
            nan = builder.and_(lost, builder.fcmp_unordered("uno", value, value))
            here = builder.or_(nan, builder.fcmp_ordered("==", value, best))
            given = builder.select(here, pull, writer.zero)
            old = builder.select(added, writer.load(target, 0), writer.zero)
            writer.store(builder.fadd(old, given), target, 0)
            builder.store(builder.select(here, writer.zero, pull), rest)

    return types.void(*[types.int64] * 10, like), _by_chunks(body, like, 4)


def _window(writer, x, rows, columns, row_step, column_step):
    """Write the two loops over the places of a window; gives the address of the place once."""
    builder = writer.builder
    with cgutils.for_range(builder, rows) as a, cgutils.for_range(builder, columns) as b:
        down, across = builder.mul(a.index, row_step), builder.mul(b.index, column_step)
        yield writer.at(x, builder.add(down, across))


def _by_chunks(body, like, addresses):
    """Write `body` for each vector of channels; the first arguments are addresses of channel 0."""

    def generate(context, builder, signature, arguments):
        writer = Writer(
            builder, Shape(1, 1, BYTES), context.get_value_type(like), like.bitwidth // 8
        )
        *arguments, count, _ = arguments
        whole = INTEGER(writer.lanes)
        chunks = builder.sdiv(builder.add(count, INTEGER(writer.lanes - 1)), whole)
        with cgutils.for_range(builder, chunks) as chunk:
            first = builder.mul(chunk.index, whole)
            starts = [writer.row(arguments[i], first, INTEGER(1)) for i in range(addresses)]
            writer.both(
                builder.sub(count, first), lambda: body(writer, starts + arguments[addresses:])
            )
        return context.get_dummy_value()

    return generate


def _max_pool(y, x, first, last, H, W, C, OH, OW, KH, KW, SH, SW, top, left, like):
    """y[n, i, j, c] = the largest x in the window, for the images first <= n < last.

    A NaN in the window is the largest. A window that lies outside of the image gives -inf.
    """
    size = itemsize(like)
    for n in range(first, last):
        for i in range(OH):
            a, rows = _cut(i * SH - top, KH, H)
            for j in range(OW):
                b, columns = _cut(j * SW - left, KW, W)
                _largest(
                    y + ((n * OH + i) * OW + j) * C * size, x + ((n * H + a) * W + b) * C * size,
                    rows, columns, W * C, C, C, like,
                )  # fmt: skip


def _max_pool_gradient(dx, dy, y, x, first, last, H, W, C, OH, OW, KH, KW, SH, SW, top, left, like):
    """dx: each dy goes to the first place of its window that holds the largest value.

    The place is found again by comparison, which costs less than storing it.
    """
    size = itemsize(like)
    whole = top == 0 and left == 0 and OH * KH == H and OW * KW == W
    adding = 0 if whole and SH == KH and SW == KW else 1  # every place has one window
    if adding:
        _clear(numbers_at(dx, like), first * H * W * C, last * H * W * C, like)
    for n in range(first, last):
        for i in range(OH):
            a, rows = _cut(i * SH - top, KH, H)
            for j in range(OW):
                b, columns = _cut(j * SW - left, KW, W)
                place, pixel = ((n * H + a) * W + b) * C * size, ((n * OH + i) * OW + j) * C * size
                _give(
                    dx + place, x + place, dy + pixel, y + pixel,
                    rows, columns, W * C, C, adding, C, like,
                )  # fmt: skip


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
max_pool_gradient = native("max_pool_gradient", _max_pool_gradient, 17)
mean_pool = native("mean_pool", _mean_pool, 15)
mean_pool_gradient = native("mean_pool_gradient", _mean_pool_gradient, 15)
