"""Program: one step as data, checked when it is made."""

import dataclasses

import numpy as np
import pytest

import pullback as pb
from pullback.core.abstract import Abstract
from pullback.core.values import kind_of
from pullback.program.fingerprint import fingerprint


def test_a_program_knows_its_wires_in_running_order():
    x, w = pb.units(x=2.0, w=3.0)
    y = w * x
    new = w - 0.1 * y
    program = pb.Program({"x": x}, {"y": y}, {w: new})
    wires = program.wires
    assert set(wires) >= {x, w, y, new}
    assert all(wires.index(a) < wires.index(unit) for unit in wires for a in unit.inputs)
    assert len(set(wires)) == len(wires)


def test_only_what_outputs_and_updates_need_is_in_it():
    x, w = pb.units(x=2.0, w=3.0)
    y = w * x
    unused = pb.exp(y)
    assert unused not in pb.Program({"x": x}, {"y": y}, {}).wires
    assert y in pb.Program({"x": x}, {}, {w: y}).wires
    assert pb.Program({}, {}, {}).wires == []


def test_only_sources_can_be_inputs_or_state():
    x = pb.Unit(2.0, "x")
    y = (x * x).named("y")
    with pytest.raises(pb.CircuitError, match="'y' is made by a gate; only sources can be set"):
        pb.Program({"y": y}, {}, {})
    with pytest.raises(pb.CircuitError, match="'y' is made by a gate"):
        pb.Program({}, {}, {y: x})
    with pytest.raises(pb.CircuitError, match="only sources can be set"):
        pb.Program({"c": pb.constant(1.0)}, {}, {})


def test_an_update_keeps_shape_and_dtype():
    w = pb.Unit(np.ones(3, np.float32), "w")
    with pytest.raises(pb.CircuitError, match=r"'w' of shape \(3,\) and float32 cannot be updated"):
        pb.Program({}, {}, {w: pb.sum(w)})
    with pytest.raises(pb.CircuitError, match=r"to shape \(3,\) and float64"):
        pb.Program({}, {}, {w: w * np.ones(3)})
    with pytest.raises(pb.CircuitError, match="to shape"):
        pb.Program({}, {}, {w: w > 0.0})
    pb.Program({}, {}, {w: w * 0.9})


def test_a_program_does_not_change():
    program = pb.Program({}, {}, {})
    with pytest.raises(dataclasses.FrozenInstanceError):
        program.inputs = {}
    assert program != pb.Program({}, {}, {})
    assert len({program, program}) == 1


def test_it_is_the_same_without_numbers():
    x, w, b = pb.Unit(np.ones((2, 3), "f4"), "x"), pb.Unit(np.ones((3, 1), "f4"), "w"), pb.Unit(2.0)
    unread = pb.Unit(np.zeros(5), "unread")
    (h,) = pb.loop(lambda h, x: pb.tanh(h + x), np.zeros(3, "f4"), x)
    program = pb.Program({"x": x}, {"y": (x + h) @ w * b}, {w: w * 0.5, unread: unread})
    bare, became = program.abstracted()
    assert fingerprint(bare) == fingerprint(program)
    assert bare.inputs["x"] is became[x]
    assert list(bare.updates) == [became[w], became[unread]]
    for unit in bare.wires:
        values = unit._value if isinstance(unit._value, tuple) else (unit._value,)
        known = unit.is_constant or unit is became[b]
        assert known or all(type(value) is Abstract for value in values)
    for unit, other in became.items():
        assert kind_of(unit._value) == kind_of(other._value)
        assert (unit.name, unit.scope, unit.where) == (other.name, other.scope, other.where)
    assert pb.prepare("eager", program)()["y"].shape == (2, 1)
