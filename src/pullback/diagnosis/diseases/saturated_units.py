"""Saturated units: sigmoids and tanhs at their flat ends, where hardly any gradient passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from pullback.core.unit import Unit
from pullback.diagnosis.changes import BATCH_NORM, BENDS, before, rebuilding, redrawn
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Cure, Cures, Finding
from pullback.diagnosis.flow import Flow
from pullback.diagnosis.patient import Patient
from pullback.inspect.activations import moved

_ENDS = {"tanh": (-0.97, 0.97), "sigmoid": (0.03, 0.97), "clip": (0.0, 1.0)}
_MANY = 0.5  # of the elements, at the start
_MANY_AT_END = 0.8  # a net that knows its answers may say so firmly
_NEARLY_ALL = 0.9
_LEARNED = 0.1  # of the loss at the start


@disease(
    "saturated units",
    brings=("vanishing gradients", "learning rate too high", "learning rate too low"),
)
def saturated(examination: Examination) -> Iterator[Finding]:
    """Most elements of a tanh or sigmoid inside the net lie at its flat ends."""
    at_start = _shares(examination.flow)
    yield from saturated_of(examination, at_start, lambda: _shares(examination.flow_at_end), _cures)


def saturated_of(
    examination: Examination,
    at_start: Mapping[str, float],
    at_end: Callable[[], Mapping[str, float]],
    cures: Cures,
) -> Iterator[Finding]:
    """What the shares of elements at the flat ends say, by the place of each bend."""
    shares, when, most = at_start, "at the start", _MANY
    if not shares or max(shares.values()) < most:
        start, end = examination.loss_at_start(), examination.trained.final("loss")
        if end < _LEARNED * start:
            return
        shares, when, most = at_end(), "after training", _MANY_AT_END
    if not shares or max(shares.values()) < most:
        return
    worst = max(shares, key=lambda name: shares[name])
    yield Finding(
        "saturated units",
        "severe" if shares[worst] > _NEARLY_ALL else "mild",
        f"{shares[worst]:.0%} of what {worst} makes lies at its flat ends {when}",
        "what comes in is too large: there the slope is nearly 0, so that hardly any gradient "
        "reaches the layers before",
        where=worst,
        cures=cures(examination.patient),
        numbers={"saturated": shares[worst]},
        picture=Bars("share of elements at the flat ends", "saturated", shares),
        late=when != "at the start",
    )


def _cures(patient: Patient) -> tuple[Cure, ...]:
    draw = Cure(
        "start with smaller weights",
        "pb.Dense(..., initializer='glorot')  # and so of all layers before a tanh",
        redrawn,
    )
    normalize = rebuilding(
        "normalize what comes to each tanh and sigmoid",
        "pb.BatchNorm(), pb.Tanh()",
        before(lambda told, _: told.get("kind") in BENDS, BATCH_NORM),
        patient,
    )
    return draw, normalize


def _shares(flow: Flow | None) -> dict[str, float]:
    """For each bend inside the net, the share of its elements at the flat ends.

    The scores are left out: an answer may be sure.
    """
    if flow is None:
        return {}
    last = {moved(unit) for unit in flow.scores}
    shares = {
        where: _at_ends(unit)
        for where, unit in flow.bends(list(_ENDS))
        if unit not in last and unit.ndim > 1
    }
    low, high = _ENDS["tanh"]
    for layer, call in flow.recurrent:
        y = np.asarray(call.output.value)
        if layer.cell.config.get("activation") != "relu" and y.any():
            y = y[y != 0.0]  # which stands behind the ends of sequences
            shares[flow.path(layer)] = float(((y < low) | (y > high)).mean())
    return shares


def _at_ends(unit: Unit) -> float:
    assert unit.gate is not None
    y = np.asarray(unit.value)
    if unit.gate.name == "clip":  # a hard sigmoid or tanh, whose ends it is told
        low, high = y.min(), y.max()
        return float(((y == low) | (y == high)).mean()) if low < high else 0.0
    low, high = _ENDS[unit.gate.name]
    return float(((y < low) | (y > high)).mean())
