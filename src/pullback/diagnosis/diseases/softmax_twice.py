"""Softmax twice: a model that answers probabilities, to a loss that takes scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.diagnosis.changes import rebuilding
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.flow import Flow
from pullback.diagnosis.patient import descriptions
from pullback.inspect.activations import moved
from pullback.losses.loss import Loss
from pullback.losses.sequences import CTC, SequenceCrossEntropy

_SQUASHED = ("Softmax", "Sigmoid")
_ROUNDING = 1e-3


@disease("softmax twice", brings=("vanishing gradients", "learning rate too low"))
def twice(examination: Examination) -> Iterator[Finding]:
    """What the model answers are probabilities already, and the loss makes such of scores."""
    flow, end = examination.flow, examination.flow_at_end
    losses = examination.patient.parts.losses
    if flow is None:
        return
    for k, loss in enumerate(losses):
        what = _squashed(flow, k)
        if not (loss.reading.probable or isinstance(loss, CTC | SequenceCrossEntropy)):
            continue
        if not what and (end is None or not _are_probabilities(loss, flow, k, end)):
            continue
        cure = rebuilding(
            f"leave the {what or 'last'} layer off",
            "model = pb.Sequential(...)  # that ends with pb.Dense(classes)",
            _without_last,
            examination.patient,
        )
        yield twice_of(what, type(loss).__name__, (cure,))


def twice_of(what: str, loss: str, cures: tuple[Cure, ...], where: str = "") -> Finding:
    """What scores that are probabilities, by a layer that is `what` if known, say to a loss."""
    told = f"by a {what} " if what else ""
    return Finding(
        "softmax twice",
        "severe",
        f"what the model answers are probabilities, {told}between 0 and 1, and {loss} takes "
        "scores, of which it makes probabilities itself",
        "probabilities as scores differ by 1 at most, so that the loss can never call an "
        "answer sure, and its gradient is small",
        cures=cures,
        where=where,
        certain=True,
    )


def _squashed(flow: Flow, k: int) -> str:
    """The gate that makes the scores, where it squashes them."""
    gate = moved(flow.scores[k]).gate
    return gate.name if gate is not None and gate.name in ("softmax", "sigmoid") else ""


def _are_probabilities(loss: Loss, start: Flow, k: int, end: Flow) -> bool:
    """Whether the numbers are such: at the start and after training, of which chance is no cause.

    Scores of several classes add up to 1 then; a single score need only lie between 0 and 1, and
    so does a small one: only after training does that tell something.
    """
    if loss.reading.pair is not None:
        return False
    every = [np.asarray(flow.scores[k].value, np.float64) for flow in (start, end)]
    return all(map(add_up, every))


def add_up(y: np.ndarray) -> bool:
    """Whether numbers of several classes, which the last axis counts, are shares of 1."""
    if y.ndim < 2 or y.shape[-1] < 2:
        return False
    return bool((y >= 0.0).all() and (np.abs(y.sum(axis=-1) - 1.0) < _ROUNDING).all())


def _without_last(told: dict[str, Any]) -> None:
    """Let what comes last hand on what it is given."""
    last = list(descriptions(told))[-1]
    if last.get("kind") not in _SQUASHED:
        raise CircuitError("the last layer is none that squashes")
    name = last["name"]
    last.clear()
    last.update({"kind": "Identity", "name": name})
