"""Lengths, products, systems and factors: NumPy's values, slopes, and refusals by name."""

import numpy as np
import pytest
from tests.gates.test_functions import check

import pullback as pb
from pullback.gates.linalg import __all__ as NAMES

RNG = np.random.default_rng(0)
A = RNG.normal(size=(2, 3, 3)) / 3.0 + 2.0 * np.eye(3)
X = RNG.normal(size=(2, 3, 4))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    ("order", "axis"),
    [
        *((None, None), (None, 0), (None, (0, 2)), (None, -1), (2, 1), (1, 2), (np.inf, 0)),
        *((-np.inf, 1), (0, 2), ("fro", (0, 1))),
    ],
)
def test_norm_is_numpys(order, axis, keepdims):
    value = check(lambda x: pb.norm(x, order, axis, keepdims), X)
    wanted = np.linalg.norm(X, order, axis, keepdims)
    np.testing.assert_allclose(value, wanted)
    assert np.shape(value) == np.shape(wanted)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (2, 0)], ids=str)
def test_lengths_of_every_shape(shape):
    x = RNG.normal(size=shape)
    np.testing.assert_allclose(check(pb.norm, x), np.linalg.norm(x))


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_the_length_of_nothing_pulls_nowhere(engine):
    x = pb.Unit(np.array([[0.0, 0.0], [3.0, 4.0]]), "x")
    y = pb.sum(pb.norm(x, axis=1))
    (dx,) = pb.gradient(y, [x])
    (ddx,) = pb.gradient(pb.sum(dx * dx), [x])
    value, first, second = pb.Circuit([y, dx, ddx]).compile(engine)()
    assert value == 5.0
    np.testing.assert_allclose(first, [[0.0, 0.0], [0.6, 0.8]])
    np.testing.assert_allclose(second, np.zeros((2, 2)), atol=1e-15)


@pytest.mark.parametrize("order", ["nuc", 3, -2])
def test_norms_without_a_gate_are_refused(order):
    with pytest.raises(pb.CircuitError, match=f"norm of order {order!r} along 3 axes"):
        pb.norm(pb.Unit(X), order)


PRODUCTS = [((), (3,)), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((3,), (2, 3, 5))]
PRODUCTS += [((4, 2, 3), (2, 3, 5)), ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((2, 3), ())]


@pytest.mark.parametrize(("left", "right"), PRODUCTS)
def test_dot_inner_and_outer_are_numpys(left, right):
    a, b = RNG.normal(size=left), RNG.normal(size=right)
    np.testing.assert_allclose(check(pb.dot, a, b), np.dot(a, b), atol=1e-14)
    np.testing.assert_allclose(check(pb.outer, a, b), np.outer(a, b))
    if b.ndim > 1:
        b = np.swapaxes(b, -1, -2)
    np.testing.assert_allclose(check(pb.inner, a, b), np.inner(a, b), atol=1e-14)


@pytest.mark.parametrize(
    ("left", "right", "axes"),
    [
        *(
            ((2, 3), (3, 4), 1),
            ((2, 3), (2, 3), 2),
            ((2,), (3,), 0),
            ((2, 3), (4, 2), ((0,), (1,))),
        ),
        *(((2, 3, 4), (4, 2, 5), ([0, 2], [1, 0])), ((3, 4), (5, 3), (0, 1)), ((2, 0), (0, 2), 1)),
        ((2, 3, 4), (3, 4), ((-2, -1), (0, 1))),
    ],
)
def test_tensordot_is_numpys(left, right, axes):
    a, b = RNG.normal(size=left), RNG.normal(size=right)
    value = check(lambda a, b: pb.tensordot(a, b, axes), a, b)
    np.testing.assert_allclose(value, np.tensordot(a, b, axes), atol=1e-14)


@pytest.mark.parametrize("call", [pb.dot, pb.inner, lambda a, b: pb.tensordot(a, b, 1)])
def test_products_that_do_not_fit_are_refused(call):
    with pytest.raises(pb.CircuitError, match=r"\(2, 3\) and \(2, 2\)"):
        call(pb.Unit(np.ones((2, 3))), np.ones((2, 2)))
    with pytest.raises(pb.CircuitError, match="tensordot along axis 2"):
        pb.tensordot(np.ones(2), np.ones(2), ([2], [0]))


# Matrices ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 2), (2, 3, 1), (3,), (5, 1, 3, 4)])
def test_solve_is_numpys(shape):
    b = RNG.normal(size=shape)
    np.testing.assert_allclose(check(pb.linalg.solve, A, b), np.linalg.solve(A, b))
    np.testing.assert_allclose(check(pb.linalg.solve, A[0], b), np.linalg.solve(A[0], b))


