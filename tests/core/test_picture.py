"""Notebooks show the picture of a wire and of a circuit, where there is one worth seeing."""

import numpy as np

import pullback as pb


def test_wires_and_circuits_show_what_draw_draws():
    x, y = pb.units(x=2.0, y=3.0)
    f = x * y + x
    f.backward()
    assert f._repr_svg_() == pb.draw(f).svg
    circuit = pb.Circuit({"f": f})
    assert circuit._repr_svg_() == pb.draw(circuit).svg


def test_a_source_and_a_large_circuit_show_their_text():
    x = pb.Unit(np.ones(3), "x")
    assert x._repr_svg_() is None
    y = x
    for _ in range(1000):
        y = y * 1.01
    assert y._repr_svg_() is None
    assert pb.Circuit(y)._repr_svg_() is None
    assert repr(pb.Circuit(y)) == "<Circuit: 1 input, 1,000 gates>"
