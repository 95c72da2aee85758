"""Single precision in, single precision throughout: values, gradients, gradient circuits."""

import numpy as np
import pytest

import pullback as pb

EXPRESSIONS = {
    "constants": lambda x, w: 2.0 * x + 1 - x / 3.0 + 0.5 - (1.0 - x) ** 2,
    "division": lambda x, w: 1.0 / (x * x + 2.0),
    "power": lambda x, w: (x * x + 1.0) ** 1.5,
    "maximum": lambda x, w: pb.maximum(x, 0.0) + pb.minimum(0.5, x),
    "where": lambda x, w: pb.where(x > 0.0, x, 0.1 * x) * pb.where(x > 0.5, 1.0, x),
    "clip": lambda x, w: pb.clip(x, -0.5, 0.5),
    "relu": lambda x, w: pb.relu(x) + pb.softplus(x) + pb.abs(x),
    "sigmoid": lambda x, w: pb.sigmoid(x) * pb.tanh(x) * pb.erf(x),
    "exponentials": lambda x, w: pb.log(pb.exp(x) + 1.0) + pb.log1p(pb.expm1(x * x)),
    "waves": lambda x, w: pb.sin(x) * pb.cos(x),
    "max": lambda x, w: pb.max(x, axis=0) + pb.min(x),
    "max with ties": lambda x, w: pb.max(pb.clip(x, -0.1, 0.1), axis=1),
    "mean": lambda x, w: pb.mean(x, axis=1) + pb.mean(x),
    "standardized": lambda x, w: (x - pb.mean(x)) / pb.sqrt(pb.mean((x - pb.mean(x)) ** 2) + 1e-5),
    "softmax": lambda x, w: pb.softmax(x) + pb.log_softmax(x, axis=0) - pb.logsumexp(x),
    "matmul": lambda x, w: x @ w + pb.einsum("ij,jk->ik", x, w),
    "take": lambda x, w: pb.take(x, np.array([0, 1, 1])) + x[0] + x[:, ::2][0, 0],
    "scatter": lambda x, w: pb.scatter_add(x, np.array([1]), x[:1]),
    "joins": lambda x, w: pb.concatenate([x, x * 2.0]) + pb.stack([x[0], x[1]])[0],
    "pad": lambda x, w: pb.pad(x, 1, 0.5) + pb.sum(pb.pad(x, 1)),
    "broadcast": lambda x, w: x * pb.sum(w) + w[0, 0] + pb.broadcast_to(x[0], (2, 2, 3)),
    "stop": lambda x, w: x * pb.stop_gradient(x) + pb.sign(x),
}


def floats(circuit):
    return [u for u in circuit.wires if u.dtype.kind == "f" and not u.is_constant]


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_single_precision_throughout(name):
    rng = np.random.default_rng(0)
    x = pb.Unit(rng.normal(size=(2, 3)).astype("f4"), "x")
    w = pb.Unit(rng.normal(size=(3, 4)).astype("f4"), "w")
    y = EXPRESSIONS[name](x, w)
    assert y.dtype == np.float32
    y.backward()
    for unit in floats(pb.Circuit(y)):
        assert unit.dtype == np.float32, unit
        assert unit.grad.dtype == np.float32, unit
    sources = pb.Circuit(y).inputs
    first = pb.gradient(y, sources)
    for unit in floats(pb.Circuit(first)):
        assert unit.dtype == np.float32, unit
    for source, g in zip(sources, first, strict=True):
        assert g.dtype == np.float32
        np.testing.assert_allclose(g.value, source.grad, rtol=1e-5, atol=1e-6)
    again = pb.gradient(pb.sum(first[0]), sources[0])
    assert again.dtype == np.float32
    for unit in (y, first[0]):
        unit.forward()
        assert unit.dtype == np.float32


@pytest.mark.parametrize("pull", [1.0, 2, np.float64(0.5), np.ones((2, 3))], ids=str)
def test_a_double_pull_is_cast(pull):
    x = pb.Unit(np.ones((2, 3), np.float32))
    y = x * x
    y.backward(pull)
    assert y.grad.dtype == x.grad.dtype == np.float32
    assert pb.gradient(y, x, pull).dtype == np.float32


def test_mixed_precision_gives_each_wire_a_gradient_of_its_own():
    a = pb.Unit(np.ones(3, np.float32), "a")
    b = pb.Unit(np.ones(3), "b")
    c = pb.Unit(2.0, "c")
    y = a * b * c
    assert y.dtype == np.float64
    y.backward()
    assert (a.grad.dtype, b.grad.dtype, type(c.grad)) == (np.float32, np.float64, float)
    da, db, dc = pb.gradient(y, [a, b, c])
    assert (da.dtype, db.dtype, dc.dtype) == (np.float32, np.float64, np.float64)
    assert dc.shape == ()


def test_a_python_float_does_not_widen_an_array():
    w = pb.Unit(0.5, "rate")
    x = pb.Unit(np.ones(3, np.float32), "x")
    y = x * w
    assert y.dtype == np.float32
    assert (y - w * x * 2.0).dtype == np.float32
    total = pb.sum(y)
    total.backward()
    assert w.grad == 3.0


def test_jacobians_and_hessians_keep_the_precision():
    x = pb.Unit(np.ones(3, np.float32))
    assert pb.jacobian(x * x, x).dtype == np.float32
    assert pb.jacobian(x[:0], x).dtype == np.float32
    assert pb.hessian(pb.sum(x**3), x).dtype == np.float32
    v = np.ones(3, np.float32)
    assert pb.hessian_vector_product(pb.sum(x**3), [x], [v])[0].dtype == np.float32
    assert pb.jacobian_vector_product(x * x, [x], [v]).dtype == np.float32
