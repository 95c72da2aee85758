"""Abstract evaluation gives exactly the kinds that real evaluation gives, and refuses what it does.

The reference is the gate itself, on arrays.
"""

import itertools
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from tests.circuits import circuits
from tests.gates.cases import ELEMENTWISE, STRUCTURAL, cases, draw, generator, narrowed
from tests.moving import moving_programs
from tests.shaped import shaped_wires

import pullback as pb
from pullback.core.abstract import Abstract, abstract_of
from pullback.core.shapes import shapes
from pullback.core.values import arrays, kind_of

REFUSED = "refused"
DTYPES = ("f4", "f8", "i8", "i4", "u4", "?")


def kinds(gate, inputs, static):
    """The kind of each output of a gate, or that it takes no such inputs."""
    try:
        made = gate(*inputs, **static)
    except pb.CircuitError:
        return REFUSED
    return [kind_of(unit._value) for unit in (made if isinstance(made, tuple) else (made,))]


def wired(values, abstract):
    """Sources of these values, of which those at the places `abstract` have no numbers."""
    return [pb.Unit(abstract_of(x) if k in abstract else x) for k, x in enumerate(values)]


def assert_alike(name, values, static):
    """Whichever inputs are abstract, the outputs are of the same kinds, and abstract."""
    gate = pb.GATES[name]
    expected = kinds(gate, wired(values, ()), static)
    places = range(len(values))
    for some in ([k] for k in places) if len(values) > 1 else ():
        assert kinds(gate, wired(values, some), static) == expected, (name, some)
    inputs = wired(values, places)
    assert kinds(gate, inputs, static) == expected, name
    if expected != REFUSED and values:
        made = gate(*inputs, **static)
        for unit in made if isinstance(made, tuple) else (made,):
            assert type(unit._value) is Abstract


def test_every_function_of_arrays_has_its_abstract_one():
    assert set(vars(shapes)) == set(vars(arrays))


@pytest.mark.parametrize("name", sorted(pb.GATES))
def test_every_gate_at_every_case(name):
    for values, static in cases(name):
        assert_alike(name, values, static)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_gates_of_every_mix_of_dtypes(name):
    rng, domain = generator(name), pb.GATES[name].domain
    for dtypes in itertools.product((*DTYPES, float, bool), repeat=min(len(domain), 2)):
        dtypes = (*dtypes, *dtypes)[: len(domain)]
        values = []
        for span, dtype in zip(domain, dtypes, strict=True):
            shape = narrowed(rng, (2, 1, 3)) if isinstance(dtype, str) else ()
            x = np.abs(draw(rng, span, shape))  # whole numbers have no negative powers
            values.append(x.astype(dtype) if isinstance(dtype, str) else dtype(x))
        assert_alike(name, values, {})


@pytest.mark.parametrize("name", STRUCTURAL)
def test_structural_gates_of_every_dtype(name):
    for values, static in cases(name):
        floats = [k for k, x in enumerate(values) if np.asarray(x).dtype.kind == "f"]
        for k, dtype in itertools.product(floats, DTYPES):
            if name in ("solve", "cholesky") and np.dtype(dtype).kind != "f":
                continue  # cut to whole numbers, a matrix may be singular
            others = list(values)
            others[k] = np.asarray(values[k]).astype(dtype)
            assert_alike(name, others, static)


def misfits(x):
    """Arrays of nearly the shape of x: an axis longer, shorter, empty, gone or new."""
    for axis, n in enumerate(x.shape):
        for size in {0, 1, n - 1, n + 1} - {n, -1}:
            yield np.resize(x, (*x.shape[:axis], size, *x.shape[axis + 1 :]))
        yield np.resize(x, x.shape[:axis] + x.shape[axis + 1 :])
    yield x[None]


@pytest.mark.parametrize("name", sorted(pb.GATES))
def test_shapes_that_do_not_fit_are_refused_as_of_arrays(name):
    for values, static in cases(name)[:6]:
        values = [np.zeros_like(x) if x.dtype.kind == "i" else x for x in map(np.asarray, values)]
        for k, x in enumerate(values):
            for other in misfits(x):
                changed = [*values[:k], other, *values[k + 1 :]]
                with np.errstate(all="ignore"):
                    assert_alike(name, changed, static)


def test_a_refusal_names_the_real_shapes():
    x = pb.Unit(Abstract((1000, 784), np.dtype("f4")), "x")
    with pytest.raises(pb.CircuitError, match=r"'x' of shape \(1000, 784\).* \(1000,784\) \(3,3\)"):
        x + np.ones((3, 3))


def assert_kinds(program):
    for unit, other in shaped_wires(program).items():
        values, others = (x if isinstance(x, tuple) else (x,) for x in (unit._value, other._value))
        assert list(map(kind_of, values)) == list(map(kind_of, others))


@settings(max_examples=150, deadline=None)
@given(moving_programs())
def test_random_programs_that_move_elements(program):
    assert_kinds(program)


@settings(max_examples=150, deadline=None)
@given(circuits(gates=20))
def test_random_circuits(circuit):
    assert_kinds(pb.Program({}, {"y": circuit.output}, {}))


def enormous(x):
    """Gates of every kind upon images of 100 GB."""
    w, v = np.ones((3, 3, 2, 3), "f4"), np.ones((6 * 32 * 32, 4), "f4")
    y = pb.convolve(x, w, padding=1)
    y = pb.max_pool(pb.relu(y), 2)
    y = pb.average_pool(pb.concatenate([y, y[:, ::-1]], axis=3), 3, 2, 1)
    y = pb.softmax(pb.reshape(y, (y.shape[0], -1)) @ v)
    y = pb.where(y > 0.5, y, pb.random(y.shape, step=pb.Unit(Abstract((), np.dtype("i8")))))
    picked = pb.take(y, pb.argmax(y, axis=1), axis=0)
    return pb.mean(pb.stack([picked, picked])) + pb.sum(pb.pad(pb.sin(picked), 1))


def test_neither_time_nor_memory_grows_with_an_abstract_value():
    def gradient(batch):
        x = pb.Unit(Abstract((batch, 128, 128, 2), np.dtype("f4")))
        tracemalloc.start()
        start = time.perf_counter()
        d = pb.gradient(enormous(x), x)
        seconds, (_, peak) = time.perf_counter() - start, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert d.shape == x.shape
        return seconds, peak

    gradient(2)  # what is made once
    gradient(800_000)
    assert min(gradient(800_000)[0] for _ in range(3)) < 5.0
    assert gradient(800_000)[1] < 50e6
