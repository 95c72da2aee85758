"""In: a generator of random numbers. Out: Settings that are well: data, a net that learns them.

The tables, pictures and sequences are made here but for the scans, which are real. What the
doctor's thresholds are set by, and what it is scored by, are drawn from other seeds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import pullback as pb
from benchmarks.faults.setting import Net, Setting
from pullback.datasets import load_dataset

ROWS = 240
JUDGED = 400
Base = Callable[[np.random.Generator], Setting]


def _divided(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple]:
    """Rows to train on, their labels, and those to be judged by."""
    x = x.astype(np.float32)
    return x[:ROWS], y[:ROWS], (x[ROWS:], y[ROWS:])


def _optimizer(rng: np.random.Generator) -> pb.Optimizer:
    adam = pb.Adam(float(rng.choice([0.005, 0.01])))
    return [adam, pb.SGD(0.05, momentum=0.9)][rng.integers(2)]


def _widths(rng: np.random.Generator) -> tuple[int, ...]:
    return (int(rng.choice([24, 32, 48])),) * int(rng.integers(2, 4))


def blobs(rng: np.random.Generator) -> Setting:
    """Classes of two heaps of points each."""
    classes, features = int(rng.integers(4, 6)), int(rng.integers(4, 8))
    centres = rng.normal(size=(2, classes, features)) * 1.6
    y = rng.integers(classes, size=ROWS + JUDGED)
    x = centres[rng.integers(2, size=len(y)), y] + 0.6 * rng.normal(size=(len(y), features))
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    net = Net("table", classes, _widths(rng))
    return Setting(net, pb.SoftmaxCrossEntropy(), _optimizer(rng), *_divided(x, y))


def rings(rng: np.random.Generator) -> Setting:
    """Two classes, one around the other, which a score tells apart."""
    noise = float(rng.uniform(0.05, 0.2))
    y = rng.integers(2, size=ROWS + JUDGED)
    radius = 0.7 + 0.9 * y + noise * rng.normal(size=len(y))
    angle = rng.uniform(0.0, 2.0 * np.pi, len(y))
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle), rng.normal(size=len(y))], axis=1)
    net = Net("table", 1, _widths(rng))
    return Setting(net, pb.BinaryCrossEntropy(), _optimizer(rng), *_divided(x, y))


def waves(rng: np.random.Generator) -> Setting:
    """A quantity that bends with one feature and is made of the product of two others."""
    x = rng.normal(size=(ROWS + JUDGED, int(rng.integers(3, 6))))
    y = np.sin(2.0 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.1 * rng.normal(size=len(x))
    y = ((y - y.mean()) / y.std()).astype(np.float32)
    net = Net("table", 1, _widths(rng))
    optimizer = pb.Adam(float(rng.choice([0.005, 0.01])))
    setting = Setting(net, pb.SquaredError(), optimizer, *_divided(x, y), quantity=True)
    return setting.but(epochs=30)


def strokes(rng: np.random.Generator) -> Setting:
    """Pictures of a stroke in one of four directions, anywhere, on a noisy ground."""
    size, noise = int(rng.integers(7, 9)), float(rng.uniform(0.2, 0.4))
    y = rng.integers(4, size=ROWS + JUDGED)
    x = noise * rng.normal(size=(len(y), size, size, 1))
    steps = np.array([(0, 1), (1, 0), (1, 1), (-1, 1)])[y]
    starts = rng.integers(0, size - 4, size=(len(y), 2)) + np.where(steps < 0, 4, 0)
    rows = np.arange(len(y))
    for k in range(5):
        at = starts + k * steps
        x[rows, at[:, 0], at[:, 1], 0] += 1.5
    net = Net("picture", 4, (6, 8, 24))
    return Setting(net, pb.SoftmaxCrossEntropy(), _optimizer(rng), *_divided(x, y))


def scans(rng: np.random.Generator) -> Setting:
    """Digits by hand as a table of 64 shades."""
    digits = load_dataset("digits")
    rows = rng.permutation(len(digits))[: ROWS + JUDGED]
    x = np.asarray(digits.inputs, np.float32)[rows].reshape(len(rows), -1)
    x = (x - x.mean()) / x.std()
    net = Net("table", 10, _widths(rng))
    y = np.asarray(digits.labels)[rows]
    return Setting(net, pb.SoftmaxCrossEntropy(), _optimizer(rng), *_divided(x, y))


def firsts(rng: np.random.Generator) -> Setting:
    """Sequences of noise, whose class stands at their first step."""
    classes, steps = 4, int(rng.integers(6, 9))
    y = rng.integers(classes, size=ROWS + JUDGED)
    x = 0.3 * rng.normal(size=(len(y), steps, classes))
    x[np.arange(len(y)), 0, y] += 2.0
    net = Net("sequence", classes, (16,))
    return Setting(net, pb.SoftmaxCrossEntropy(), pb.Adam(0.02), *_divided(x, y))


def words(rng: np.random.Generator) -> Setting:
    """Sentences of words, two of which decide by the order in which they come."""
    steps, count = int(rng.integers(6, 9)), int(rng.integers(12, 20))
    y = rng.integers(2, size=ROWS + JUDGED)
    x = rng.integers(2, count, size=(len(y), steps))
    places = np.sort([rng.permutation(steps)[:2] for _ in y], axis=1)
    rows = np.arange(len(y))
    x[rows, places[:, 0]], x[rows, places[:, 1]] = y, 1 - y
    net = Net("sequence", 2, (16,), words=count)
    judged = (x[ROWS:], y[ROWS:])
    loss = pb.SoftmaxCrossEntropy()
    return Setting(net, loss, pb.Adam(0.02), x[:ROWS], y[:ROWS], judged)


def strings(rng: np.random.Generator) -> Setting:
    """Frames of sound in which two symbols out of four are said, each for some frames, for CTC."""
    y = rng.integers(1, 5, size=(ROWS + JUDGED, 2))
    steps = int(rng.integers(8, 11))
    x = 0.2 * rng.normal(size=(len(y), steps, 5))
    for row, said in enumerate(y):
        start = rng.integers(0, 2)
        for symbol in said:
            x[row, start : start + 3, symbol] += 1.5
            start += 4
    net = Net("sequence", 5, (16,), steps=True)
    return Setting(net, pb.CTC(), pb.Adam(0.02), *_divided(x, y)).but(epochs=14)


BASES: dict[str, Base] = {
    f.__name__: f for f in (blobs, rings, waves, strokes, scans, firsts, words, strings)
}
