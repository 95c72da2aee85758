"""Rewriting circuits: what becomes of wires whose inputs become others, and at what cost."""

import numpy as np

import pullback as pb
from pullback.core.abstract import Abstract
from pullback.core.rewrite import rewrite, wired


def test_what_is_above_a_changed_wire_is_made_again_and_the_rest_stays():
    x, y, z = pb.units(x=2.0, y=3.0, z=5.0)
    with pb.scope("layer"):
        kept = pb.exp(y)
        changed = (x * kept).named("changed")
    made = {x: z}
    new, same = rewrite([changed, kept], made)
    assert same is kept
    assert new.inputs == (z, kept)
    assert (new.name, new.scope, new.where) == ("changed", "layer", changed.where)
    assert made[changed] is new
    assert changed.inputs == (x, kept)


def test_nothing_below_a_wire_that_has_become_another_is_walked():
    x, z = pb.units(x=2.0, z=5.0)
    inner = pb.exp(x)
    made = {inner: z}
    (new,) = rewrite([inner * 3.0], made, lambda unit, _: x if unit is x else None)
    assert x not in made
    assert new.inputs[0] is z


def test_a_rule_is_asked_inputs_first_and_may_walk_on():
    x = pb.Unit(2.0)
    asked = []

    def cubed(unit, inputs):
        asked.append(unit)
        if unit.gate is not pb.GATES["exp"]:
            return None
        return rewrite([inputs[0] * inputs[0]], made, cubed)[0]

    made = {}
    y = pb.sin(pb.exp(pb.cos(x)))
    (new,) = rewrite([y], made, cubed)
    assert asked[:3] == [x, y.inputs[0].inputs[0], y.inputs[0]]
    assert [u.gate.name for u in pb.Circuit(new).gates] == ["cos", "multiply", "sin"]


def test_values_follow_other_shapes_and_dtypes_and_constants_are_folded():
    x = pb.Unit(np.ones(3), "x")
    y = pb.exp(x)
    (single,) = rewrite([y], {x: pb.Unit(np.full(2, 2.0, np.float32))})
    assert (single.shape, single.dtype) == ((2,), np.float32)
    np.testing.assert_allclose(single.value, np.exp([2.0, 2.0]), rtol=1e-6)
    (folded,) = rewrite([y], {x: pb.constant(np.zeros(3))})
    assert folded.is_constant
    np.testing.assert_array_equal(folded.value, np.ones(3))


def test_a_chain_of_a_hundred_thousand_gates_is_rewritten():
    x = y = pb.Unit(0.5)
    for _ in range(100_000):
        y = y * 1.0
    (new,) = rewrite([y], {x: pb.Unit(0.5)})
    assert len(pb.Circuit(new)) == 100_000


def test_what_is_wired_to_twins_is_made_of_the_sources_and_not_computed():
    w, v, b = pb.Unit(np.ones(3), "w"), pb.Unit(np.ones(3), "v"), pb.Unit(2.0, "b")

    def moved(twin):
        with pb.scope("step"):
            return [(twin[w] - 0.1 * twin[v]).named("new"), 0.9 * twin[v], twin[w], b * 2.0]

    new, slower, same, double = wired(moved, [w, v, w])
    assert (new.name, new.scope, new.inputs[0]) == ("new", "step", w)
    assert new.inputs[1].inputs[1] is slower.inputs[1] is v
    assert same is w
    assert double.value == 4.0
    assert all(type(unit._value) is Abstract for unit in (new, slower))
    np.testing.assert_allclose(new.forward(), 0.9)
    (computed, *_) = wired(moved, [w, v], lambda value: value)
    np.testing.assert_allclose(computed.value, 0.9)
