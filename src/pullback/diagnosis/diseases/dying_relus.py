"""Dying ReLUs: units that are 0 for every row, so that no gradient ever moves them again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pullback.diagnosis.changes import of_kind, rebuilding
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Finding
from pullback.diagnosis.flow import Flow

_MANY = 0.4  # a share of dead units that costs a net something
_NEARLY_ALL = 0.9
_SLOPE = 0.01


@disease("dying ReLUs", brings=("broken residual",))
def dying(examination: Examination) -> Iterator[Finding]:
    """Many units of a ReLU are 0 for all rows, at the start or after training."""
    flow, when = examination.flow_at_end, "after training"
    if flow is None:
        flow, when = examination.flow, "at the start"
    dead = {} if flow is None else _dead(flow)
    if not dead or max(dead.values()) < _MANY:
        return
    worst = max(dead, key=lambda name: dead[name])
    yield Finding(
        "dying ReLUs",
        "severe" if dead[worst] > _NEARLY_ALL else "mild",
        f"{dead[worst]:.0%} of the units of {worst} are 0 for every row {when}",
        "where a ReLU is 0 its slope is too, so that what pushed it below 0 is never undone",
        where=worst,
        cures=(
            rebuilding(
                "let a little through below 0",
                "pb.LeakyReLU()  # in place of pb.ReLU()",
                of_kind(["ReLU"], {"kind": "LeakyReLU", "slope": _SLOPE}),
                examination.patient,
            ),
        ),
        numbers={"dead": dead[worst]},
        picture=Bars("share of units that are 0 for every row", "dead", dead),
    )


def _dead(flow: Flow) -> dict[str, float]:
    """For each ReLU, the share of its units that are 0 for all rows and at all places."""
    return {
        where: float((y == 0.0).all(axis=tuple(range(y.ndim - 1))).mean())
        for where, unit in flow.bends(["relu"])
        for y in [np.asarray(unit.value)]
        if y.ndim
    }
