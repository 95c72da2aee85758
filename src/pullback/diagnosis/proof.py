"""In: a patient, and the same with one change. Out: whether the change helps, by training both.

Both are trained with the same seed and the same batches, so that what differs is the cure alone;
and with other seeds, so that chance is not taken for it.
"""

from __future__ import annotations

from pullback.diagnosis.examination import Clock
from pullback.diagnosis.finding import Proof
from pullback.diagnosis.patient import Patient, Trained
from pullback.train.stopping import is_larger_better

SEEDS = 3

_BETWEEN = ("validation_mean_absolute_error", "validation_accuracy")
"""What is compared where a cure has another loss."""


def proved(
    patient: Patient,
    cured: Patient,
    known: list[Trained],
    clock: Clock,
    *,
    seeds: int = SEEDS,
    measure: str | None = None,
    at_end: bool = False,
) -> Proof | None:
    """The proof, of which the patient's trainings that are `known` are no more needed.

    They are those of its first seeds, and others that are made are added. Compared are the best
    epochs by the measure, as early stopping would keep them, or the last ones. None where nothing
    is measured that both have.
    """
    start = patient.parts.seed
    before, after = known, []
    for k in range(seeds):
        clock.at("tries a cure")
        if k >= len(before):
            before.append(patient.train(seed=start + k, watch=clock.watch, monitor=False))
        after.append(cured.train(seed=start + k, watch=clock.watch, monitor=False))
    name = measure or _measure(patient, cured, before[0], after[0])
    if name is None:
        return None
    kept = Trained.final if at_end else Trained.best
    return Proof(
        name,
        is_larger_better(name),
        [kept(x, name) for x in before[:seeds]],
        [kept(x, name) for x in after],
        (before[0].history, after[0].history),
    )


def _measure(patient: Patient, cured: Patient, before: Trained, after: Trained) -> str | None:
    """What is measured of both, and means the same."""
    alike = patient.parts.measured_by == cured.parts.measured_by
    names = ("validation_loss",) if alike else _BETWEEN
    rows = [x.history.rows[0] if x.history.rows else {} for x in (before, after)]
    if not rows[0] or not rows[1]:
        return "validation_loss"
    return next((name for name in names if all(name in row for row in rows)), None)
