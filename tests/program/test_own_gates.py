"""Gates that users declare: compiled to what they compute eagerly, or refused with the cure."""

import math

import numpy as np
import pytest

import pullback as pb

ENGINES = ["native", "jax"]
X = np.array([0.5, -1.0, 2.0, 0.0])


def engines():
    pytest.importorskip("jax")
    return ENGINES


@pb.gate(partials=(lambda y, x: 3.0 * x * x,))
def cube(m, x):
    return x * x * x


@pb.gate(partials=(lambda y, a, b: b * y, lambda y, a, b: a * y))
def bell(m, a, b):
    return m.exp(m.negative(m.where(a > b, a * b, 1.0)))


@pb.gate(pullback=(lambda g, y, x: 2.0 * g * x,))
def square_sum(m, x):
    return m.sum(x * x)


@pb.gate(pullback=(lambda g, y, x, *, power: g * power * x ** (power - 1.0),))
def power_sum(m, x, *, power):
    return m.sum(x**power)


@pb.gate(pullback=(lambda g, y, x: g[::-1],))
def reversed_(m, x):
    return x[::-1]


@pb.gate(pullback=lambda i: lambda g, y, *xs: g * float(i))
def weighted(m, *xs):
    return sum(i * x for i, x in enumerate(xs))


@pb.gate(partials=(None,))
def is_positive(m, x):
    return x > 0.0


@pb.gate(partials=(lambda y, x: 2.0,), name="sigmoid")
def not_sigmoid(m, x):
    return 2.0 * x


@pb.gate(partials=(lambda y, a, b: 2.0, lambda y, a, b: 3.0), name="add")
def not_add(m, a, b):
    return 2.0 * a + 3.0 * b


@pb.gate(partials=(lambda y, x: 5.0,), name="negative")
def not_negative(m, x):
    return 5.0 * x


@pb.gate(pullback=(lambda g, y, x: g,), name="sum")
def not_sum(m, x):
    return x + 1.0


COMPILED = {
    "elementwise": (cube, 1, {}),
    "of two": (bell, 2, {}),
    "a reduction": (square_sum, 1, {}),
    "static": (power_sum, 1, {"power": 3.0}),
    "structural": (reversed_, 1, {}),
    "of any number": (weighted, 3, {}),
    "of truth": (is_positive, 1, {}),
    # The names of the library's own gates, which engines and passes know, mean nothing here.
    "named sigmoid": (not_sigmoid, 1, {}),
    "named add": (not_add, 2, {}),
    "named negative": (not_negative, 1, {}),
    "named sum": (not_sum, 1, {}),
}


@pytest.mark.parametrize("what", COMPILED)
@pytest.mark.parametrize("value", [X.astype(np.float32), X[:0], 0.7], ids=["4", "0", "()"])
def test_a_gate_of_the_users_compiles(what, value):
    gate, count, static = COMPILED[what]
    if gate is reversed_ and np.ndim(value) == 0:
        pytest.skip("a number cannot be reversed")
    xs = [pb.Unit(np.multiply(value, 1 + k) if np.shape(value) else value) for k in range(count)]
    y = gate(*(x * 1.0 for x in xs), **static)
    outputs = [y] if y.dtype == bool else [y, *pb.gradient(pb.sum(y * y), xs)]
    for engine in engines():
        for got, wire in zip(pb.Circuit(outputs).compile(engine)(), outputs, strict=True):
            assert np.asarray(got).dtype == wire.dtype
            np.testing.assert_allclose(got, wire.value, rtol=1e-6)
    if np.size(value):
        names: dict = {}
        exec(pb.Circuit(y).source(), names)
        made = names["circuit"](*(x.value for x in xs))
        np.testing.assert_allclose(made[0], y.value, rtol=1e-6)


def test_a_gate_of_the_users_compiles_inside_a_loop():
    c, xs = pb.Unit(np.full(3, 0.4), "c"), pb.Unit(np.linspace(-1.0, 1.0, 12).reshape(4, 3), "xs")
    (carried,) = pb.loop(lambda c, x: not_sigmoid(cube(c) * 0.2) + x, c, xs)
    outputs = [carried, *pb.gradient(carried.sum(), [c, xs])]
    for engine in engines():
        for got, wire in zip(pb.Circuit(outputs).compile(engine)(), outputs, strict=True):
            np.testing.assert_allclose(got, wire.value, rtol=1e-12)


