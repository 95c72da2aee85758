"""Dying ReLUs: units that are 0 for every row, so that no gradient ever moves them again."""

from __future__ import annotations

from collections.abc import Iterator

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Finding
from pullback.diagnosis.torch.cures import bent_otherwise
from pullback.diagnosis.torch.own import OWN

_MANY = 0.4  # a share of dead units that costs a net something
_NEARLY_ALL = 0.9


@disease("dying ReLUs", among=OWN)
def dying(examination: Examination) -> Iterator[Finding]:
    """Many units of a ReLU, be it a module or a function, are 0 for all rows."""
    lost = examination.trained.history.diverged
    seen, when = (
        (examination.start, "at the start") if lost else (examination.end, "after training")
    )
    dead = {row.name: row.dead for row in (seen.rows if seen else ()) if row.kind == "ReLU"}
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
            bent_otherwise(
                examination.patient,
                ["ReLU"],
                "let a little through below 0",
                "LeakyReLU(0.01)",
            ),
        ),
        numbers={"dead": dead[worst]},
        picture=Bars("share of units that are 0 for every row", "dead", dead),
    )
