"""Random circuits: numbers, circuits, differences and JAX give one gradient."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.circuits import ELEMENTWISE, circuits, in_namespace
from tests.gates.test_jax import THEIRS

import pullback as pb
from pullback.core.values import arrays

thorough = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
PULL = 0.75


def pulled(circuit, values):
    """What the pull does work on: the sum of the output, weighed by the force."""
    return PULL * float(np.sum(circuit.run(values, in_namespace(arrays))))


@thorough
@given(circuits())
def test_running_again_gives_the_same_and_so_do_the_gates_alone(circuit):
    first = circuit.output.value
    np.testing.assert_array_equal(circuit.output.forward(), first)
    alone = circuit.run(circuit.values, in_namespace(arrays))
    np.testing.assert_allclose(alone, first, rtol=1e-12, atol=1e-13)
    assert np.all(np.isfinite(first))


@thorough
@given(circuits())
def test_backward_writes_what_the_gradient_circuit_carries(circuit):
    circuit.output.backward(PULL)
    wires = [unit for unit in circuit.wires if unit.dtype.kind == "f" and not unit.is_constant]
    for unit, g in zip(wires, pb.gradient(circuit.output, wires, PULL), strict=True):
        assert np.shape(unit.grad) == unit.shape == g.shape
        assert g.dtype == unit.dtype
        np.testing.assert_allclose(g.value, unit.grad, rtol=1e-9, atol=1e-10)


@thorough
@given(circuits(), st.integers(0, 2**32 - 1))
def test_gradient_is_the_slope_along_a_random_direction(circuit, seed):
    rng = np.random.default_rng(seed)
    circuit.output.backward(PULL)
    along = [rng.normal(size=np.shape(x)) for x in circuit.values]
    eps = 1e-6
    ends = [
        pulled(circuit, [x + sign * eps * d for x, d in zip(circuit.values, along, strict=True)])
        for sign in (1.0, -1.0)
    ]
    wanted = (ends[0] - ends[1]) / (2.0 * eps)
    got = sum(np.sum(x.grad * d) for x, d in zip(circuit.sources, along, strict=True))
    scale = max(1.0, abs(ends[0]), *(np.max(np.abs(x.grad)) for x in circuit.sources))
    np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-5 * scale)


@settings(thorough, max_examples=60)
@given(circuits(gates=6, scalar=True), st.integers(0, 2**32 - 1))
def test_second_order_is_the_slope_of_the_first(circuit, seed):
    rng = np.random.default_rng(seed)
    along = [rng.normal(size=np.shape(x)) for x in circuit.values]
    products = pb.hessian_vector_product(circuit.output, circuit.sources, along)
    start, eps = circuit.values, 1e-6
    ends = []
    for sign in (1.0, -1.0):
        for source, x, d in zip(circuit.sources, start, along, strict=True):
            source.value = x + sign * eps * d
        circuit.output.forward()
        circuit.output.backward()
        ends.append([np.array(source.grad) for source in circuit.sources])
    for product, up, down in zip(products, *ends, strict=True):
        slopes = (up - down) / (2.0 * eps)
        scale = max(1.0, np.max(np.abs(slopes)))
        np.testing.assert_allclose(product.value, slopes, rtol=1e-3, atol=1e-4 * scale)


JAX = SimpleNamespace(**{k: getattr(jnp, k) for k in vars(arrays) if hasattr(jnp, k)})


def by_jax(gate, *xs, **static):
    """JAX's own function where the table has one; the comparisons have none."""
    if gate.name in THEIRS:
        return THEIRS[gate.name](*(jnp.asarray(x) for x in xs), **static)
    return gate.value(JAX, *xs, **static)


@settings(thorough, max_examples=40)  # JAX compiles every circuit anew
@given(circuits(gates=8))
def test_value_and_gradient_are_jax_s(circuit):
    circuit.output.backward(PULL)

    def pulled_by_jax(values):
        y = circuit.run(values, by_jax)
        return PULL * jnp.sum(y), y

    with jax.enable_x64(True):
        grads, value = jax.jit(jax.grad(pulled_by_jax, has_aux=True))(circuit.values)
    np.testing.assert_allclose(value, circuit.output.value, rtol=1e-9, atol=1e-11)
    for source, grad in zip(circuit.sources, grads, strict=True):
        np.testing.assert_allclose(source.grad, grad, rtol=1e-8, atol=1e-9)


@settings(thorough, max_examples=100)
@given(circuits(dtype=np.float32))
def test_single_precision_stays_single_from_array_sources_to_their_gradients(circuit):
    circuit.output.backward(PULL)
    for unit in circuit.wires:
        if unit.is_constant or unit.dtype.kind != "f":
            continue
        from_arrays = all(type(x.value) is not float for x in circuit.sources)
        if from_arrays and unit.shape:
            assert unit.dtype == np.float32, unit
        assert np.asarray(unit.grad).dtype == unit.dtype


def test_the_strategy_reaches_every_gate_that_floats_flow_through():
    seen = set()

    @settings(thorough, max_examples=800)
    @given(circuits())
    def collect(circuit):
        seen.update(unit.gate.name for unit in circuit.wires if unit.gate)

    collect()
    assert set(ELEMENTWISE) <= seen
    assert {"matmul", "sum", "mean", "max", "slice", "take", "concatenate", "einsum"} <= seen
