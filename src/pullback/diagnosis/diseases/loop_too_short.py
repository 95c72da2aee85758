"""Loop too short: pieces of a sequence that end before what they depend on comes into sight."""

from __future__ import annotations

from collections.abc import Iterator

from pullback.core.text import number
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Cure, Finding

_BETTER = 0.8  # of the loss, that longer pieces must come below
_MUCH = 0.7  # of the loss: what short pieces cannot learn


@disease("loop too short")
def loop_too_short(examination: Examination) -> Iterator[Finding]:
    """Trained on longer pieces, a recurrent net does better on pieces of the same length."""
    longer = examination.longer
    if longer is None or not longer.long < _BETTER * longer.short:
        return
    steps = longer.times * longer.steps
    cured = longer.patient
    yield Finding(
        "loop too short",
        "severe" if longer.long < _MUCH * longer.short else "mild",
        f"on sequences of {steps} steps that it has not seen, the loss is {number(longer.short)} "
        f"after training on pieces of {longer.steps} steps, and {number(longer.long)} after as "
        f"many of {steps}",
        "no gradient flows from a piece into the one before it, so that nothing is learned of what "
        "lies farther back than a piece is long",
        (
            Cure(
                "give longer pieces, of fewer rows",
                f"batches = TextStreams(numbers, rows={cured.sizes[0]}, steps={steps})",
                lambda patient: cured,
            ),
        ),
        numbers={
            "steps": float(longer.steps),
            "longer": float(steps),
            "loss": longer.short,
            "loss of longer": longer.long,
        },
        picture=Bars(
            f"the loss on sequences of {steps} steps, by the steps of a piece in training",
            "loss",
            {str(longer.steps): longer.short, str(steps): longer.long},
        ),
    )
