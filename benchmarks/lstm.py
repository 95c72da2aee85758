"""An LSTM: forward over all steps, and backward through them.

Compared: the hidden states of all steps, and the gradients of sum(pull * states) by inputs and
parameters, in float32. It is fair because both get the same inputs, as many as there are hidden
units, the same parameters and the same pull, and both multiply all inputs by their weights at once
before they step: PyTorch's LSTM inside, ours because the loop is written so. The limit is the
multiply-adds of its six products, as fast as the cores do them in registers: of inputs and of
hidden states with their weights, and two gradients of each, but for the hidden states before the
first step, which are zero.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import Line, Work, compare, native, threads


class Size(NamedTuple):
    hidden: int
    steps: int
    batch: int


SMALL, LARGE = Size(128, 50, 50), Size(512, 64, 32)
GOALS = {SMALL: 1.3, LARGE: 1.0}


def measure(quick: bool) -> list[Line]:
    lines = []
    for size, goal in GOALS.items():
        lines += compare(
            f"{size.hidden} hidden, {size.steps} steps, batch {size.batch}",
            partial(ours, size),
            {"PyTorch": partial(pytorch, size)},
            {"PyTorch": goal},
            limits={"multiply-adds": partial(limit, size)},
            quick=quick,
            tolerance=1e-3,
            seconds=0.5,
        )
    return lines


@cache
def data(size: Size) -> dict[str, np.ndarray]:
    """Inputs, the pull on the hidden states, and parameters; gates in the order i, f, o, g."""
    rng, (hidden, steps, batch) = np.random.default_rng(0), size

    def some(*shape: int) -> np.ndarray:
        return (rng.normal(size=shape) / np.sqrt(hidden)).astype(np.float32)

    return {
        "x": some(steps, batch, hidden) * 5,
        "pull": some(steps, batch, hidden),
        "w": some(hidden, 4 * hidden),
        "u": some(hidden, 4 * hidden),
        "b": some(4 * hidden),
    }


def program(size: Size) -> Any:
    """The outputs and gradients as state that every step writes anew, so that nothing is copied."""
    import pullback as pb

    hidden = size.hidden
    x, pull, w, u, b = (pb.Unit(value, name) for name, value in data(size).items())
    zeros = np.zeros((size.batch, hidden), np.float32)

    def cell(h: Any, c: Any, z: Any) -> tuple[Any, ...]:
        z = z + h @ u
        gates, new = pb.sigmoid(z[:, : 3 * hidden]), pb.tanh(z[:, 3 * hidden :])
        i, f, o = (gates[:, k * hidden : (k + 1) * hidden] for k in range(3))
        c = f * c + i * new
        squashed = pb.tanh(c)
        return o * squashed, c, gates, new, squashed

    hs, *_ = pb.loop(cell, (zeros, zeros), x @ w + b)
    results = [hs, *pb.gradient(hs, [x, w, u, b], pull)]
    names = ("states", "dx", "dw", "du", "db")
    kept = {
        pb.Unit(np.zeros(unit.shape, unit.dtype), name): unit
        for name, unit in zip(names, results, strict=True)
    }
    return pb.Program({}, {}, kept)


def ours(size: Size) -> Work:
    recorded = program(size)
    step = native(recorded)
    step()

    def answer() -> np.ndarray:
        return np.concatenate([unit.value.ravel() for unit in recorded.updates])

    return Work(step, 1, answer)


def pytorch(size: Size) -> Work:
    import torch

    torch.set_num_threads(threads())
    given = {name: torch.from_numpy(value) for name, value in data(size).items()}
    x = given["x"].requires_grad_()
    lstm = torch.nn.LSTM(size.hidden, size.hidden)

    def swapped(v: torch.Tensor) -> torch.Tensor:
        """From our order of gates to PyTorch's, which is i, f, g, o, and back."""
        i, f, o, g = v.chunk(4, dim=-1)
        return torch.cat([i, f, g, o], dim=-1)

    with torch.no_grad():
        lstm.weight_ih_l0.copy_(swapped(given["w"]).T)
        lstm.weight_hh_l0.copy_(swapped(given["u"]).T)
        lstm.bias_ih_l0.copy_(swapped(given["b"]))
        lstm.bias_hh_l0.zero_()

    def run() -> torch.Tensor:
        x.grad = None
        lstm.zero_grad()
        states, _ = lstm(x)
        states.backward(given["pull"])
        return states

    def answer() -> np.ndarray:
        states = run()
        found = lstm.weight_ih_l0.grad.T, lstm.weight_hh_l0.grad.T, lstm.bias_ih_l0.grad
        parts = [states.detach(), x.grad, *map(swapped, found)]
        return np.concatenate([part.numpy().ravel() for part in parts])

    return Work(run, 1, answer)


def limit(size: Size) -> Work:
    from benchmarks.limits import multiply_adds

    each = 2 * size.batch * size.hidden * 4 * size.hidden  # operations of a product of one step
    return multiply_adds("float32", 3 * each * (2 * size.steps - 1))
