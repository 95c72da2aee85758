"""An LSTM of 128 hidden units over 50 steps, batch 50: forward and backward.

Compared: the hidden states of all steps, and the gradients of sum(pull * states) by inputs and
parameters, in float32. It is fair because both get the same inputs, parameters and pull, and both
multiply all inputs by their weights at once before they step: PyTorch's LSTM inside, ours because
the loop is written so.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from benchmarks.measure import Line, Work, compare, native, threads

STEPS, BATCH, HIDDEN = 50, 50, 128


def measure(quick: bool) -> list[Line]:
    return compare(
        "forward and backward", ours, {"PyTorch": pytorch}, {"PyTorch": 1.0}, quick=quick,
        tolerance=1e-3, seconds=0.5,
    )  # fmt: skip


@cache
def data() -> dict[str, np.ndarray]:
    """Inputs, the pull on the hidden states, and parameters; gates in the order i, f, o, g."""
    rng = np.random.default_rng(0)

    def some(*shape: int) -> np.ndarray:
        return (rng.normal(size=shape) / np.sqrt(HIDDEN)).astype(np.float32)

    return {
        "x": some(STEPS, BATCH, HIDDEN) * 5,
        "pull": some(STEPS, BATCH, HIDDEN),
        "w": some(HIDDEN, 4 * HIDDEN),
        "u": some(HIDDEN, 4 * HIDDEN),
        "b": some(4 * HIDDEN),
    }


def program() -> Any:
    """The outputs and gradients as state that every step writes anew, so that nothing is copied."""
    import pullback as pb

    x, pull, w, u, b = (pb.Unit(value, name) for name, value in data().items())
    zeros = np.zeros((BATCH, HIDDEN), np.float32)

    def cell(h: Any, c: Any, z: Any) -> tuple[Any, ...]:
        z = z + h @ u
        gates, new = pb.sigmoid(z[:, : 3 * HIDDEN]), pb.tanh(z[:, 3 * HIDDEN :])
        i, f, o = (gates[:, k * HIDDEN : (k + 1) * HIDDEN] for k in range(3))
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


def ours() -> Work:

    recorded = program()
    step = native(recorded)
    step()

    def answer() -> np.ndarray:
        return np.concatenate([unit.value.ravel() for unit in recorded.updates])

    return Work(step, 1, answer)


def pytorch() -> Work:
    import torch

    torch.set_num_threads(threads())
    given = {name: torch.from_numpy(value) for name, value in data().items()}
    x = given["x"].requires_grad_()
    lstm = torch.nn.LSTM(HIDDEN, HIDDEN)

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
