"""The loss of a model that is told what was said, and not when: a sum over all alignments.

The labels of a row are spread over the steps in their order, each for one step or several, with
blanks between them where they like, and at least one between two equal labels. Each way to do so
is an alignment. Two numbers are carried from step to step for each place: the logarithm of the
probability of all alignments so far that are now in the blank before a label, and in the label.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.arithmetic import subtract
from pullback.gates.comparison import (
    equal,
    greater,
    greater_equal,
    logical_and,
    maximum,
    not_equal,
    where,
)
from pullback.gates.elementary import exp, log, stop_gradient
from pullback.gates.indexing import take
from pullback.gates.loop import loop
from pullback.gates.reduction import argmax, log_softmax, logsumexp
from pullback.gates.shape import astype, concatenate, expand_dims, reshape, transpose
from pullback.losses.loss import Loss, register
from pullback.losses.sequences.steps import counted, whole_labels

NEVER = -1e30
"""The logarithm of the probability of what cannot be: finite, so that no gradient is nan."""


def ctc_labels(labels: Any, lengths: Any) -> np.ndarray:
    """Labels for `CTC` of inputs of different lengths: in front of each row stands its length.

    labels (rows, most labels), padded with -1; lengths (rows,), how many steps of the scores count;
    the rest is behind the end. The answer is (rows, 1 + most labels), whose first column is
    -2 - length: no label is below -1, so that `CTC` tells it apart.

    Raises `CircuitError` where there is not one length of at least 0 for each row.

    >>> ctc_labels([[3, 1], [2, -1]], [50, 40])
    array([[-52,   3,   1],
           [-42,   2,  -1]])
    """
    array = np.asarray(labels)
    given = np.asarray(lengths)
    if array.ndim != 2 or given.shape != array.shape[:1]:
        raise CircuitError(
            f"labels (rows, most labels) need lengths (rows,), got shapes {array.shape} and "
            f"{given.shape}"
        )
    wrong = np.flatnonzero(~(np.isfinite(given) & (given >= 0) & (np.floor(given) == given)))
    if len(wrong):
        raise CircuitError(
            f"length {given[wrong[0]]} (row {wrong[0]}) is no whole number of at least 0"
        )
    return np.column_stack([-2 - given.astype(np.int64), array])


@final
@register
@dataclass(frozen=True)
class CTC(Loss):
    """-log of the probability of all alignments of a row's labels with its steps, summed.

    An alignment is a class for each step; softmax(scores) is the probability of each, and of the
    alignment their product. Its labels are what is left without repetitions and then blanks: with
    blank 0, both 0 1 1 0 2 and 1 0 0 2 2 are labels 1 2. Known as connectionist temporal
    classification. The cost is that of the whole row, in natural units.

    Shapes: scores (rows, steps, classes), of which the class `blank` is no label; labels (rows,
    most labels), padded with -1. Where rows have different lengths, make them with `ctc_labels`;
    steps behind a row's length do not count. Beside it stands the accuracy: the share of rows whose
    likeliest class at every step gives exactly their labels.

    Raises `CircuitError` for a label that is no class or the blank, and for a row with more labels
    than its steps can hold: one step for each, and one between any two that are equal.
    Source: Graves, Fernández, Gomez, Schmidhuber, "Connectionist temporal classification: labelling
    unsegmented sequence data with recurrent neural networks" (ICML 2006).

    >>> scores = np.zeros((1, 2, 3))  # of nine alignments, 1 1, 1 0 and 0 1 are label 1
    >>> round(float(np.exp(-CTC()(scores, [[1]]).value)), 4)
    0.3333
    """

    blank: int = 0

    def prepare(self, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) != 3:
            raise CircuitError(f"CTC needs scores of shape (rows, steps, classes), got {shape}")
        rows, steps, classes = shape
        if not 0 <= self.blank < classes:
            raise CircuitError(f"the blank, class {self.blank}, is none of {classes} classes")
        given = np.asarray(labels)
        told = given.ndim == 2 and given.shape[1] > 0 and given.dtype.kind in "if"
        if told and len(given) and (given[:, 0] <= -2).all():
            lengths, given = -2 - given[:, 0].astype(np.int64), given[:, 1:]
        else:
            lengths = np.full(rows, steps)
        array = whole_labels(given, classes)
        if len(array) != rows:
            raise CircuitError(f"{rows} rows of scores need as many labels, got {array.shape}")
        _refuse(array, lengths, steps, self.blank)
        last = array.max(axis=0, initial=-1) >= 0
        return ctc_labels(array[:, : last.sum()], lengths)

    def cost(self, scores: Unit, labels: Unit) -> Unit:
        lengths, labels = _parted(labels)
        rows, steps, classes = scores.shape
        count = labels.shape[1]
        logs = log_softmax(scores, axis=2)
        flat = reshape(transpose(logs, (1, 0, 2)), (steps * rows * classes,))
        at = np.arange(steps * rows).reshape(steps, rows, 1) * classes
        of_blank = take(flat, at + self.blank)
        known = where(greater_equal(labels, 0), labels, np.full((rows, count), self.blank))
        of_label = take(flat, known + at)  # (steps, rows, count)
        inside = greater(lengths, np.arange(steps).reshape(steps, 1, 1))

        dtype = scores.dtype
        never = np.full((rows, 1), NEVER, dtype)
        repeats = np.zeros((rows, min(count, 1)), bool)
        if count > 1:
            repeats = concatenate([repeats, equal(labels[:, 1:], labels[:, :-1])], axis=1)

        def step(blanks: Unit, names: Unit, blank: Unit, name: Unit, within: Unit) -> Any:
            before = concatenate([never, names], axis=1)
            next_blanks = _added(blanks, before) + blank
            skip = where(repeats, NEVER, before[:, :count])
            next_names = _added(names, blanks[:, :count], skip) + name
            return where(within, next_blanks, blanks), where(within, next_names, names)

        first = np.full((rows, count + 1), NEVER, dtype)
        first[:, 0] = 0.0
        start = first, np.full((rows, count), NEVER, dtype)
        sequences = of_blank, of_label, astype(inside, dtype)
        all_blanks, all_names = loop(
            lambda b, n, p, q, w: step(b, n, p, q, greater(w, 0.0)), start, sequences
        )
        number = expand_dims(counted(labels), 1)
        ends = where(equal(number, np.arange(count + 1)), all_blanks[-1], NEVER)
        if count:
            names = where(equal(number, np.arange(1, count + 1)), all_names[-1], NEVER)
            ends = concatenate([ends, names], axis=1)
        return -logsumexp(ends, axis=1)

    def of_rows(self, scores: Unit, labels: Unit) -> Mapping[str, Unit]:
        lengths, labels = _parted(labels)
        rows, steps, _ = scores.shape
        best = argmax(scores, axis=2)
        kept = logical_and(not_equal(best, self.blank), greater(lengths, np.arange(steps)))
        if steps > 1:
            changed = not_equal(best[:, 1:], best[:, :-1])
            kept = logical_and(kept, concatenate([np.ones((rows, 1), bool), changed], axis=1))
        number = astype(kept, scores.dtype) @ np.triu(np.ones((steps, steps), scores.dtype))
        place = np.arange(1, labels.shape[1] + 1).reshape(1, 1, -1)
        there = logical_and(expand_dims(kept, 2), equal(expand_dims(number, 2), place))
        same = logical_and(there, equal(expand_dims(best, 2), expand_dims(labels, 1)))
        right = astype(same, scores.dtype).sum(axis=(1, 2))
        wanted = astype(counted(labels), scores.dtype)
        return {"accuracy": logical_and(equal(right, wanted), equal(number[:, -1], wanted))}


def _parted(labels: Unit) -> tuple[Unit, Unit]:
    """The lengths, (rows, 1), and the labels, of what `prepare` makes."""
    if labels.ndim != 2 or not labels.shape[1]:
        raise CircuitError(
            f"CTC takes labels as ctc_labels makes them, got a wire of shape {labels.shape}"
        )
    return subtract(np.array(-2), labels[:, :1]), labels[:, 1:]


def _added(*logs: Any) -> Unit:
    """log(sum(exp(logs))), element by element."""
    most = logs[0]
    for x in logs[1:]:
        most = maximum(most, x)
    most = stop_gradient(most)  # whatever is taken away and added again has no slope
    total: Any = 0.0
    for x in logs:
        total = exp(x - most) + total
    return log(total) + most


def _refuse(labels: np.ndarray, lengths: np.ndarray, steps: int, blank: int) -> None:
    """Raise `CircuitError` for labels that no alignment has."""
    wrong = np.flatnonzero(lengths > steps)
    if len(wrong):
        raise CircuitError(
            f"row {wrong[0]} has a length of {lengths[wrong[0]]}, and the scores have {steps} steps"
        )
    for what, found in (
        ("the blank", np.argwhere(labels == blank)),
        ("followed by a label; -1 stands behind the last", _gaps(labels)),
    ):
        if len(found):
            row, step = found[0]
            raise CircuitError(f"label {labels[row, step]} (row {row}, step {step}) is {what}")
    repeats = (labels[:, 1:] == labels[:, :-1]) & (labels[:, 1:] >= 0)
    needed = (labels >= 0).sum(axis=1) + repeats.sum(axis=1)
    wrong = np.flatnonzero(needed > lengths)
    if len(wrong):
        row = wrong[0]
        raise CircuitError(
            f"the labels of row {row} need at least {needed[row]} steps, with a blank between "
            f"equal ones, and it has {lengths[row]}; drop such rows, or score more steps"
        )


def _gaps(labels: np.ndarray) -> np.ndarray:
    return np.argwhere((labels[:, :-1] < 0) & (labels[:, 1:] >= 0))
