"""In: Hypothesis' choices. Out: random Programs rich in gates that move elements.

Where elements lie is what an engine decides by itself, so that is what is drawn here: reshapes of
transposed, sliced and broadcast wires, joined, stacked, embedded and taken apart again, the same
view used several times, sizes 0 and 1, loops with such steps, and state whose next value is its own
elements in another order. A Program gives some wires as they are, the gradients of the sum of their
squares, and now and then the gradients of these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st

import pullback as pb
from pullback.engines.eager import Eager

SIZES = (0, 1, 1, 2, 2, 3, 3, 4, 5)
LARGEST = 120  # elements of a wire
Draw = Callable[[Any], Any]
Shape = tuple[int, ...]


@st.composite
def moving_programs(draw: st.DrawFn, *, gates: int = 8, dtype: Any = np.float64) -> pb.Program:
    """A Program of at most about `gates` gates of the users' functions, and their gradients."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(shapes())
    given_ = [shape, *(draw(st.sampled_from([shape, draw(shapes())])) for _ in range(3))]
    count = draw(st.integers(1, 4))
    sources = [
        pb.Unit(rng.normal(size=shape).astype(dtype), f"x{k}")
        for k, shape in enumerate(given_[:count])
    ]
    wires = list(sources)
    for _ in range(draw(st.integers(1, gates))):
        wires.append(moved(draw, draw(st.sampled_from(wires[-6:])), wires))
    used = {x for unit in wires for x in unit.inputs}
    ends = [unit for unit in wires if unit not in used and unit.inputs] or wires[-1:]
    ends += draw(st.lists(st.sampled_from(wires), max_size=2))
    outputs = {f"y{k}": unit for k, unit in enumerate(ends)}
    cost: Any = pb.Unit(0.0)
    for end in ends:
        if end.dtype.kind == "f":
            cost = cost + pb.sum(end * end)
    firsts = pb.gradient(cost, sources)
    outputs |= {f"d{x.name}": d for x, d in zip(sources, firsts, strict=True)}
    if draw(st.integers(0, 3)) == 0:
        pulled: Any = sum(pb.sum(d * rng.normal(size=d.shape).astype(dtype)) for d in firsts)
        seconds = pb.gradient(pulled, sources)
        outputs |= {f"dd{x.name}": d for x, d in zip(sources, seconds, strict=True)}
    return pb.Program({}, outputs, updates(draw, sources, wires))


def updates(draw: Draw, sources: list[pb.Unit], wires: list[pb.Unit]) -> dict[pb.Unit, pb.Unit]:
    """Next values of some sources: any wires of as many elements, in whatever order they lie."""
    found = {}
    for state in sources:
        fitting = [x for x in wires if x.size == state.size and x.dtype == state.dtype]
        if draw(st.integers(0, 2)) == 0:
            new = draw(st.sampled_from(fitting))
            found[state] = pb.reshape(new, state.shape)
    return found


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """A shape of at most four axes and not too many elements."""
    shape = tuple(draw(st.lists(st.sampled_from(SIZES), max_size=4)))
    while prod(shape) > LARGEST:
        shape = shape[1:]
    return shape


@st.composite
def reshaped(draw: st.DrawFn, size: int) -> Shape:
    """A shape of so many elements."""
    sizes: list[int] = []
    while size > 1 and len(sizes) < 4:
        n = draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
        sizes.append(n)
        size //= n
    if size != 1 or draw(st.integers(0, 3)) == 0:
        sizes.insert(draw(st.integers(0, len(sizes))), size)
    if draw(st.integers(0, 3)) == 0:
        sizes.insert(draw(st.integers(0, len(sizes))), 1)
    if 0 in sizes and draw(st.booleans()):
        sizes.append(3)
    return tuple(sizes)


def moved(draw: Draw, x: pb.Unit, wires: list[pb.Unit]) -> pb.Unit:
    """A wire made from x, and maybe from others, by one of the gates below."""
    y = draw(st.sampled_from(MOVES))(draw, x, wires)
    if y.size > LARGEST:
        return x
    if y.dtype.kind == "f" and np.abs(y.value).max(initial=0.0) > 4.0:
        return pb.sin(y)
    return y


# Running them ------------------------------------------------------------------------------------


def joined(programs: Sequence[pb.Program]) -> pb.Program:
    """One Program of several, each name with the number of its own."""
    outputs = {f"{k} {n}": x for k, p in enumerate(programs) for n, x in p.outputs.items()}
    updates = {state: new for p in programs for state, new in p.updates.items()}
    return pb.Program({}, outputs, updates)


