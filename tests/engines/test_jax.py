"""The JAX engine sets inputs, updates state, and keeps the kinds of NumPy and of Python."""

import sys

import numpy as np
import pytest

import pullback as pb
from pullback.engines.eager import Eager
from pullback.engines.jax import Jax


@pytest.fixture(autouse=True, scope="module")
def xla_optimizes():
    """As for users; elsewhere the tests save its time."""
    import jax

    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", True)


def make():
    x, w = pb.Unit(np.array([1.0, 2.0], "f4"), "x"), pb.Unit(np.array([0.5, -1.0], "f4"), "w")
    rate, count = pb.Unit(0.1, "rate"), pb.Unit(np.array(3), "count")
    loss = pb.sum((x * w) ** 2.0)
    outputs = {"loss": loss, "positive": w > 0.0, "rate": rate * 2.0, "count": count}
    updates = {w: w - rate * pb.gradient(loss, w), rate: rate * 0.5, count: count + np.array(1)}
    return pb.Program({"x": x}, outputs, updates)


def kinds(values):
    return [(isinstance(v, float), np.asarray(v).dtype, np.shape(v)) for v in map(plain, values)]


def plain(value):
    """A scalar of NumPy, which may be a float of Python's, as an array."""
    return np.asarray(value) if isinstance(value, np.generic) else value


def test_steps_are_those_of_eager():
    ours, theirs = make(), make()
    jax, eager = Jax(ours), Eager(theirs)
    for k in range(3):
        found, expected = jax(x=[k, 2.0]), eager(x=[k, 2.0])
        assert kinds(found.values()) == kinds(expected.values())
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-6)
        states, twins = [u.value for u in ours.updates], [u.value for u in theirs.updates]
        assert kinds(states) == kinds(twins)
        for state, twin in zip(states, twins, strict=True):
            np.testing.assert_allclose(state, twin, rtol=1e-6)


def test_numbers_of_python_are_weak():
    x, a, b = pb.Unit(np.ones(3, "f4"), "x"), pb.Unit(2.0, "a"), pb.Unit(3.0, "b")
    found = Jax(pb.Program({}, {"array": x * (a + b), "number": a / b, "truth": a < b}, {}))()
    assert found["array"].dtype == np.float32
    assert type(found["number"]) is float
    assert found["number"] == 2.0 / 3.0  # in double precision
    assert found["truth"] is True


def test_dtypes_are_numpy_s():
    x, n = pb.Unit(np.ones(3, "f4"), "x"), pb.Unit(np.arange(3), "n")
    mask = pb.Unit(np.array([True, False, True]), "mask")
    outputs = {"whole": x * n, "mask": x * mask, "sum": pb.sum(mask), "at": pb.argmax(x)}
    program = pb.Program({}, outputs, {})
    assert kinds(Jax(program)().values()) == kinds(Eager(program)().values())


def test_indices_from_the_end():
    x, at = pb.Unit(np.arange(6.0).reshape(3, 2), "x"), pb.Unit(np.array([-1, 0, -3]), "at")
    y = pb.scatter_add(x, at, pb.take(x, at))
    program = pb.Program({}, {"y": y, "slice": x[::-1, -1]}, {})
    expected = Eager(program)()
    for name, value in Jax(program)().items():
        np.testing.assert_array_equal(value, expected[name])


def test_random_numbers_are_the_same_bits():
    step = pb.Unit(np.array(2**32 - 1), "step")
    program = pb.Program({}, {"y": pb.random((50,), seed=7, step=step)}, {step: step - np.array(9)})
    jax, eager = Jax(program)(), None
    step.value = 2**32 - 1
    eager = Eager(program)()
    np.testing.assert_array_equal(jax["y"], eager["y"])


def test_results_belong_to_the_user():
    w = pb.Unit(np.ones(3), "w")
    step = Jax(pb.Program({}, {"w": w}, {w: w + 1.0}))
    step()["w"][:] = 9.0
    w.value = [5.0, 2.0, 2.0]
    assert step()["w"].tolist() == [5.0, 2.0, 2.0]


def test_double_precision_is_left_as_it_was():
    jax = pytest.importorskip("jax")
    before = jax.numpy.ones(1).dtype
    x = pb.Unit(np.ones(2), "x")
    assert Jax(pb.Program({}, {"y": x * 2.0}, {}))()["y"].dtype == np.float64
    assert jax.numpy.ones(1).dtype == before


def test_without_jax_the_cure_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(ImportError, match=r"pip install 'pullback\[jax\]'"):
        Jax(make())


def test_nothing_taken_from_nothing_has_the_shape_of_numpys():
    x, rows = pb.Unit(np.zeros((0, 2)), "x"), pb.Unit(np.zeros((0, 3, 4), int), "rows")
    found = Jax(pb.Program({"x": x, "rows": rows}, {"y": pb.take(x, rows)}, {}))()
    assert found["y"].shape == (0, 3, 4, 2)
