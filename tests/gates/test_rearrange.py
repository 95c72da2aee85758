"""What moves elements: NumPy's values for NumPy's arguments, and their slopes."""

import numpy as np
import pytest
from tests.gates.test_functions import check

import pullback as pb

X = np.arange(24.0).reshape(2, 3, 4) / 10.0 - 1.0
SHAPES = [(), (0,), (1,), (7,), (3, 5), (2, 0, 3)]
CALLS = {
    "ravel": [{}],
    "flip": [{}, {"axis": 0}, {"axis": -1}, {"axis": (0, 2)}],
    "repeat": [
        *({"repeats": 2}, {"repeats": 0, "axis": 1}, {"repeats": 3, "axis": -1}),
        *({"repeats": [1, 0, 2], "axis": 1}, {"repeats": np.arange(24)}, {"repeats": [2]}),
    ],
    "tile": [{"reps": 2}, {"reps": (2, 1)}, {"reps": (1, 2, 1, 3)}, {"reps": 0}, {"reps": ()}],
    "roll": [
        *({"shift": 1}, {"shift": -30}, {"shift": 0}, {"shift": 1, "axis": 1}),
        *({"shift": (1, -2), "axis": (0, 2)}, {"shift": 5, "axis": (1, 1)}),
        {"shift": (1, 2), "axis": 2},
    ],
    "diff": [
        *({}, {"n": 2}, {"n": 0}, {"axis": 0}, {"n": 3, "axis": 1}, {"n": 9}),
        *({"prepend": 0.0}, {"append": X[..., :2]}, {"prepend": X[:1], "append": 2.0, "axis": 0}),
    ],
}


@pytest.mark.parametrize("name", CALLS)
def test_elements_move_as_numpys(name):
    for options in CALLS[name]:
        value = check(lambda x, o=options: getattr(pb, name)(x, **o), X)
        wanted = getattr(np, name)(X, **options)
        np.testing.assert_allclose(value, wanted, atol=1e-15, err_msg=str(options))
        assert value.shape == wanted.shape


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_shapes_of_every_kind(shape):
    x = np.random.default_rng(0).normal(size=shape)
    for name, options in {
        "ravel": {},
        "flip": {},
        "repeat": {"repeats": 3},
        "tile": {"reps": (2, 2)},
        "roll": {"shift": 2},
    }.items():
        value = check(lambda x, name=name, o=options: getattr(pb, name)(x, **o), x)
        np.testing.assert_array_equal(value, getattr(np, name)(x, **options), err_msg=name)
    if shape:
        np.testing.assert_allclose(check(pb.diff, x), np.diff(x))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: pb.repeat(x, -1), "repeat needs 1 number from 0 on"),
        (lambda x: pb.repeat(x, [1, 2], 1), "or 3, got"),
        (lambda x: pb.repeat(x, 1.5), "whole numbers"),
        (lambda x: pb.tile(x, -1), "tile needs numbers from 0 on"),
        (lambda x: pb.roll(x, (1, 2, 3), (0, 1)), "give a shift for each axis"),
        (lambda x: pb.roll(x, 1, 3), "roll along axis 3"),
        (lambda x: pb.diff(x, -1), "0 times or more"),
        (lambda x: pb.diff(x[0, 0, 0]), "diff needs an axis"),
        (lambda x: pb.flip(x, 5), "flip along axis 5"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(pb.CircuitError, match=message):
        call(pb.Unit(X, "x"))


def test_dtypes_stay():
    for dtype in ("float32", "int64", "bool"):
        x = pb.Unit(X.astype(dtype))
        for y in (pb.ravel(x), pb.flip(x), pb.repeat(x, 2), pb.tile(x, 2), pb.roll(x, 1)):
            assert y.dtype == dtype


def test_they_compile():
    x = pb.Unit(X, "x")
    wires = [
        *(getattr(pb, name)(x, **options) for name in CALLS for options in CALLS[name]),
    ]
    dx = pb.gradient(sum(pb.sum(y * y) for y in wires), [x])
    for got, wire in zip(pb.Circuit([*wires, *dx]).compile("native")(), [*wires, *dx], strict=True):
        np.testing.assert_allclose(got, wire.value, rtol=1e-9, atol=1e-12)