def run(engine: Any) -> dict[str, Any]:
    """What a step gives, and the state that it leaves; the Program itself is as it was before."""
    state = {unit: unit.value for unit in engine.program.updates}
    results = engine()
    left = {f"state {k}": np.array(unit.value) for k, unit in enumerate(state)}
    for unit, value in state.items():
        unit.value = value
    return results | left


def nudge(program: pb.Program) -> None:
    """Other values on all sources: what was wrongly taken for a constant then shows."""
    for unit in program.wires:
        if unit.gate is None and unit.dtype.kind == "f":
            unit.value = unit.value + unit.dtype.type(1e-3)


def assert_agree(program: pb.Program, engines: Sequence[Any]) -> None:
    """These engines give what eager gives, also at other values."""
    coarse = any(unit.dtype == np.float32 for unit in program.wires)
    eager = Eager(program)
    for _ in range(2):
        with np.errstate(all="ignore"):
            expected = run(eager)
        for engine in engines:
            _assert_alike(expected, run(engine), 1e-4 if coarse else 1e-10)
        nudge(program)


def _assert_alike(expected: dict[str, Any], found: dict[str, Any], tolerance: float) -> None:
    """The same names, shapes, dtypes and values, but for what rounding does to the largest."""
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert np.shape(value) == np.shape(found[name]), name
        assert np.asarray(value).dtype == np.asarray(found[name]).dtype, name
        bound = tolerance * (1.0 + np.abs(value).max(initial=0.0))
        np.testing.assert_allclose(found[name], value, rtol=0.0, atol=bound, err_msg=name)


# One wire ----------------------------------------------------------------------------------------


def _reshape(draw: Draw, x: pb.Unit, wires: Any) -> pb.Unit:
    return pb.reshape(x, draw(reshaped(x.size)))


def _transpose(draw: Draw, x: pb.Unit, wires: Any) -> pb.Unit:
    return pb.transpose(x, tuple(draw(st.permutations(range(x.ndim)))))


def _reshape_moved(draw: Draw, x: pb.Unit, wires: Any) -> pb.Unit:
    return _reshape(draw, draw(st.sampled_from((_transpose, _slice)))(draw, x, wires), wires)


def _slice(draw: Draw, x: pb.Unit, wires: Any) -> pb.Unit:
    return x[tuple(_key(draw, n) for n in x.shape[: draw(st.integers(0, x.ndim))])]


def _key(draw: Draw, n: int) -> Any:
    if n and draw(st.integers(0, 4)) == 0:
        return draw(st.integers(-n, n - 1))
    end = st.one_of(st.none(), st.integers(-n - 1, n + 1))
    return slice(draw(end), draw(end), draw(st.sampled_from((None, 1, 2, -1, -2, 3))))


def _broadcast(draw: Draw, x: pb.Unit, wires: Any) -> pb.Unit:
    wide = [draw(st.sampled_from((1, 2, 3))) if n == 1 else n for n in x.shape]
    return pb.broadcast_to(x, (*draw(st.lists(st.sampled_from((1, 2)), max_size=2)), *wide))


def _pad(draw: Draw, x: pb.Unit, wires: Any) -> pb.Unit:
    widths = [(draw(st.integers(0, 2)), draw(st.integers(0, 1))) for _ in x.shape]
    return pb.pad(x, widths, draw(st.sampled_from((0.0, 0.5)))) if widths else x


def _embed(draw: Draw, x: pb.Unit, wires: Any) -> pb.Unit:
    shape, walks = [], []
    for n in x.shape:
        before, step, after = (draw(st.integers(0, 2)), draw(st.integers(1, 3)), 1)
        length = before + max(0, (n - 1) * step + 1) + after
        backwards = draw(st.booleans())
        last = before + max(0, n - 1) * step
        walks.append((last, n, -step) if backwards else (before, n, step))
        shape.append(length)
    return pb.embed(x, tuple(shape), tuple(walks)) if prod(shape) <= LARGEST else x


def _take(draw: Draw, x: pb.Unit, wires: Any) -> pb.Unit:
    if not x.ndim:
        return x
    axis = draw(st.integers(0, x.ndim - 1))
    n = x.shape[axis]
    indices = np.array(draw(st.lists(st.integers(-n, n - 1), max_size=4)) if n else [], np.int64)
    if indices.size == 4 and draw(st.booleans()):
        indices = indices.reshape(2, 2)
    return pb.take(x, pb.Unit(indices) if draw(st.booleans()) else indices, axis)


