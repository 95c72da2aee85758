"""Circuit: the face that users hold. Names, running, pulling, text."""

import numpy as np
import pytest

import pullback as pb
from pullback.engines.prepare import ENGINES


def small():
    x, y, z = pb.units(x=-2.0, y=5.0, z=-4.0)
    q = (x + y).named("q")
    return (x, y, z, q), pb.Circuit((q * z).named("f"))


def test_parts():
    (x, y, z, q), circuit = small()
    (f,) = circuit.outputs
    assert circuit.inputs == (x, y, z)
    assert circuit.gates == (q, f)
    assert circuit.wires == (x, y, z, q, f)
    assert len(circuit) == 2
    assert circuit["q"] is q
    assert circuit["x"] is x
    assert repr(circuit) == "<Circuit: 3 inputs, 2 gates>"


def test_constants_are_no_inputs_and_no_gates():
    x = pb.Unit(1.0, "x")
    circuit = pb.Circuit(x * 2.0 + pb.constant([1.0, 2.0]))
    assert circuit.inputs == (x,)
    assert len(circuit) == 2
    assert len(circuit.wires) == 5


def test_an_unknown_name_is_answered_with_the_names_there_are():
    _, circuit = small()
    with pytest.raises(KeyError, match="no wire of the circuit is named 'p'; named are: f, q, x"):
        circuit["p"]
    with pytest.raises(KeyError, match="named are: none"):
        pb.Circuit(pb.Unit(1.0) * 2.0)["x"]


def test_forward_sets_what_is_named_and_keeps_the_rest():
    (x, y, z, q), circuit = small()
    assert circuit.forward(x=1.0) == -24.0
    assert (x.value, y.value, z.value, q.value) == (1.0, 5.0, -4.0, 6.0)
    assert circuit.forward(z=2) == 12.0
    assert circuit.forward() == 12.0
    circuit.backward()
    assert (x.grad, z.grad) == (2.0, 6.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"y": 1.0, "w": 2.0}, "the circuit has no input 'w'; its inputs: x, y, z"),
        ({"y": 1.0, "q": 2.0}, "has no input 'q'"),
        ({"y": 1.0, "f": 2.0}, "has no input 'f'"),
        ({"y": 1.0, "x": [1.0]}, r"'x' has shape \(\), got \(1,\)"),
        ({"y": 1.0, "x": "big"}, "'x' must be a real number"),
        ({"y": 1.0, "x": 10**400}, "'x' is an integer too large"),
        ({"y": 1.0, "x": pb.Unit(1.0)}, "'x' must be a real number"),
    ],
)
def test_forward_refused_leaves_everything_unchanged(values, message):
    (x, y, z, q), circuit = small()
    circuit.backward()
    with pytest.raises(pb.CircuitError, match=message):
        circuit.forward(**values)
    assert [u.value for u in (x, y, z, q)] == [-2.0, 5.0, -4.0, 3.0]
    assert [u.grad for u in (x, y, z, q)] == [-4.0, -4.0, 3.0, -4.0]
    circuit.backward()  # not stale either
    assert y.grad == -4.0


def test_a_name_that_two_wires_have_names_neither():
    a, b = pb.Unit(1.0, "a"), pb.Unit(2.0, "a")
    circuit = pb.Circuit(a + b)
    assert circuit.forward() == 3.0
    for ask in (lambda: circuit["a"], lambda: circuit.forward(a=1.0)):
        with pytest.raises(pb.CircuitError, match="2 wires of the circuit are named 'a'; rename"):
            ask()
    once = pb.Circuit(a * a + a)  # one wire used twice is one input
    assert once.forward(a=3.0) == 12.0


def test_outputs_that_are_no_wires_are_refused():
    for outputs in (3.0, [1, 2], "x"):
        with pytest.raises(pb.CircuitError, match="a circuit's outputs are wires, got"):
            pb.Circuit(outputs)


