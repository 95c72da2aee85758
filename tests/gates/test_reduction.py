"""Reductions at their edges: of nothing, of truth values, of numbers far from zero and of ties."""

import numpy as np
import pytest
from scipy import special

import pullback as pb

EMPTY = [((0,), None), ((0,), 0), ((0, 3), 0), ((3, 0), 1), ((0, 3), None), ((2, 0, 3), (0, 1))]


def native(wires):
    """What native code makes of wires."""
    return pb.prepare("native", pb.Program({}, wires, {}))()


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("shape", "axis"), EMPTY)
def test_sums_and_means_of_nothing_are_numpys(shape, axis, keepdims):
    x = pb.Unit(np.zeros(shape))
    for function, theirs in (pb.sum, np.sum), (pb.mean, np.mean):
        with np.errstate(all="ignore"), pytest.MonkeyPatch.context() as patch:
            patch.setattr("warnings.warn", lambda *told, **how: None)  # NumPy's, of an empty mean
            wanted = theirs(x.value, axis=axis, keepdims=keepdims)
        got = function(x, axis, keepdims=keepdims)
        np.testing.assert_array_equal(got.value, wanted)
        assert got.shape == np.shape(wanted)
        assert pb.gradient(got, x).shape == shape


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("shape", "axis"), EMPTY)
def test_logsumexp_of_nothing_is_minus_infinity(shape, axis, keepdims):
    x = pb.Unit(np.zeros(shape))
    y = pb.logsumexp(x, axis, keepdims=keepdims)
    wanted = np.full(np.sum(x.value, axis=axis, keepdims=keepdims).shape, -np.inf)
    np.testing.assert_array_equal(y.value, wanted)
    assert y.shape == wanted.shape
    y.backward()
    assert x.grad.shape == shape


@pytest.mark.parametrize("function", [pb.softmax, pb.log_softmax])
@pytest.mark.parametrize(("shape", "axis"), [pair for pair in EMPTY if pair[1] is not None])
def test_the_softmax_of_nothing_is_nothing(function, shape, axis):
    x = pb.Unit(np.zeros(shape))
    y = function(x, axis)
    assert y.shape == pb.gradient(y, x).shape == shape


def test_native_code_makes_the_same_of_nothing():
    x = pb.Unit(np.zeros((0, 3)))
    made = {"a": pb.logsumexp(x, 0), "b": pb.softmax(x, 0), "c": pb.sum(x), "d": pb.sum(x, 0)}
    got = native(made)
    for name, y in made.items():
        np.testing.assert_array_equal(got[name], y.value)


@pytest.mark.parametrize("function", [pb.max, pb.min, pb.argmax, pb.argmin])
@pytest.mark.parametrize(("shape", "axis"), [((0,), None), ((0, 3), 0)])
def test_nothing_has_no_largest_and_no_smallest(function, shape, axis):
    with pytest.raises(pb.CircuitError, match="of shape"):
        function(pb.Unit(np.zeros(shape)), axis)


@pytest.mark.parametrize("axis", [None, 0, (0, 1)])
def test_a_mean_of_half_precision_holds_where_the_sum_would_not(axis):
    x = np.full((300, 400), 3.0, np.float16)
    unit = pb.Unit(x)
    y = pb.mean(unit, axis=axis)
    assert y.dtype == np.float16
    np.testing.assert_array_equal(y.value, np.mean(x, axis=axis))
    assert pb.gradient(y, unit, np.ones(y.shape, np.float16)).dtype == np.float16


def test_a_sum_of_truth_values_is_how_many_are_true():
    x = pb.Unit(2.0)
    several = pb.Unit(np.arange(4.0)) < 3.0
    made = {"1": pb.sum(x < 3.0), "0": pb.sum(x > 3.0), "3": pb.sum(several)}
    got = native(made)
    for count, y in made.items():
        assert y.value == got[count] == int(count)
        assert y.dtype == got[count].dtype == np.int64
    assert pb.mean(x < 3.0).value == 1.0
    assert pb.mean(several).value == 0.75


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_gradient_of_logsumexp_adds_up_to_one_at_any_size(dtype):
    rows = [[1e17, 1e17], [-1e17, -1e17], [3e38, 3e38], [3e4, 3e4 - 1.0], [1e17, 0.0]]
    x = pb.Unit(np.array(rows, dtype))
    y = pb.logsumexp(x, axis=1)
    y.backward()
    wanted = special.softmax(x.value.astype(float), axis=1)
    np.testing.assert_allclose(x.grad, wanted, rtol=1e-6)
    np.testing.assert_allclose(native({"": pb.gradient(y, x)})[""], wanted, rtol=1e-6)


def test_an_infinite_element_is_all_of_logsumexp_or_nothing():
    x = pb.Unit([-np.inf, 0.0])
    y = pb.logsumexp(x)
    y.backward()
    assert y.value == 0.0
    assert x.grad.tolist() == [0.0, 1.0]
    assert pb.logsumexp([np.inf, 0.0]) == np.inf
    assert pb.logsumexp([-np.inf, -np.inf]) == -np.inf


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("axis", [0, 1, (0, 1)])
def test_moments_keep_their_digits_far_from_zero(dtype, axis):
    rng = np.random.default_rng(3)
    x = pb.Unit((1e3 + rng.integers(-9, 10, (640, 31))).astype(dtype))  # exact in every precision
    exact = x.value.astype(np.longdouble)
    wanted = {
        "centre": (exact - exact.mean(axis, keepdims=True)).astype(float),
        "var": exact.var(axis).astype(float),
    }
    made = {"centre": pb.centre(x, axis), "var": pb.var(x, axis)}
    got = native(made) if dtype != "f2" else {}
    for name, y in made.items():
        assert y.dtype == x.dtype
        for found in [y.value, *([got[name]] if got else [])]:
            error = np.abs(found - wanted[name]).max() / np.abs(wanted[name]).max()
            assert error < (8 if dtype == "f8" else 1) * np.finfo(dtype).eps, name


def test_the_spread_of_one_number_is_zero_and_never_below():
    for number in (0.1, 1e4 / 3, -7e30):
        x = pb.Unit(np.full((1000, 3), number, np.float32))
        assert (pb.centre(x, 0).value == 0.0).all()
        spread = pb.var(x, 0).value
        assert (spread >= 0.0).all()
        assert (spread <= 1e-12 * np.square(np.float64(number))).all()


def test_moments_of_nothing_and_of_whole_numbers_are_numpys():
    with np.errstate(all="ignore"):
        assert np.isnan(pb.var(pb.Unit(np.zeros((0, 2), np.float32)), 0).value).all()
    assert pb.centre(pb.Unit(np.zeros((0, 2), np.float32)), 0).shape == (0, 2)
    whole = np.array([1, 2, 6])
    assert pb.var(whole).dtype == np.float64
    np.testing.assert_allclose(pb.var(whole), np.var(whole), rtol=1e-15)
    assert pb.centre(whole).tolist() == [-2.0, -1.0, 3.0]
