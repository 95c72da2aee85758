"""Missing nonlinearity: weighted sums behind each other, which are no more than one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from pullback.core.unit import Unit
from pullback.core.walk import leading_to
from pullback.diagnosis.changes import before, rebuilding
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Cures, Finding
from pullback.diagnosis.flow import Flow, Product
from pullback.diagnosis.patient import Patient

_UNLEARNED = 0.5  # of the loss at the start: a linear net that stays above needs more


@disease("missing nonlinearity")
def missing(examination: Examination) -> Iterator[Finding]:
    """A layer of weights stands behind another one, with nothing between that bends."""
    flow = examination.structure
    if flow is None:
        return
    pairs, linear = _pairs(flow), _is_linear(flow)
    if not pairs and linear:  # with ways around, say
        pairs = [(a[0], b[0]) for a, b in pairwise(flow.products) if not _is_narrow(a, b)]
    yield from missing_of(examination, pairs, lambda patient: _cures(patient, pairs), linear=linear)


def missing_of(
    examination: Examination, pairs: Sequence[tuple[str, str]], cures: Cures, *, linear: bool
) -> Iterator[Finding]:
    """What pairs of layers with nothing between them that bends say; `linear` is the whole net."""
    if not pairs:
        return
    start, end = examination.loss_at_start(), examination.trained.final("loss")
    first, second = pairs[0]
    others = f", and so {len(pairs) - 1} more" if len(pairs) > 1 else ""
    whole = "; all of the net is one linear map" if linear else ""
    yield Finding(
        "missing nonlinearity",
        "severe" if linear and not end < _UNLEARNED * start else "mild",
        f"between {first} and {second} there is nothing that bends{others}{whole}",
        "a weighted sum of weighted sums is a weighted sum: the two layers can do what one can",
        where=second,
        cures=cures(examination.patient),
        numbers={"pairs": len(pairs), "linear": float(linear)},
    )


def _cures(patient: Patient, pairs: Sequence[tuple[str, str]]) -> tuple[Cure, ...]:
    names = {after.rpartition(".")[2] for _, after in pairs}
    bend = rebuilding(
        f"let an activation stand before {pairs[0][1]}",
        "pb.Dense(...), pb.ReLU(), pb.Dense(...)",
        before(lambda told, _: told.get("name") in names, {"kind": "ReLU"}),
        patient,
    )
    return (bend,)


def _pairs(flow: Flow) -> list[tuple[str, str]]:
    """The sums of which the second is an affine function of the first.

    Not those inside one layer, which knows what it does, nor a narrow first one: by that, two small
    matrices stand for a large one.
    """
    products = [x for x in flow.products if _is_plain(flow, x[0])]
    found = []
    for k, (after, x, made) in enumerate(products):
        for first in reversed(products[:k]):
            y = first[2]
            if first[0] == after or x not in leading_to([x], [y]):
                continue
            narrow = _is_narrow(first, products[k])
            if not narrow and _alone(flow, y, made) and flow.is_affine(y, x):
                found.append((first[0], after))
            break
    return found


def _is_narrow(first: Product, second: Product) -> bool:
    """Whether fewer units stand between two sums than before the first and behind the second."""
    return first[2].shape[-1] < min(first[1].shape[-1], second[2].shape[-1])


def _alone(flow: Flow, y: Unit, second: Unit) -> bool:
    """Whether y comes to the loss through the second sum alone: else it is needed beside it."""
    reached = {y}
    for unit in flow.circuit:
        if unit is not second and any(x in reached for x in unit.inputs):
            reached.add(unit)
    return flow.loss not in reached


def _is_plain(flow: Flow, where: str) -> bool:
    """Whether a sum is a layer of its own, or stands in no layer at all."""
    layer: Any = {flow.path(x): x for x in flow.layers.values()}.get(where)
    return layer is None or bool(layer.units_argument)


def _is_linear(flow: Flow) -> bool:
    """Whether the scores are an affine function of the inputs."""
    inputs = [x for x in flow.inputs if x.dtype.kind == "f"]
    return len(flow.inputs) == len(inputs) == 1 and flow.is_affine(inputs[0], flow.scores[0])
