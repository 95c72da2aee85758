"""Loop code as a person reads it."""

import numpy as np
import pytest

import pullback as pb
from pullback.engines.native.compile import compile
from pullback.engines.native.ir import Epoch, Place, Rows
from pullback.engines.native.registers import write_registers
from pullback.engines.native.target import host


def step(*outputs, updates=None):
    """The loop code of a step that makes these wires."""
    named = {f"y{k}": y for k, y in enumerate(outputs)}
    return compile(pb.Program({}, named, updates or {}), host())


def lines(text):
    """A text, as it is written into a test."""
    return "\n".join(line[8:] for line in text.strip("\n").splitlines()).rstrip()


x = pb.Unit(np.zeros((3, 4), "f4"), "x")
w, b = pb.Unit(np.zeros((4, 2), "f4"), "w"), pb.Unit(np.zeros(2, "f4"), "b")


def test_a_step_tells_its_loops_and_what_they_do_to_an_element():
    made = step(pb.sum(pb.exp(x.T[:, ::2]) * 2.0, axis=1), pb.astype(x[0] > 1.0, "f8"))
    assert str(made.step) == lines("""
        step, in one piece
          run [4, 2] strides [8] at f4[0], f4[16]
            loop over 2 axes, lines of 2, threads share axis 0
              x0: f4[1, s0]
              y0: f4[1, 0]
              v0: f4 = exp(x0)
              v1: f4 = multiply(v0, 2.0)
              y0 = sum(v1) in f8, along the line
          run [4] at f4[0], f8[16]
            loop over 1 axes, threads share axis 0
              x0: f4[1]
              y0: f8[1]
              v0: b1 = greater(x0, 1.0) in f4
              v1: f8 = astype(v0, dtype=float64)
              y0 = v1
    """)


def test_a_kernel_is_told_with_its_sizes():
    made = step(pb.relu(x @ w + b))
    assert str(made.step) == lines(
        """
        step, in one piece
          call product Product(kind='f4', m=3, n=2, k=4, a=(4, 1), b=(2, 1), start=0, """
        """rectified=True, packed=False, apart=0, paneled=False) at f4[48], f4[0], f4[16], f4[32]
    """
    )


def test_a_large_step_calls_its_loops_and_all_threads_share_them():
    large = pb.Unit(np.zeros((200, 300)), "large")
    made = step(pb.sum(large * 2.0, axis=0))
    assert str(made.step) == lines("""
        step
          run [200, 300] strides [300] at f8[0], f8[60008], by all threads
            loop over 2 axes, threads share axis 1
              x0: f8[s0, 1]
              y0: f8[0, 1]
              v0: f8 = multiply(x0, 2.0)
              y0 = sum(v0) in f8, from the start
    """)


@pytest.mark.parametrize(("channels", "short"), [(1, None), (3, 3), (32, 32), (33, None)])
def test_the_size_of_short_lines_is_part_of_a_loop(channels, short):
    pixels = pb.Unit(np.zeros((400, channels)), "pixels")
    shares = pb.Unit(np.zeros((400, 1)), "shares")
    (run,) = step(pixels * shares).step.body
    assert run.loop.short == short


def test_a_loop_repeats_its_step_in_rows_of_memory():
    xs = pb.Unit(np.arange(5.0), "xs")
    (y,) = pb.loop(lambda y, x: y * 0.5 + x, pb.Unit(0.0, "start"), xs)
    made = step(y)
    assert str(made.step) == lines("""
        step, in one piece
          run [] at f8[8], f8[24]
            loop over 0 axes
              x: f8[]
              y: f8[]
              y = x
          repeat 5 times
            run [] at f8[24 + 1·row0], f8[0 + 1·row0], f8[25 + 1·row0]
              loop over 0 axes
                x0: f8[]
                x1: f8[]
                y0: f8[]
                v0: f8 = multiply(x0, 0.5)
                v1: f8 = add(v0, x1)
                y0 = v1
    """)


def test_a_loop_of_a_gate_that_is_made_of_its_place_has_an_index():
    drawn = pb.random((2, 3), pb.Unit(np.array(3), "seed"))
    text = str(step(drawn).step)
    assert ", index [1]\n" in text
    assert "random(" in text


def small():
    x, w = pb.Unit(np.zeros((1, 2)), "x"), pb.Unit(1.0, "w")
    return pb.Program({"x": x}, {"y": w * x[0, 1]}, {w: w + x[0, 0]})


def test_an_epoch_in_registers_tells_what_is_in_which():
    made = compile(small(), host())
    text = str(write_registers(made.plain, made.access, made.places).over(["u1"]))
    assert text == lines("""
        epoch in registers, 1 rows a step
          x0: f8 = f8[8]
          x1: f8 = input 0[0, 1] of u1
          x2: f8 = input 0[0, 0] of u1
          y0: f8
          y1: f8
          loop over 0 axes
            x0: f8[]
            x1: f8[]
            x2: f8[]
            y0: f8[]
            y1: f8[]
            v0: f8 = multiply(x0, x1)
            y0 = v0
            v1: f8 = add(x0, x2)
            y1 = v1
          number 0: y0
          f8[8] = y1, x0 of the next batch
    """)


def test_an_epoch_tells_where_its_rows_go_and_its_numbers_lie():
    made = compile(small(), host())
    rows = Rows(Place("f8", 16), 1, 2, "u1")
    text = str(Epoch(made.step, (None, rows), (Place("f8", 3),)))
    assert text.startswith(
        lines("""
        epoch
          input 1: 1 x 2 of u1 to f8[16]
          number 0: f8[3]
          step, in one piece
            run [] at """)
    )


def test_records_are_alike_where_their_sizes_do_not_matter():
    """So layers of a network share their loops."""
    a, b = (pb.Unit(np.zeros(shape), "a") for shape in ((3, 4), (70, 90)))
    (first,), (second,) = (step(pb.tanh(unit) * 2.0).step.body for unit in (a, b))
    assert first.loop == second.loop
    assert first != second
