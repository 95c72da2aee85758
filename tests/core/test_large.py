"""Deep and wide circuits: no recursion, time in proportion to the gates, memory given back."""

import gc
import sys
import time
import weakref

import numpy as np
import pytest

import pullback as pb

MILLION = 1_000_000


def chain(n):
    """Alternately times and plus a constant, n gates deep; its slope is 0.5 ** (n / 2)."""
    x = pb.Unit(1.0, "x")
    y = x
    half, one = pb.constant(0.5), pb.constant(1.0)
    for _ in range(n // 2):
        y = y * half + one
    return [x], y


def tree(leaves):
    """The sum of so many sources, two at a time."""
    sources = [pb.Unit(float(k)) for k in range(leaves)]
    layer = sources
    while len(layer) > 1:
        layer = [a + b for a, b in zip(layer[::2], layer[1::2], strict=True)]
    return sources, layer[0]


def phases(build):
    """Seconds to build, run, pull and free a circuit, and what is left for the test to see."""
    gc.collect()
    gc.disable()  # its rounds over all living objects are not ours to time
    try:
        moments = [time.process_time()]
        sources, y = build()
        moments.append(time.process_time())
        value = y.forward()
        moments.append(time.process_time())
        y.backward()
        moments.append(time.process_time())
        seen = value, sources[0].grad, sources[-1].grad
        alive = [weakref.ref(unit) for unit in (sources[0], sources[-1], y, y.inputs[0])]
        moments.append(time.process_time())
        del sources, y
        moments.append(time.process_time())
        assert [ref() for ref in alive] == [None] * 4, "freed without the garbage collector"
    finally:
        gc.enable()
    return np.diff(moments)[[0, 1, 2, 4]], seen


@pytest.fixture(autouse=True)
def little_stack():
    """Anything that recurses once a gate fails at once."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(250)
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.parametrize(
    ("build", "small", "large"),
    [(chain, 100_000, 400_000), (tree, 2**17, 2**19)],
    ids=["chain", "tree"],
)
def test_half_a_million_gates_cost_four_times_a_quarter_of_them(build, small, large):
    few, _ = phases(lambda: build(small))
    many, (value, first, last) = phases(lambda: build(large))
    if build is chain:
        assert value == 2.0
        assert first == 0.0  # 0.5 ** 200,000
    else:
        assert value == large * (large - 1) / 2
        assert first == last == 1.0
    for name, seconds, quarter in zip(("build", "run", "pull", "free"), many, few, strict=True):
        assert seconds < 8.0 * quarter + 0.25, (name, seconds, quarter)


def test_a_deep_gradient_circuit_is_built_without_recursion():
    sources, y = chain(40_000)
    dx = pb.gradient(y, sources[0])
    assert dx.value == 0.0
    assert dx.is_constant or len(pb.Circuit(dx)) <= 40_000
    x = pb.Unit(0.5)
    z = x
    for _ in range(20_000):
        z = pb.sin(z)
    dz = pb.gradient(z, x)
    z.backward()
    np.testing.assert_allclose(dz.value, x.grad)
    assert dz.forward() == dz.value
    ref = weakref.ref(dz)
    del dz, z, x
    assert ref() is None


def test_one_wire_used_thirty_thousand_times():
    x = pb.Unit(2.0)
    y = x
    for _ in range(30_000):
        y = y + x
    y.backward()
    assert x.grad == 30_001.0
    assert pb.gradient(y, x).value == 30_001.0


def test_a_doubling_diamond_is_not_walked_path_by_path():
    x = pb.Unit(1.0)
    y = x
    for _ in range(200):
        y = y + y
    y.backward(2.0**-200)
    assert x.grad == 1.0
    assert pb.gradient(y, x, 2.0**-200).value == 1.0


def test_a_circuit_does_not_keep_the_variables_of_the_code_that_made_it():
    class Witness:
        pass

    def build():
        witness = Witness()
        return pb.Unit(1.0) * 2.0, weakref.ref(witness)

    y, ref = build()
    assert y.where
    assert ref() is None


def test_a_million_elements_on_one_wire():
    x = pb.Unit(np.linspace(-1.0, 1.0, MILLION))
    y = pb.mean(pb.relu(x) * x)
    y.backward()
    assert x.grad.shape == (MILLION,)
    np.testing.assert_allclose(x.grad, 2.0 * np.maximum(x.value, 0.0) / MILLION)
