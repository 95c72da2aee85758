"""Vanishing and exploding gradients: by far less, or more, at the first layers than at the last."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Curve, Finding
from pullback.diagnosis.patient import Patient
from pullback.diagnosis.torch.cures import BENDS, begun_well, bent_otherwise, clipped
from pullback.diagnosis.torch.hooks import LINEAR
from pullback.diagnosis.torch.own import OWN

_VANISHED = 1e-3  # of what arrives at the last layer, arriving at the first
_EXPLODED = 1e3
_HARDLY = 0.9  # of the loss at the start: a net that stays above learns hardly anything
_LEARNED = 0.3


@disease("vanishing gradients", among=OWN)
def vanishing(examination: Examination) -> Iterator[Finding]:
    """Hardly anything of the gradient arrives at the first linear layers."""
    sizes = _by_layer(examination)
    ratio = _ratio(sizes)
    if ratio is None or not ratio < _VANISHED:
        return
    start, end = examination.loss_at_start(), examination.trained.final("loss")
    if end < _LEARNED * start:
        return
    yield Finding(
        "vanishing gradients",
        "mild" if end < _HARDLY * start else "severe",
        _told(sizes, ratio),
        "each layer passes less on than it gets, as the slopes of its units and its weights are "
        "small: the first layers hardly move",
        where=next(iter(sizes)),
        cures=_cures(examination.patient),
        numbers={"ratio": ratio},
        picture=_picture(sizes),
    )


@disease(
    "exploding gradients", brings=("not a number", "dying ReLUs", "saturated units"), among=OWN
)
def exploding(examination: Examination) -> Iterator[Finding]:
    """The gradient grows on its way back beyond all measure."""
    sizes = _by_layer(examination)
    ratio = _ratio(sizes)
    if ratio is None or ratio < _EXPLODED:
        return
    yield Finding(
        "exploding gradients",
        "severe" if examination.trained.history.diverged else "mild",
        _told(sizes, ratio),
        "each layer makes the gradient larger on its way back, so that one step of training throws "
        "the weights far away",
        where=next(iter(sizes)),
        cures=(begun_well(examination.patient), clipped(examination.patient)),
        numbers={"ratio": ratio},
        picture=_picture(sizes),
    )


def _cures(patient: Patient) -> tuple[Cure, ...]:
    """ReLUs, with the weights that suit them, where there are bends of small slopes; weights."""
    weights = begun_well(patient)
    bent = bent_otherwise(patient, BENDS, "take units whose slope is 1 where they are on", "ReLU()")
    if (change := bent.change) is None:
        return (weights,)

    def both(patient: Patient) -> Patient:
        bent = change(patient)
        suited = begun_well(bent).change
        return bent if suited is None else suited(bent)

    code = f"{bent.code}\n{weights.code.replace('xavier', 'kaiming')}"
    return Cure(f"{bent.text}, and weights that suit them", code, both), weights


def _by_layer(examination: Examination) -> dict[str, float]:
    """The length of the gradient at what each linear layer makes, the first one first."""
    rows = examination.start.rows if examination.start else ()
    return {
        row.name: row.gradient * math.sqrt(math.prod(row.shape))
        for row in rows
        if row.kind in LINEAR and row.gradient is not None
    }


def _ratio(sizes: dict[str, float]) -> float | None:
    """Of what arrives at the first layer to what arrives at the last; None where nothing does."""
    each = list(sizes.values())
    if len(each) < 3 or not each[0] > 0.0 or not each[-1] > 0.0:
        return None
    return each[0] / each[-1]


def _told(sizes: dict[str, float], ratio: float) -> str:
    first, last = (list(sizes)[k] for k in (0, -1))
    return f"at the start the gradient at {first} is {ratio:.1g} times that at {last}"


def _picture(sizes: dict[str, float]) -> Curve:
    each = [x if math.isfinite(x) else math.nan for x in sizes.values()]
    at = [float(k) for k in range(1, len(each) + 1)]
    return Curve("the length of the gradient", "layer", "length", {"gradient": (at, each)}, "y")
