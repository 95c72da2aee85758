"""Every gate's rule against differences, to second order, and as numbers against as a circuit."""

import numpy as np
import pytest
from tests.gates.cases import draw, generator, smooth_cases
from tests.gates.differences import assert_close, directions, slope

import pullback as pb
from pullback.inspect.check_local import as_one

# Names of gates into whose every input no gradient flows.
FLAT = {
    *("argmax", "argmin", "argsort", "equal", "floor", "greater", "greater_equal", "less"),
    "less_equal",
    *("logical_and", "logical_not", "logical_or", "not_equal", "random", "sign", "stop_gradient"),
}
NAMES = sorted(set(pb.GATES) - FLAT)


def floats(inputs):
    return [i for i, x in enumerate(inputs) if np.asarray(x).dtype.kind == "f"]


def wired(name, inputs, static):
    xs = [pb.Unit(x, f"x{i}") for i, x in enumerate(inputs)]
    return xs, as_one(pb.GATES[name](*xs, **static))


def test_flat_gates_are_those_without_a_rule():
    def has_rule(name, inputs):
        gate = pb.GATES[name]
        return gate.several or any(gate.rule(i) is not None for i in range(len(inputs)))

    assert {name for name in pb.GATES if not has_rule(name, smooth_cases(name)[0][0])} == FLAT


@pytest.mark.parametrize("name", sorted(FLAT))
def test_no_gradient_flows_through_flat_gates(name):
    for inputs, static in smooth_cases(name):
        xs, y = wired(name, inputs, static)
        z = pb.sum(y * 1.0)
        z.backward()
        for x in xs:
            if x.dtype.kind == "f":
                np.testing.assert_array_equal(x.grad, np.zeros(x.shape))
                np.testing.assert_array_equal(pb.gradient(z, x).value, np.zeros(x.shape))


@pytest.mark.parametrize("name", NAMES)
def test_gradient_is_the_slope(name):
    """Row by row: a pull on each element of the output, a step along each of the input."""
    rng = generator(name)
    for inputs, static in smooth_cases(name):
        xs, y = wired(name, inputs, static)
        probes = {i: directions(rng, xs[i].shape) for i in floats(inputs)}

        def function(*values, static=static):
            return as_one(pb.GATES[name](*values, **static))

        arrays = [np.asarray(x) for x in inputs]
        slopes = {i: [slope(function, arrays, i, d) for d in ds] for i, ds in probes.items()}
        for pull in directions(rng, y.shape):
            y.backward(pull)
            for i, ds in probes.items():
                assert np.shape(xs[i].grad) == xs[i].shape
                assert np.asarray(xs[i].grad).dtype == xs[i].dtype
                got = [np.sum(xs[i].grad * d) for d in ds]
                wanted = [np.sum(pull * s) for s in slopes[i]]
                assert_close(got, wanted, f"{name}, input {i} of shape {xs[i].shape}")


@pytest.mark.parametrize("name", NAMES)
def test_gradient_circuit_carries_what_backward_writes(name):
    rng = generator(name)
    for inputs, static in smooth_cases(name):
        xs, y = wired(name, inputs, static)
        pull = rng.normal(size=y.shape)
        wanted = [xs[i] for i in floats(inputs)]
        y.backward(pull)
        circuit = pb.gradient(y, wanted, pull)
        wire = pb.Unit(pull.astype(y.dtype), "pull")
        by_wire = pb.gradient(y, wanted, wire)
        for x, g, h in zip(wanted, circuit, by_wire, strict=True):
            tolerance = 1e-6 if x.dtype == np.float32 else 1e-12
            assert (g.shape, g.dtype) == (x.shape, x.dtype)
            assert (h.shape, h.dtype) == (x.shape, x.dtype)
            np.testing.assert_allclose(g.value, x.grad, rtol=tolerance, atol=1e-12)
            np.testing.assert_allclose(h.value, x.grad, rtol=tolerance, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_gradient_circuit_runs_again_at_other_values(name):
    rng = generator(name)
    for inputs, static in smooth_cases(name):
        xs, y = wired(name, inputs, static)
        wanted = [xs[i] for i in floats(inputs)]
        circuit = pb.Circuit(pb.gradient(y, wanted))
        for i in floats(inputs):  # a permutation keeps to the domain, and away from ties
            other = rng.permutation(np.ravel(inputs[i])).reshape(xs[i].shape)
            xs[i].value = 2.0 * inputs[i] if name == "cholesky" else other  # positive definite
        y.forward()
        y.backward()
        for x, value in zip(wanted, circuit.forward(), strict=True):
            np.testing.assert_allclose(value, x.grad, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_second_order_is_the_slope_of_the_first(name):
    """The force on each input, weighed by random numbers, differentiated by inputs and pull."""
    rng = generator(name)
    for inputs, static in smooth_cases(name):
        xs, y = wired(name, inputs, static)
        if y.size == 0:
            continue
        chosen = floats(inputs)
        pull = pb.Unit(rng.normal(size=y.shape).astype(y.dtype), "pull")
        weights = [rng.normal(size=xs[i].shape) for i in chosen]

        def weighed(*values, static=static, chosen=chosen, weights=weights):
            units, out = wired(name, values[:-1], static)
            out.backward(values[-1])
            return sum(np.sum(units[i].grad * w) for i, w in zip(chosen, weights, strict=True))

        first = pb.gradient(y, [xs[i] for i in chosen], pull)
        total = sum(pb.sum(g * w) for g, w in zip(first, weights, strict=True))
        second = pb.gradient(total, [*(xs[i] for i in chosen), pull])
        total.backward()
        arrays = [*(np.asarray(x) for x in inputs), np.asarray(pull.value)]
        for i, g in zip([*chosen, len(inputs)], second, strict=True):
            wire = [*xs, pull][i]
            if wire.grad is not None:  # None where the rule does not use this input at all
                np.testing.assert_allclose(wire.grad, g.value, rtol=1e-6, atol=1e-9)
            for along in directions(rng, wire.shape)[:8]:
                wanted = slope(weighed, arrays, i, along)
                assert_close(np.sum(g.value * along), wanted, f"{name}, second order by {i}")


@pytest.mark.parametrize("name", [name for name in NAMES if pb.GATES[name].elementwise])
def test_python_floats_are_pulled_as_arrays_are(name):
    rng = generator(name)
    for _ in range(5):
        inputs = [draw(rng, span, ()).item() for span in pb.GATES[name].domain]
        xs, y = wired(name, inputs, {})
        y.backward(-1.5)
        arrays, z = wired(name, [np.array([x]) for x in inputs], {})
        z.backward(-1.5)
        for x, a in zip(xs, arrays, strict=True):
            if x.dtype.kind == "f":
                assert type(x.grad) is float
                np.testing.assert_allclose(x.grad, a.grad[0], rtol=1e-14)
                np.testing.assert_allclose(pb.gradient(y, x, -1.5).value, x.grad, rtol=1e-14)
