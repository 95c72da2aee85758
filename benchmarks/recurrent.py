"""Recurrent layers, an LSTM, a GRU and a plain one: forward over all steps, and backward.

Compared: the outputs of all steps, and the gradients of sum(pull * outputs) by inputs and
parameters, in float32, of batches (rows, steps, units) through the layers of both libraries. It is
fair because both get the same inputs, as many as there are hidden units, the same parameters and
the same pull, and both multiply all inputs by their weights at once before they step: PyTorch's
layers inside, and ours because the native engine takes such products out of a loop. PyTorch has two
biases where we need one. The limit is the multiply-adds of the products, as fast as the cores do
them in registers: of inputs and of hidden states with their weights, and two gradients of each, but
for the hidden states before the first step, which are zero.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import Line, Work, compare, native, threads


class Case(NamedTuple):
    """A kind of layer, and how large all of it is."""

    kind: str
    hidden: int
    steps: int
    batch: int


SMALL = Case("LSTM", 128, 50, 50)
GOALS = {
    SMALL: 1.3,
    Case("LSTM", 512, 64, 32): 1.0,
    Case("GRU", 128, 50, 50): 1.2,
    Case("RNN", 128, 50, 50): 1.2,
}
OURS = {  # gates in our order, and in which of PyTorch's places each of them stands
    "LSTM": (0, 1, 3, 2),  # i, f, o, g; PyTorch has i, f, g, o
    "GRU": (0, 1, 2),
    "RNN": (0,),
}


def measure(quick: bool) -> list[Line]:
    lines = []
    for case, goal in GOALS.items():
        lines += compare(
            f"{case.kind}, {case.hidden} hidden, {case.steps} steps, batch {case.batch}",
            partial(ours, case),
            {"PyTorch": partial(pytorch, case)},
            {"PyTorch": goal},
            limits={"multiply-adds": partial(limit, case)},
            quick=quick,
            tolerance=1e-3,
            seconds=0.5,
        )
    return lines


@cache
def data(case: Case) -> dict[str, np.ndarray]:
    """Inputs, the pull on the outputs, and parameters by the names that our layers have."""
    rng, (kind, hidden, steps, batch) = np.random.default_rng(0), case

    def some(*shape: int) -> np.ndarray:
        return (rng.normal(size=shape) / np.sqrt(hidden)).astype(np.float32)

    width = len(OURS[kind]) * hidden
    drawn = {
        "x": some(batch, steps, hidden) * 5,
        "pull": some(batch, steps, hidden),
        "weight": some(hidden, width),
        "recurrent": some(hidden, width),
        "bias": some(width),
    }
    return {**drawn, "recurrent_bias": some(hidden)} if kind == "GRU" else drawn


def program(case: Case) -> Any:
    """The outputs and gradients as state that every step writes anew, so that nothing is copied."""
    import pullback as pb

    given = data(case)
    layer = getattr(pb, case.kind)(case.hidden)
    x, pull = pb.Unit(given["x"], "x"), pb.Unit(given["pull"], "pull")
    layer(given["x"][:, :1])
    parameters = {name.rpartition(".")[2]: unit for name, unit in layer.parameters.items()}
    for name, unit in parameters.items():
        unit.value = given[name]
    y = layer(x)
    results = {"y": y} | dict(
        zip(["x", *parameters], pb.gradient(y, [x, *parameters.values()], pull), strict=True)
    )
    return pb.Program(
        {}, {}, {pb.Unit(np.zeros(y.shape, y.dtype), name): y for name, y in results.items()}
    )


def ours(case: Case) -> Work:
    recorded = program(case)
    step = native(recorded)
    step()

    def answer() -> np.ndarray:
        return np.concatenate([unit.value.ravel() for unit in recorded.updates])

    return Work(step, 1, answer)


def pytorch(case: Case) -> Work:
    import torch

    torch.set_num_threads(threads())
    given = {name: torch.from_numpy(value) for name, value in data(case).items()}
    x, places = given["x"].requires_grad_(), OURS[case.kind]
    layer = getattr(torch.nn, case.kind)(case.hidden, case.hidden, batch_first=True)

    def turned(v: torch.Tensor) -> torch.Tensor:
        """From our order of gates to PyTorch's, and back: no order has a longer cycle than 2."""
        pieces = v.chunk(len(places), dim=-1)
        return torch.cat([pieces[k] for k in places], dim=-1)

    with torch.no_grad():
        layer.weight_ih_l0.copy_(turned(given["weight"]).T)
        layer.weight_hh_l0.copy_(turned(given["recurrent"]).T)
        layer.bias_ih_l0.copy_(turned(given["bias"]))
        layer.bias_hh_l0.zero_()
        if "recurrent_bias" in given:
            layer.bias_hh_l0[-case.hidden :] = given["recurrent_bias"]

    def run() -> torch.Tensor:
        x.grad = None
        layer.zero_grad()
        y, _ = layer(x)
        y.backward(given["pull"])
        return y

    def answer() -> np.ndarray:
        y = run()
        found = layer.weight_ih_l0.grad.T, layer.weight_hh_l0.grad.T, layer.bias_ih_l0.grad
        parts = [y.detach(), x.grad, *map(turned, found)]
        if "recurrent_bias" in given:
            parts.append(layer.bias_hh_l0.grad[-case.hidden :])
        return np.concatenate([part.numpy().ravel() for part in parts])

    return Work(run, 1, answer)


def limit(case: Case) -> Work:
    from benchmarks.limits import multiply_adds

    width = len(OURS[case.kind]) * case.hidden
    each = 2 * case.batch * case.hidden * width  # operations of a product of one step
    return multiply_adds("float32", 3 * each * (2 * case.steps - 1))
