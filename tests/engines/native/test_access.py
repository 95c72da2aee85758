"""A view is read where its elements lie: what `access` says, NumPy's strides confirm."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import pullback as pb
from pullback.engines.native.access import Access, access


def read(where: Access, buffer: np.ndarray) -> np.ndarray:
    """The elements of an access of a flat buffer."""
    elements = buffer.reshape(-1)
    y = np.empty(where.shape, buffer.dtype)
    for index in np.ndindex(where.shape):
        y[index] = elements[where.offset + int(np.dot(index, where.strides))]
    return y


def _slice(draw, n):
    step = draw(st.sampled_from([-3, -2, -1, 1, 2, 3]))
    bound = st.none() | st.integers(-n - 1, n + 1)
    return slice(draw(bound), draw(bound), step)


@st.composite
def views(draw):
    """A source under some views, each made of the one before."""
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    x = pb.Unit(np.arange(np.prod(shape), dtype=float).reshape(shape), "x")
    chain = [x]
    for kind in draw(st.lists(st.sampled_from(["reshape", "transpose", "slice", "broadcast"]))):
        shape = chain[-1].shape
        if kind == "transpose":
            chain.append(pb.transpose(chain[-1], tuple(draw(st.permutations(range(len(shape)))))))
        elif kind == "slice":
            chain.append(chain[-1][tuple(_slice(draw, n) for n in shape)])
        elif kind == "broadcast" and chain[-1].size < 100:
            wide = tuple(draw(st.integers(0, 3)) if n == 1 else n for n in shape)
            chain.append(pb.broadcast_to(chain[-1], (draw(st.integers(0, 2)), *wide)))
        elif kind == "reshape":
            parts = (chain[-1].size,) if draw(st.booleans()) else tuple(reversed(shape))
            chain.append(pb.reshape(chain[-1], parts))
    return chain


@settings(max_examples=200, deadline=None)
@given(views())
def test_views_are_walked_as_numpy_walks_them(chain):
    table = access(pb.Program.of(chain[-1:]))
    for unit in chain:
        where = table[unit]
        assert where.shape == unit.shape
        np.testing.assert_array_equal(read(where, where.root.value), unit.value)
        if unit.size:
            steps = [(n - 1) * s for n, s in zip(where.shape, where.strides, strict=True)]
            assert where.offset + sum(s for s in steps if s < 0) >= 0
            assert where.offset + sum(s for s in steps if s > 0) < where.root.size


def test_a_reshape_of_scattered_elements_is_no_view():
    x = pb.Unit(np.arange(6.0).reshape(2, 3), "x")
    wires = x, x.reshape(3, 2), x.T, x.T.reshape(6)
    table = access(pb.Program.of(wires))
    assert [table.is_view(unit) for unit in wires] == [False, True, True, False]
    assert [table[unit].root for unit in wires] == [x, x, x, wires[-1]]


def test_views_of_views_are_walked_once():
    y = pb.exp(pb.Unit(np.ones((2, 3))))
    for _ in range(5_000):
        y = y.T
    table = access(pb.Program.of([y]))
    assert (table[y].root.gate.name, table[y].strides) == ("exp", (3, 1))
    assert len(table.accesses) == 5_002