@pytest.mark.parametrize("size", [0, 1, 2, 5])
def test_matrices_of_every_size(size):
    a = RNG.normal(size=(size, size)) / 3.0 + 2.0 * np.eye(size)
    np.testing.assert_allclose(check(pb.linalg.inv, a), np.linalg.inv(a))
    np.testing.assert_allclose(check(pb.linalg.det, a), np.linalg.det(a))
    sign, logarithm = np.linalg.slogdet(a)
    assert pb.linalg.slogdet(a).sign == sign
    made = check(lambda a: pb.linalg.slogdet(a).logabsdet, a)
    np.testing.assert_allclose(made, logarithm, atol=1e-14)
    definite = a @ a.T
    made = check(pb.linalg.cholesky, definite)
    np.testing.assert_allclose(made, np.linalg.cholesky(definite), atol=1e-13)


def test_the_gradient_by_a_symmetric_matrix_is_symmetric():
    x = pb.Unit(A[0] @ A[0].T)
    pb.linalg.cholesky(x).backward(RNG.normal(size=(3, 3)))
    np.testing.assert_allclose(x.grad, x.grad.T)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 4, 17, 40])
def test_the_native_engine_exchanges_rows_as_it_must(size, dtype):
    """The diagonal is zero, so that no elimination without exchanges comes far."""
    rng = np.random.default_rng(size)
    a = np.roll(np.eye(size), 1, 0) * 2.0 + rng.normal(size=(3, size, size)) / size**0.5 / 4.0
    a, b = a.astype(dtype), rng.normal(size=(3, size, 5)).astype(dtype)
    matrices, right = pb.Unit(a, "a"), pb.Unit(b, "b")
    wires = [
        pb.linalg.solve(matrices, right),
        pb.linalg.det(matrices),
        *pb.linalg.slogdet(matrices),
        pb.linalg.cholesky(matrices @ pb.swapaxes(matrices, 1, 2)),
    ]
    double = np.asarray(a, float)
    sign, logarithm = np.linalg.slogdet(double)
    exact = [np.linalg.solve(double, b), np.linalg.det(double), sign, logarithm]
    exact.append(np.linalg.cholesky(double @ np.swapaxes(double, 1, 2)))
    close = {"rtol": 1e-3, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-9, "atol": 1e-11}
    found = pb.Circuit(wires).compile("native")()
    for got, wanted in zip(found, exact, strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, wanted, **close)


SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
INDEFINITE = np.array([[1.0, 0.0], [0.0, -1.0]])


@pytest.mark.parametrize(
    ("name", "bad", "message"),
    [
        ("inv", SINGULAR, "'A'.* the matrix is singular"),
        ("cholesky", INDEFINITE, "'A'.* the matrix is not positive definite"),
    ],
)
def test_a_matrix_without_an_answer_is_named(name, bad, message):
    with pytest.raises(pb.CircuitError, match=message):
        getattr(pb.linalg, name)(pb.Unit(bad, "A"))
    matrix = pb.Unit(np.eye(2), "A")
    run = pb.Circuit(getattr(pb.linalg, name)(matrix)).compile("native")
    run()
    matrix.value = bad
    with pytest.raises(pb.CircuitError, match=message):
        run()
    matrix.value = 2.0 * np.eye(2)
    run()


def test_a_determinant_of_zero_has_a_value_but_no_gradient():
    x = pb.Unit(SINGULAR, "A")
    y, logarithm = pb.linalg.det(x), pb.linalg.slogdet(x)
    assert y.value == 0.0
    assert (logarithm.sign.value, logarithm.logabsdet.value) == (0.0, -np.inf)
    with pytest.raises(pb.CircuitError, match=r"'A'.* singular"):
        y.backward()
    found = pb.Circuit([y, *logarithm]).compile("native")()
    np.testing.assert_array_equal(found, [0.0, 0.0, -np.inf])


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"norm"}))
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_matrices_must_be_square(name, shape):
    right = [np.ones(3)] if name == "solve" else []
    with pytest.raises(pb.CircuitError, match=f"{name} takes square matrices") as refused:
        getattr(pb.linalg, name)(pb.Unit(np.ones(shape)), *right)
    assert str(refused.value).endswith(f"got {shape}")


def test_right_hand_sides_must_fit():
    for b in (np.ones((2, 1)), np.ones(2), 1.0):
        with pytest.raises(pb.CircuitError, match="the second needs 3 rows"):
            pb.linalg.solve(A, b)
    with pytest.raises(pb.CircuitError, match="cannot take stacks"):
        pb.linalg.solve(A, np.ones((5, 3, 1)))


def test_whole_numbers_are_doubles():
    whole = np.array([[2, 0], [0, 4]])
    np.testing.assert_array_equal(pb.linalg.inv(whole), [[0.5, 0.0], [0.0, 0.25]])
    assert pb.norm(np.array([3, 4])) == 5.0
