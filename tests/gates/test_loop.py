"""The loop: its values, its gradients against JAX's scan and the unrolled circuit, its refusals."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.gates.differences import assert_close, slope

import pullback as pb
from pullback.core.walk import order
from pullback.engines.jax import Jax
from pullback.program.simplify import simplify

T, B, N, M = 6, 2, 3, 4


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape) * 0.6


# Cells, in whichever library's functions: `m` is pullback or jax.numpy ---------------------------


def rnn(m, w, u, b, h, x):
    return (m.tanh(h @ w + x @ u + b),)


def lstm(m, w, u, b, h, c, x):
    def sigmoid(z):
        return 1.0 / (1.0 + m.exp(-z))

    z = h @ w + x @ u + b
    i, f, o, g = (z[:, k * N : (k + 1) * N] for k in range(4))
    c = sigmoid(f) * c + sigmoid(i) * m.tanh(g)
    return sigmoid(o) * m.tanh(c), c


def twice(m, w, u, b, h, x):
    """A parameter used twice, and a constant from around."""
    return (m.tanh(h @ w + m.sin(h) @ w * np.arange(N) + (x @ u) * b),)


def given(cell):
    """Values: parameters w, u, b, then the first carries, then the sequence."""
    gates = 4 if cell is lstm else 1
    carries = [normal(B, N, seed=k) for k in range(2 if cell is lstm else 1)]
    return [normal(N, gates * N), normal(M, gates * N), normal(gates * N), *carries], normal(
        T, B, M
    )


def ours(cell, values, x, reverse=False):
    w, u, b, *carries = values
    return pb.loop(lambda *a: cell(pb, w, u, b, *a), tuple(carries), x, reverse=reverse)


def theirs(cell, values, x, reverse=False):
    w, u, b, *carries = values

    def step(carries, x):
        carries = cell(jnp, w, u, b, *carries, x)
        return carries, carries

    return jax.lax.scan(step, tuple(carries), x, reverse=reverse)[1]


def unrolled(cell, values, x, reverse=False):
    w, u, b, *carries = values
    rows = []
    for t in sorted(range(T), reverse=reverse):
        carries = cell(pb, w, u, b, *carries, x[t])
        rows.append(carries)
    return [pb.stack(column[::-1] if reverse else column) for column in zip(*rows, strict=True)]


def loss(m, stacks):
    """A number that feels every row of every stack, and the last most."""
    weights = normal(T, 1, 1, seed=9)
    return sum(m.sum(m.sin(s) * weights) + m.sum(s[-1] * s[-1]) for s in stacks)


CELLS = pytest.mark.parametrize("cell", [rnn, lstm, twice])
DIRECTIONS = pytest.mark.parametrize("reverse", [False, True])


@pytest.mark.parametrize(("cell", "reverse"), [(rnn, False), (lstm, False), (twice, True)])
def test_values_gradients_and_second_order_are_those_of_scan(cell, reverse):
    values, x = given(cell)
    units = [pb.Unit(v) for v in [*values, x]]
    vectors = [normal(*unit.shape, seed=5) for unit in units]
    stacks = ours(cell, units[:-1], units[-1], reverse)
    y = loss(pb, stacks)
    y.backward()

    def their_loss(v):
        stacks = theirs(cell, v[:-1], v[-1], reverse)
        return loss(jnp, stacks), stacks

    @jax.jit
    def all_of_it(v, along):
        return jax.jvp(jax.value_and_grad(their_loss, has_aux=True), (v,), (along,))

    ((_, rows), grads), (_, products) = all_of_it([*values, x], vectors)
    for got, wanted in zip(stacks, rows, strict=True):
        np.testing.assert_allclose(got.value, wanted, rtol=1e-12, atol=1e-14)
    for unit, grad, circuit in zip(units, grads, pb.gradient(y, units), strict=True):
        np.testing.assert_allclose(unit.grad, grad, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(circuit.value, grad, rtol=1e-10, atol=1e-12)
    for got, wanted in zip(pb.hessian_vector_product(y, units, vectors), products, strict=True):
        np.testing.assert_allclose(got.value, wanted, rtol=1e-9, atol=1e-11)


@CELLS
@DIRECTIONS
def test_a_loop_equals_the_unrolled_circuit(cell, reverse):
    values, x = given(cell)
    units = [pb.Unit(v) for v in [*values, x]]
    results = []
    for run in ours, unrolled:
        y = loss(pb, run(cell, units[:-1], units[-1], reverse))
        firsts = pb.gradient(y, units)
        seconds = pb.gradient(sum(pb.sum(g * g) for g in firsts), units)
        results.append([unit.value for unit in (y, *firsts, *seconds)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def test_third_order_is_the_slope_of_the_second():
    x = pb.Unit(normal(4), "x")
    w = pb.Unit(np.array(0.7), "w")

    def third(order, w):
        y = pb.sum(pb.loop(lambda h, x: pb.sin(h * w + x), 0.3, x)[0])
        for _ in range(order):
            y = pb.gradient(y, w)
        return y

    wanted = slope(lambda w: third(2, pb.Unit(w)).value, [w.value], 0, 1.0)
    assert_close(third(3, w).value, wanted)


def test_the_gradient_of_a_loop_is_a_loop_that_stacks_no_gradient_of_a_parameter():
    w, x = pb.Unit(normal(50, 50), "w"), pb.Unit(normal(30, 1, 50), "x")
    (h,) = pb.loop(lambda h, x: pb.tanh(h @ w + x), np.zeros((1, 50)), x)
    y = pb.sum(h)
    circuit = order(pb.gradient(y, [w, x]))
    loops = [unit for unit in circuit if unit.gate is pb.GATES["loop"]]
    assert len(loops) == 2  # one backwards for all inputs
    assert loops[1].static["reverse"] is True
    assert max(unit.size for unit in circuit) <= w.size
    # What the forward loop has stored is not computed again.
    names = [unit.gate.name for unit in loops[1].static["body"].wires if unit.inputs]
    assert "tanh" not in names
    assert names.count("matmul") == 2


def test_the_backward_pass_runs_the_loop_once(monkeypatch):
    x, w = pb.Unit(normal(5, 3)), pb.Unit(normal(3, 3))
    (h,) = pb.loop(lambda h, x: pb.tanh(h @ w + x), pb.Unit(normal(3)), x)
    body = h.inputs[0].inputs[0].static["body"]
    runs = []
    back = body.gradient.body
    monkeypatch.setitem(vars(back), "_plan", _Counted(back._plan, runs))
    pb.sum(h).backward()
    assert len(runs) == 5


class _Counted(tuple):
    def __new__(cls, plan, runs):
        made = super().__new__(cls, plan)
        made.runs = runs
        return made

    def __iter__(self):
        self.runs.append(1)
        return super().__iter__()


def test_a_gradient_taken_again_after_a_source_changed_is_fresh():
    x, pull = pb.Unit(normal(5)), pb.Unit(np.array(1.0))
    y = pb.sum(pb.loop(lambda h, x: pb.sin(h + x), 0.2, x)[0])
    g = pb.gradient(y, x, pull)
    x.value = normal(5, seed=1)
    y.forward()
    again = pb.gradient(y, x, pull)
    np.testing.assert_array_equal(again.value, g.forward())
    y.backward()
    np.testing.assert_allclose(again.value, x.grad, rtol=1e-14)


def test_a_circuit_runs_again_and_simplifies_to_the_same():
    values, x = given(rnn)
    units = [pb.Unit(v) for v in [*values, x]]
    y = loss(pb, ours(rnn, units[:-1], units[-1]))
    grads = {f"g{k}": g for k, g in enumerate(pb.gradient(y, units))}
    plain = simplify(pb.Program({"x": units[-1]}, {"y": y, **grads}, {}))
    loops = {unit for unit in plain.wires if unit.gate is pb.GATES["loop"]}
    assert len(loops) == 2
    units[-1].value = normal(T, B, M, seed=3)
    y.forward()
    y.backward()
    circuit = pb.Circuit(list(plain.outputs.values()))
    for got, wanted in zip(circuit.forward(), [y.value, *(u.grad for u in units)], strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-13)


def test_jax_scans():
    w, x = pb.Unit(normal(3, 3), "w"), pb.Unit(normal(4, 3), "x")
    (h,) = pb.loop(lambda h, x: pb.tanh(h @ w + 0.5 * x), pb.Unit(normal(3)), x, reverse=True)
    (m,) = pb.loop(lambda x: pb.sin(x @ w), (), x)
    (none,) = pb.loop(lambda h, x: h + x, normal(3), x[:0])
    y = pb.sum(h * m) + pb.sum(none)
    outputs = {"y": y, "none": none, "w": pb.gradient(y, w), "x": pb.gradient(y, x)}
    results = Jax(pb.Program({"x": x}, outputs, {}))()
    for name, unit in outputs.items():
        assert results[name].shape == unit.shape
        np.testing.assert_allclose(results[name], unit.value, rtol=1e-12, atol=1e-14)


# Loops in loops, and what a step may do ----------------------------------------------------------


def test_nested_loops_are_differentiated_to_second_order():
    x, w = pb.Unit(normal(3, 4), "x"), pb.Unit(normal(2), "w")

    def ours(x, w):
        def outer(h, row):
            (inner,) = pb.loop(lambda k, e: pb.tanh(k * w + e * h), h, row)
            return inner[-1] + 0.1 * h

        return pb.sum(pb.sin(pb.loop(outer, np.array([0.1, -0.4]), x)[0]))

    def theirs(x, w):
        def outer(h, row):
            def inner(k, e):
                return jnp.tanh(k * w + e * h), None

            new = jax.lax.scan(inner, h, row)[0] + 0.1 * h
            return new, new

        return jnp.sum(jnp.sin(jax.lax.scan(outer, jnp.array([0.1, -0.4]), x)[1]))

    y = ours(x, w)
    y.backward()
    vectors = normal(3, 4, seed=2), normal(2, seed=2)
    slopes = jax.grad(theirs, (0, 1))
    grads, products = jax.jit(lambda at, along: jax.jvp(slopes, at, along))(
        (x.value, w.value), vectors
    )
    for unit, wanted in zip((x, w), grads, strict=True):
        np.testing.assert_allclose(unit.grad, wanted, rtol=1e-11, atol=1e-13)
    for got, wanted in zip(pb.hessian_vector_product(y, [x, w], vectors), products, strict=True):
        np.testing.assert_allclose(got.value, wanted, rtol=1e-10, atol=1e-12)


def test_outputs_are_stacked_and_read_by_the_backward_pass():
    x, w = pb.Unit(normal(5, 3)), pb.Unit(normal(3, 3))

    def step(h, x):
        z = pb.exp(h @ w + x)
        return z * h, z

    h, z = pb.loop(step, normal(3), x)
    np.testing.assert_allclose(z.value[1], np.exp(h.value[0] @ w.value + x.value[1]))
    report = pb.check_gradients(pb.sum(h) + pb.sum(pb.sin(z)))
    assert report
    body = h.inputs[0].inputs[0].static["body"]
    assert "exp" not in {unit.gate.name for unit in body.gradient.body.wires if unit.inputs}


def test_without_a_carry_a_loop_maps():
    x, w = pb.Unit(normal(4, 3)), pb.Unit(normal(3))
    (y,) = pb.loop(lambda x: pb.sin(x * w), (), x)
    np.testing.assert_allclose(y.value, np.sin(x.value * w.value))
    assert pb.check_gradients(pb.sum(y * y))
    (empty,) = pb.loop(lambda x: pb.sin(x * w), (), x.value[:0])
    assert empty.shape == (0, 3)


def test_elements_may_be_integers():
    table, words = pb.Unit(normal(5, 3), "table"), np.array([4, 0, 4])
    (h,) = pb.loop(lambda h, k: pb.tanh(h + pb.take(table, k)), np.zeros(3), words)
    wanted = np.zeros(3)
    for k in words:
        wanted = np.tanh(wanted + table.value[k])
    np.testing.assert_allclose(h.value[-1], wanted)
    assert pb.check_gradients(pb.sum(h))
    np.testing.assert_array_equal(pb.gradient(pb.sum(h), table).value[1:4], np.zeros((3, 3)))


def test_a_step_may_return_what_it_was_given_or_a_constant_or_a_wire_from_around():
    w, x = pb.Unit(normal(2), "w"), pb.Unit(normal(3, 2), "x")
    a, b, c, d = pb.loop(
        lambda a, b, c, d, x: (b, x, np.array([1.0, 2.0]), w * 2.0), (w, w * w, w, w), x
    )
    np.testing.assert_array_equal(b.value, x.value)
    np.testing.assert_array_equal(a.value[0], w.value * w.value)
    np.testing.assert_array_equal(a.value[1:], x.value[:-1])
    np.testing.assert_array_equal(c.value, [[1.0, 2.0]] * 3)
    np.testing.assert_array_equal(d.value, [w.value * 2.0] * 3)
    assert pb.check_gradients(sum(pb.sum(pb.sin(s)) for s in (a, b, c, d)))


def test_what_does_not_change_from_step_to_step_is_computed_once():
    w = pb.Unit(normal(2), "w")
    (h,) = pb.loop(lambda h: h * pb.exp(w), np.ones(2), length=3)
    body = h.inputs[0].inputs[0].static["body"]
    assert [unit.gate.name for unit in body.wires if unit.inputs] == ["multiply"]
    np.testing.assert_allclose(h.value[-1], np.exp(3 * w.value))


def test_python_floats_may_be_carried():
    rate, x = pb.Unit(0.9, "rate"), pb.Unit([1.0, 2.0, 3.0], "x")
    start = pb.Unit(2.0, "start")
    (h,) = pb.loop(lambda h, x: rate * h + x, start, x)
    h[-1].backward()
    assert type(start.grad) is type(rate.grad) is float
    np.testing.assert_allclose(start.grad, 0.9**3)
    np.testing.assert_allclose(rate.grad, 3 * 0.81 * 2.0 + 2 * 0.9 * 1.0 + 2.0)
    np.testing.assert_allclose(x.grad, [0.81, 0.9, 1.0])


def test_numbers_give_numbers():
    (h,) = pb.loop(lambda h, x: h * x, 1.0, [1.0, 2.0, 3.0, 4.0])
    assert type(h) is np.ndarray
    np.testing.assert_array_equal(h, [1.0, 2.0, 6.0, 24.0])


@DIRECTIONS
@pytest.mark.parametrize("length", [0, 1])
def test_few_steps(length, reverse):
    w, h0, x = pb.Unit(normal(2, 2)), pb.Unit(normal(2)), pb.Unit(normal(length, 2))
    h, z = pb.loop(lambda h, x: (pb.tanh(h @ w + x), h * w[0]), h0, x, reverse=reverse)
    assert h.shape == z.shape == (length, 2)
    y = pb.sum(h * h) + pb.sum(z)
    y.backward()
    grads = pb.gradient(y, [w, h0, x])
    seconds = pb.gradient(sum(pb.sum(g * g) for g in grads), [w, h0, x])
    for unit, g, second in zip((w, h0, x), grads, seconds, strict=True):
        assert unit.grad.shape == g.shape == second.shape == unit.shape
        np.testing.assert_allclose(g.value, unit.grad)
    if length == 0:
        np.testing.assert_array_equal(w.grad, np.zeros((2, 2)))
        np.testing.assert_array_equal(h0.grad, np.zeros(2))
    else:
        np.testing.assert_allclose(h.value[0], np.tanh(h0.value @ w.value + x.value[0]))


def test_single_precision_stays_single():
    values, x = given(lstm)
    units = [pb.Unit(v.astype(np.float32)) for v in [*values, x]]
    stacks = ours(lstm, units[:-1], units[-1])
    y = loss(pb, stacks)
    grads = pb.gradient(y, units)
    y.backward()
    wires = order([*stacks, *grads])
    loops = [unit for unit in wires if unit.gate is pb.GATES["loop"]]
    inside = [unit for loop in loops for unit in loop.static["body"].wires if unit.inputs]
    outputs = [unit for unit in wires if unit.inputs and unit.inputs[0] in loops]
    assert {unit.dtype for unit in [*stacks, *outputs, *inside]} == {np.dtype(np.float32)}
    assert {unit.grad.dtype for unit in units} == {np.dtype(np.float32)}
    doubles = ours(lstm, [pb.Unit(v) for v in values], x)
    for got, wanted in zip(stacks, doubles, strict=True):
        np.testing.assert_allclose(got.value, wanted.value, rtol=1e-4, atol=1e-6)


def test_a_parameter_of_another_precision_gets_a_gradient_of_its_own():
    w, x = pb.Unit(normal(3)), pb.Unit(normal(4, 3).astype(np.float32))

    def step(h, x):
        return pb.tanh(h * pb.astype(w * pb.astype(h, "f8"), "f4") + x)

    (h,) = pb.loop(step, np.zeros(3, np.float32), x)
    pb.sum(h).backward()
    assert (h.dtype, w.grad.dtype, x.grad.dtype) == (np.float32, np.float64, np.float32)
    assert np.any(w.grad)


def test_ten_thousand_steps_take_linear_time():
    def seconds(steps):
        x, w = pb.Unit(normal(steps, 2)), pb.Unit(normal(2, 2))
        start = time.perf_counter()
        (h,) = pb.loop(lambda h, x: pb.tanh(h @ w + x), np.zeros(2), x)
        pb.sum(h).backward()
        assert np.all(np.isfinite(x.grad))
        return time.perf_counter() - start

    seconds(10)
    short = min(seconds(1_000) for _ in range(3))
    assert seconds(10_000) < 40 * short


# What reads circuits -----------------------------------------------------------------------------


def test_a_circuit_with_a_loop_is_printed_drawn_checked_and_tugged():
    w, x = pb.Unit(normal(3, 3), "w"), pb.Unit(normal(5, 3), "x")
    (h,) = pb.loop(lambda h, x: pb.tanh(h @ w + x), pb.Unit(normal(3), "h"), x)
    y = pb.sum(h).named("y")
    y.backward()
    text = str(pb.Circuit(y))
    assert "loop(h, x, w, body=<step of 5 gates>, length=5)" in text
    assert "<step of" in str(pb.Circuit(pb.gradient(y, w)))
    assert "loop" in pb.draw(y).svg
    report = pb.check_gradients(y)
    assert report
    assert {row.name for row in report.rows} == {"w", "h", "x"}
    assert pb.tug(y)


def test_single_precision_circuits_are_checked_in_double():
    w, x = pb.Unit(normal(3, 3).astype("f4"), "w"), pb.Unit(normal(5, 3).astype("f4"), "x")
    (h,) = pb.loop(lambda h, x: pb.tanh(h @ w + 0.5 * x), np.zeros(3, np.float32), x)
    assert pb.check_gradients(pb.sum(h))


def test_wires_inside_keep_their_names():
    x = pb.Unit(normal(4, 2), "x")
    (h,) = pb.loop(lambda h, x: pb.sin((h + x).named("z")), pb.Unit(normal(2), "h"), x)
    body = h.inputs[0].inputs[0].static["body"]
    assert [unit.name for unit in (*body.carries, *body.elements)] == ["h", "x"]
    assert pb.Circuit(body.nexts[0])["z"].gate is pb.GATES["add"]
    assert [unit.name for unit in body.gradient.body.carries] == ["dh"]


# Refusals ----------------------------------------------------------------------------------------

H, X = np.zeros(3), np.zeros((4, 3))


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        (
            r"carry 1 starts as float64 of shape \(3,\) and after a step is float64 of shape \(4",
            (lambda h, x: pb.pad(h, (0, 1)), H, X),
        ),
        (
            r"carry 'h' starts as float32 of shape \(3,\) and after a step is float64",
            (lambda h, x: h + x, pb.Unit(H.astype("f4"), "h"), X),
        ),
        ("returned 1 wires for 2 carries", (lambda a, b, x: a, (H, H), X)),
        ("returned None", (lambda h, x: None, H, X)),
        ("returned nothing", (lambda x: (), (), X)),
        (
            "must be of one length: sequence 1 has 4 and 'x' has 5 steps",
            (lambda h, a, b: h, H, (X, pb.Unit(np.zeros((5, 3)), "x"))),
        ),
        ("must be of one length: .* and `length` has 3 steps", (lambda h, x: h, H, X, 3)),
        ("give `length=`", (lambda h: h, H)),
        ("length must be a whole number", (lambda h: h, H, (), -1)),
        ("needs a carry or a sequence", (lambda: 1.0, (), (), 3)),
        ("sequence 1 is a single number", (lambda h, x: h, H, 2.0)),
        ("carry 1 of the loop is int64; .* use astype", (lambda h, x: h, np.arange(3), X)),
        (
            "carry 2 of the loop is float32; .* here float64",
            (lambda a, b, x: (a, b), (H, H.astype("f4")), X),
        ),
        (
            "output 1 of the loop is bool; .* here float64",
            (lambda h, x: (h, h > x), H, X),
        ),
        ("carry 1 of the loop must be a real number", (lambda h, x: h, "three", X)),
    ],
)
def test_refusals_say_what_is_wrong(message, arguments):
    step, initial, *rest = arguments
    sequences, length = (*rest, None)[:2] if rest else ((), None)
    with pytest.raises(pb.CircuitError, match=message):
        pb.loop(step, initial, sequences, length=length)


def test_an_error_inside_the_step_comes_out():
    table, words = pb.Unit(normal(3, 2)), pb.Unit(np.array([0, 1]), "words")
    (h,) = pb.loop(lambda h, k: h + pb.take(table, k), np.zeros(2), words)
    words.value = np.array([0, 7])
    with pytest.raises(pb.CircuitError, match=r"loop cannot take .*'words' .*out of bounds"):
        h.forward()
