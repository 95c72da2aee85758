"""A perceptron of 784 inputs, one hidden layer and 10 classes, trained by SGD with momentum 0.9.

Compared: a step of training on a batch, rows gathered in random order from an epoch's data, in
float32: forward, softmax and cross-entropy, backward, update. It is fair because all start from the
same parameters, see the same rows and end with the same parameters, and record the loss of every
step. PyTorch runs eagerly with its fused SGD, and compiled; JAX scans over the epoch; NumPy is
written by hand, with buffers made beforehand. The limits are the five matrix products of a step and
nothing else; the multiply-adds of these products alone, as fast as the cores do them in registers;
and, as bandwidth, reading and writing every parameter and its velocity once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import Line, Work, compare, native, threads

INPUTS, CLASSES, RATE, MOMENTUM = 784, 10, 0.01, 0.9
CHECKED = 10  # steps after which everyone's parameters are compared


class Size(NamedTuple):
    batch: int
    hidden: int
    steps: int  # in an epoch


SMALL, LARGE = Size(64, 128, 100), Size(512, 1024, 16)


def measure(quick: bool) -> list[Line]:
    goals = ({"PyTorch or PyTorch compiled": 2.7, "JAX lax.scan": 1.4},)
    goals += ({"PyTorch or PyTorch compiled": 1.1, "JAX lax.scan": 1.1},)
    lines = []
    for size, aims in zip((SMALL, LARGE), goals, strict=True):
        sides = {
            "PyTorch": pytorch,
            "PyTorch compiled": partial(pytorch, compiled=True),
            "JAX lax.scan": jax_scan,
            "NumPy by hand": numpy_by_hand,
        }
        limits = {
            "matrix products, ours": products,
            "matrix products, NumPy": numpy_products,
            "multiply-adds": multiply_adds,
            "bandwidth": bandwidth,
        }
        lines += compare(
            f"784-{size.hidden}-10, batch {size.batch}, one step",
            partial(ours, size),
            {who: partial(make, size) for who, make in sides.items()},
            aims,
            limits={who: partial(make, size) for who, make in limits.items()},
            quick=quick,
            seconds=0.25 if size is SMALL else 0.5,
        )
    return lines


@cache
def data(size: Size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, labels, and an order of the rows."""
    rng = np.random.default_rng(0)
    rows = size.batch * size.steps
    x = rng.normal(size=(rows, INPUTS)).astype(np.float32)
    return x, rng.integers(CLASSES, size=rows), rng.permutation(rows)


def start(size: Size) -> list[np.ndarray]:
    """Weight and bias of either layer."""
    rng = np.random.default_rng(1)

    def weight(n: int, m: int) -> np.ndarray:
        return (rng.normal(size=(n, m)) * np.sqrt(2 / n)).astype(np.float32)

    zeros = partial(np.zeros, dtype=np.float32)
    weights = weight(INPUTS, size.hidden), weight(size.hidden, CLASSES)
    return [weights[0], zeros(size.hidden), weights[1], zeros(CLASSES)]


def flat(parameters: Any) -> np.ndarray:
    return np.concatenate([np.asarray(p).ravel() for p in parameters])


def program(size: Size) -> tuple[Any, list[Any]]:
    """A step as a Program of pullback, and its parameters."""
    import pullback as pb

    x, labels, _ = data(size)
    model = pb.Sequential(pb.Dense(size.hidden), pb.ReLU(), pb.Dense(CLASSES))
    step = pb.TrainingStep(model, pb.SoftmaxCrossEntropy(), pb.SGD(RATE, momentum=MOMENTUM))
    batch = step.columns(x[: size.batch], labels[: size.batch])  # which makes the parameters
    parameters = list(model.parameters.values())
    for unit, value in zip(parameters, start(size), strict=True):
        unit.value = value
    return step.program(batch, metrics=False), parameters


def ours(size: Size) -> Work:

    x, labels, order = data(size)
    rows = {"inputs": x, "labels": labels}
    step = native(program(size)[0])

    def answer() -> np.ndarray:
        fresh, parameters = program(size)
        native(fresh).epoch(rows, order[: CHECKED * size.batch], lambda: False)
        return flat(p.value for p in parameters)

    return Work(lambda: step.epoch(rows, order, lambda: False), size.steps, answer)


def pytorch(size: Size, compiled: bool = False) -> Work:
    import torch
    from torch import nn

    torch.set_num_threads(threads())
    x, labels, order = map(torch.from_numpy, data(size))

    def trainer() -> tuple[nn.Module, Callable[[torch.Tensor], torch.Tensor]]:
        model = nn.Sequential(
            nn.Linear(INPUTS, size.hidden), nn.ReLU(), nn.Linear(size.hidden, CLASSES)
        )
        with torch.no_grad():
            for p, value in zip(model.parameters(), start(size), strict=True):
                p.copy_(torch.from_numpy(value.T))
        optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM, fused=True)

        def cost(rows: torch.Tensor) -> torch.Tensor:
            return nn.functional.cross_entropy(model(x[rows]), labels[rows])

        run = torch.compile(cost) if compiled else cost

        def step(rows: torch.Tensor) -> torch.Tensor:
            optimizer.zero_grad()
            loss = run(rows)
            loss.backward()
            optimizer.step()
            return loss.detach()

        return model, step

    def epoch(step: Any, count: int) -> torch.Tensor:
        batches = order[: count * size.batch].split(size.batch)
        return torch.stack([step(rows) for rows in batches])

    _, step = trainer()

    def answer() -> np.ndarray:
        fresh, first = trainer()
        epoch(first, CHECKED)
        return flat(p.detach().numpy().T for p in fresh.parameters())

    return Work(lambda: epoch(step, size.steps), size.steps, answer)


