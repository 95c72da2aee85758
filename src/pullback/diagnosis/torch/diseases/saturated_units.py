"""Saturated units: sigmoids and tanhs at their flat ends, where hardly any gradient passes."""

from __future__ import annotations

from collections.abc import Iterator

from pullback.diagnosis.disease import disease
from pullback.diagnosis.diseases.saturated_units import saturated_of
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Finding
from pullback.diagnosis.torch.cures import begun_well
from pullback.diagnosis.torch.own import OWN
from pullback.inspect.activations import ActivationStatistics


@disease("saturated units", among=OWN)
def saturated(examination: Examination) -> Iterator[Finding]:
    """Most elements of a tanh or sigmoid inside the module lie at its flat ends."""
    yield from saturated_of(
        examination,
        _shares(examination.start),
        lambda: _shares(examination.end),
        lambda patient: (begun_well(patient),),
    )


def _shares(seen: ActivationStatistics | None) -> dict[str, float]:
    """For each bend, the share at its flat ends; the answer is left out, which may be sure."""
    rows = seen.rows[:-1] if seen else ()
    return {row.name: row.saturated for row in rows if row.saturated is not None}