def _sum(draw: Draw, x: pb.Unit, wires: Any) -> pb.Unit:
    axes = tuple(a for a in range(x.ndim) if draw(st.booleans()))
    return pb.sum(x, axis=axes, keepdims=draw(st.booleans()))


def _largest(draw: Draw, x: pb.Unit, wires: Any) -> pb.Unit:
    """The largest or smallest along an axis, or what stands at its place; near ties are left."""
    near = np.diff(np.sort(np.ravel(x.value).astype(float)))
    if not x.size or x.dtype.kind != "f" or ((near > 0.0) & (near < 1e-3)).any():
        return x
    if not x.ndim or draw(st.booleans()):
        return draw(st.sampled_from((pb.max, pb.min)))(x)
    axis = draw(st.integers(0, x.ndim - 1))
    if draw(st.booleans()):
        return draw(st.sampled_from((pb.max, pb.min)))(x, axis=axis, keepdims=draw(st.booleans()))
    places = draw(st.sampled_from((pb.argmax, pb.argmin)))(x, axis)
    return pb.take(x, places, axis) if x.size * places.size <= LARGEST else x


def _pool(draw: Draw, x: pb.Unit, wires: Any) -> pb.Unit:
    """The largest or the mean of windows on the last axes; near ties are left."""
    near = np.diff(np.sort(np.ravel(x.value).astype(float)))
    if x.ndim > 4 or x.dtype.kind != "f" or ((near > 0.0) & (near < 1e-3)).any():
        return x
    image = pb.reshape(x, (1,) * (4 - x.ndim) + x.shape)
    if not image.shape[1] or not image.shape[2]:
        return x
    size = tuple(draw(st.integers(1, min(n, 3))) for n in image.shape[1:3])
    padding = tuple((draw(st.integers(0, k - 1)), draw(st.integers(0, k - 1))) for k in size)
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return draw(st.sampled_from((pb.max_pool, pb.average_pool)))(image, size, stride, padding)


def _elementwise(draw: Draw, x: pb.Unit, wires: Any) -> pb.Unit:
    return draw(st.sampled_from((pb.sin, pb.negative, lambda x: x * 0.5, lambda x: x + 1.5)))(x)


def _through_other(draw: Draw, x: pb.Unit, wires: Any) -> pb.Unit:
    """Through another dtype and back: rounded, cut to whole numbers, or to whether it is large."""
    dtype = draw(st.sampled_from((np.float32, np.float64, np.int64, np.bool_)))
    kept = pb.astype(x > 0.3 if dtype is np.bool_ else x, dtype)
    return pb.astype(_reshape_moved(draw, kept, wires), x.dtype)


# Several wires -----------------------------------------------------------------------------------


def _pieces(draw: Draw, x: pb.Unit) -> list[pb.Unit]:
    """Some wires of x's shape, of x's elements in other places."""
    made: tuple[Callable[[], pb.Unit], ...] = (
        lambda: x,
        lambda: x[::-1] if x.ndim else x,
        lambda: x * 0.5,
        lambda: pb.reshape(x.T, x.shape),
        lambda: pb.reshape(pb.reshape(x, -1)[::-1], x.shape),
        lambda: pb.sin(pb.reshape(x.T, x.shape)),
        lambda: x.T if x.shape == x.shape[::-1] else x,
    )
    return [piece() for piece in draw(st.lists(st.sampled_from(made), min_size=1, max_size=3))]


def _concatenate(draw: Draw, x: pb.Unit, wires: list[pb.Unit]) -> pb.Unit:
    if not x.ndim:
        x = pb.reshape(x, 1)
    axis = draw(st.integers(0, x.ndim - 1))
    xs = _pieces(draw, x)
    if draw(st.booleans()):
        key = (slice(None),) * axis + (_key(draw, 0) if not x.shape[axis] else slice(1, None),)
        xs.append(x[key])
    fitting = [w for w in wires if w.ndim == x.ndim and _but(w, axis) == _but(x, axis)]
    xs += draw(st.lists(st.sampled_from(fitting), max_size=2)) if fitting else []
    return pb.concatenate(draw(st.permutations(xs)), axis)


def _but(x: pb.Unit, axis: int) -> Shape:
    return x.shape[:axis] + x.shape[axis + 1 :]


def _flat(draw: Draw, x: pb.Unit, wires: list[pb.Unit]) -> pb.Unit:
    """Whole wires one behind the other, each read in an order of its own."""
    others = draw(st.lists(st.sampled_from(wires), max_size=2))
    return pb.concatenate([pb.reshape(_transpose(draw, w, wires), -1) for w in (x, *others)])


