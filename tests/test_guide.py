"""The guide's circuits give the guide's numbers: chapter 1 in full, and chapter 2's cost."""

import math

import numpy as np
import pytest

import pullback as pb

STEP = 0.01


def respond(*units):
    """Let wires move a little along the forces on them."""
    for unit in units:
        unit.value += STEP * unit.grad


def numerical(function, h, *at):
    """The guide's one-sided numerical gradient."""
    start = function(*at)
    slopes = []
    for i in range(len(at)):
        moved = list(at)
        moved[i] += h
        slopes.append((function(*moved) - start) / h)
    return slopes


# Single gate -------------------------------------------------------------------------------------


def test_the_multiply_gate():
    x, y = pb.units(x=-2.0, y=3.0)
    f = x * y
    assert f.value == -6.0
    assert pb.Circuit(f).forward(x=-1.99, y=2.99) == pytest.approx(-5.95, abs=5e-4)


def test_numerical_gradient_and_a_step_along_it():
    x, y = pb.units(x=-2.0, y=3.0)
    circuit = pb.Circuit(x * y)
    dx, dy = numerical(lambda x, y: circuit.forward(x=x, y=y), 0.0001, -2.0, 3.0)
    assert (dx, dy) == (pytest.approx(3.0), pytest.approx(-2.0))
    out = circuit.forward(x=-2.0 + STEP * dx, y=3.0 + STEP * dy)
    assert out == pytest.approx(-5.87, abs=5e-3)


def test_analytic_gradient_and_a_step_along_it():
    x, y = pb.units(x=-2.0, y=3.0)
    f = x * y
    f.backward()
    assert (x.grad, y.grad) == (3.0, -2.0)
    respond(x, y)
    assert (x.value, y.value) == (pytest.approx(-1.97), pytest.approx(2.98))
    assert f.forward() == pytest.approx(-5.87, abs=1e-3)
    assert f.value == pytest.approx(-5.8706)


def test_a_bigger_step_may_do_better_here():
    x, y = pb.units(x=-2.0, y=3.0)
    f = x * y
    f.backward()
    x.value, y.value = x.value + 1.0 * x.grad, y.value + 1.0 * y.grad
    assert f.forward() == 1.0  # (-2 + 3) (3 - 2)


# Several gates -----------------------------------------------------------------------------------


def test_two_gates():
    x, y, z = pb.units(x=-2.0, y=5.0, z=-4.0)
    q = x + y
    f = q * z
    assert (q.value, f.value) == (3.0, -12.0)
    f.backward()
    assert [x.grad, y.grad, z.grad] == [-4.0, -4.0, 3.0]
    assert (q.grad, f.grad) == (-4.0, 1.0)
    slopes = numerical(lambda x, y, z: (x + y) * z, 0.0001, -2.0, 5.0, -4.0)
    assert slopes == [pytest.approx(g, abs=1e-3) for g in (-4.0, -4.0, 3.0)]
    respond(x, y, z)
    assert [x.value, y.value, z.value] == pytest.approx([-2.04, 4.96, -3.97])
    assert f.forward() == pytest.approx(-11.59, abs=5e-3)
    assert q.value == pytest.approx(2.92)


def test_a_gate_scales_and_turns_the_pull_from_above():
    x, y = pb.units(x=-2.0, y=5.0)
    q = x + y
    for force in (1.0, -4.0, 100.0, 0.0):
        q.backward(force)
        assert (x.grad, y.grad) == (force, force)


# The neuron --------------------------------------------------------------------------------------


def neuron():
    a, b, c, x, y = pb.units(a=1.0, b=2.0, c=-3.0, x=-1.0, y=3.0)
    return (a, b, c, x, y), pb.sigmoid(a * x + b * y + c)


