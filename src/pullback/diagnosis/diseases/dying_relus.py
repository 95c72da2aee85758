"""Dying ReLUs: units that are 0 for every row, so that no gradient ever moves them again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pullback.core.errors import CircuitError
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Cure, Finding
from pullback.diagnosis.patient import Patient, descriptions, rebuilt

_MANY = 0.4  # a share of dead units that costs a net something
_NEARLY_ALL = 0.9
_SLOPE = 0.01


@disease("dying ReLUs")
def dying(examination: Examination) -> Iterator[Finding]:
    """Many units of a ReLU are 0 for all rows after training."""
    rows = [] if examination.end is None else examination.end.rows
    relus = {row.name: row for row in rows if row.kind == "ReLU"}
    dead = {name: row.dead for name, row in relus.items()}
    if not dead or max(dead.values()) < _MANY:
        return
    worst = max(dead, key=lambda name: dead[name])
    yield Finding(
        "dying ReLUs",
        "severe" if dead[worst] > _NEARLY_ALL else "mild",
        f"{dead[worst]:.0%} of the units of {worst} are 0 for every row",
        "where a ReLU is 0 its slope is too, so that what pushed it below 0 is never undone",
        where=worst,
        cures=(
            Cure(
                "let a little through below 0",
                "pb.LeakyReLU()  # in place of pb.ReLU()",
                _leaky if _can_be_rebuilt(examination.patient) else None,
                "" if _can_be_rebuilt(examination.patient) else "the model is a function",
            ),
        ),
        numbers={"dead": dead[worst]},
        picture=Bars("share of units that are 0 for every row", "dead", dead),
    )


def _leaky(patient: Patient) -> Patient:
    def edit(told: dict[str, Any]) -> None:
        for described in descriptions(told):
            if described.get("kind") == "ReLU":
                name = described["name"]
                described.clear()
                described.update({"kind": "LeakyReLU", "name": name, "slope": _SLOPE})

    return patient.but(model=rebuilt(patient.parts.model, edit))


def _can_be_rebuilt(patient: Patient) -> bool:
    try:
        rebuilt(patient.parts.model)
    except (CircuitError, AttributeError):
        return False
    return True
