"""Products, sums so far and order along axes: NumPy's values, and slopes at ties and zeros."""

import numpy as np
import pytest
from tests.gates.test_functions import AXES, check

import pullback as pb

X = np.random.default_rng(0).permutation(24).reshape(2, 3, 4) / 10.0 - 1.15
SHAPES = [(), (0,), (1,), (2,), (7,), (31,), (3, 5), (2, 0, 3), (2, 1, 3)]
NAN = np.array([2.0, np.nan, -1.0, np.inf, np.nan, -np.inf])


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
def test_prod_is_numpys(axis, keepdims):
    value = check(lambda x: pb.prod(x, axis=axis, keepdims=keepdims), X)
    numpy_axis = tuple(axis) if isinstance(axis, list) else axis
    wanted = np.prod(X, axis=numpy_axis, keepdims=keepdims)
    np.testing.assert_allclose(value, wanted)
    assert np.shape(value) == wanted.shape


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_shapes_of_every_kind(shape):
    x = np.random.default_rng(1).normal(size=shape)
    np.testing.assert_allclose(check(pb.prod, x), np.prod(x))
    np.testing.assert_allclose(check(pb.cumsum, x), np.cumsum(x))
    np.testing.assert_array_equal(check(lambda x: pb.sort(x, axis=None), x), np.sort(x, axis=None))
    for axis in range(len(shape)):
        np.testing.assert_allclose(check(lambda x, a=axis: pb.cumsum(x, a), x), np.cumsum(x, axis))
        np.testing.assert_array_equal(check(lambda x, a=axis: pb.sort(x, a), x), np.sort(x, axis))
        k = min(shape[axis], 2)
        largest, at = pb.topk(pb.Unit(x), k, axis)
        wanted = np.flip(np.sort(x, axis), axis).take(range(k), axis)
        np.testing.assert_array_equal(largest.value, wanted)
        np.testing.assert_array_equal(np.take_along_axis(x, at.value, axis), wanted)


@pytest.mark.parametrize("zeros", [0, 1, 2, 5])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
def test_each_factor_is_pulled_by_the_product_of_all_others(size, zeros):
    x = np.random.default_rng(size).normal(size=size)
    x[: min(zeros, size)] = 0.0
    unit = pb.Unit(x)
    y = pb.prod(unit)
    (dx,) = pb.gradient(y, [unit])
    others = np.array([np.prod(np.delete(x, i)) for i in range(size)])
    np.testing.assert_allclose(dx.value, others, rtol=1e-12)
    curvature = np.array(
        [
            [0.0 if i == j else np.prod(np.delete(x, [i, j])) for j in range(size)]
            for i in range(size)
        ]
    )
    np.testing.assert_allclose(pb.hessian(y, unit).value, curvature, rtol=1e-12)


def test_the_gradient_of_a_long_product_is_no_square_of_its_length():
    x = pb.Unit(np.linspace(0.999, 1.001, 100_000))
    y = pb.prod(x)
    y.backward()
    np.testing.assert_allclose(x.grad, y.value / x.value, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool"])
def test_dtypes_are_numpys(dtype):
    x = (np.arange(6).reshape(2, 3) % 3).astype(dtype)
    for name in ("prod", "cumsum", "sort", "argsort"):
        got, wanted = getattr(pb, name)(pb.Unit(x)).value, getattr(np, name)(x)
        np.testing.assert_array_equal(got, wanted)
        assert np.asarray(got).dtype == wanted.dtype, name


def test_like_elements_stay_in_their_order_and_nan_is_the_largest():
    ties = np.array([2.0, 1.0, 2.0, 1.0, 2.0])
    np.testing.assert_array_equal(pb.argsort(ties), [1, 3, 0, 2, 4])
    np.testing.assert_array_equal(pb.topk(ties, 4)[1], [0, 2, 4, 1])
    np.testing.assert_array_equal(pb.sort(NAN), np.sort(NAN))
    np.testing.assert_array_equal(pb.topk(NAN, 6)[1], [1, 4, 3, 0, 2, 5])


def test_a_tie_pulls_the_element_that_came_first():
    x = pb.Unit([1.0, 3.0, 3.0, 2.0])
    pb.sort(x).backward([1.0, 2.0, 4.0, 8.0])
    np.testing.assert_array_equal(x.grad, [1.0, 4.0, 8.0, 2.0])
    pb.topk(x, 1)[0].backward()
    np.testing.assert_array_equal(x.grad, [0.0, 1.0, 0.0, 0.0])


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_take_along_axis_is_numpys(axis):
    indices = np.random.default_rng(2).integers(-2, 2, (2, 3, 4))
    for given in (indices, indices.take([0, 1, 0, 1, 1], axis)):
        value = check(lambda x, given=given: pb.take_along_axis(x, given, axis), X)
        np.testing.assert_array_equal(value, np.take_along_axis(X, given, axis))
    flat = pb.take_along_axis(pb.Unit(X), np.array([3, -1]), None)
    np.testing.assert_array_equal(flat.value, X.ravel()[[3, -1]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: pb.cumsum(x, 3), "cumsum along axis 3"),
        (lambda x: pb.sort(x, (0, 1)), "sort goes along one axis"),
        (lambda x: pb.topk(x, 5), "topk takes from 0 to 4 elements along axis 2, got 5"),
        (lambda x: pb.topk(x, -1), "topk takes from 0 to 4"),
        (lambda x: pb.topk(x, 1.5), "got 1.5"),
        (lambda x: pb.topk(x, True), "got True"),
        (lambda x: pb.prod(x, 4), "prod along axis 4"),
        (lambda x: pb.take_along_axis(x, [0], 0), r"needs indices of shape \(2, 3, 4\)"),
        (lambda x: pb.take_along_axis(x, np.full((2, 3, 1), 4), 2), "out of bounds"),
        (lambda x: pb.take_along_axis(x, np.ones((2, 3, 1)), 2), "needs integer indices"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(pb.CircuitError, match=message):
        call(pb.Unit(X, "x"))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_the_native_engine_sorts_and_sums_as_numpy_does(dtype):
    rng = np.random.default_rng(3)
    wires = []
    for shape, axis in [((200,), 0), ((3, 37), 1), ((17, 20), 0), ((1, 2), 1), ((0, 3), 1)]:
        x = pb.Unit((rng.normal(size=shape) * 3).round().astype(dtype))
        wires += [pb.argsort(x, axis), pb.sort(x, axis), pb.cumsum(x, axis), pb.prod(x, axis)]
        wires.append(pb.topk(x, 1 if shape[axis] else 0, axis)[1])
    if dtype.startswith("float"):
        wires += [pb.argsort(pb.Unit(NAN.astype(dtype))), pb.topk(pb.Unit(NAN.astype(dtype)), 6)[1]]
    for got, wire in zip(pb.Circuit(wires).compile("native")(), wires, strict=True):
        np.testing.assert_allclose(got, wire.value, rtol=1e-5 if dtype == "float32" else 1e-12)
        assert got.dtype == wire.dtype
