"""Zero, equal and badly scaled initialization: weights from which training cannot begin well."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from pullback.diagnosis.checks import chance_loss
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Finding
from pullback.diagnosis.torch.change import parts_of
from pullback.diagnosis.torch.cures import begun_well
from pullback.diagnosis.torch.hooks import LINEAR
from pullback.diagnosis.torch.own import OWN
from pullback.inspect.activations import LayerActivations

_ALIKE = 1e-4  # of the size of the weights
_FAR = 100.0  # times by which what flows may grow or shrink
_VERY_FAR = 1e4
_LOSS = 4.0  # times what chance gives
_LARGE = 5.0  # a size of scores that says too much at the start
_ANSWERS = 10.0  # times the labels
_BRINGS = (
    *("vanishing gradients", "badly scaled initialization", "dying ReLUs", "saturated units"),
    *("learning rate too low", "learning rate too high", "exploding gradients", "not a number"),
)


@disease("zero initialization", brings=_BRINGS, among=OWN)
def zero(examination: Examination) -> Iterator[Finding]:
    """The weights of a layer start at zero, and training does not tell its units apart."""
    yield from _alike(examination, "zero initialization", zeros=True)


@disease("equal initialization", brings=_BRINGS, among=OWN)
def equal(examination: Examination) -> Iterator[Finding]:
    """All units of a layer start alike, and stay so, as one unit would do."""
    yield from _alike(examination, "equal initialization", zeros=False)


def _alike(examination: Examination, name: str, *, zeros: bool) -> Iterator[Finding]:
    start = _weights(parts_of(examination.patient).model)
    found = [x for x, w in start.items() if _units_alike(w) and bool(w.any()) != zeros]
    if not found:
        return
    end = _weights(examination.trained.trainer.model)
    found = [x for x in found if _units_alike(end[x])]
    if not found:
        return
    yield Finding(
        name,
        "severe",
        f"the weights of {', '.join(found[:3])} start as "
        f"{'zero' if zeros else 'the same for all units'}, and after training the units of a layer "
        "are still alike",
        "units that start alike get the same gradient, so that a layer learns no more than one "
        "unit could; where all is zero, no gradient comes through",
        where=found[0],
        cures=(begun_well(examination.patient),),
        numbers={"weights": float(len(found))},
        certain=True,
    )


def _weights(model: Any) -> dict[str, np.ndarray]:
    """The weights that are trained, (units, ...)."""
    named = model.named_parameters()
    return {name: p.detach().cpu().numpy() for name, p in named if p.requires_grad and p.ndim > 1}


def _units_alike(w: np.ndarray) -> bool:
    if len(w) < 2 or not np.isfinite(w).all():
        return False
    return bool(np.abs(w - w[:1]).max() <= _ALIKE * np.abs(w).max())


@disease("badly scaled initialization", brings=_BRINGS, among=OWN)
def badly_scaled(examination: Examination) -> Iterator[Finding]:
    """What flows grows or shrinks from layer to layer, or the first answers are far too large."""
    rows = examination.start.rows if examination.start else ()
    sizes = {row.name: _size(before) for before, row in pairwise(rows) if row.kind in LINEAR}
    told, where, change = "", "", 1.0
    if len(sizes) > 1 and all(size > 0.0 for size in sizes.values()):
        (first, one), *_, (last, other) = sizes.items()
        change = other / one
        if not 1.0 / _FAR < change < _FAR:
            way = "shrinks" if change < 1.0 else "grows"
            told = f"what flows {way} from a size of {one:.2g} at {first} to {other:.2g} at {last}"
            where = last
    told = told or (_too_sure(examination, _size(rows[-1])) if rows else "")
    if not told:
        return
    yield Finding(
        "badly scaled initialization",
        "mild" if 1.0 / _VERY_FAR < change < _VERY_FAR else "severe",
        told,
        "weights that are too large or too small multiply the size of what flows in each layer",
        where=where,
        cures=(begun_well(examination.patient),),
        numbers={"change": change},
        picture=Bars("size of what comes to each layer", "size", sizes),
    )


def _too_sure(examination: Examination, scores: float) -> str:
    """What is to be said where the first answers are far too large; "" where they are not."""
    chance, start = chance_loss(examination), examination.loss_at_start()
    if chance is not None:
        if start > _LOSS * chance and scores > _LARGE:
            return f"the loss at the start is {start:.3g}, where chance gives {chance:.3g}"
        return ""
    labels = examination.patient.labels[0]
    if examination.patient.parts.losses[0].reading.task != "regression":
        return ""
    usual = float(np.sqrt(np.mean(np.square(labels, dtype=np.float64))))
    if scores > _ANSWERS * max(usual, 1e-12):
        return f"the first answers are of size {scores:.2g}, and the labels of size {usual:.2g}"
    return ""


def _size(row: LayerActivations) -> float:
    """The root mean square of what a layer makes."""
    return math.hypot(row.mean, row.std)
