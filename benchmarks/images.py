"""Convolutional networks: a step of training on a batch of pictures, and a single answer.

Compared: a step of training with SGD and momentum in float32, over batches of rows gathered in
random order, against PyTorch in four ways: its own layout of pictures or channels last, eager or
compiled; the best of them counts. It is fair because all start from the same parameters, see the
same pictures in the same order and end with the same parameters (AlexNet, which drops units at
random, is compared in speed alone). An answer is the scores of one picture, by a model that is kept
ready: pullback's compiled Program, PyTorch's module without gradients.

ConvNetJS's networks are those of its demos; "64-64-pool-128-128-pool" has four convolutions of
3 x 3, and the residual network 8 layers with weights and batch normalization.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import Line, Work, compare, native, threads
from pullback import layers, models

RATE, MOMENTUM = 0.01, 0.9
CHECKED = 4  # steps after which everyone's parameters are compared
PEERS = {
    f"PyTorch{' channels-last' * last}{', compiled' * compiled}": (last, compiled)
    for last, compiled in itertools.product((False, True), repeat=2)
}
BEST = " or ".join(PEERS)


class Net(NamedTuple):
    name: str
    make: Callable[[], layers.Sequential]
    picture: tuple[int, int, int]
    batch: int
    steps: int
    goal: float
    classes: int = 10


def deep() -> layers.Sequential:
    inner: list[layers.Layer] = []
    for width in (64, 128):
        for _ in range(2):
            inner += [layers.Conv2d(width, 3, padding="same"), layers.ReLU()]
        inner.append(layers.MaxPool2d(2))
    return layers.Sequential(*inner, layers.Flatten(), layers.Dense(10))


TRAINED = [
    Net("ConvNetJS MNIST net", models.convnetjs_mnist, (28, 28, 1), 64, 32, 2.0),
    Net("ConvNetJS CIFAR-10 net", models.convnetjs_cifar10, (32, 32, 3), 64, 16, 1.5),
    Net("64-64-pool-128-128-pool", deep, (32, 32, 3), 64, 2, 1.0),
    Net("residual network", models.resnet, (32, 32, 3), 64, 8, 1.2),
]
ALEXNET = Net("AlexNet", models.alexnet, (227, 227, 3), 32, 1, 0.9, 1000)


def measure(quick: bool) -> list[Line]:
    lines = []
    for net in (*TRAINED, ALEXNET):
        lines += compare(
            f"{net.name}, batch {net.batch}, one step",
            partial(ours, net),
            {who: partial(pytorch, net, *how) for who, how in PEERS.items()},
            {BEST: net.goal},
            quick=quick,
            tolerance=1e-3,
            seconds=0.5,
        )
    for net, batch, goal in ((TRAINED[0], 1, 5.0), (ALEXNET, ALEXNET.batch, 0.9)):
        lines += compare(
            f"{net.name}, answers to {batch}",
            partial(our_answer, net, batch),
            {who: partial(pytorch_answer, net, batch, *how) for who, how in PEERS.items()},
            {BEST: goal},
            quick=quick,
            seconds=0.25,
        )
    return lines


@cache
def data(net: Net) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures, labels, and an order of them."""
    rng = np.random.default_rng(0)
    rows = net.batch * net.steps
    x = rng.normal(size=(rows, *net.picture)).astype(np.float32)
    return x, rng.integers(net.classes, size=rows), rng.permutation(rows)


def flat(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(array) for array in arrays])


def compared(net: Net) -> bool:
    return net != ALEXNET  # not `is`: a side is another process


def program(net: Net) -> tuple[Any, layers.Sequential]:
    """A step as a Program of pullback, and its model."""
    import pullback as pb

    x, labels, _ = data(net)
    model = net.make()
    step = pb.TrainingStep(model, pb.SoftmaxCrossEntropy(), pb.SGD(RATE, momentum=MOMENTUM))
    return step.program(step.columns(x[: net.batch], labels[: net.batch]), metrics=False), model


def ours(net: Net) -> Work:
    x, labels, order = data(net)
    rows = {"inputs": x, "labels": labels}
    recorded, _ = program(net)
    step = native(recorded)

    def answer() -> np.ndarray:
        from benchmarks.twins import twin

        if not compared(net):
            return np.zeros(0)
        fresh, model = program(net)
        steps = CHECKED * net.batch
        native(fresh).epoch(rows, np.resize(order, steps), lambda: False)
        return flat(twin(model, net.picture).ours())

    return Work(lambda: step.epoch(rows, order, lambda: False), net.steps, answer)


def pytorch(net: Net, last: bool, compiled: bool) -> Work:
    import torch
    from torch import nn

    from benchmarks.twins import twin

    torch.set_num_threads(threads())
    x, labels, order = data(net)
    pictures = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()
    if last:
        pictures = pictures.contiguous(memory_format=torch.channels_last)
    chosen = torch.from_numpy(labels)

    def trainer() -> tuple[Any, Callable[[torch.Tensor], torch.Tensor]]:
        model = twin(net.make(), net.picture)
        if last:
            model = model.to(memory_format=torch.channels_last)  # pyright: ignore
        optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM, fused=True)

        def cost(rows: torch.Tensor) -> torch.Tensor:
            return nn.functional.cross_entropy(model(pictures[rows]), chosen[rows])

        run = torch.compile(cost) if compiled else cost

        def step(rows: torch.Tensor) -> torch.Tensor:
            optimizer.zero_grad()
            loss = run(rows)
            loss.backward()
            optimizer.step()
            return loss.detach()

        return model, step

    batches = torch.from_numpy(order).split(net.batch)
    _, step = trainer()

    def answer() -> np.ndarray:
        if not compared(net):
            return np.zeros(0)
        fresh, first = trainer()
        for k in range(CHECKED):
            first(torch.from_numpy(np.resize(order, CHECKED * net.batch)).split(net.batch)[k])
        return flat(fresh.numbers())

    return Work(lambda: [step(rows) for rows in batches], net.steps, answer)


def our_answer(net: Net, batch: int) -> Work:
    import pullback as pb

    x = data(net)[0][:batch]
    wire = pb.Unit(x, "inputs")
    run = native(pb.Program({"inputs": wire}, {"scores": net.make()(wire)}, {}))
    return Work(lambda: run(inputs=x), 1, lambda: run(inputs=x)["scores"])


def pytorch_answer(net: Net, batch: int, last: bool, compiled: bool) -> Work:
    import torch

    from benchmarks.twins import twin

    torch.set_num_threads(threads())
    picture = torch.from_numpy(data(net)[0][:batch]).permute(0, 3, 1, 2).contiguous()
    model: Any = twin(net.make(), net.picture).eval()
    if last:
        picture = picture.contiguous(memory_format=torch.channels_last)
        model = model.to(memory_format=torch.channels_last)
    if compiled:
        model = torch.compile(model)

    def run() -> np.ndarray:
        with torch.no_grad():
            return model(picture).numpy()

    return Work(run, 1, run)
