"""What an optimizer remembers, written down and remembered again."""

import numpy as np
import pytest

import pullback as pb
from pullback.optim import OPTIMIZERS
from pullback.optim.memory import MemoryByParameter, Piece


def remembered(optimizer, *names):
    """Memory of these parameters, whose numbers count up."""
    parameters = {name: pb.Unit(np.zeros(2), name) for name in names}
    memory = MemoryByParameter(optimizer)
    for k, wire in enumerate(dict.fromkeys(memory.of(parameters)), start=1):
        wire.value = np.full(wire.shape, float(k)) if wire.shape else float(k)
    return memory, parameters


def values(memory, parameters):
    return [np.asarray(wire.value).tolist() for wire in memory.of(parameters)]


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_pieces_are_what_was_remembered(name):
    optimizer = OPTIMIZERS[name](0.1)
    memory, parameters = remembered(optimizer, "p", "q")
    again = MemoryByParameter(optimizer)
    again.restore(memory.pieces(parameters), parameters)
    assert values(again, parameters) == values(memory, parameters)
    assert len(again.wires) == len(memory.wires)  # what was shared is so again


def test_those_that_rest_keep_theirs():
    memory, parameters = remembered(pb.Adam(0.1), "p", "q")
    alone = {"p": parameters["p"]}
    memory.of(alone)  # q rests, and counts its steps by itself from now on
    again = MemoryByParameter(pb.Adam(0.1))
    again.restore(memory.pieces(parameters), parameters)
    assert values(again, alone) == values(memory, alone)
    assert len(again.wires) == len(memory.wires) == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slot": "x"}, "the optimizer has no memory 'x'"),
        ({"parameters": ("r",)}, "is of other parameters"),
        ({"parameters": ()}, "is of other parameters"),
        ({"parameters": ("p", "q")}, "is of each parameter by itself"),
        ({"value": np.zeros(3)}, r"should be float64 of shape \(2,\), got float64 of \(3,\)"),
        ({"value": np.zeros(2, np.float32)}, "should be float64"),
        ({"value": np.array([0.0, np.nan])}, "not finite"),
    ],
)
def test_pieces_of_another_memory_are_refused(change, message):
    memory, parameters = remembered(pb.SGD(0.1, momentum=0.9), "p", "q")
    before = values(memory, parameters)
    told = {"slot": "velocity", "parameters": ("p",), "value": np.zeros(2), **change}
    with pytest.raises(pb.CircuitError, match=message):
        memory.restore([Piece(**told)], parameters)
    assert values(memory, parameters) == before
    twice = [Piece("velocity", ("p",), np.zeros(2))] * 2
    with pytest.raises(pb.CircuitError, match="is there twice"):
        memory.restore(twice, parameters)
