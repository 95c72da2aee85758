"""Vanishing and exploding gradients: from layer to layer, and from step to step of a sequence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pullback.diagnosis.changes import before, clipped, of_kind, rebuilding, redrawn
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Curve, Finding
from pullback.diagnosis.flow import Flow
from pullback.diagnosis.patient import descriptions

_VANISHED = 1e-3  # of what arrives at the last layer, arriving at the first
_VANISHED_IN_TIME = 1e-4
_EXPLODED = 1e3
_GROWN = 100.0  # times the gradient of the first epoch
_HARDLY = 0.9  # of the loss at the start: a net that stays above learns hardly anything
_LEARNED = 0.3
_SHORT = 8  # steps
_BENDS = ("Tanh", "Sigmoid")
_NORM: Mapping[str, Any] = {
    "kind": "BatchNorm",
    "momentum": 0.9,
    "epsilon": 1e-5,
    "dtype": "float32",
}
_STACKS = ("RNN", "GRU", "LSTM")


@disease("vanishing gradients")
def vanishing(examination: Examination) -> Iterator[Finding]:
    """Hardly anything of the gradient arrives at the first layers, or at the first steps."""
    flow = examination.flow
    if flow is None:
        return
    start, end = examination.loss_at_start(), examination.trained.final("loss")
    if end < _LEARNED * start:
        return
    severity = "severe" if not end < _HARDLY * start else "mild"
    by_layer = _by_layer(flow)
    ratio = _ratio(by_layer)
    if ratio is not None and ratio < _VANISHED:
        first, last = (list(by_layer)[k] for k in (0, -1))
        yield Finding(
            "vanishing gradients",
            severity,
            f"at the start the gradient at {first} is {ratio:.1g} times that at {last}",
            "each layer passes less on than it gets, as the slopes of its units and its weights "
            "are small: the first layers hardly move",
            where=first,
            cures=_by_layer_cures(examination),
            numbers={"ratio": ratio},
            picture=_picture("layer", [by_layer[x] for x in by_layer]),
        )
    for where, steps in _by_step(flow).items():
        ratio = float(steps[0] / steps[-1]) if steps[-1] > 0.0 else 1.0
        if ratio < _VANISHED_IN_TIME:
            yield Finding(
                "vanishing gradients",
                severity,
                f"the gradient at the first of {len(steps)} steps of {where} is {ratio:.1g} times "
                "that at the last one",
                "each step passes a part of the gradient on to the one before: what stands early "
                "in a sequence is not learned from",
                where=where,
                cures=(_remembering(examination, len(steps)),),
                numbers={"ratio": ratio, "steps": len(steps)},
                picture=_picture("step", steps.tolist()),
            )


@disease("exploding gradients", brings=("not a number", "dying ReLUs", "saturated units"))
def exploding(examination: Examination) -> Iterator[Finding]:
    """The gradient grows on its way back, or in the course of training, beyond all measure."""
    flow = examination.flow
    if flow is None:
        return
    told, where, numbers = "", "", {}
    by_layer = _by_layer(flow)
    ratio = _ratio(by_layer)
    if ratio is not None and not ratio < _EXPLODED:
        first, last = (list(by_layer)[k] for k in (0, -1))
        told, where = (
            f"at the start the gradient at {first} is {ratio:.1g} times that at {last}",
            first,
        )
        numbers = {"ratio": ratio}
    for name, steps in _by_step(flow).items():
        ratio = float(steps[0] / steps[-1]) if steps[-1] > 0.0 else 1.0
        if not told and not ratio < _EXPLODED:
            told = (
                f"the gradient at the first of {len(steps)} steps of {name} is {ratio:.1g} times "
                "that at the last one"
            )
            where, numbers = name, {"ratio": ratio, "steps": len(steps)}
    if not told:
        layer, grown = _grown(examination)
        if not grown > _GROWN:
            return
        told, where = f"the gradient of {layer} grows to {grown:.1g} times its first size", layer
        numbers = {"grown": grown}
    clip = clipped(examination.patient)
    draw = Cure(
        "start with the weights that a layer draws by default",
        "pb.Dense(...), pb.RNN(...)  # without initializer and recurrent_initializer",
        redrawn,
    )
    yield Finding(
        "exploding gradients",
        "severe" if examination.trained.history.diverged else "mild",
        told,
        "each layer, or step, makes the gradient larger on its way back, so that one step of "
        "training throws the weights far away",
        where=where,
        cures=(*([] if clip is None else [clip]), draw),
        numbers=numbers,
        picture=_picture("layer", list(by_layer.values())),
    )


# Measures ----------------------------------------------------------------------------------------


def _by_layer(flow: Flow) -> dict[str, float]:
    """The length of the gradient at what each weighted sum makes, the first one first."""
    products = flow.products
    slopes = flow.slopes([y for _, _, y in products])
    return {
        where: _length(slope)
        for (where, _, _), slope in zip(products, slopes, strict=True)
        if slope is not None
    }


def _by_step(flow: Flow) -> dict[str, np.ndarray]:
    """The length of the gradient at each step of what recurrent layers are given.

    They stand in the order in which they run; behind their ends sequences are left out.
    """
    found = {}
    for layer, call in flow.recurrent:
        x = call.inputs[0]
        if x.ndim != 3 or x.dtype.kind != "f" or x.shape[1] < _SHORT:
            continue
        slope = flow.slopes([x])[0]
        if slope is None:
            continue
        whole = slice(None)
        if len(call.inputs) > 1:
            whole = np.asarray(call.inputs[1].value) == x.shape[1]
        with np.errstate(all="ignore"):
            steps = np.sqrt((slope[whole].astype(np.float64) ** 2).sum(axis=(0, 2)))
        if steps.size and np.isfinite(steps).all():
            found[flow.path(layer)] = steps[::-1] if layer.config["reverse"] else steps
    return found


def _ratio(by_layer: Mapping[str, float]) -> float | None:
    """Of what arrives at the first layer to what arrives at the last; None where nothing does.

    Nothing arrives behind weights that start at zero, which is another matter.
    """
    sizes = list(by_layer.values())
    if len(sizes) < 3 or not sizes[0] > 0.0 or not sizes[-1] > 0.0:
        return None
    return sizes[0] / sizes[-1]


def _grown(examination: Examination) -> tuple[str, float]:
    """The layer whose gradient grew most in the course of training, and how many times."""
    seen: dict[str, list[float]] = {}
    for row in examination.trained.history.of_layers:
        if "gradient" in row.measures:
            seen.setdefault(row.layer, []).append(row.measures["gradient"])
    grown = {name: max(xs) / xs[0] for name, xs in seen.items() if xs[0] > 0.0}
    name = max(grown, key=lambda x: grown[x], default="")
    return name, grown.get(name, 0.0)


def _length(slope: Any) -> float:
    with np.errstate(all="ignore"):
        return float(np.linalg.norm(np.asarray(slope, np.float64)))


def _picture(across: str, sizes: list[float]) -> Curve:
    """The gradients from the first to the last."""
    shown = [x if math.isfinite(x) else math.nan for x in sizes]
    at = [float(k) for k in range(1, len(sizes) + 1)]
    return Curve("the length of the gradient", across, "length", {"gradient": (at, shown)}, "y")


# Cures -------------------------------------------------------------------------------------------


def _by_layer_cures(examination: Examination) -> tuple[Cure, ...]:
    patient = examination.patient
    kinds = {type(layer).__name__ for _, layer in patient.layers}
    normalize = rebuilding(
        "normalize what comes to each activation",
        "pb.BatchNorm(), pb.ReLU()  # before each activation",
        before(lambda told, _: told.get("kind") in (*_BENDS, "ReLU"), _NORM),
        patient,
    )
    if kinds & set(_BENDS):
        bend = rebuilding(
            "take units whose slope is 1 where they are on",
            "pb.ReLU()  # in place of pb.Sigmoid() and pb.Tanh()",
            of_kind(_BENDS, {"kind": "ReLU"}),
            patient,
        )
        return bend, normalize
    draw = Cure(
        "start with the weights that a layer draws by default, which keep the size of what flows",
        "pb.Dense(...)  # without initializer",
        redrawn,
    )
    return draw, normalize


def _remembering(examination: Examination, steps: int) -> Cure:
    """The cure of a memory that lasts as long as the sequences."""
    bias = round(max(1.0, math.log(steps)), 1)

    def edit(told: dict[str, Any]) -> None:
        for described in descriptions(told):
            if described.get("kind") in _STACKS:
                described.pop("activation", None)
                described.update({"kind": "LSTM", "forget_bias": bias})

    return rebuilding(
        "take a memory that forgets little at first",
        f"pb.LSTM(units, forget_bias={bias})",
        edit,
        examination.patient,
    )
