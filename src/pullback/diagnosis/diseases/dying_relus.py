"""Dying ReLUs: units that are 0 for every row, so that no gradient ever moves them again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from pullback.diagnosis.changes import of_kind, rebuilding
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Cure, Cures, Finding
from pullback.diagnosis.flow import Flow
from pullback.diagnosis.patient import Patient

_MANY = 0.4  # a share of dead units that costs a net something
_NEARLY_ALL = 0.9
_SLOPE = 0.01


@disease("dying ReLUs", brings=("broken residual",))
def dying(examination: Examination) -> Iterator[Finding]:
    """Many units of a ReLU are 0 for all rows, at the start or after training."""
    at_end = _dead(examination.flow_at_end)
    yield from dying_of(examination.patient, lambda: _dead(examination.flow), at_end, _cures)


def dying_of(
    patient: Patient,
    at_start: Callable[[], Mapping[str, float] | None],
    at_end: Mapping[str, float] | None,
    cures: Cures,
) -> Iterator[Finding]:
    """What the shares of dead units say, by ReLU; of those at the start where none were after."""
    dead, when = at_end, "after training"
    if dead is None:
        dead, when = at_start(), "at the start"
    if not dead or max(dead.values()) < _MANY:
        return
    worst = max(dead, key=lambda name: dead[name])
    yield Finding(
        "dying ReLUs",
        "severe" if dead[worst] > _NEARLY_ALL else "mild",
        f"{dead[worst]:.0%} of the units of {worst} are 0 for every row {when}",
        "where a ReLU is 0 its slope is too, so that what pushed it below 0 is never undone",
        where=worst,
        cures=cures(patient),
        numbers={"dead": dead[worst]},
        picture=Bars("share of units that are 0 for every row", "dead", dead),
        late=when != "at the start",
    )


def _cures(patient: Patient) -> tuple[Cure, ...]:
    bent = rebuilding(
        "let a little through below 0",
        "pb.LeakyReLU()  # in place of pb.ReLU()",
        of_kind(["ReLU"], {"kind": "LeakyReLU", "slope": _SLOPE}),
        patient,
    )
    return (bent,)


def _dead(flow: Flow | None) -> dict[str, float] | None:
    """For each ReLU, the share of its units that are 0 for all rows and at all places."""
    if flow is None:
        return None
    return {
        where: float((y == 0.0).all(axis=tuple(range(y.ndim - 1))).mean())
        for where, unit in flow.bends(["relu"])
        for y in [np.asarray(unit.value)]
        if y.ndim
    }
