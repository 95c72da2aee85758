"""Broken residual: a way around layers where one of both ways carries nothing, or all explodes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pullback.core.unit import Unit
from pullback.diagnosis.changes import redrawn
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Cure, Finding
from pullback.diagnosis.flow import Flow, size
from pullback.diagnosis.patient import Patient
from pullback.layers import Residual
from pullback.layers.initializers import INITIALIZERS

_NOTHING = 1e-4  # of the other way
_EXPLODED = 20.0


@disease(
    "broken residual",
    brings=(
        *("exploding gradients", "not a number", "saturated units", "badly scaled initialization"),
        *("learning rate too high", "dying ReLUs"),
    ),
)
def broken(examination: Examination) -> Iterator[Finding]:
    """A Residual adds nothing to what comes in, or loses it, or many of them explode."""
    flow = examination.flow_at_end or examination.flow
    start = examination.flow
    if flow is None or start is None:
        return
    ways = _ways(flow)
    for where, (around, inside) in ways.items():
        silent = "the layers inside" if inside <= _NOTHING * around else ""
        silent = "the way around" if around <= _NOTHING * inside else silent
        if not silent or around == inside == 0.0:
            continue
        yield Finding(
            "broken residual",
            "mild",
            f"{silent} {where} {'carry' if silent.startswith('the layers') else 'carries'} "
            f"nothing: rows differ by {inside:.2g} inside and by {around:.2g} around",
            "of the two ways that are added one is the same for all rows, and no gradient comes "
            "through it if its units are dead or its weights zero",
            where=where,
            cures=(
                Cure(
                    "draw its weights at random, and let no ReLU stand last inside",
                    f"pb.Residual(pb.ReLU(), pb.Dense(...))  # {where}",
                    lambda patient, where=where: _drawn_again(patient, where),
                ),
            ),
            numbers={"inside": inside, "around": around},
        )
    sums = _sums(start)
    sizes = list(sums.values())
    if len(sizes) > 1 and sizes[0] > 0.0 and not sizes[-1] < _EXPLODED * sizes[0]:
        last = list(sums)[-1]
        yield Finding(
            "broken residual",
            "severe" if examination.trained.history.diverged else "mild",
            f"what flows grows from a size of {sizes[0]:.2g} to {sizes[-1]:.2g} behind {last}",
            "each Residual adds as much as came in, so that what flows doubles with each of them",
            where=last,
            cures=(
                Cure(
                    "let the last layer inside each Residual start with small weights",
                    "pb.Residual(pb.Dense(n), pb.ReLU(), pb.Dense(n, initializer='normal'))",
                    _quiet,
                ),
            ),
            numbers={"grows": sizes[-1] / sizes[0]},
            picture=Bars("size of what flows behind each Residual", "size", sums),
        )


def _ways(flow: Flow) -> dict[str, tuple[float, float]]:
    """Of each Residual, by how much rows differ in what goes around and in what is inside."""
    found = {}
    for call in flow.calls:
        y = call.output
        if isinstance(call.layer, Residual) and isinstance(y, Unit) and len(y.inputs) == 2:
            around, inside = (_apart(x) for x in y.inputs)
            found[flow.path(call.layer)] = around, inside
    return found


def _apart(x: Unit) -> float:
    """By how much rows differ: the deviation at each place, in the root mean square."""
    with np.errstate(all="ignore"):
        return size(np.std(np.asarray(x.value, np.float64), axis=0))


def _sums(flow: Flow) -> dict[str, float]:
    """The size of what each Residual makes, in running order."""
    return {
        flow.path(call.layer): size(call.output.value)
        for call in flow.calls
        if isinstance(call.layer, Residual) and isinstance(call.output, Unit)
    }


def _drawn_again(patient: Patient, where: str) -> Patient:
    names = [name for name in patient.built().parameters if name.startswith(f"{where}.")]
    return redrawn(patient, names)


def _quiet(patient: Patient) -> Patient:
    """The patient with small weights as the last ones inside each Residual."""
    model = patient.built()
    rng = np.random.default_rng(patient.parts.seed)
    weights = model.weights
    for _path, layer in model.walk():
        if not isinstance(layer, Residual):
            continue
        inside = {x for line in layer.lines[:1] for one in line for _, x in one.walk()}
        own = [unit for x in inside for unit in x.own_parameters.values()]
        last = [unit for unit in weights.values() if unit in set(own) and unit.ndim > 1]
        if last:
            last[-1].value = INITIALIZERS["normal"](last[-1].shape, rng)
    return patient.but(model=model)
