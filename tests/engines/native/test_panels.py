"""A large matrix by which every step of a loop multiplies is copied once, before the first step."""

import numpy as np
import pytest
from tests.program.test_simplify import assert_same

import pullback as pb
from pullback.engines.eager import Eager
from pullback.engines.native import build, fuse
from pullback.engines.native.engine import Native
from pullback.engines.native.ir import Call, Repeat

STEPS = 3
FEW = 4  # rows that need each number of a matrix so seldom that it is read where it lies
TOLERANCE = {"float32": {"rtol": 1e-4, "atol": 1e-5}, "float64": {"rtol": 1e-12, "atol": 1e-13}}


@pytest.fixture(autouse=True)
def always(monkeypatch):
    """A copy pays however short the loop and small the matrix, and threads share all."""
    monkeypatch.setattr(fuse, "LONG", 1)
    monkeypatch.setattr(fuse, "LARGE", 1)
    monkeypatch.setattr(build, "ALONE", 0)


def wire(name, dtype, *shape):
    value = np.random.default_rng(len(name)).normal(size=shape) / 8
    return pb.Unit(value.astype(dtype), name)


def program(dtype, rows, width, weights):
    """A loop that multiplies by `weights(u)`, and its gradients."""
    xs, u, h = (
        wire("xs", dtype, STEPS, rows, width),
        wire("weights", dtype, width, width),
        wire("first", dtype, rows, width),
    )
    w = weights(u)
    (stack,) = pb.loop(lambda h, x: pb.tanh(x + h @ w), h, xs)
    slopes = pb.gradient(pb.sum(pb.sin(stack)), [xs, u, h])
    return pb.Program({}, {"stack": stack, **{f"d{k}": d for k, d in enumerate(slopes)}}, {})


def calls(statements):
    found = [x.kernel for x in statements if isinstance(x, Call)]
    return found + [k for x in statements if isinstance(x, Repeat) for k in calls(x.body)]


VIEWS = {
    "as it is": lambda u: u,
    "transposed": lambda u: u.T,
    "turned round": lambda u: u[::-1, ::-1],
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [1, 2, 7, 17])
@pytest.mark.parametrize("width", [1, 16, 65, 130])
def test_the_copy_changes_no_bit(view, dtype, rows, width, monkeypatch):
    made = program(dtype, rows, width, VIEWS[view])
    expected = Eager(made)()
    copying = Native(made, 2)
    with monkeypatch.context() as patch:
        patch.setattr(fuse, "LARGE", 1 << 60)
        reading = Native(made, 2)
    copied = "panels" in calls(copying.compiled.step.body)
    assert copied == (rows > FEW) or width == 1  # one number may be multiplied otherwise
    assert "panels" not in calls(reading.compiled.step.body)
    got = copying()
    for name, value in expected.items():
        np.testing.assert_allclose(got[name], value, **TOLERANCE[dtype])
    for name, value in reading().items():
        np.testing.assert_array_equal(got[name], value)


def test_a_matrix_that_changes_is_not_copied():
    us, h = wire("us", "float64", STEPS, 9, 9), wire("h", "float64", 12, 9)
    made = pb.Program.of(pb.loop(lambda h, u: pb.tanh(h @ u), h, us))
    native = Native(made, 2)
    assert "panels" not in calls(native.compiled.step.body)
    assert_same(Eager(made)(), native())


def test_one_loop_inside_another():
    xs, u = wire("xs", "float64", 2, STEPS, 11, 20), wire("u", "float64", 20, 20)
    h = wire("h", "float64", 11, 20)

    def outer(h, x):
        (stack,) = pb.loop(lambda h, x: pb.tanh(x + h @ u), h, x)
        return stack[-1] @ u

    (stack,) = pb.loop(outer, h, xs)
    made = pb.Program.of([stack, *pb.gradient(pb.sum(stack), [u, xs])])
    native = Native(made, 2)
    assert "panels" in calls(native.compiled.step.body)
    assert_same(Eager(made)(), native())


def test_the_next_run_sees_new_weights():
    made = program("float64", 9, 33, VIEWS["as it is"])
    native = Native(made, 2)
    native()
    (weights,) = (x for x in made.wires if x.name == "weights")
    weights.value = weights.value * 2.0
    assert_same(Eager(made)(), native())


def test_short_loops_and_small_matrices_are_left_alone(monkeypatch):
    made = program("float32", 9, 33, VIEWS["as it is"])
    for name, limit in (("LONG", STEPS + 1), ("LARGE", 33 * 33 * 4 + 1)):
        with monkeypatch.context() as patch:
            patch.setattr(fuse, name, limit)
            assert "panels" not in calls(Native(made).compiled.step.body)
