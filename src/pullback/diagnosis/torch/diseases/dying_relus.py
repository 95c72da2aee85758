"""Dying ReLUs: units that are 0 for every row, so that no gradient ever moves them again."""

from __future__ import annotations

from collections.abc import Iterator

from pullback.diagnosis.disease import disease
from pullback.diagnosis.diseases.dying_relus import dying_of
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.patient import Patient
from pullback.diagnosis.torch.cures import bent_otherwise
from pullback.diagnosis.torch.own import OWN
from pullback.inspect.activations import ActivationStatistics


@disease("dying ReLUs", among=OWN)
def dying(examination: Examination) -> Iterator[Finding]:
    """Many units of a ReLU, be it a module or a function, are 0 for all rows."""
    lost = examination.trained.history.diverged
    at_end = None if lost else _dead(examination.end)
    yield from dying_of(examination.patient, lambda: _dead(examination.start), at_end, _cures)


def _cures(patient: Patient) -> tuple[Cure, ...]:
    return (bent_otherwise(patient, ["ReLU"], "let a little through below 0", "LeakyReLU(0.01)"),)


def _dead(seen: ActivationStatistics | None) -> dict[str, float] | None:
    """For each ReLU, the share of its units that are 0 for all rows."""
    return None if seen is None else {row.name: row.dead for row in seen.rows if row.kind == "ReLU"}
