"""In: a structural gate. Out: the statements that run its kernel, with sizes and places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

from pullback.core.errors import CircuitError
from pullback.core.matrices import WRONG
from pullback.core.registry import GATES
from pullback.core.unit import Unit
from pullback.engines.native.access import Access, row_major
from pullback.engines.native.fuse import added_to_product, is_rectifier
from pullback.engines.native.kernels.elimination import Matrices
from pullback.engines.native.kernels.geometry import Convolution
from pullback.engines.native.kernels.indexing import Indexing, Position
from pullback.engines.native.kernels.lanes import Running, Sorting
from pullback.engines.native.kernels.product import Product, Products, pays
from pullback.engines.native.kernels.tile import shapes
from pullback.engines.native.kernels.windows import Pooling
from pullback.engines.native.loop_code import folded, kind_of

if TYPE_CHECKING:
    from pullback.engines.native.build import Builder


def write_call(step: Builder, unit: Unit, *after: Unit) -> None:
    """Add what runs a gate, and the gates that its kernel does in passing.

    Raises `CircuitError` for a gate that has no kernel.
    """
    assert unit.gate is not None
    if unit.gate.name not in CALLS:
        raise CircuitError(
            f"{unit.label} is made by {unit.gate.name!r}, which the native engine does not "
            "know; run this Program with the eager or the jax engine"
        )
    CALLS[unit.gate.name].write(step, unit, *after)


def _matmul(step: Builder, unit: Unit, *after: Unit) -> None:
    """A matrix product, and what is done in passing; or a stack of products.

    `after` may be a sum of the product and a matrix or row, and a rectifier of that.
    """
    _floats_only(unit)
    (m, n), k = unit.shape[-2:], unit.inputs[0].shape[-1]
    work = 2 * unit.size * k
    if len(unit.shape) > 2:
        _stack_of_products(step, unit, m, n, k)
        return
    c = Access(after[-1] if after else unit, 0, unit.shape, row_major(unit.shape))
    a, b = (step.access[x] for x in unit.inputs)
    places = [step.place(where) for where in (c, a, b)]
    start = None
    if after and after[0].gate is GATES["add"]:
        others = (x for x in after[0].inputs if step.access.own_buffer(x) is unit)
        ways = (added_to_product(after[0], x, step.access) for x in others)
        added = next(way for way in ways if way is not None)
        places.append(step.place(added))
        start = added.strides[0]
    rectified = bool(after) and is_rectifier(after[-1])
    packed = pays(step.target, kind_of(unit), m, _pair(b))
    strides = _pair(a), _pair(b)
    sizes = Product(kind_of(unit), m, n, k, *strides, start, rectified, packed, step.apart)
    reused = m > shapes(step.target).few and not sizes.is_dots
    if reused and unit in step.panels and step.around is not None:
        sizes = replace(sizes, paneled=True)
        panels = step.places[step.panels[unit]]
        step.around.call("panels", sizes, (panels, places[2]), k * n, alone=False)
        places[2] = panels
    step.call("product", sizes, tuple(places), work, alone=False)


def _pair(where: Access) -> tuple[int, int]:
    """The strides of a matrix."""
    row, column = where.strides[-2:]
    return row, column


def _stack_of_products(step: Builder, unit: Unit, m: int, n: int, k: int) -> None:
    """All products of a stack, which is walked along as few axes as its matrices allow."""
    lead = unit.shape[:-2]
    a, b = (step.access[x].spread(lead + x.shape[-2:]) for x in unit.inputs)
    arrays = (step.access[unit], a, b)
    counts, (of_c, of_a, of_b) = folded(lead, [where.strides[:-2] for where in arrays])
    product = Product(kind_of(unit), m, n, k, _pair(a), _pair(b))
    stack = Products(product, tuple(counts), (tuple(of_c), tuple(of_a), tuple(of_b)))
    work = 2 * unit.size * k
    step.call("products", stack, tuple(map(step.place, arrays)), work, alone=False)


def _floats_only(unit: Unit) -> None:
    if unit.dtype.kind != "f":
        assert unit.gate is not None
        raise CircuitError(
            f"{unit.label}: the native engine knows {unit.gate.name!r} of floats, not of "
            f"{unit.dtype}; make an input a float with pb.astype"
        )


def _convolution(step: Builder, unit: Unit) -> None:
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
    static = unit.static
    (top, _), (left, _) = static["padding"]
    sides = (*x.shape, *y.shape[1:], *w.shape[:2], *static["stride"], top, left)
    down, right = static["dilation"]
    sizes = Convolution(kind_of(unit), *sides, G=static["groups"], DH=down, DW=right)
    places = tuple(step.place(step.access[u]) for u in (unit, a, b))
    work = 2 * y.size * prod(w.shape[:3])
    kernel = name.replace("convolve", "depthwise") if sizes.depthwise else name
    step.call(kernel, sizes, places, work, alone=x.shape[0] < 2 and name != "convolve_weights")


def _max_pooling(step: Builder, unit: Unit) -> None:
    """max_pool, and what is picked or spread where the largest pixels of its last input stand."""
    assert unit.gate is not None
    y = unit
    if unit.gate.name == "max_pool_spread":  # it adds, which truth values do in their own way
        _floats_only(unit)
        y = unit.inputs[0]
    _pooling(step, unit, unit.inputs[-1], y)


def _sum_pooling(step: Builder, unit: Unit) -> None:
    """sum_pool and its gradient."""
    _floats_only(unit)
    assert unit.gate is not None
    (given,) = unit.inputs
    x, y = (unit, given) if unit.gate.name == "sum_pool_spread" else (given, unit)
    _pooling(step, unit, x, y)


def _pooling(step: Builder, unit: Unit, x: Unit, y: Unit) -> None:
    """A kernel on images of the shape of x with outputs of the shape of y."""
    assert unit.gate is not None
    (top, _), (left, _) = unit.static["padding"]
    windows = *unit.static["size"], *unit.static["stride"], top, left
    sizes = Pooling(kind_of(unit), kind_of(x), *x.shape, *y.shape[1:3], *windows)
    places = tuple(step.place(step.access[u]) for u in (unit, *unit.inputs))
    work = y.size * prod(unit.static["size"])
    step.call(unit.gate.name, sizes, places, work, alone=x.shape[0] < 2)


def _joined(step: Builder, unit: Unit) -> None:
    """concatenate and stack: each input is copied to its part, unless it was written there."""
    axis, start = unit.static["axis"], 0
    whole = step.access[unit]
    for x in unit.inputs:
        source = step.access[x]
        if unit.gate is GATES["stack"]:
            strides = whole.strides[:axis] + whole.strides[axis + 1 :]
            step.copy(source, Access(unit, start * whole.strides[axis], x.shape, strides))
            start += 1
        else:
            if x not in step.joined:
                step.copy(source, Access(unit, start * whole.strides[axis], x.shape, whole.strides))
            start += x.shape[axis]


def _embed(step: Builder, unit: Unit) -> None:
    """Zeros, but where the input alone fills whole rows, and then the input at its walks."""
    whole, walks = step.access[unit], unit.static["walks"]
    first, count, by = walks[0] if walks else (0, 1, 1)
    filled = by == 1 and walks[1:] == tuple((0, n, 1) for n in unit.shape[1:])
    row = unit.size // max(unit.shape[0], 1) if unit.shape else 1
    gaps = [(0, first * row), ((first + count) * row, unit.size)] if filled else [(0, unit.size)]
    for start, stop in gaps:
        if stop > start:
            step.zeros(step.place(whole).after(start), stop - start)
    offset = sum(start * by for (start, _, _), by in zip(walks, whole.strides, strict=True))
    strides = tuple(by * s for (_, _, by), s in zip(walks, whole.strides, strict=True))
    (x,) = unit.inputs
    step.copy(step.access[x], Access(unit, offset, x.shape, strides))


def _indexing(step: Builder, unit: Unit, x: Unit, indices: Unit) -> Indexing:
    """The sizes of an array of which slices along an axis are named."""
    step.checked.append(unit)
    sides = _sides(x, unit.static["axis"])
    return Indexing(kind_of(unit), *sides, indices.size, len(step.checked))


def _take(step: Builder, unit: Unit) -> None:
    """Slices by number."""
    x, indices = unit.inputs
    places = tuple(step.place(step.access[u]) for u in (unit, x, indices))
    step.call("take", _indexing(step, unit, x, indices), places, unit.size, alone=False)


def _scatter_add(step: Builder, unit: Unit) -> None:
    """Adding to slices by number, over the old value where that is no longer needed."""
    x, indices, updates = unit.inputs
    if step.in_place.get(unit) is not x:
        step.copy(step.access[x], step.access[unit])
    places = tuple(step.place(step.access[u]) for u in (unit, indices, updates))
    sizes = _indexing(step, unit, x, indices)
    step.call("scatter_add", sizes, places, updates.size, alone=True)


def _position(step: Builder, unit: Unit) -> None:
    """argmax and argmin along an axis."""
    assert unit.gate is not None
    (x,) = unit.inputs
    sizes = Position(kind_of(x), *_sides(x, unit.static["axis"]), unit.gate.name == "argmax")
    places = (step.place(step.access[unit]), step.place(step.access[x]))
    step.call("position", sizes, places, x.size, alone=True)


def _along(step: Builder, unit: Unit) -> None:
    """cumsum and argsort: an axis of an array, the one as long as the other."""
    assert unit.gate is not None
    (x,), static = unit.inputs, unit.static
    sides = _sides(x, static["axis"])
    sorts = unit.gate.name == "argsort"
    sizes = (
        Sorting(kind_of(x), *sides, static["descending"])
        if sorts
        else Running(kind_of(unit), *sides, static["reverse"])
    )
    places = (step.place(step.access[unit]), step.place(step.access[x]))
    work = x.size * (sides[1].bit_length() if sorts else 1)
    step.call(unit.gate.name, sizes, places, work, alone=False)


def _sides(x: Unit, axis: int) -> tuple[int, int, int]:
    """How many elements an array has before an axis, along it, and behind it."""
    return prod(x.shape[:axis]), x.shape[axis], prod(x.shape[axis + 1 :])


def _matrices(step: Builder, unit: Unit) -> None:
    """solve, det, slogdet and cholesky of a stack of matrices."""
    assert unit.gate is not None
    a, *right = unit.inputs
    n = a.shape[-1]
    count, m = prod(a.shape[:-2]), right[0].shape[-1] if right else 0
    if unit.gate.name in WRONG:
        step.checked.append(unit)
    sizes = Matrices(kind_of(unit), count, n, m, len(step.checked))
    places = tuple(step.place(step.access[u]) for u in (unit, *unit.inputs))
    step.call(unit.gate.name, sizes, places, count * n * n * (n + m), alone=False)


def refusal(unit: Unit) -> str:
    """What is wrong where the kernel of a gate finds what only the numbers tell."""
    assert unit.gate is not None
    x = unit.inputs[0]
    if unit.gate.name in WRONG:
        return f"{unit.gate.name} of {x.label}: {WRONG[unit.gate.name]}"
    axis = unit.static["axis"]
    return (
        f"{unit.label}: an index is out of bounds for axis {axis} of {x.label}, which has "
        f"{x.shape[axis]} elements there"
    )


@dataclass(frozen=True)
class Calling:
    """How a gate's kernel is called, and what it must find.

    `in_rows` says that it reads elements one after another, so that a view will not do; `alike` are
    the inputs that it reads in the dtype that it makes.
    """

    write: Callable[..., None]
    in_rows: bool = False
    alike: tuple[int, ...] = ()


_OF_MATRICES = Calling(_matrices, in_rows=True, alike=(0,))
_CONVOLVING = Calling(_convolution, in_rows=True, alike=(0, 1))

CALLS: dict[str, Calling] = {
    "matmul": Calling(_matmul, alike=(0, 1)),
    "convolve": _CONVOLVING,
    "convolve_input": _CONVOLVING,
    "convolve_weights": _CONVOLVING,
    "max_pool": Calling(_max_pooling, in_rows=True),
    "max_pool_pick": Calling(_max_pooling, in_rows=True, alike=(0,)),
    "max_pool_spread": Calling(_max_pooling, in_rows=True, alike=(0,)),
    "sum_pool": Calling(_sum_pooling, in_rows=True, alike=(0,)),
    "sum_pool_spread": Calling(_sum_pooling, in_rows=True, alike=(0,)),
    "concatenate": Calling(_joined),
    "stack": Calling(_joined),
    "embed": Calling(_embed),
    "take": Calling(_take, in_rows=True),
    "scatter_add": Calling(_scatter_add, in_rows=True, alike=(2,)),
    "argmax": Calling(_position, in_rows=True),
    "argmin": Calling(_position, in_rows=True),
    "cumsum": Calling(_along, in_rows=True, alike=(0,)),
    "argsort": Calling(_along, in_rows=True),
    "solve": Calling(_matrices, in_rows=True, alike=(0, 1)),
    "det": _OF_MATRICES,
    "slogdet": _OF_MATRICES,
    "cholesky": _OF_MATRICES,
}
