"""Two Programs have one fingerprint exactly where they compile to the same."""

import os
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from tests.moving import moving_programs

import pullback as pb
from pullback.core.registry import GATES
from pullback.program.fingerprint import fingerprint


def program(make, *shapes, dtype=np.float64, name="y"):
    sources = [pb.Unit(np.ones(shape, dtype), "abc"[k]) for k, shape in enumerate(shapes)]
    return pb.Program({x.name: x for x in sources}, {name: make(*sources)}, {})


def looped(step, length=3, reverse=False):
    xs = pb.Unit(np.ones(length), "xs")
    return pb.Program({"xs": xs}, {"y": pb.loop(step, (0.0,), xs, reverse=reverse)[0]}, {})


def updated(which):
    a, b = pb.Unit(1.0, "a"), pb.Unit(2.0, "b")
    new = a + b
    return pb.Program({}, {}, {a: new} if which == "a" else {b: new})


DIFFERENT = {
    "plus": lambda: program(lambda a, b: a + b, 3, 3),
    "minus": lambda: program(lambda a, b: a - b, 3, 3),
    "minus, the other way": lambda: program(lambda a, b: b - a, 3, 3),
    "one of one": lambda: program(lambda a, b: a - a, 3, 3),
    "shape": lambda: program(lambda a, b: a + b, 4, 4),
    "one number": lambda: program(lambda a, b: a + b, (1,), (1,)),
    "in an array": lambda: program(lambda a, b: a + b, (), ()),
    "precision": lambda: program(lambda a, b: a + b, 3, 3, dtype=np.float32),
    "name of the output": lambda: program(lambda a, b: a + b, 3, 3, name="z"),
    "constant": lambda: program(lambda a, b: a + 2.0, 3, 3),
    "another constant": lambda: program(lambda a, b: a + 3.0, 3, 3),
    "the other input": lambda: program(lambda a, b: b + 2.0, 3, 3),
    "zero": lambda: program(lambda a, b: a + 0.0, 3, 3),
    "minus zero": lambda: program(lambda a, b: a + -0.0, 3, 3),
    "axis": lambda: program(lambda a: pb.sum(a, axis=0), (3, 3)),
    "another axis": lambda: program(lambda a: pb.sum(a, axis=1), (3, 3)),
    "slice": lambda: program(lambda a: a[0:2], 3),
    "another slice": lambda: program(lambda a: a[1:3], 3),
    "kind": lambda: program(lambda a: pb.astype(a, np.float32), 3),
    "another kind": lambda: program(lambda a: pb.astype(a, np.int64), 3),
    "seed": lambda: program(lambda a: a + pb.random(3, seed=1), 3),
    "another seed": lambda: program(lambda a: a + pb.random(3, seed=2), 3),
    "loop": lambda: looped(lambda h, x: h + x),
    "another step": lambda: looped(lambda h, x: h * x),
    "constant in a step": lambda: looped(lambda h, x: h + x * 2.0),
    "another constant in a step": lambda: looped(lambda h, x: h + x * 3.0),
    "length": lambda: looped(lambda h, x: h + x, 4),
    "reversed": lambda: looped(lambda h, x: h + x, reverse=True),
    "state": lambda: updated("a"),
    "other state": lambda: updated("b"),
}


@pytest.mark.parametrize("one", DIFFERENT)
def test_what_is_made_alike_has_one_fingerprint_whatever_stands_on_its_sources(one):
    first = fingerprint(DIFFERENT[one]())
    pb.Unit(1.0) + 2.0  # wires are numbered by their place in the Program, not by their age
    again = DIFFERENT[one]()
    for x in again.inputs.values():
        x.value = x.value * 7
    assert first is not None
    assert fingerprint(again) == first


def test_whatever_differs_is_in_the_fingerprint():
    found = {one: fingerprint(make()) for one, make in DIFFERENT.items()}
    same = [pair for pair in combinations(found, 2) if found[pair[0]] == found[pair[1]]]
    assert same == []


def test_every_gate_of_the_library_has_one():
    rng = np.random.default_rng(0)
    for name, gate in GATES.items():
        for inputs, static in gate.samples(rng) if gate.samples else ():
            made = gate(*map(pb.Unit, inputs), **static)
            outputs = made if isinstance(made, tuple) else (made,)
            assert fingerprint(pb.Program.of(outputs)) is not None, name


texts = {}


@settings(deadline=None)
@given(moving_programs())
def test_random_programs_of_one_fingerprint_have_one_text(random):
    found = fingerprint(random)
    assert found is not None
    assert texts.setdefault(found, str(random)) == str(random)


@pb.gate(partials=(lambda y, x: 2 * x,))
def squared(m, x):
    return x * x


def test_what_is_not_the_librarys_own_has_none():
    """Its code may change, and its name stay."""
    assert fingerprint(program(squared, 3)) is None
    assert fingerprint(looped(lambda h, x: h + squared(x))) is None


ELSEWHERE = """
import tests.program.test_fingerprint as here
for make in here.DIFFERENT.values():
    print(here.fingerprint(make()))
"""


def test_it_is_the_same_in_every_process():
    ours = [fingerprint(make()) for make in DIFFERENT.values()]
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", ELSEWHERE],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == ours
