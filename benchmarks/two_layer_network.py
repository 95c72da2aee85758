"""The guide's network of 2 inputs, 3 hidden neurons and 1 score, one point at a time.

Compared: one iteration, that is a point's score, the hinge force on it, the gradients of 13
parameters, springs on the weights, and a step of 0.01. It is fair because everyone sees the same
points in the same order in double precision and ends with the same parameters. Each library is
used as its users would: pullback and JAX loop in compiled code, PyTorch is a Module with SGD,
micrograd is scalar objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.measure import Line, Work, compare, native

POINTS = [[1.2, 0.7], [-0.3, -0.5], [3.0, 0.1], [-0.1, -1.0], [-1.0, 1.1], [2.1, -3.0]]
LABELS = [1.0, -1.0, 1.0, -1.0, -1.0, 1.0]
STEP, SPRING, HIDDEN = 0.01, 1.0, 3
CHECKED = 300  # iterations after which everyone's parameters are compared


def measure(quick: bool) -> list[Line]:
    return compare(
        "one iteration",
        ours,
        {"PyTorch": pytorch, "micrograd": micrograd, "JAX lax.scan": jax_scan},
        {"PyTorch": 5000, "micrograd": 2000, "JAX lax.scan": 1.6},
        quick=quick,
        tolerance=1e-9,
    )


def start() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The first parameters: (2, 3) and (3,) of the hidden neurons, (3,) and () of the score."""
    rng = np.random.default_rng(0)
    return (
        rng.uniform(-0.5, 0.5, (2, HIDDEN)),
        rng.uniform(-0.5, 0.5, HIDDEN),
        rng.uniform(-0.5, 0.5, HIDDEN),
        rng.uniform(-0.5, 0.5, ()),
    )


def order(count: int) -> np.ndarray:
    """Which point comes when."""
    return np.random.default_rng(1).integers(len(POINTS), size=count)


def scalar_network(wire: Any, relu: Any) -> tuple[list[Any], list[Any], Any]:
    """Weights and biases as scalar wires of either library, and the score as a function of both."""
    w, c, v, d = start()
    neurons = [[wire(float(w[0, j])), wire(float(w[1, j])), wire(float(c[j]))] for j in range(3)]
    out = [wire(float(x)) for x in v]
    last = wire(float(d))

    def score(x: Any, y: Any) -> Any:
        n = [relu(a * x + b * y + c) for a, b, c in neurons]
        return out[0] * n[0] + out[1] * n[1] + out[2] * n[2] + last

    weights = [a for a, _, _ in neurons] + [b for _, b, _ in neurons] + out
    return weights, [*(c for _, _, c in neurons), last], score


def ours() -> Work:
    import pullback as pb

    def program() -> tuple[pb.Program, Sequence[pb.Unit]]:
        weights, biases, score = scalar_network(pb.Unit, pb.relu)
        point, label = (
            pb.Unit(np.array(POINTS[:1]), "point"),
            pb.Unit(np.array(LABELS[:1]), "label"),
        )
        y = score(point[0, 0], point[0, 1])
        side = label[0]
        force = pb.where(side * y < 1.0, side, 0.0)
        pulls = pb.gradient(y, [*weights, *biases], force)
        pulls = [g - SPRING * w for g, w in zip(pulls, weights, strict=False)] + pulls[9:]
        parameters = [*weights, *biases]
        moved = [p + STEP * g for p, g in zip(parameters, pulls, strict=True)]
        updates = dict(zip(parameters, moved, strict=True))
        return pb.Program({"point": point, "label": label}, {}, updates), parameters

    data, count = {"point": np.array(POINTS), "label": np.array(LABELS)}, 1_000_000
    ready, wires = program()
    step, many = native(ready), order(count)
    first = [p.value for p in wires]

    def run() -> None:
        # From the start, as JAX: a neuron that has died would else decay into denormal numbers.
        for p, value in zip(wires, first, strict=True):
            p.value = value
        step.epoch(data, many, lambda: False)

    def answer() -> np.ndarray:
        fresh, parameters = program()
        native(fresh).epoch(data, order(CHECKED), lambda: False)
        return np.array([p.value for p in parameters])

    return Work(run, count, answer)


def pytorch() -> Work:
    import torch
    from torch import nn

    points, labels = (torch.tensor(told, dtype=torch.float64) for told in (POINTS, LABELS))

    def network() -> tuple[nn.Module, torch.optim.Optimizer]:
        w, c, v, d = map(torch.tensor, start())
        model = nn.Sequential(nn.Linear(2, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1)).double()
        with torch.no_grad():
            for p, x in zip(model.parameters(), (w.T, c, v[None], d[None]), strict=True):
                p.copy_(x)
        groups = [
            {"params": [model[0].weight, model[2].weight], "weight_decay": SPRING},
            {"params": [model[0].bias, model[2].bias]},
        ]
        return model, torch.optim.SGD(groups, lr=STEP)

    def train(model: nn.Module, optimizer: torch.optim.Optimizer, which: list[int]) -> None:
        for k in which:
            loss = torch.relu(1.0 - labels[k] * model(points[k])[0])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    model, optimizer = network()
    some = order(200).tolist()

    def answer() -> np.ndarray:
        fresh, stepper = network()
        train(fresh, stepper, order(CHECKED).tolist())
        w, c, v, d = (p.detach().numpy().ravel() for p in fresh.parameters())
        return np.concatenate([w.reshape(HIDDEN, 2).T.ravel(), v, c, d])

    return Work(lambda: train(model, optimizer, some), len(some), answer)


def micrograd() -> Work:
    from micrograd.engine import Value

    def train(weights: list[Any], biases: list[Any], score: Any, which: list[int]) -> None:
        parameters = [*weights, *biases]
        for k in which:
            loss = (1.0 - LABELS[k] * score(*POINTS[k])).relu()
            for p in parameters:
                p.grad = 0.0
            loss.backward()
            for p in weights:
                p.data -= STEP * (p.grad + SPRING * p.data)
            for p in biases:
                p.data -= STEP * p.grad

    network = scalar_network(Value, Value.relu)
    some = order(500).tolist()

    def answer() -> np.ndarray:
        weights, biases, score = scalar_network(Value, Value.relu)
        train(weights, biases, score, order(CHECKED).tolist())
        return np.array([p.data for p in (*weights, *biases)])

    return Work(lambda: train(*network, some), len(some), answer)


def jax_scan() -> Work:
    import jax
    from jax import numpy as jnp

    jax.config.update("jax_enable_x64", True)
    points, labels = jnp.array(POINTS), jnp.array(LABELS)

    def cost(p: Any, x: Any, label: Any) -> Any:
        w, c, v, d = p
        score = v @ jax.nn.relu(x @ w + c) + d
        return jax.nn.relu(1.0 - label * score)

    def step(p: Any, k: Any) -> tuple[Any, None]:
        gw, gc, gv, gd = jax.grad(cost)(p, points[k], labels[k])
        w, c, v, d = p
        decayed = w - STEP * (gw + SPRING * w), v - STEP * (gv + SPRING * v)
        return (decayed[0], c - STEP * gc, decayed[1], d - STEP * gd), None

    train = jax.jit(lambda p, which: jax.lax.scan(step, p, which)[0])
    count = 200_000
    many, first = jnp.array(order(count)), tuple(map(jnp.array, start()))

    def answer() -> np.ndarray:
        w, c, v, d = map(np.asarray, train(first, jnp.array(order(CHECKED))))
        return np.concatenate([w.ravel(), v, c, [d]])

    return Work(lambda: jax.block_until_ready(train(first, many)), count, answer)