def test_the_neuron():
    sources, s = neuron()
    assert s.value == pytest.approx(0.8808, abs=5e-5)
    assert s.inputs[0].value == 2.0
    s.backward()
    grads = [unit.grad for unit in sources]
    assert grads == pytest.approx([-0.105, 0.315, 0.105, 0.105, 0.210], abs=5e-4)
    slopes = numerical(
        lambda a, b, c, x, y: 1 / (1 + math.exp(-(a * x + b * y + c))), 1e-4, 1, 2, -3, -1, 3
    )
    assert grads == pytest.approx(slopes, abs=1e-4)
    respond(*sources)
    assert s.forward() == pytest.approx(0.8825, abs=1e-4)


def test_the_neuron_on_arrays_is_the_neuron_on_numbers():
    sources, s = neuron()
    s.backward()
    w, x, c = pb.units(w=[1.0, 2.0], x=[-1.0, 3.0], c=-3.0)
    t = pb.sigmoid(w @ x + c)
    t.backward()
    a, b, c0, x0, y0 = sources
    assert float(t.value) == pytest.approx(s.value)
    assert w.grad == pytest.approx([a.grad, b.grad])
    assert x.grad == pytest.approx([x0.grad, y0.grad])
    assert c.grad == pytest.approx(c0.grad)


def test_the_sigmoid():
    assert pb.sigmoid(-5.0) == pytest.approx(0.006, abs=1e-3)
    assert pb.sigmoid(0.0) == 0.5
    assert pb.sigmoid(5.0) == pytest.approx(0.993, abs=5e-4)
    x = pb.Unit(math.log(0.95 / 0.05))  # where the sigmoid is 0.95
    s = pb.sigmoid(x)
    s.backward()
    assert s.value == pytest.approx(0.95)
    assert x.grad == pytest.approx(0.0475)


# Becoming a Backprop Ninja: each expression with its backward pass by hand ------------------------

A, B, C, D, X, Y, DX = 1.7, -0.6, 2.3, 0.9, -1.1, 0.4, 1.5


def _sig(q):
    return 1.0 / (1.0 + math.exp(-q))


F = _sig(A * X + B * Y + C)
SUM, RATIO = A * B + C, 1.0 / (C + D)
# expression; its inputs; its value; its gradients when it is pulled with the force DX
NINJA = {
    "a * b": (lambda a, b: a * b, (A, B), A * B, (B * DX, A * DX)),
    "a + b": (lambda a, b: a + b, (A, B), A + B, (DX, DX)),
    "a + b + c": (lambda a, b, c: a + b + c, (A, B, C), A + B + C, (DX, DX, DX)),
    "a * b + c": (lambda a, b, c: a * b + c, (A, B, C), SUM, (B * DX, A * DX, DX)),
    "the neuron": (
        lambda a, b, c, x, y: pb.sigmoid(a * x + b * y + c),
        (A, B, C, X, Y),
        F,
        tuple(F * (1.0 - F) * DX * local for local in (X, Y, 1.0, A, B)),
    ),
    "a * a": (lambda a: a * a, (A,), A * A, (2.0 * A * DX,)),
    "a*a + b*b + c*c": (
        lambda a, b, c: a * a + b * b + c * c,
        (A, B, C),
        A * A + B * B + C * C,
        (2.0 * A * DX, 2.0 * B * DX, 2.0 * C * DX),
    ),
    "((a * b + c) * d) ** 2": (
        lambda a, b, c, d: ((a * b + c) * d) ** 2,
        (A, B, C, D),
        (SUM * D) ** 2,
        tuple(2.0 * SUM * D * DX * local for local in (D * B, D * A, D, SUM)),
    ),
    "1 / a": (lambda a: 1.0 / a, (A,), 1.0 / A, (-DX / (A * A),)),
    "(a + b) / (c + d)": (
        lambda a, b, c, d: (a + b) / (c + d),
        (A, B, C, D),
        (A + B) * RATIO,
        (RATIO * DX, RATIO * DX, -(A + B) * RATIO**2 * DX, -(A + B) * RATIO**2 * DX),
    ),
    "max(a, b)": (pb.maximum, (A, B), A, (DX, 0.0)),
    "max(b, a)": (pb.maximum, (B, A), A, (0.0, DX)),
    "max(a, 0)": (lambda a: pb.maximum(a, 0.0), (A,), A, (DX,)),
    "max(b, 0)": (lambda b: pb.maximum(b, 0.0), (B,), 0.0, (0.0,)),
    "relu(a)": (pb.relu, (A,), A, (DX,)),
    "relu(b)": (pb.relu, (B,), 0.0, (0.0,)),
}


