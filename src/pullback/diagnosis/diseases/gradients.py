"""Vanishing and exploding gradients: from layer to layer, and from step to step of a sequence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.diagnosis.changes import (
    BATCH_NORM,
    BENDS,
    before,
    clipped,
    of_kind,
    rebuilding,
    redrawn,
)
from pullback.diagnosis.checks import hardly_learns
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Curve, Finding
from pullback.diagnosis.flow import Flow
from pullback.diagnosis.patient import descriptions

_VANISHED = 1e-3  # of what arrives at the last layer, arriving at the first
_VANISHED_UNLEARNED = 1e-2  # the same of a net that learns nothing, where less may be the cause
_VANISHED_IN_TIME = 1e-4
_EXPLODED = 500.0
_GROWN = 100.0  # times the gradient of the first epoch
_LEARNED = 0.3
_SHORT = 4  # steps, of which fewer say nothing
_STACKS = ("RNN", "GRU", "LSTM")


@disease("vanishing gradients", brings=("learning rate too low", "saturated units"))
def vanishing(examination: Examination) -> Iterator[Finding]:
    """Hardly anything of the gradient arrives at the first layers, or at the first steps."""
    flow = examination.flow
    if flow is None:
        return
    yield from vanishing_of(
        examination,
        _ways(flow),
        lambda way: _remembering(examination, way.steps) if way.steps else _straighter(examination),
    )


def vanishing_of(
    examination: Examination, ways: Iterable[Way], cures: Callable[[Way], tuple[Cure, ...]]
) -> Iterator[Finding]:
    """What arrives of the gradient on these ways, where it is hardly anything."""
    start, end = examination.loss_at_start(), examination.trained.final("loss")
    if end < _LEARNED * start:
        return
    least = _VANISHED_UNLEARNED if hardly_learns(examination) else _VANISHED
    for way in ways:
        if not way.ratio < (_VANISHED_IN_TIME if way.steps else least):
            continue
        whence = "stands early in a sequence" if way.steps else "the first layers make"
        yield Finding(
            "vanishing gradients",
            "severe" if not way.steps and hardly_learns(examination) else "mild",
            f"at the start {way.told}",
            f"each {'step' if way.steps else 'layer'} passes on less than it gets, so that what "
            f"{whence} is hardly learned from",
            where=way.where,
            cures=cures(way),
            numbers={"ratio": way.ratio, "steps": way.steps},
            picture=way.picture,
        )


@disease(
    "exploding gradients",
    brings=("not a number", "dying ReLUs", "saturated units"),
)
def exploding(examination: Examination) -> Iterator[Finding]:
    """The gradient grows on its way back, or in the course of training, beyond all measure."""
    flow = examination.flow
    if flow is None:
        return
    draw = Cure(
        "start with the weights that a layer draws by default",
        "pb.Dense(...), pb.RNN(...)  # without initializer and recurrent_initializer",
        redrawn,
    )
    clip = clipped(examination.patient)
    yield from exploding_of(examination, _ways(flow), draw, () if clip is None else (clip,))


def exploding_of(
    examination: Examination, ways: Iterable[Way], draw: Cure, clips: tuple[Cure, ...]
) -> Iterator[Finding]:
    """What arrives of the gradient on these ways, or grows in training, where it is too much.

    Weights are to be drawn anew, or gradients clipped.
    """
    way = next((x for x in ways if not x.ratio < _EXPLODED), None)
    if way is not None:
        told, where, cures = f"at the start {way.told}", way.where, (draw, *clips)
        numbers = {"ratio": way.ratio}
    else:
        where, grown = _grown(examination)
        if not grown > _GROWN:
            return
        told = f"in training the gradient of {where} grows to {grown:.1g} times its first size"
        cures, numbers = (*clips, draw), {"grown": grown}
    yield Finding(
        "exploding gradients",
        "severe" if examination.trained.history.diverged else "mild",
        told,
        "each layer, or step, makes the gradient larger on its way back, so that one step of "
        "training throws the weights far away",
        where=where,
        cures=cures,
        numbers=numbers,
        picture=None if way is None else way.picture,
    )


# Measures ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Way:
    """What arrives of the gradient, from the first to the last layer, or step of a sequence.

    `steps` is how many of them there are; 0 of layers.
    """

    where: str
    told: str
    sizes: list[float]
    steps: int = 0

    @property
    def ratio(self) -> float:
        """Of what arrives at the first to what arrives at the last."""
        return self.sizes[0] / self.sizes[-1]

    @property
    def picture(self) -> Curve:
        shown = [x if math.isfinite(x) else math.nan for x in self.sizes]
        at = [float(k) for k in range(1, len(shown) + 1)]
        across = "step" if self.steps else "layer"
        return Curve("the length of the gradient", across, "length", {"gradient": (at, shown)}, "y")


def _ways(flow: Flow) -> Iterator[Way]:
    """The ways back through layers, and through the steps of each recurrent layer."""
    yield from through_layers(_by_layer(flow))
    for where, steps in _by_step(flow).items():
        if steps[-1]:
            told = (
                f"the gradient at the first of {len(steps)} steps of {where} is "
                f"{steps[0] / steps[-1]:.1g} times that at the last one"
            )
            yield Way(where, told, steps, len(steps))


def through_layers(layers: Mapping[str, float]) -> Iterator[Way]:
    """The way back through layers, by the length of the gradient at each, the first one first.

    Nothing arrives behind weights that start at zero, which is another matter.
    """
    sizes = list(layers.values())
    if len(sizes) > 2 and sizes[0] and sizes[-1]:
        first, last = (list(layers)[k] for k in (0, -1))
        ratio = sizes[0] / sizes[-1]
        yield Way(first, f"the gradient at {first} is {ratio:.1g} times that at {last}", sizes)


def _by_layer(flow: Flow) -> dict[str, float]:
    """The length of the gradient at what each weighted sum makes, the first one first."""
    products = flow.products
    slopes = flow.slopes([y for _, _, y in products])
    return {
        where: _length(slope)
        for (where, _, _), slope in zip(products, slopes, strict=True)
        if slope is not None
    }


def _by_step(flow: Flow) -> dict[str, list[float]]:
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
        sizes = steps.tolist()
        found[flow.path(layer)] = sizes[::-1] if layer.config["reverse"] else sizes
    return found


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


# Cures -------------------------------------------------------------------------------------------


def _straighter(examination: Examination) -> tuple[Cure, ...]:
    """The cures by which each layer passes on about as much as it gets."""
    patient = examination.patient
    kinds = {type(layer).__name__ for _, layer in patient.layers}
    normalize = rebuilding(
        "normalize what comes to each activation",
        "pb.BatchNorm(), pb.ReLU()  # before each activation",
        before(lambda told, _: told.get("kind") in (*BENDS, "ReLU"), BATCH_NORM),
        patient,
    )
    if kinds & set(BENDS):
        bend = rebuilding(
            "take units whose slope is 1 where they are on",
            "pb.ReLU()  # in place of pb.Sigmoid() and pb.Tanh()",
            of_kind(BENDS, {"kind": "ReLU"}),
            patient,
        )
        return bend, normalize
    draw = Cure(
        "start with the weights that a layer draws by default, which keep the size of what flows",
        "pb.Dense(...)  # without initializer",
        redrawn,
    )
    return draw, normalize


def _remembering(examination: Examination, steps: int) -> tuple[Cure, ...]:
    """The cure by a memory that lasts as long as the sequences."""
    bias = round(max(1.0, math.log(steps)), 1)

    def edit(told: dict[str, Any]) -> None:
        for described in descriptions(told):
            if described.get("kind") in _STACKS:
                described.pop("activation", None)
                described.update({"kind": "LSTM", "forget_bias": bias})

    return (
        rebuilding(
            "take a memory that forgets little at first",
            f"pb.LSTM(units, forget_bias={bias})",
            edit,
            examination.patient,
        ),
    )
