"""Zero, equal and badly scaled initialization: weights from which training cannot begin well."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from pullback.diagnosis.disease import disease
from pullback.diagnosis.diseases.initialization import alike_of, badly_scaled_of, units_alike
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Finding
from pullback.diagnosis.torch.change import parts_of
from pullback.diagnosis.torch.cures import begun_well
from pullback.diagnosis.torch.hooks import LINEAR
from pullback.diagnosis.torch.own import OWN
from pullback.inspect.activations import LayerActivations


@disease("zero initialization", among=OWN)
def zero(examination: Examination) -> Iterator[Finding]:
    """The weights of a layer start at zero, and training does not tell its units apart."""
    yield from _alike(examination, "zero initialization", zeros=True)


@disease("equal initialization", among=OWN)
def equal(examination: Examination) -> Iterator[Finding]:
    """All units of a layer start alike, and stay so, as one unit would do."""
    yield from _alike(examination, "equal initialization", zeros=False)


def _alike(examination: Examination, name: str, *, zeros: bool) -> Iterator[Finding]:
    start = _weights(parts_of(examination.patient).model)
    found = [x for x, w in start.items() if units_alike(w) and bool(w.any()) != zeros]
    if found:
        end = _weights(examination.trained.trainer.model)
        found = [x for x in found if units_alike(end[x])]
    yield from alike_of(name, found, (begun_well(examination.patient),), zeros=zeros)


def _weights(model: Any) -> dict[str, np.ndarray]:
    """The weights that are trained, (..., units)."""
    return {
        name: np.moveaxis(p.detach().cpu().numpy(), 0, -1)
        for name, p in model.named_parameters()
        if p.requires_grad and p.ndim > 1
    }


@disease("badly scaled initialization", among=OWN)
def badly_scaled(examination: Examination) -> Iterator[Finding]:
    """What flows grows or shrinks from layer to layer, or the first answers are far too large."""
    rows = examination.start.rows if examination.start else ()
    if not rows:
        return
    sizes = {row.name: _size(before) for before, row in pairwise(rows) if row.kind in LINEAR}
    cures = (begun_well(examination.patient),)
    yield from badly_scaled_of(examination, sizes, _size(rows[-1]), cures)


def _size(row: LayerActivations) -> float:
    """The root mean square of what a layer makes."""
    return math.hypot(row.mean, row.std)
