"""Vanishing and exploding gradients: by far less, or more, at the first layers than at the last."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pullback.diagnosis.changes import BENDS
from pullback.diagnosis.disease import disease
from pullback.diagnosis.diseases.gradients import exploding_of, through_layers, vanishing_of
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.patient import Patient
from pullback.diagnosis.torch.cures import begun_well, bent_otherwise, clipped
from pullback.diagnosis.torch.hooks import LINEAR
from pullback.diagnosis.torch.own import OWN


@disease("vanishing gradients", among=OWN)
def vanishing(examination: Examination) -> Iterator[Finding]:
    """Hardly anything of the gradient arrives at the first linear layers."""
    ways = through_layers(_by_layer(examination))
    yield from vanishing_of(examination, ways, lambda _: _cures(examination.patient))


@disease("exploding gradients", among=OWN)
def exploding(examination: Examination) -> Iterator[Finding]:
    """The gradient grows on its way back beyond all measure."""
    patient, ways = examination.patient, through_layers(_by_layer(examination))
    yield from exploding_of(examination, ways, begun_well(patient), (clipped(patient),))


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
