"""In: a structural gate. Out: the line of a step that calls its kernel, with sizes and places.

What a kernel does with them is in `kernels/structural.py`, under the gate's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.engines.native.access import Access, access, row_major
from pullback.engines.native.fuse import added_to_product, is_rectifier
from pullback.engines.native.inside import own_buffer
from pullback.engines.native.kernels.convolution import convolution_workspace_size
from pullback.engines.native.kernels.gemm import workspace_size
from pullback.engines.native.write import folded
from pullback.engines.native.writer import ALONE, ARENAS, StepWriter, listed, threads


def _matmul(step: StepWriter, unit: Unit, *after: Unit) -> None:
    """A matrix product, and what is done in passing; or a stack of products.

    `after` may be a sum of the product and a matrix or row, and a rectifier of that.
    """
    _floats_only(unit)
    (m, n), k = unit.shape[-2:], unit.inputs[0].shape[-1]
    step.work += 2 * unit.size * k
    room = workspace_size.py_func(max(m, n), max(m, n), k, unit.dtype.itemsize)
    step.workspace = max(step.workspace, room)
    alone = unit.size * k < ALONE
    call = f"({threads(alone)}, {ARENAS[unit.dtype.name]}, W"
    if len(unit.shape) > 2:
        for told in _stacked(step, unit, m, n, k):
            step.line(f"matmuls{call}, {told})", alone)
        return
    begin = (-1, 0)
    if after and after[0].gate is GATES["add"]:
        ways = (added_to_product(after[0], x) for x in after[0].inputs if own_buffer(x) is unit)
        added = next(way for way in ways if way is not None)
        begin = (step.place(added), added.strides[0])
    rectified = int(bool(after) and is_rectifier(after[-1]))
    c = Access(after[-1] if after else unit, 0, unit.shape, row_major(unit.shape))
    a, b = map(access, unit.inputs)
    places = map(step.place, (c, a, b))
    told = listed(m, n, k, *places, *a.strides, *b.strides, *begin, rectified)
    step.line(f"matmul{call}, {told})", alone)


def _stacked(step: StepWriter, unit: Unit, m: int, n: int, k: int) -> Iterator[str]:
    """The arguments for stacks of products that lie evenly: mostly one, of them all."""
    lead = unit.shape[:-2]
    a, b = (access(x).spread(lead + x.shape[-2:]) for x in unit.inputs)
    arrays = (access(unit), a, b)
    sizes, steps = folded(lead, [where.strides[:-2] for where in arrays])
    *outer, count = sizes or [1]
    inner = [walk[-1] if walk else 0 for walk in steps]
    for index in np.ndindex(*outer):
        starts = (
            step.place(where).after(sum(i * by for i, by in zip(index, walk, strict=False)))
            for where, walk in zip(arrays, steps, strict=True)
        )
        yield listed(count, *inner, m, n, k, *starts, *a.strides[-2:], *b.strides[-2:])


def _floats_only(unit: Unit) -> None:
    if unit.dtype.kind != "f":
        assert unit.gate is not None
        raise CircuitError(
            f"{unit.label}: the native engine knows {unit.gate.name!r} of floats, not of "
            f"{unit.dtype}; make an input a float with pb.astype"
        )


def _convolution(step: StepWriter, unit: Unit) -> None:
    """convolve and its two gradients: whichever it is, the sizes are those of all three arrays."""
    _floats_only(unit)
    assert unit.gate is not None
    name = unit.gate.name
    a, b = unit.inputs
    x, w, y = {
        "convolve": (a, b, unit),
        "convolve_input": (unit, b, a),
        "convolve_weights": (a, unit, b),
    }[name]
    (images, height, width, channels), (_, rows, columns, filters) = x.shape, y.shape
    kernel, stride, ((top, _), (left, _)) = (
        w.shape[:2],
        unit.static["stride"],
        unit.static["padding"],
    )
    sizes = height, width, channels, rows, columns, filters, *kernel, *stride
    room: int = convolution_workspace_size.py_func(*sizes, unit.dtype.itemsize)  # pyright: ignore
    step.workspace = max(step.workspace, room + 64)
    work = 2 * images * rows * columns * filters * prod(kernel) * channels
    step.work += work
    alone = work < ALONE or (images < 2 and name != "convolve_weights")
    told = listed(images, *(step.place(access(u)) for u in (unit, a, b)), *sizes, top, left)
    step.line(f"{name}({threads(alone)}, {ARENAS[unit.dtype.name]}, W, {told})", alone)


def _joined(step: StepWriter, unit: Unit) -> None:
    """concatenate and stack: each input is copied to its part, unless it was written there."""
    axis, start = unit.static["axis"], 0
    whole = access(unit)
    for x in unit.inputs:
        source = access(x)
        if unit.gate is GATES["stack"]:
            strides = whole.strides[:axis] + whole.strides[axis + 1 :]
            step.copy(source, Access(unit, start * whole.strides[axis], x.shape, strides))
            start += 1
        else:
            if x not in step.joined:
                step.copy(source, Access(unit, start * whole.strides[axis], x.shape, whole.strides))
            start += x.shape[axis]


def _embed(step: StepWriter, unit: Unit) -> None:
    """Zeros, but where the input alone fills whole rows, and then the input at its walks."""
    whole, walks = access(unit), unit.static["walks"]
    first, count, by = walks[0] if walks else (0, 1, 1)
    filled = by == 1 and walks[1:] == tuple((0, n, 1) for n in unit.shape[1:])
    row = unit.size // max(unit.shape[0], 1) if unit.shape else 1
    gaps = [(0, first * row), ((first + count) * row, unit.size)] if filled else [(0, unit.size)]
    for start, stop in gaps:
        if stop > start:
            step.fill(ARENAS[unit.dtype.name], step.place(whole).after(start), stop - start)
    offset = sum(start * by for (start, _, _), by in zip(walks, whole.strides, strict=True))
    strides = tuple(by * s for (_, _, by), s in zip(walks, whole.strides, strict=True))
    (x,) = unit.inputs
    step.copy(access(x), Access(unit, offset, x.shape, strides))


def _rows(unit: Unit, axis: int, indices: Unit) -> list[int]:
    """Outer, indexed and inner sizes of an array of which slices along an axis are named."""
    shape = unit.shape
    return [prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :]), indices.size]


def _check(step: StepWriter, unit: Unit) -> str:
    """What a kernel is told so that it can say that an index was out of bounds."""
    step.checked.append(unit)
    return f"counters, {listed(len(step.checked))}"


def _take(step: StepWriter, unit: Unit) -> None:
    """Slices by number."""
    x, indices = unit.inputs
    starts = [step.place(access(u)) for u in (unit, x, indices)]
    told = listed(*_rows(x, unit.static["axis"], indices), *starts)
    alone = unit.size < ALONE
    step.work += unit.size
    step.line(
        f"take({threads(alone)}, {ARENAS[unit.dtype.name]}, I8, {_check(step, unit)}, {told})",
        alone,
    )


def _scatter_add(step: StepWriter, unit: Unit) -> None:
    """Adding to slices by number, over the old value where that is no longer needed."""
    x, indices, updates = unit.inputs
    if step.in_place.get(unit) is not x:
        step.copy(access(x), access(unit))
    starts = [step.place(access(u)) for u in (unit, indices, updates)]
    told = listed(*_rows(x, unit.static["axis"], indices), *starts)
    step.work += updates.size
    arena = ARENAS[unit.dtype.name]
    step.line(f"scatter_add({threads(True)}, {arena}, I8, {_check(step, unit)}, {told})", True)


def _position(step: StepWriter, unit: Unit) -> None:
    """argmax and argmin along an axis."""
    assert unit.gate is not None
    (x,) = unit.inputs
    axis = unit.static["axis"]
    sizes = [prod(x.shape[:axis]), x.shape[axis], prod(x.shape[axis + 1 :])]
    told = listed(*sizes, step.place(access(unit)), step.place(access(x)))
    step.line(f"{unit.gate.name}({threads(True)}, I8, {ARENAS[x.dtype.name]}, {told})", True)


def _random(step: StepWriter, unit: Unit) -> None:
    """Random numbers, from the seed and the step as they are now."""
    seed, moment = (f"{ARENAS[x.dtype.name]}[{step.place(access(x))}]" for x in unit.inputs)
    told = [unit.static["stream"], int(unit.static["kind"] == "normal"), unit.size]
    step.work += 100 * unit.size
    step.line(
        f"random(t, T, {ARENAS[unit.dtype.name]}, {seed}, {moment}, "
        f"{listed(*told, step.place(access(unit)))})",
        False,
    )


WRITERS: dict[str, Callable[..., None]] = {
    "matmul": _matmul,
    "convolve": _convolution,
    "convolve_input": _convolution,
    "convolve_weights": _convolution,
    "concatenate": _joined,
    "stack": _joined,
    "embed": _embed,
    "take": _take,
    "scatter_add": _scatter_add,
    "argmax": _position,
    "argmin": _position,
    "random": _random,
}
