"""Single numbers go a shorter way than arrays, to the same values, gradients and refusals."""

from itertools import product

import numpy as np
import pytest

import pullback as pb
from pullback.core import floats
from pullback.core.backward import backward
from pullback.core.values import arrays

EXTREMES = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -2.5,
    40.0,
    -745.0,
    1e-308,
    1e308,
    *map(float, ("inf", "nan")),
)
COUNTS = {  # the inputs of what is no universal function of NumPy
    **dict.fromkeys(("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "erf"), 1),
    **dict.fromkeys(("sin", "cos", "tanh", "arcsin", "arccos", "arctan", "sinh", "cosh"), 1),
    "maximum": 2,
    "minimum": 2,
    "where": 3,
}
NUMBERS = sorted(
    name
    for name, gate in pb.GATES.items()
    if gate.elementwise and bool not in gate.domain and len(gate.domain) < 3
)


def points(name):
    """Inputs of a gate: extremes, each with each, and numbers of its domain."""
    gate, rng = pb.GATES[name], np.random.default_rng(0)
    few = EXTREMES if len(gate.domain) == 1 else EXTREMES[:7] + EXTREMES[-3:]
    inside = [tuple(float(rng.uniform(*span)) for span in gate.domain) for _ in range(20)]
    return [*product(few, repeat=len(gate.domain)), *inside]


def wires(xs):
    return [pb.Unit(x, f"x{k}") for k, x in enumerate(xs)]


def same(a, b):
    """To the bit, but for what NaN has: which sign is left to the processor, and to chance."""
    np.testing.assert_array_equal(a, b)
    number = ~np.isnan(a)
    np.testing.assert_array_equal(np.signbit(a)[number], np.signbit(b)[number])


@pytest.mark.parametrize("name", sorted(vars(floats.scalars)))
def test_every_function_of_floats_is_that_of_arrays(name):
    ours, theirs = getattr(floats.scalars, name), getattr(arrays, name)
    for xs in product(EXTREMES, repeat=getattr(theirs, "nin", 0) or COUNTS[name]):
        y = ours(*xs)
        assert type(y) in (float, bool)
        with np.errstate(all="ignore"):
            wanted = theirs(*map(np.float64, xs))
        np.testing.assert_array_max_ulp(np.float64(y), np.float64(wanted), 2)


@pytest.mark.parametrize("name", NUMBERS)
def test_a_gate_of_floats_makes_the_wire_that_the_long_way_makes(name):
    gate = pb.GATES[name]
    quick = gate.of_one if len(gate.domain) == 1 else gate.of_two
    for xs in points(name):
        inputs = wires(xs)
        short, long = (lambda: quick(*inputs))(), gate(*inputs)
        same(short.value, long.value)
        assert type(short.value) is type(long.value)
        assert (short.gate, short.inputs, short.static) == (long.gate, long.inputs, long.static)
        same(quick(*xs), gate(*xs))


@pytest.mark.parametrize("name", [name for name in NUMBERS if len(pb.GATES[name].domain) == 2])
@pytest.mark.parametrize("number", [2, 2.0, np.float64(2.0), True])
def test_a_number_beside_a_wire_becomes_the_same_constant(name, number):
    gate, x = pb.GATES[name], pb.Unit(3.0, "x")
    for inputs in ((x, number), (number, x)):
        short, long = (lambda given: gate.of_two(*given))(inputs), gate(*inputs)
        same(short.value, long.value)
        for a, b in zip(short.inputs, long.inputs, strict=True):
            assert (a is x) == (b is x)
            assert (a.gate, type(a.value)) == (b.gate, type(b.value))


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("constant", [None, 0, 1])
def test_gradients_are_those_of_the_long_way_to_the_bit(name, constant, monkeypatch):
    gate = pb.GATES[name]

    def gradients():
        found = []
        for xs in points(name):
            inputs = wires(xs)
            if constant is not None and constant < len(xs):
                inputs[constant] = pb.constant(xs[constant])
            for pull in (1.0, -0.5, 1e308):
                y = gate(*inputs)
                if isinstance(y, pb.Unit) and type(y.value) is float and y.inputs:
                    backward([y], [pull])
                    found += [x.grad for x in inputs]
        return found

    short = gradients()
    monkeypatch.setattr(floats, "pull", lambda *told: False)
    long = gradients()
    assert [x is None for x in short] == [x is None for x in long]
    assert all(type(a) is type(b) for a, b in zip(short, long, strict=True))
    same([x for x in short if x is not None], [x for x in long if x is not None])


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("wrong", ["3", None, 10**400, 1j], ids=["text", "none", "huge", "complex"])
def test_what_is_refused_is_refused_in_the_same_words(name, wrong):
    gate = pb.GATES[name]
    if len(gate.domain) == 1:
        ways, given = (gate.of_one, gate), [(wrong,)]
    else:
        ways, given = (gate.of_two, gate), [(pb.Unit(1.0), wrong), (wrong, pb.Unit(1.0))]
    for inputs in given:
        told = []
        for way in ways:
            with pytest.raises(pb.CircuitError) as refused:
                way(*inputs)
            told.append(str(refused.value))
        assert told[0] == told[1]


def test_a_wire_remembers_the_line_that_made_it_on_either_way():
    x = pb.Unit(3.0)
    short, long = x * 2.0, pb.reshape(x, (1,))
    assert short.place.line == short.inputs[1].place.line == long.place.line
