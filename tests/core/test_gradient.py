"""Gradients as circuits: of any order, by any wire, with any pull, and what is built of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pullback as pb
from pullback.core.walk import order

# f and its derivatives up to the fourth, by hand.
DERIVATIVES = {
    "power": (
        lambda x: x**5,
        [
            lambda x: x**5,
            lambda x: 5 * x**4,
            lambda x: 20 * x**3,
            lambda x: 60 * x**2,
            lambda x: 120 * x,
        ],
    ),
    "reciprocal": (
        lambda x: 1.0 / x,
        [
            lambda x: 1 / x,
            lambda x: -1 / x**2,
            lambda x: 2 / x**3,
            lambda x: -6 / x**4,
            lambda x: 24 / x**5,
        ],
    ),
    "exp": (lambda x: pb.exp(2.0 * x), [lambda x, n=n: 2**n * np.exp(2 * x) for n in range(5)]),
    "log": (
        pb.log,
        [
            np.log,
            lambda x: 1 / x,
            lambda x: -1 / x**2,
            lambda x: 2 / x**3,
            lambda x: -6 / x**4,
        ],
    ),
    "sqrt": (
        pb.sqrt,
        [
            np.sqrt,
            lambda x: 0.5 * x**-0.5,
            lambda x: -0.25 * x**-1.5,
            lambda x: 0.375 * x**-2.5,
            lambda x: -0.9375 * x**-3.5,
        ],
    ),
    "sin": (
        pb.sin,
        [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin],
    ),
    "product": (  # Leibniz' rule: x sin x
        lambda x: x * pb.sin(x),
        [
            lambda x: x * np.sin(x),
            lambda x: np.sin(x) + x * np.cos(x),
            lambda x: 2 * np.cos(x) - x * np.sin(x),
            lambda x: -3 * np.sin(x) - x * np.cos(x),
            lambda x: -4 * np.cos(x) + x * np.sin(x),
        ],
    ),
    "tanh": (
        pb.tanh,
        [
            np.tanh,
            lambda x: 1 - np.tanh(x) ** 2,
            lambda x: -2 * np.tanh(x) * (1 - np.tanh(x) ** 2),
            lambda x: (6 * np.tanh(x) ** 2 - 2) * (1 - np.tanh(x) ** 2),
            lambda x: (16 * np.tanh(x) - 24 * np.tanh(x) ** 3) * (1 - np.tanh(x) ** 2),
        ],
    ),
    "gauss": (  # Hermite's polynomials
        lambda x: pb.exp(-(x**2)),
        [
            lambda x: np.exp(-(x**2)),
            lambda x: -2 * x * np.exp(-(x**2)),
            lambda x: (4 * x**2 - 2) * np.exp(-(x**2)),
            lambda x: (-8 * x**3 + 12 * x) * np.exp(-(x**2)),
            lambda x: (16 * x**4 - 48 * x**2 + 12) * np.exp(-(x**2)),
        ],
    ),
}


@pytest.mark.parametrize("at", [0.3, 1.0, 1.7, np.array([0.2, 0.9, 2.5])], ids=str)
@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_to_the_fourth_order(name, at):
    function, wanted = DERIVATIVES[name]
    x = pb.Unit(at, "x")
    y = function(x)
    for n, derivative in enumerate(wanted):
        np.testing.assert_allclose(y.value, derivative(at), rtol=1e-10, atol=1e-10, err_msg=str(n))
        y = pb.gradient(y, x)
    x.value = np.multiply(at, 1.1)
    for _ in range(2):  # the whole tower runs again, from the one source
        np.testing.assert_allclose(pb.gradient(function(x), x).value, wanted[1](x.value))
    fourth = function(x)
    for _ in range(4):
        fourth = pb.gradient(fourth, x)
    np.testing.assert_allclose(fourth.value, wanted[4](x.value), rtol=1e-9, atol=1e-9)


def test_a_gradient_follows_its_sources():
    x, y = pb.units(x=2.0, y=3.0)
    dx, dy = pb.gradient(x * x * y, [x, y])
    assert (dx.value, dy.value) == (12.0, 4.0)
    x.value = 5.0
    assert (dx.forward(), dy.forward()) == (30.0, 25.0)


def test_one_wire_gives_one_gradient_and_several_a_list():
    x, y = pb.units(x=2.0, y=3.0)
    f = x * y
    assert type(pb.gradient(f, x)) is pb.Unit
    assert [g.value for g in pb.gradient(f, [x, y])] == [3.0, 2.0]
    assert [g.value for g in pb.gradient(f, (y, x, y))] == [2.0, 3.0, 2.0]
    assert pb.gradient(f, []) == []


def test_gradients_by_intermediate_wires():
    x, y, z = pb.units(x=-2.0, y=5.0, z=-4.0)
    q = x + y
    f = q * z
    dq, dx, df = pb.gradient(f, [q, x, f])
    assert (dq.value, dx.value, df.value) == (-4.0, -4.0, 1.0)
    r = pb.exp(q)
    g = r * q
    dr, dq = pb.gradient(g, [r, q])
    assert dr.value == 3.0
    np.testing.assert_allclose(dq.value, r.value * 3.0 + r.value)


def test_gradient_by_what_it_does_not_depend_on_is_zero():
    x, w = pb.Unit(2.0), pb.Unit(np.ones((2, 3), np.float32))
    above = x * 2.0
    for unit in (w, above):
        g = pb.gradient(x * x, unit)
        assert (g.shape, g.dtype) == (unit.shape, unit.dtype)
        np.testing.assert_array_equal(g.value, np.zeros(unit.shape))
    assert pb.gradient(pb.stop_gradient(x) * 3.0, x).value == 0.0
    assert pb.gradient(pb.gradient(3.0 * x, x), x).value == 0.0


def test_the_pull_may_be_a_number_an_array_or_a_wire():
    x = pb.Unit([1.0, 2.0, 3.0])
    y = x * x
    np.testing.assert_array_equal(pb.gradient(y, x).value, [2.0, 4.0, 6.0])
    np.testing.assert_array_equal(pb.gradient(y, x, -0.5).value, [-1.0, -2.0, -3.0])
    np.testing.assert_array_equal(pb.gradient(y, x, [1.0, 0.0, 2.0]).value, [2.0, 0.0, 12.0])
    for start in (2.0, np.array([2.0]), np.array([2.0, 2.0, 2.0])):
        pull = pb.Unit(start, "pull")
        dx = pb.gradient(y, x, pull)
        np.testing.assert_array_equal(dx.value, [4.0, 8.0, 12.0])
        pull.value = -pull.value
        np.testing.assert_array_equal(dx.forward(), [-4.0, -8.0, -12.0])
        dpull = pb.gradient(pb.sum(dx), pull)
        assert dpull.shape == pull.shape
        np.testing.assert_allclose(np.sum(dpull.value), 12.0)
    with pytest.raises(pb.CircuitError, match=r"pull of shape \(2,\) does not fit"):
        pb.gradient(y, x, [1.0, 2.0])
    with pytest.raises(pb.CircuitError):
        pb.gradient(y, x, pb.Unit([1.0, 2.0]))


def test_only_floats_have_a_gradient():
    x, k = pb.Unit([1.0, 2.0]), pb.Unit(np.array([0, 1]), "k")
    with pytest.raises(pb.CircuitError, match="'k' carries int64 values; only floats have"):
        pb.gradient(pb.take(x, k), k)
    with pytest.raises(pb.CircuitError, match="bool"):
        pb.gradient(x > 1.0, x)


def test_gradient_leaves_grad_alone():
    x = pb.Unit(2.0)
    y = x * x
    y.backward(5.0)
    pb.gradient(y, x)
    assert (x.grad, y.grad) == (20.0, 5.0)


def test_only_the_path_to_what_is_wanted_is_built():
    """The gradient by the last layer does not pay for the layers before it."""
    x = pb.Unit(0.5)
    h = x
    for _ in range(100):
        h = pb.sin(h)
    w = pb.Unit(2.0)
    dw = pb.gradient(h * w, w)
    new = [unit for unit in pb.Circuit(dw).gates if unit.index > w.index + 1]
    assert len(new) <= 2
    assert dw.value == h.value


def test_the_derivative_of_a_constant_folds():
    x = pb.Unit(2.0)
    assert pb.gradient(3.0 * x + 1.0, x).is_constant
    assert pb.gradient(x + x, x).value == 2.0
    c = pb.constant(2.0) * pb.constant(3.0)
    assert c.is_constant
    assert c.value == 6.0
    assert pb.exp(pb.constant([0.0, 1.0])).is_constant
    assert not (x * pb.constant(3.0)).is_constant


def test_no_gate_multiplies_by_one():
    a, b = pb.units(a=2.0, b=3.0)
    x = pb.Unit(np.ones((2, 3)))
    for found in (
        pb.gradient(pb.exp((a + b) * a) + b, [a, b]),
        pb.gradient(pb.sum(pb.exp(x + x * 2.0)), [x]),
    ):
        for unit in order(found):
            if unit.gate is not None and unit.gate.name == "multiply":
                assert not any(u.is_constant and np.all(u.value == 1.0) for u in unit.inputs)


def test_each_gradient_is_a_wire_of_its_own_to_be_named():
    a, b = pb.units(a=2.0, b=3.0)
    y = pb.exp(a).named("y")
    (pull,) = pb.units(pull=1.0)
    for of, by in [
        (y, [a, a]),
        (a * b, [a, b]),
        (pb.exp(a + b), [a, b]),
        (a + b, [a, b]),
        (a, [a]),
    ]:
        known = {*order([of]), pull}
        for found in (pb.gradient(of, by), pb.gradient(of, by, pull)):
            assert len(set(found)) == len(found)
            assert not known & set(found)


def test_gradient_through_a_gradient_step():
    """Differentiating through one step of descent, as meta-learning does."""
    w, rate = pb.units(w=3.0, rate=0.1)
    after = w - rate * pb.gradient(w**2, w)
    loss = after**2
    # after = w (1 - 2 rate), so d loss / d rate = -4 w² (1 - 2 rate)
    np.testing.assert_allclose(pb.gradient(loss, rate).value, -4 * 9 * 0.8)
    np.testing.assert_allclose(pb.gradient(loss, w).value, 2 * 3 * 0.8**2)


# Jacobians, Hessians and products with them ------------------------------------------------------

A = np.random.default_rng(0).normal(size=(3, 4))
V = np.random.default_rng(1).normal(size=4)


def ours(x):
    return pb.tanh(pb.matmul(A, x)) * pb.sum(x * x) + x[:3]


def theirs(x):
    return jnp.tanh(jnp.matmul(A, x)) * jnp.sum(x * x) + x[:3]


@pytest.fixture
def double_precision():
    with jax.enable_x64(True):
        yield


@pytest.mark.usefixtures("double_precision")
def test_jacobian_hessian_and_products_are_jax_s():
    start, along = np.array([0.3, -0.7, 1.1, 0.2]), np.array([1.0, -2.0, 0.5, 0.25])
    x = pb.Unit(start)
    y = ours(x)
    total = pb.sum(pb.sin(y))

    def their_total(v):
        return jnp.sum(jnp.sin(theirs(v)))

    jacobian = jax.jacobian(theirs)(start)
    hessian = jax.hessian(their_total)(start)
    np.testing.assert_allclose(pb.jacobian(y, x).value, jacobian, rtol=1e-10)
    np.testing.assert_allclose(pb.hessian(total, x).value, hessian, rtol=1e-9)
    (product,) = pb.hessian_vector_product(total, [x], [along])
    np.testing.assert_allclose(product.value, hessian @ along, rtol=1e-9)
    moved = pb.jacobian_vector_product(y, [x], [along])
    _, wanted = jax.jvp(theirs, (start,), (along,))
    np.testing.assert_allclose(moved.value, wanted, rtol=1e-10)
    x.value = start * 0.5
    np.testing.assert_allclose(
        pb.Circuit(moved).forward(), jax.jvp(theirs, (start * 0.5,), (along,))[1], rtol=1e-10
    )


@pytest.mark.usefixtures("double_precision")
def test_products_by_several_wires():
    w, b = np.array([[0.5, -1.0], [2.0, 0.3]]), np.array([0.1, -0.2])
    dw, db = np.array([[1.0, 0.0], [-1.0, 2.0]]), np.array([3.0, 1.0])
    uw, ub = pb.units(w=w, b=b)
    y = pb.sigmoid(uw @ np.array([1.0, 2.0]) + ub) * ub

    def f(w, b):
        return jax.nn.sigmoid(w @ jnp.array([1.0, 2.0]) + b) * b

    _, wanted = jax.jvp(f, (w, b), (dw, db))
    np.testing.assert_allclose(pb.jacobian_vector_product(y, [uw, ub], [dw, db]).value, wanted)
    _, wanted = jax.jvp(jax.grad(lambda w, b: jnp.sum(f(w, b)), (0, 1)), (w, b), (dw, db))
    products = pb.hessian_vector_product(y, [uw, ub], [dw, db])
    for product, value in zip(products, wanted, strict=True):
        np.testing.assert_allclose(product.value, value, rtol=1e-9, atol=1e-12)


def test_shapes_of_jacobians():
    x, s = pb.Unit(np.ones((2, 3))), pb.Unit(2.0)
    assert pb.jacobian(pb.sum(x, axis=0), x).shape == (3, 2, 3)
    assert pb.jacobian(pb.sum(x), x).shape == (2, 3)
    assert pb.jacobian(s * x, s).shape == (2, 3)
    assert pb.jacobian(s * s, s).shape == ()
    assert pb.jacobian(x[:0], x).shape == (0, 3, 2, 3)
    assert pb.hessian(pb.sum(x * x), x).shape == (2, 3, 2, 3)
    np.testing.assert_array_equal(pb.hessian(pb.sum(x * x), x).value.reshape(6, 6), 2.0 * np.eye(6))
    assert pb.hessian(pb.sum(x), x).shape == (2, 3, 2, 3)
    with pytest.raises(pb.CircuitError, match=r"a Hessian is of one number; 'y' has"):
        pb.hessian((x * x).named("y"), x)


def test_directional_derivative_of_a_linear_function():
    x = pb.Unit([1.0, 2.0])
    moved = pb.jacobian_vector_product(pb.sum(x), [x], [[3.0, 4.0]])
    assert moved.value == 7.0
    flat = pb.jacobian_vector_product(pb.stop_gradient(x), [x], [[3.0, 4.0]])
    np.testing.assert_array_equal(flat.value, [0.0, 0.0])


def test_a_stale_circuit_has_no_gradient():
    x = pb.Unit(0.0, "x")
    f = pb.exp(x)
    x.value = 1.0
    for ask in (lambda: pb.gradient(f, x), lambda: pb.jacobian(f, x), lambda: pb.hessian(f, x)):
        with pytest.raises(pb.StaleError, match="'x' was given a new value"):
            ask()
    f.forward()
    assert pb.gradient(f, x).value == pytest.approx(np.e)


def test_gradients_of_what_is_no_wire_are_refused():
    x = pb.Unit(1.0, "x")
    with pytest.raises(pb.CircuitError, match=r"of a wire by wires, got 3\.0"):
        pb.gradient(3.0, x)
    with pytest.raises(pb.CircuitError, match="of a wire by wires, got 'x'"):
        pb.gradient(x * x, "x")


def test_products_take_one_wire_or_several():
    x = pb.Unit(np.array([1.0, 2.0]), "x")
    one = pb.hessian_vector_product(x**3, x, [1.0, 1.0])
    several = pb.hessian_vector_product(x**3, [x], [[1.0, 1.0]])
    np.testing.assert_array_equal(one.value, several[0].value)
    with pytest.raises(pb.CircuitError, match=r"'x' of shape \(2,\) cannot move along \(3,\)"):
        pb.jacobian_vector_product(x * x, x, [1.0, 2.0, 3.0])
    with pytest.raises(pb.CircuitError, match="1 wires need as many vectors, got 2"):
        pb.jacobian_vector_product(x * x, [x], [[1.0, 2.0], [1.0, 2.0]])
