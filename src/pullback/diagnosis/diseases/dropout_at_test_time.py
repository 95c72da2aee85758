"""Dropout at test time: predictions made by chance; and dropout that leaves too little."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.diagnosis.changes import rebuilding
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.flow import Flow, flowed, size
from pullback.diagnosis.patient import descriptions
from pullback.layers.dropout import Dropout, SpatialDropout

_APART = 0.01  # of the size of an answer, by which answers to the same row may differ
_MOST = 0.6  # a rate that leaves little
_LESS = 0.2


@disease("dropout at test time")
def at_test_time(examination: Examination) -> Iterator[Finding]:
    """A prediction depends on chance, or on other rows; or dropout leaves hardly anything."""
    flow = examination.prediction
    if flow is None:
        return
    told = _differs(examination, flow)
    if told:
        hand_on = Cure(
            "give each layer the `training` that the function itself is given",
            "layers.dropout(x, training=training)  # and not training=True",
            untried="it is in the code of the model, which only its owner can change",
        )
        yield by_chance(told, (hand_on,))
    strong = {
        path: layer.rate
        for path, layer in examination.patient.layers
        if isinstance(layer, Dropout | SpatialDropout) and layer.rate >= _MOST
    }
    if strong:
        worst = max(strong, key=lambda path: strong[path])
        yield Finding(
            "dropout at test time",
            "mild",
            f"{worst} drops {strong[worst]:.0%} of what it is given in training",
            "what is left says too little for the net to learn from",
            where=worst,
            cures=(
                rebuilding(
                    f"drop {_LESS:.0%}", f"pb.Dropout({_LESS:g})", _drop_less, examination.patient
                ),
            ),
            numbers={"rate": strong[worst]},
        )


def by_chance(told: str, cures: tuple[Cure, ...]) -> Finding:
    """What an answer that is not that of its row alone says."""
    return Finding(
        "dropout at test time",
        "mild",
        told,
        "some layer runs as in training while the model predicts",
        cures=cures,
        certain=True,
    )


def asked_twice(first: Sequence[np.ndarray], again: Sequence[np.ndarray]) -> str:
    """What is to be said where two answers to the same rows differ; "" where they do not."""
    if any(size(y - other) > _APART * size(y) for y, other in zip(first, again, strict=True)):
        return "the model predicts something else for the same rows at each call"
    return ""


def _differs(examination: Examination, flow: Flow) -> str:
    """What is to be said where an answer is not that of its row alone; "" where it is."""
    if any(x.gate is not None and x.gate.name == "random" for x in flow.circuit):
        return "what the model predicts is made of random numbers"
    parts, rows = examination.patient.parts, examination.batch
    try:
        again = flowed(
            parts.model, rows.take(slice(len(flow.scores[0].value))), parts.losses, training=False
        )
        alone = flowed(parts.model, rows.take(slice(1)), parts.losses, training=False)
    except CircuitError as error:
        examination.failed["alone"] = str(error)
        return ""
    first = [np.asarray(x.value) for x in flow.scores]
    if not all(np.isfinite(y).all() for y in first):
        return ""
    if told := asked_twice(first, [np.asarray(x.value) for x in again.scores]):
        return told
    for y, other in zip(first, alone.scores, strict=True):
        one = np.asarray(other.value)
        if one.shape == y[:1].shape and size(one - y[:1]) > _APART * size(y):
            return "what the model predicts for a row depends on the other rows beside it"
    return ""


def _drop_less(told: dict[str, Any]) -> None:
    for described in descriptions(told):
        if described.get("kind") in ("Dropout", "SpatialDropout") and described["rate"] >= _MOST:
            described["rate"] = _LESS