def jax_scan(size: Size) -> Work:
    import jax
    from jax import numpy as jnp

    x, labels, order = map(jnp.array, data(size))

    def cost(p: Any, rows: Any, chosen: Any) -> Any:
        scores = jax.nn.relu(rows @ p[0] + p[1]) @ p[2] + p[3]
        logs = jax.nn.log_softmax(scores)
        return -jnp.mean(jnp.take_along_axis(logs, chosen[:, None], axis=1))

    def step(state: Any, rows: Any) -> tuple[Any, Any]:
        p, velocity = state
        loss, g = jax.value_and_grad(cost)(p, x[rows], labels[rows])
        velocity = [MOMENTUM * v + d for v, d in zip(velocity, g, strict=True)]
        return ([w - RATE * v for w, v in zip(p, velocity, strict=True)], velocity), loss

    epoch = jax.jit(lambda state, batches: jax.lax.scan(step, state, batches))
    batches = order.reshape(size.steps, size.batch)
    p = [jnp.array(w) for w in start(size)]
    state = p, [jnp.zeros_like(w) for w in p]

    def answer() -> np.ndarray:
        return flat(epoch(state, batches[:CHECKED])[0][0])

    return Work(lambda: jax.block_until_ready(epoch(state, batches)), size.steps, answer)


def numpy_by_hand(size: Size) -> Work:
    x, labels, order = data(size)
    n, f = size.batch, np.float32
    rows, h, dh = (
        np.empty((n, INPUTS), f),
        np.empty((n, size.hidden), f),
        np.empty((n, size.hidden), f),
    )
    scores, each = np.empty((n, CLASSES), f), np.arange(n)

    def epoch(p: list[np.ndarray], velocity: list[np.ndarray], count: int) -> list[float]:
        g = [np.empty_like(w) for w in p]
        space = [np.empty_like(w) for w in p]
        losses = []
        for k in range(count):
            which = order[k * n : (k + 1) * n]
            chosen = labels[which]
            np.take(x, which, axis=0, out=rows)
            np.matmul(rows, p[0], out=h)
            np.add(h, p[1], out=h)
            np.maximum(h, 0, out=h)
            np.matmul(h, p[2], out=scores)
            np.add(scores, p[3], out=scores)
            np.subtract(scores, scores.max(axis=1, keepdims=True), out=scores)
            right = scores[each, chosen]
            np.exp(scores, out=scores)
            total = scores.sum(axis=1, keepdims=True)
            losses.append(float((np.log(total[:, 0]) - right).mean()))
            np.divide(scores, total * f(n), out=scores)
            scores[each, chosen] -= f(1 / n)
            np.matmul(h.T, scores, out=g[2])
            scores.sum(axis=0, out=g[3])
            np.matmul(scores, p[2].T, out=dh)
            np.multiply(dh, h > 0, out=dh)
            np.matmul(rows.T, dh, out=g[0])
            dh.sum(axis=0, out=g[1])
            for w, v, d, s in zip(p, velocity, g, space, strict=True):
                np.multiply(v, f(MOMENTUM), out=v)
                np.add(v, d, out=v)
                np.multiply(v, f(RATE), out=s)
                np.subtract(w, s, out=w)
        return losses

    def fresh() -> tuple[list[np.ndarray], list[np.ndarray]]:
        p = start(size)
        return p, [np.zeros_like(w) for w in p]

    state = fresh()

    def answer() -> np.ndarray:
        p, velocity = fresh()
        epoch(p, velocity, CHECKED)
        return flat(p)

    return Work(lambda: epoch(*state, size.steps), size.steps, answer)


# Limits ------------------------------------------------------------------------------------------


def operands(size: Size) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Result and factors of each of the five products of a step."""
    rng = np.random.default_rng(2)

    def some(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    x, w, v = some(size.batch, INPUTS), some(INPUTS, size.hidden), some(size.hidden, CLASSES)
    h, dh, ds = some(size.batch, size.hidden), some(size.batch, size.hidden), some(size.batch, 10)
    pairs = (x, w), (h, v), (h.T, ds), (ds, v.T), (x.T, dh)
    return [(np.empty((a.shape[0], b.shape[1]), np.float32), a, b) for a, b in pairs]


def products(size: Size) -> Work:
    import pullback as pb

    def wire(x: np.ndarray) -> Any:
        return pb.Unit(x) if x.flags.c_contiguous else pb.transpose(pb.Unit(x.T))

    updates = {pb.Unit(c): wire(a) @ wire(b) for c, a, b in operands(size)}
    each = pb.Unit(np.zeros(1), "each")  # which no product reads: it counts the steps
    step = native(pb.Program({"each": each}, {}, updates))
    rows, order = {"each": np.zeros(size.steps)}, np.arange(size.steps)
    return Work(lambda: step.epoch(rows, order, lambda: False), size.steps)


def multiply_adds(size: Size) -> Work:
    """Those of five products, three of which make or read the scores."""
    from benchmarks.limits import multiply_adds

    operations = 2 * size.batch * size.hidden * (2 * INPUTS + 3 * CLASSES)
    return multiply_adds("float32", operations)


def bandwidth(size: Size) -> Work:
    """Parameters and velocities, of four bytes each, are read and written."""
    from benchmarks.limits import bandwidth

    count = (INPUTS + 1) * size.hidden + (size.hidden + 1) * CLASSES
    return bandwidth("copying", 2 * 4 * count, 2 * 2 * 4 * count)


def numpy_products(size: Size) -> Work:
    five = operands(size)

    def run() -> None:
        for _ in range(size.steps):
            for c, a, b in five:
                np.matmul(a, b, out=c)

    return Work(run, size.steps)
