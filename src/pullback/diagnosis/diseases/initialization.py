"""Zero, equal and badly scaled initialization: weights from which training cannot begin well."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from pullback.diagnosis.changes import redrawn, scaled_by_layer
from pullback.diagnosis.checks import chance_loss
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Cure, Finding
from pullback.diagnosis.flow import size

_ALIKE = 1e-4  # of the size of the weights
_FAR = 100.0  # times by which what flows may grow or shrink
_VERY_FAR = 1e4
_LOSS = 4.0  # times what chance gives
_LARGE = 5.0  # a deviation of scores that says too much at the start
_ANSWERS = 10.0  # times the labels


_BRINGS = (
    *("vanishing gradients", "exploding gradients", "saturated units", "dying ReLUs"),
    *("not a number", "learning rate too high", "learning rate too low"),
)
_BRINGS_ALIKE = (*_BRINGS, "badly scaled initialization", "broken residual")


@disease("zero initialization", brings=_BRINGS_ALIKE)
def zero(examination: Examination) -> Iterator[Finding]:
    """The weights of a layer start at zero, and training does not tell its units apart."""
    yield from _alike(examination, "zero initialization", zeros=True)


@disease("equal initialization", brings=_BRINGS_ALIKE)
def equal(examination: Examination) -> Iterator[Finding]:
    """All units of a layer start alike, and stay so, as one unit would do."""
    yield from _alike(examination, "equal initialization", zeros=False)


def _alike(examination: Examination, name: str, *, zeros: bool) -> Iterator[Finding]:
    flow, end = examination.flow, examination.flow_at_end
    if flow is None:
        return
    found = []
    for weight, unit in flow.weights.items():
        w = np.asarray(unit.value)
        if weight not in flow.parameters or not units_alike(w) or w.any() == zeros:
            continue
        after = None if end is None else end.weights.get(weight)
        slope = flow.gradients.get(weight)
        if after is not None:
            still = units_alike(np.asarray(after.value))
        else:
            still = slope is not None and units_alike(slope)
        if still and slope is not None:
            found.append(weight)
    draw = Cure(
        "draw the weights at random",
        "pb.Dense(...)  # without initializer, which is 'he' then",
        lambda patient: redrawn(patient, found),
    )
    yield from alike_of(name, found, (draw,), zeros=zeros)


def alike_of(
    name: str, found: Sequence[str], cures: tuple[Cure, ...], *, zeros: bool
) -> Iterator[Finding]:
    """What weights whose units start alike and stay so say, by the names of such as are found."""
    if not found:
        return
    what = "zero" if zeros else "the same for all units"
    yield Finding(
        name,
        "severe",
        f"the weights of {', '.join(found[:3])} start as {what}, and after training the units of "
        "a layer are still alike",
        "units that start alike get the same gradient, so that a layer learns no more than one "
        "unit could; where all is zero, no gradient comes through",
        where=found[0],
        cures=cures,
        numbers={"weights": len(found)},
        certain=True,
    )


def units_alike(w: np.ndarray) -> bool:
    """Whether all units, of which each has a place in the last axis, have the same numbers."""
    if w.shape[-1] < 2 or not np.isfinite(w).all():
        return False
    apart = np.abs(w - w[..., :1]).max()
    return bool(apart <= _ALIKE * np.abs(w).max())


@disease("badly scaled initialization", brings=_BRINGS)
def badly_scaled(examination: Examination) -> Iterator[Finding]:
    """What flows grows or shrinks from layer to layer, or the first answers are far too large."""
    flow = examination.flow
    if flow is None:
        return
    sizes = {where: size(x.value) for where, x, _ in flow.products}
    draw = Cure(
        "start with the weights that a layer draws by default, for its number of inputs",
        "pb.Dense(...)  # without initializer, which is 'he' then",
        redrawn,
    )
    scale = Cure(
        "scale the weights by what flows",
        "pb.initialize_lsuv(model, x_train[:256])",
        scaled_by_layer,
    )
    scores = size(flow.scores[0].value)
    yield from badly_scaled_of(examination, sizes, scores, (draw, scale))


def badly_scaled_of(
    examination: Examination, sizes: Mapping[str, float], scores: float, cures: tuple[Cure, ...]
) -> Iterator[Finding]:
    """What the sizes of what comes to each layer, the first one first, and of the scores say."""
    told, where, change = "", "", 1.0
    if len(sizes) > 1 and all(size > 0.0 for size in sizes.values()):
        (first, before), *_, (last, after) = sizes.items()
        change = after / before
        if not 1.0 / _FAR < change < _FAR:
            way = "shrinks" if change < 1.0 else "grows"
            told, where = (
                f"what flows {way} from a size of {before:.2g} at {first} to {after:.2g} at {last}",
                last,
            )
    told = told or _too_sure(examination, scores)
    far = not 1.0 / _VERY_FAR < change < _VERY_FAR
    if not told:
        return
    yield Finding(
        "badly scaled initialization",
        "severe" if far or examination.trained.history.diverged else "mild",
        told,
        "weights that are too large or too small multiply the size of what flows in each layer",
        where=where,
        cures=cures,
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
    reading = examination.patient.parts.losses[0].reading
    labels = examination.patient.labels[0]
    if reading.task != "regression" or labels.dtype.kind != "f":
        return ""
    usual = max(size(labels), math.sqrt(np.finfo(np.float32).tiny))
    if scores > _ANSWERS * usual:
        return f"the first answers are of size {scores:.2g}, and the labels of size {usual:.2g}"
    return ""
