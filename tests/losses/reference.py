"""What every loss costs, written a second time: in NumPy's names, never in gates.

`m` is NumPy or JAX's NumPy: one gives values, the other gradients. A loss that is not in this table
fails the tests: add its name and an independent formula.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from tests.losses import sequence_reference as sequences

from pullback import losses

ROWS, CLASSES = 7, 3
_RNG = np.random.default_rng(0)
COLUMN = _RNG.normal(size=ROWS) * 2.0
TABLE = _RNG.normal(size=(ROWS, CLASSES)) * 2.0
SIGNS = np.array([1, -1, -1, 1, 1, -1, 1])
BINARY = (SIGNS + 1) // 2
SOFT_BINARY = np.array([0.0, 1.0, 0.25, 0.5, 0.9, 0.1, 1.0])
NUMBERS = np.array([0, 2, 1, 1, 0, 2, 2])
ONE_HOT = np.eye(CLASSES)[NUMBERS]
SOFT_ROWS = _RNG.dirichlet(np.ones(CLASSES), ROWS)
TARGET = _RNG.normal(size=ROWS)
TARGETS = _RNG.normal(size=(ROWS, CLASSES))
COUNTS = _RNG.poisson(2.0, ROWS)


@dataclass(frozen=True)
class Case:
    """A loss, scores and labels for it, and its cost(m, scores, labels) by another formula."""

    loss: losses.Loss
    scores: np.ndarray
    labels: np.ndarray
    cost: Callable[[ModuleType, Any, np.ndarray], Any]


def _hinge(m, s, y):
    return m.where(y * s < 1, 1 - y * s, 0.0)


def _cross_entropy(m, s, y):
    p = 1 / (1 + m.exp(-s))
    return -y * m.log(p) - (1 - y) * m.log(1 - p)


def _focal(gamma, alpha=(1.0, 1.0)):
    """As `torchvision.ops.sigmoid_focal_loss` has it of labels 0 and 1; alpha of 0 and of 1."""

    def cost(m, s, y):
        p = 1 / (1 + m.exp(-s))
        return -alpha[1] * y * (1 - p) ** gamma * m.log(p) - alpha[0] * (1 - y) * p**gamma * m.log(
            1 - p
        )

    return cost


def _softmax_focal(gamma):
    def cost(m, s, q):
        z = m.exp(s)
        p = z / z.sum(axis=1, keepdims=True)
        return -(q * (1 - p) ** gamma * m.log(p)).sum(axis=1)

    return cost


def _softmax(m, s, q):
    z = m.exp(s)
    return -(q * m.log(z / z.sum(axis=1, keepdims=True))).sum(axis=1)


def _weston_watkins(margin):
    def cost(m, s, y):
        near = m.maximum(0.0, s - s[np.arange(len(y)), y][:, None] + margin)
        return near.sum(axis=1) - margin  # of the label's own class

    return cost


def _crammer_singer(m, s, y):
    own = s[np.arange(len(y)), y]
    wrong = [np.delete(np.arange(CLASSES), k) for k in y]
    return m.maximum(0.0, s[np.arange(len(y))[:, None], np.array(wrong)].max(axis=1) + 1.0 - own)


def _huber(delta):
    def cost(m, s, y):
        d = abs(s - y)
        return m.where(d <= delta, d**2 / 2, delta * d - delta**2 / 2).mean(axis=1)

    return cost


def _pinball(q):
    def one(m, s, y):
        return m.where(y > s, q * (y - s), (q - 1) * (y - s))

    return one


def _cosine(m, s, y):
    return 1 - (s * y).sum(axis=1) / m.sqrt((s**2).sum(axis=1) * (y**2).sum(axis=1))


CASES = {
    "AbsoluteError": Case(losses.AbsoluteError(), COLUMN, TARGET, lambda m, s, y: abs(s - y)),
    "AbsoluteError, several outputs": Case(
        losses.AbsoluteError(), TABLE, TARGETS, lambda m, s, y: abs(s - y).mean(axis=1)
    ),
    "BinaryCrossEntropy": Case(losses.BinaryCrossEntropy(), COLUMN, BINARY, _cross_entropy),
    "BinaryCrossEntropy, truth values": Case(
        losses.BinaryCrossEntropy(),
        COLUMN,
        BINARY.astype(bool),
        lambda m, s, y: m.log1p(m.exp(m.where(y, -s, s))),
    ),
    "BinaryCrossEntropy, soft": Case(
        losses.BinaryCrossEntropy(), COLUMN, SOFT_BINARY, _cross_entropy
    ),
    "BinaryCrossEntropy, smoothed": Case(
        losses.BinaryCrossEntropy(label_smoothing=0.2),
        COLUMN,
        BINARY,
        lambda m, s, y: (
            0.9 * m.log1p(m.exp(-(2 * y - 1) * s)) + 0.1 * m.log1p(m.exp((2 * y - 1) * s))
        ),
    ),
    "BinaryFocalCrossEntropy": Case(losses.BinaryFocalCrossEntropy(), COLUMN, BINARY, _focal(2.0)),
    "BinaryFocalCrossEntropy, alpha": Case(
        losses.BinaryFocalCrossEntropy(gamma=0.5, alpha=0.25),
        COLUMN,
        BINARY,
        _focal(0.5, (0.75, 0.25)),
    ),
    "BinaryFocalCrossEntropy, soft": Case(
        losses.BinaryFocalCrossEntropy(gamma=1.5), COLUMN, SOFT_BINARY, _focal(1.5)
    ),
    "ChainCrossEntropy": Case(
        losses.ChainCrossEntropy(),
        sequences.CHAIN_SCORES,
        sequences.CHAIN_LABELS,
        sequences.chain(sequences.all_together),
    ),
    "ChainHinge": Case(
        losses.ChainHinge(1.5),
        sequences.CHAIN_SCORES,
        sequences.CHAIN_LABELS,
        sequences.chain(sequences.the_worst(1.5)),
    ),
    "ChainPerceptron": Case(
        losses.ChainPerceptron(),
        sequences.CHAIN_SCORES,
        sequences.CHAIN_LABELS,
        sequences.chain(sequences.the_best),
    ),
    "CTC": Case(losses.CTC(), sequences.CTC_SCORES, sequences.CTC_LABELS, sequences.ctc),
    "Cosine": Case(losses.Cosine(), TABLE, TARGETS, _cosine),
    "EnergyGap": Case(losses.EnergyGap(), TABLE[:, :2], TARGET, lambda m, s, y: s[:, 0] - s[:, 1]),
    "Hinge": Case(losses.Hinge(), COLUMN, SIGNS, _hinge),
    "Huber": Case(losses.Huber(0.7), TABLE, TARGETS, _huber(0.7)),
    "MulticlassHinge": Case(losses.MulticlassHinge(), TABLE, NUMBERS, _weston_watkins(1.0)),
    "MulticlassHinge, margin": Case(
        losses.MulticlassHinge(margin=2.5), TABLE, NUMBERS, _weston_watkins(2.5)
    ),
    "MulticlassHinge, maximum": Case(
        losses.MulticlassHinge("maximum"), TABLE, NUMBERS, _crammer_singer
    ),
    "Poisson": Case(losses.Poisson(), COLUMN, COUNTS, lambda m, s, y: m.exp(s) - y * s),
    "Quantile": Case(losses.Quantile(0.9), COLUMN, TARGET, _pinball(0.9)),
    "Quantile, several": Case(
        losses.Quantile([0.1, 0.5, 0.9]),
        TABLE,
        TARGET,
        lambda m, s, y: sum(_pinball(q)(m, s[:, k], y) for k, q in enumerate([0.1, 0.5, 0.9])) / 3,
    ),
    "SequenceCrossEntropy": Case(
        losses.SequenceCrossEntropy(),
        sequences.STEP_SCORES,
        sequences.STEP_LABELS,
        sequences.of_steps(0.0),
    ),
    "SequenceCrossEntropy, smoothed": Case(
        losses.SequenceCrossEntropy(label_smoothing=0.2),
        sequences.STEP_SCORES,
        sequences.STEP_LABELS,
        sequences.of_steps(0.2),
    ),
    "SoftmaxCrossEntropy": Case(
        losses.SoftmaxCrossEntropy(), TABLE, NUMBERS, lambda m, s, y: _softmax(m, s, ONE_HOT)
    ),
    "SoftmaxCrossEntropy, smoothed": Case(
        losses.SoftmaxCrossEntropy(label_smoothing=0.2),
        TABLE,
        NUMBERS,
        lambda m, s, y: _softmax(m, s, 0.8 * ONE_HOT + 0.2 / CLASSES),
    ),
    "SoftmaxFocalCrossEntropy": Case(
        losses.SoftmaxFocalCrossEntropy(),
        TABLE,
        NUMBERS,
        lambda m, s, y: _softmax_focal(2.0)(m, s, ONE_HOT),
    ),
    "SoftmaxFocalCrossEntropy, soft": Case(
        losses.SoftmaxFocalCrossEntropy(gamma=0.5), TABLE, SOFT_ROWS, _softmax_focal(0.5)
    ),
    "SoftmaxCrossEntropy, soft": Case(losses.SoftmaxCrossEntropy(), TABLE, SOFT_ROWS, _softmax),
    "SoftmaxCrossEntropy, soft and smoothed": Case(
        losses.SoftmaxCrossEntropy(label_smoothing=0.2),
        TABLE,
        SOFT_ROWS,
        lambda m, s, q: _softmax(m, s, 0.8 * q + 0.2 / CLASSES),
    ),
    "SquaredError": Case(losses.SquaredError(), COLUMN, TARGET, lambda m, s, y: (s - y) ** 2),
    "SquaredError, several outputs": Case(
        losses.SquaredError(), TABLE, TARGETS, lambda m, s, y: ((s - y) ** 2).mean(axis=1)
    ),
    "SquaredHinge": Case(
        losses.SquaredHinge(), COLUMN, SIGNS, lambda m, s, y: _hinge(m, s, y) ** 2
    ),
}