def _stack(draw: Draw, x: pb.Unit, wires: Any) -> pb.Unit:
    return pb.stack(_pieces(draw, x), draw(st.integers(0, x.ndim)))


def _scatter_add(draw: Draw, x: pb.Unit, wires: list[pb.Unit]) -> pb.Unit:
    if not x.ndim or not x.shape[0]:
        return x
    rows = np.array(draw(st.lists(st.integers(-x.shape[0], x.shape[0] - 1), max_size=4)), np.int64)
    fitting = [w for w in wires if w.shape == x.shape and w.dtype == x.dtype] or [x]
    return pb.scatter_add(x, rows, pb.take(draw(st.sampled_from(fitting)), rows[::-1]))


def _combine(draw: Draw, x: pb.Unit, wires: list[pb.Unit]) -> pb.Unit:
    fitting = [w for w in wires if _broadcasts(w.shape, x.shape)] or [x]
    other = draw(st.sampled_from(fitting))
    made = (
        lambda: x + other,
        lambda: x * other,
        lambda: other - x,
        lambda: pb.where(other > 0.1234, x, other),
    )
    return draw(st.sampled_from(made))()


def _broadcasts(a: Shape, b: Shape) -> bool:
    try:
        return prod(np.broadcast_shapes(a, b)) <= LARGEST
    except ValueError:
        return False


def _matmul(draw: Draw, x: pb.Unit, wires: list[pb.Unit]) -> pb.Unit:
    if x.ndim < 2:
        return x
    others = [w for w in wires if w.ndim >= 2 and w.shape[-2] == x.shape[-1]]
    others = [w for w in others if _broadcasts(w.shape[:-2], x.shape[:-2]) and w.dtype == x.dtype]
    other = draw(st.sampled_from(others)) if others else pb.swapaxes(x, -1, -2)
    return pb.tanh(x @ other)


def _loop(draw: Draw, x: pb.Unit, wires: list[pb.Unit]) -> pb.Unit:
    """A loop along x's first axis, whose step moves what it carries and what it gets."""
    if not x.ndim or not x.shape[-1] or x.dtype.kind != "f":
        return x
    row = x.shape[1:]
    fitting = [w for w in wires if w.shape == row and w.dtype == x.dtype]
    start = draw(st.sampled_from(fitting)) if fitting else np.full(row, 0.5, x.dtype)
    by = draw(st.integers(0, 2))
    seed = draw(st.integers(0, 2**16))
    around = draw(st.sampled_from(wires))

    def step(carry: pb.Unit, element: pb.Unit) -> Any:
        again = np.random.default_rng(seed)

        def one(x: pb.Unit) -> pb.Unit:
            kind = again.integers(7)
            if kind == 0:
                return pb.reshape(x.T, x.shape)
            if kind == 1 and x.ndim:
                return x[::-1]
            if kind == 2 and x.ndim and x.shape[0] > 1:
                return pb.concatenate([x[1:], x[:1]])
            if kind == 3 and x.ndim and x.shape[0]:
                return pb.take(x, np.array([-1, *range(x.shape[0] - 1)]))
            if kind == 4 and x.ndim == 2 and x.shape[0] == x.shape[1]:
                return pb.tanh(x @ x.T)
            if kind == 5 and x.ndim and x.shape[0]:
                return pb.loop(lambda c, e: pb.sin(pb.reshape(c.T, c.shape)) + e, x[0], x)[0] * 0.5
            return pb.sin(x) if kind == 6 else x

        made = one(carry) * 0.5 + one(element)
        if around.dtype == x.dtype and _fits(around.shape, row):
            made = made * one(around) if around.shape == row else made + around
        nexts = one(made)
        results = (made, pb.concatenate([pb.reshape(nexts, -1), pb.reshape(made.T, -1)]), carry)
        return (nexts, *results[: by + 1])

    parts = pb.loop(step, start, (x,), reverse=draw(st.booleans()))
    return draw(st.sampled_from(parts))


def _fits(shape: Shape, row: Shape) -> bool:
    return _broadcasts(shape, row) and np.broadcast_shapes(shape, row) == row


MOVES = (
    _reshape,
    _transpose,
    _reshape_moved,
    _reshape_moved,
    _slice,
    _slice,
    _broadcast,
    _pad,
    _embed,
    _take,
    _sum,
    _largest,
    _pool,
    _elementwise,
    _through_other,
    _concatenate,
    _concatenate,
    _flat,
    _flat,
    _stack,
    _scatter_add,
    _combine,
    _combine,
    _matmul,
    _loop,
)