def test_a_trainer_trains_through_a_gate_of_the_users():
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    losses = []
    for engine in ("eager", "native"):
        dense = pb.Dense(1, rng=0)
        model = pb.Model(lambda m, x, training: cube(m.dense(x)), dense=dense)
        trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(0.01), engine=engine)
        losses.append(trainer.fit(x, x[:, :1], epochs=3, progress=False)["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-5)


# What cannot be compiled -------------------------------------------------------------------------


@pb.gate(partials=(lambda y, x: 1.0 / (3.0 * y * y + 1.0),))
def numpy_root(m, x):
    return np.cbrt(x)


@pb.gate(partials=(lambda y, x: pb.cos(x),))
def python_sine(m, x):
    return math.sin(x)


@pb.gate(pullback=(lambda g, y, x: g,))
def numpy_products(m, x):
    return np.cumprod(x)


@pb.gate(partials=(lambda y, x: 1.0,))
def branching(m, x):
    return x if np.all(np.asarray(x) > 0) else -x


@pb.gate(pullback=(lambda g, y, x: g * pb.equal(x, y),))
def with_methods(m, x):
    return x.round()


REFUSED = [numpy_root, numpy_products, branching, with_methods]


@pytest.mark.parametrize("gate", REFUSED, ids=lambda gate: gate.__name__)
def test_a_gate_that_asks_numpy_is_refused_before_work(gate):
    x = pb.Unit(X, "x")
    y = gate(x) * 1.0
    told = rf"made by the gate '{gate.__name__}', which cannot be compiled: .*engine='eager'$"
    for compiled in (
        lambda: pb.Circuit(y).compile("native"),
        lambda: pb.compile(gate)(X),
        lambda: pb.Circuit(y).source(),
    ):
        with pytest.raises(pb.CircuitError, match=told):
            compiled()
    assert np.array_equal(pb.Circuit(y).compile("eager")(), y.value)


@pb.gate(partials=(lambda y, x: np.cos(x) * np.exp(y - np.sin(x)),))
def sine_of_numpy(m, x):
    return np.sin(x)


def test_a_gate_in_numpys_names_compiles_where_those_are_gates():
    x = pb.Unit(X, "x")
    y = sine_of_numpy(x)
    value, dx = pb.Circuit([y, pb.gradient(y, x)]).compile("native")()
    np.testing.assert_allclose(value, np.sin(X))
    np.testing.assert_allclose(dx, np.cos(X))


@pytest.mark.parametrize("gate", [numpy_root, branching])
def test_jax_refuses_such_a_gate_when_it_first_runs(gate):
    pytest.importorskip("jax")
    run = pb.Circuit(gate(pb.Unit(X, "x"))).compile("jax")
    with pytest.raises(pb.CircuitError, match=r"cannot be compiled: .*engine='eager'"):
        run()


def test_a_gate_of_pythons_mathematics_is_refused():
    with pytest.raises(pb.CircuitError, match="'python_sine', which cannot be compiled"):
        pb.Circuit(python_sine(pb.Unit(1.0))).compile("native")
    with pytest.raises(pb.CircuitError, match="python_sine cannot take"):
        python_sine(pb.Unit(X))


@pb.gate(partials=(lambda y, a, b: 1.0, lambda y, a, b: 0.0))
def same_object(m, a, b):
    return m.where(a == b, 0.0, a)


@pb.gate(partials=(lambda y, x: 0.0,))
def safe_inverse(m, x):
    return m.where(x == 0.0, 1.0, 1.0 / m.where(x == 0.0, 1.0, x))


@pb.gate(partials=(lambda y, x: 1.0,))
def noisy(m, x):
    return x + np.random.default_rng().normal()


@pb.gate(partials=(lambda y, x: -pb.sin(x),), primitive=True)
def primitive_cosine(m, x):
    return m.cos(x)


def test_a_gate_that_is_another_function_of_wires_is_refused():
    x = pb.Unit(X, "x")
    for y, why in (
        (
            same_object(x, pb.Unit(np.abs(X))),
            "of wires its value makes other numbers than of arrays",
        ),
        (noisy(x), "of wires its value makes other numbers than of arrays"),
        (safe_inverse(x), r"== asks whether 'x' is the same wire.*pb\.equal"),
        (primitive_cosine(x), "it is declared as primitive"),
    ):
        with pytest.raises(pb.CircuitError, match=rf"cannot be compiled: .*{why}"):
            pb.Circuit(y).compile("native")


@pb.gate(partials=(lambda y, x: np.real_if_close(np.cos(x)),))
def rule_in_numpy(m, x):
    return m.sin(x)


def test_a_rule_that_asks_numpy_makes_no_circuit():
    x = pb.Unit(X, "x")
    y = rule_in_numpy(x)
    y.backward()
    np.testing.assert_array_equal(x.grad, np.cos(X))
    with pytest.raises(pb.CircuitError, match=r"the rule of 'rule_in_numpy' for its input 1.*pb"):
        pb.gradient(y, x)


def test_a_trainer_names_the_engine_that_runs_such_a_gate():
    x = np.zeros((4, 2), np.float32)
    model = pb.Model(lambda m, x, training: numpy_root(m.dense(x)), dense=pb.Dense(1, rng=0))
    trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(0.1))
    with pytest.raises(pb.CircuitError, match=r"'numpy_root'.*engine='eager'"):
        trainer.fit(x, x[:, :1], epochs=1, progress=False)
    trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(0.1), engine="eager")
    assert np.isfinite(trainer.fit(x, x[:, :1], epochs=1, progress=False)["loss"]).all()