@pytest.mark.parametrize("name", NINJA)
def test_backward_passes_by_hand(name):
    expression, at, value, grads = NINJA[name]
    units = [pb.Unit(x) for x in at]
    x = expression(*units)
    x.backward(DX)
    assert x.value == pytest.approx(value)
    assert [unit.grad for unit in units] == pytest.approx(list(grads))
    gradients = pb.gradient(x, units, DX)
    assert [g.value for g in gradients] == pytest.approx(list(grads))
    arrays = [pb.Unit([x, x]) for x in at]
    expression(*arrays).backward(DX)
    for unit, grad in zip(arrays, grads, strict=True):
        assert unit.grad == pytest.approx([grad, grad])


# The cost of a support vector machine ------------------------------------------------------------

POINTS = [[1.2, 0.7], [-0.3, 0.5], [3.0, 2.5]]
LABELS = [1.0, -1.0, 1.0]
WEIGHTS = [0.1, 0.2, 0.3]
ALPHA = 0.1


def test_the_cost_gate_by_gate():
    w = pb.units(w0=WEIGHTS[0], w1=WEIGHTS[1], w2=WEIGHTS[2])
    scores = [w[0] * x0 + w[1] * x1 + w[2] for x0, x1 in POINTS]
    assert [s.value for s in scores] == pytest.approx([0.56, 0.37, 1.1])
    costs = [pb.maximum(0.0, -y * s + 1.0) for y, s in zip(LABELS, scores, strict=True)]
    assert [c.value for c in costs] == pytest.approx([0.440, 1.370, 0.000])
    penalty = ALPHA * (w[0] * w[0] + w[1] * w[1])
    assert penalty.value == pytest.approx(0.005)
    total = costs[0] + costs[1] + costs[2] + penalty
    assert total.value == pytest.approx(1.815)
    total.backward()
    # by hand: the first point pulls with -x, the second with +x, the third is content
    wanted = [-1.2 - 0.3 + 0.02, -0.7 + 0.5 + 0.04, -1.0 + 1.0]
    assert [unit.grad for unit in w] == pytest.approx(wanted)


def test_the_cost_on_arrays():
    x, y, w = pb.units(X=POINTS, y=LABELS, w=WEIGHTS)
    costs = pb.maximum(0.0, 1.0 - y * (x @ w[:2] + w[2]))
    np.testing.assert_allclose(costs.value, [0.440, 1.370, 0.000], atol=1e-12)
    penalty = ALPHA * pb.sum(w[:2] ** 2)
    total = pb.sum(costs) + penalty
    assert float(penalty.value) == pytest.approx(0.005)
    assert float(total.value) == pytest.approx(1.815)
    total.backward()
    np.testing.assert_allclose(w.grad, [-1.48, -0.16, 0.0], atol=1e-12)


def test_following_the_gradient_downhill_lowers_the_cost():
    x, y, w = pb.units(X=POINTS, y=LABELS, w=WEIGHTS)
    total = pb.sum(pb.maximum(0.0, 1.0 - y * (x @ w[:2] + w[2]))) + ALPHA * pb.sum(w[:2] ** 2)
    before = float(total.value)
    for _ in range(20):
        total.backward()
        w.value = w.value - STEP * w.grad
        assert total.forward() < before
        before = float(total.value)
