"""What a monitor costs: an epoch of training that is watched, and the same one that is not.

Compared: `Trainer.fit` for one epoch, with `monitor=True`, which looks at every tenth step, and
without. It is fair because both sides train the same model on the same rows; what they have learned
is the same to the bit. The goal is that watching costs at most 5% of the time.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.measure import Line, Work, compare, threads

WITHOUT = "without a monitor"
GOAL = 0.95  # of the time with one
ROWS = 3200


def measure(quick: bool) -> list[Line]:
    return [
        line
        for case in CASES
        for line in compare(
            case,
            partial(fitted, case, monitor=True),
            {WITHOUT: partial(fitted, case)},
            {WITHOUT: GOAL},
            quick=quick,
            tolerance=0.0,
        )
    ]


def fitted(case: str, **watched: Any) -> Work:
    """An epoch of a Trainer, which is told to watch or not."""
    import pullback as pb

    layers, shape, size = CASES[case]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, *shape)).astype(np.float32)
    y = rng.integers(0, 10, ROWS)

    def made() -> pb.Trainer:
        return pb.Trainer(
            pb.Sequential(*layers(pb), pb.Dense(10), rng=0),
            pb.SoftmaxCrossEntropy(),
            pb.SGD(1e-3, momentum=0.9),
            penalties=pb.L2(1e-4),
            threads=threads(),
            **watched,
        )

    def epoch(trainer: pb.Trainer) -> None:
        trainer.fit(x, y, epochs=1, batch_size=size, progress=False)

    def answer() -> np.ndarray:
        trainer = made()
        epoch(trainer)
        return np.concatenate([np.ravel(unit.value) for unit in trainer.sources])

    trainer = made()
    epoch(trainer)
    return Work(partial(epoch, trainer), ROWS // size, answer)


def _perceptron(pb: Any) -> list[Any]:
    return [pb.Dense(256), pb.ReLU()]


def _small(pb: Any) -> list[Any]:
    return [pb.Dense(32), pb.ReLU()]


def _deep(pb: Any) -> list[Any]:
    return [layer for _ in range(8) for layer in (pb.Dense(128), pb.LayerNorm(), pb.ReLU())]


def _pictures(pb: Any) -> list[Any]:
    some = [(pb.Conv2d(n, 5), pb.BatchNorm(), pb.ReLU(), pb.MaxPool2d(2)) for n in (8, 16)]
    return [*(layer for layers in some for layer in layers), pb.Flatten()]


def _letters(pb: Any) -> list[Any]:
    return [pb.LSTM(64), pb.LastStep()]


CASES: dict[str, tuple[Any, tuple[int, ...], int]] = {
    "13-32-10, batches of 32": (_small, (13,), 32),
    "64-256-10, batches of 32": (_perceptron, (64,), 32),
    "8 layers of 128, batches of 64": (_deep, (64,), 64),
    "a convnet on 28x28, batches of 64": (_pictures, (28, 28, 1), 64),
    "an LSTM of 64 on 20 steps, batches of 64": (_letters, (20, 16), 64),
}
