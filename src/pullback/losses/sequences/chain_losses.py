"""The losses of chains of tags: likelihood, perceptron and hinge. See `chain` for their scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.comparison import equal, greater_equal, logical_and, not_equal, where
from pullback.gates.shape import astype, concatenate, expand_dims
from pullback.losses.loss import Loss, register
from pullback.losses.sequences.chain import (
    best_score,
    chosen,
    log_partition,
    path_score,
    refuse_no_chain,
)
from pullback.losses.sequences.steps import counted, step_labels, tags_to_the_end


def _labels(labels: Any, shape: tuple[int, ...]) -> np.ndarray:
    refuse_no_chain(shape)
    return tags_to_the_end(step_labels(labels, shape[0], shape[1] - 1, shape[2]))


def _accuracy(scores: Unit, labels: Unit) -> Mapping[str, Unit]:
    """The share of each row's steps at which the best tagging is right."""
    number = counted(labels)
    own = equal(expand_dims(labels, 2), np.arange(scores.shape[2]))
    right = where(own, chosen(scores, number), 0.0).sum(axis=(1, 2))
    return {"accuracy": right / astype(number, scores.dtype)}


@final
@register
@dataclass(frozen=True)
class ChainCrossEntropy(Loss):
    """-log of the probability of each row's tagging: log_partition - score of the labels.

    A conditional random field: the probability of a tagging y is exp(score of y) / sum over all
    taggings, which is exact, by recursion. The cost is that of the whole row, in natural units.

    Shapes: scores (rows, steps + 1, tags, tags), as the layer `CRF` makes them; labels (rows,
    steps), tags from 0, and -1 behind a row's end. Beside it stands the accuracy: the mean over
    rows of the share of steps that the best tagging gets right.

    Raises `CircuitError` for other shapes, a label that is no tag, or -1 before a row's end.
    Source: Lafferty, McCallum, Pereira, "Conditional random fields: probabilistic models for
    segmenting and labeling sequence data" (ICML 2001).

    >>> round(float(ChainCrossEntropy()(np.zeros((1, 4, 2, 2)), [[0, 1, 1]]).value), 4)  # log(8)
    2.0794
    """

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        return _labels(labels, shape)

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        return log_partition(scores, counted(labels)) - path_score(scores, labels)

    def of_rows(self, scores: Unit, labels: Unit) -> Mapping[str, Unit]:
        return _accuracy(scores, labels)


@final
@register
@dataclass(frozen=True)
class ChainPerceptron(Loss):
    """How far the best tagging of each row is ahead of its labels: best_score - score of labels.

    The structured perceptron: where the best tagging is wrong, its scores are pulled down and those
    of the labels up. Shapes and metrics as of `ChainCrossEntropy`.

    Raises `CircuitError` as `ChainCrossEntropy` does.
    Source: Collins, "Discriminative training methods for hidden Markov models: theory and
    experiments with perceptron algorithms" (EMNLP 2002).

    >>> float(ChainPerceptron()(np.zeros((1, 4, 2, 2)), [[0, 1, 1]]).value)
    0.0
    """

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        return _labels(labels, shape)

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        return best_score(scores, counted(labels)) - path_score(scores, labels)

    def of_rows(self, scores: Unit, labels: Unit) -> Mapping[str, Unit]:
        return _accuracy(scores, labels)


@final
@register
@dataclass(frozen=True)
class ChainHinge(Loss):
    """The most that a tagging is ahead of the labels, of which it must stay `margin` behind a step.

    max over y of (score of y + margin * number of steps where y is not the label) - score of the
    labels: the structured hinge with its margin rescaled, which is 0 where the labels lead by
    enough. Shapes and metrics as of `ChainCrossEntropy`.

    Raises `CircuitError` as `ChainCrossEntropy` does, and for a margin that is not positive.
    Source: Taskar, Guestrin, Koller, "Max-margin Markov networks" (NIPS 2003); Tsochantaridis,
    Joachims, Hofmann, Altun, "Large margin methods for structured and interdependent output
    variables" (JMLR 6, 2005).

    >>> float(ChainHinge()(np.zeros((1, 4, 2, 2)), [[0, 1, 1]]).value)
    3.0
    """

    margin: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 < self.margin < np.inf:
            raise CircuitError(f"a margin must be positive and finite, got {self.margin}")

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        return _labels(labels, shape)

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        rows, _, tags, _ = scores.shape
        wrong = not_equal(expand_dims(labels, 2), np.arange(tags))
        wrong = logical_and(wrong, expand_dims(greater_equal(labels, 0), 2))
        behind = concatenate([wrong, np.zeros((rows, 1, tags), bool)], axis=1)
        augmented = scores + self.margin * expand_dims(astype(behind, scores.dtype), 2)
        return best_score(augmented, counted(labels)) - path_score(scores, labels)

    def of_rows(self, scores: Unit, labels: Unit) -> Mapping[str, Unit]:
        return _accuracy(scores, labels)