def test_several_outputs():
    x, y = pb.units(x=2.0, y=3.0)
    s, p = x + y, x * y
    circuit = pb.Circuit([s, p])
    assert circuit.forward(x=4.0) == (7.0, 12.0)
    circuit.backward()
    assert (x.grad, y.grad) == (4.0, 5.0)
    circuit.backward([1.0, 10.0])
    assert (x.grad, y.grad) == (31.0, 41.0)
    circuit.backward((0.0, 1.0))
    assert (x.grad, y.grad) == (3.0, 4.0)
    circuit.backward(2.0)
    assert (x.grad, y.grad) == (8.0, 10.0)
    with pytest.raises(pb.CircuitError, match="3 pulls for 2 outputs"):
        circuit.backward([1.0, 2.0, 3.0])
    assert pb.Circuit([p]).forward() == (12.0,)


def test_one_output_of_several_elements_takes_a_list_as_its_pull():
    x = pb.Unit([1.0, 2.0], "x")
    circuit = pb.Circuit(x * x)
    circuit.backward([1.0, 10.0])
    np.testing.assert_array_equal(x.grad, [2.0, 40.0])
    np.testing.assert_array_equal(circuit.forward(x=[3.0, 4.0]), [9.0, 16.0])


def test_a_dictionary_names_the_outputs():
    x = pb.Unit(2.0, "x")
    circuit = pb.Circuit({"square": x * x, "double": x + x})
    assert circuit["square"].value == 4.0
    assert circuit["double"].value == 4.0
    assert circuit.forward(x=3.0) == (9.0, 6.0)
    assert "square = x * x" in str(circuit)
    assert [unit.name for unit in circuit.outputs] == [None, None]  # the user's wires stay theirs


def test_an_output_that_is_an_input_and_one_that_comes_twice():
    x, y = pb.units(x=2.0, y=3.0)
    p = x * y
    circuit = pb.Circuit([x, p])
    assert circuit.forward() == (2.0, 6.0)
    circuit.backward()
    assert (x.grad, y.grad) == (4.0, 2.0)
    twice = pb.Circuit([p, p])
    assert twice.forward() == (6.0, 6.0)
    assert len(twice) == 1
    twice.backward([1.0, 2.0])
    assert (p.grad, x.grad) == (3.0, 9.0)


def test_a_gradient_is_a_circuit_like_any_other():
    x, y = pb.units(x=2.0, y=3.0)
    dx, dy = pb.gradient(x * x * y, [x, y])
    circuit = pb.Circuit({"dx": dx, "dy": dy})
    assert circuit.forward(x=5.0) == (30.0, 25.0)
    circuit.backward([1.0, 0.0])
    assert (x.grad, y.grad) == (6.0, 10.0)


def test_text():
    _, circuit = small()
    assert str(circuit).splitlines() == [
        "circuit: 3 inputs, 2 gates",
        "  x          = -2",
        "  y          = 5",
        "  z          = -4",
        "  q = x + y  = 3",
        "  f = q * z  = -12",
    ]
    circuit.backward()
    assert str(circuit).splitlines()[1:] == [
        "  x          = -2   grad -4",
        "  y          = 5    grad -4",
        "  z          = -4   grad 3",
        "  q = x + y  = 3    grad -4",
        "  f = q * z  = -12  grad 1",
    ]


def test_text_of_unnamed_wires_constants_arrays_and_functions():
    x = pb.Unit([[1.0, 2.0], [3.0, 4.0]], "x")
    w = pb.Unit([0.5, -0.5])
    y = pb.sum(pb.relu(x @ w - 0.25) ** 2, axis=0)
    text = str(pb.Circuit(y))
    assert "circuit: 2 inputs, " in text
    assert "relu(" in text
    assert "** 2" in text
    assert "- 0.25" in text
    assert "sum(" in text
    assert "axis=0" in text
    assert "x " in text
    assert "[0.5, -0.5]" in text
    assert "(2, 2) in 1 … 4" in text
    lines = text.splitlines()[1:]
    names = [line.split("=")[0].strip() for line in lines]
    assert len(set(names)) == len(names)


def test_text_gives_wires_of_one_name_different_names():
    a = pb.Unit(1.0, "a")
    b = (a * 2.0).named("h")
    c = (b * 3.0).named("h")
    text = str(pb.Circuit(c))
    assert "h = a * 2" in text
    assert "h_2 = h * 3" in text


def test_text_of_a_long_circuit_is_by_groups():
    x = pb.Unit(1.0, "x")
    y = x
    for layer in range(3):
        with pb.scope(f"layer{layer}"):
            for _ in range(40):
                y = y + 0.5
    text = str(pb.Circuit(y)).splitlines()
    assert text[0] == "circuit: 1 input, 120 gates"
    assert [line.split()[0] for line in text[1:]] == ["layer0", "layer1", "layer2"]
    assert text[3].endswith("40 gates  last 61")


def test_text_of_a_circuit_that_is_one_source_or_nothing():
    assert str(pb.Circuit(pb.Unit(3.0, "x"))).splitlines() == [
        "circuit: 1 input, 0 gates",
        "  x  = 3",
    ]
    assert str(pb.Circuit([])) == "circuit: 0 inputs, 0 gates"
    assert pb.Circuit([]).forward() == ()


def test_a_compiled_circuit_is_the_circuit():
    x, y = pb.units(x=2.0, y=[1.0, 2.0])
    circuit = pb.Circuit([pb.sigmoid(x * y).sum(), x + y])
    run = circuit.compile()
    for given in ({}, {"x": -1.0}, {"y": [3.0, 4.0]}):
        for a, b in zip(run(**given), circuit.forward(**given), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
    with pytest.raises(pb.CircuitError, match="no input 'z'; its inputs: x, y"):
        run(z=1.0)


def test_a_function_is_recorded_once_for_each_shape_and_dtype():
    calls = []

    @pb.compile
    def f(a, b):
        calls.append((a.shape, a.dtype))
        return (a * b).sum()

    for _ in range(2):
        assert f([1.0, 2.0], 3.0) == 9.0
        assert f(np.ones(4, np.float32), 2.0) == 8.0
        assert f(2.0, 2.0) == 4.0
    assert len(calls) == 3
    assert type(f(2.0, 2.0)) is float
    assert f(np.ones(4, np.float32), 2.0).dtype == np.float32
    with pytest.raises(pb.CircuitError, match=r"outputs are wires, got 3\.0"):
        pb.compile(lambda x: 3.0)(1.0)


# Compiled functions ------------------------------------------------------------------------------


def test_arguments_that_nothing_reads_are_taken():
    assert pb.compile(lambda x, y: x * 2.0, engine="eager")(3.0, 4.0) == 6.0
    slope = pb.compile(lambda w, x: pb.gradient((w * x).sum(), w), engine="eager")
    np.testing.assert_array_equal(slope(np.ones(2), np.full(2, 5.0)), [5.0, 5.0])
    assert pb.compile(lambda x: pb.constant(3.0), engine="eager")(1.0) == 3.0


def test_arguments_by_keyword_and_by_default():
    run = pb.compile(lambda x, scale=2.0, *, shift=1.0: x * scale + shift, engine="eager")
    assert [run(3.0), run(3.0, 4.0), run(x=3.0, shift=0.0)] == [7.0, 13.0, 6.0]
    with pytest.raises(TypeError, match="missing a required argument: 'x'"):
        run()


def test_what_cannot_be_compiled_is_refused_at_once():
    with pytest.raises(pb.CircuitError, match="takes a function of wires, got 3"):
        pb.compile(3)
    with pytest.raises(pb.CircuitError, match="no engine 'cuda'"):
        pb.compile(lambda x: x, engine="cuda")
    with pytest.raises(pb.CircuitError, match="runs a Program, got Circuit"):
        pb.prepare("eager", pb.Circuit(pb.Unit(1.0) * 2.0))


@pytest.mark.parametrize("engine", [name for name, (package, _) in ENGINES.items() if package])
def test_what_an_engine_stands_on_and_is_not_there_is_named_with_the_cure(engine, monkeypatch):
    monkeypatch.setattr("pullback.engines.prepare.find_spec", lambda name: None)
    with pytest.raises(pb.CircuitError, match=f"'{engine}' needs .* run pip install .*'eager'"):
        pb.compile(lambda x: x * 2.0, engine=engine)(1.0)
    assert pb.compile(lambda x: x * 2.0, engine="eager")(1.0) == 2.0
