"""Saturated units: sigmoids and tanhs at their flat ends, where hardly any gradient passes."""

from __future__ import annotations

from collections.abc import Iterator

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Finding
from pullback.diagnosis.torch.cures import begun_well
from pullback.diagnosis.torch.own import OWN
from pullback.inspect.activations import ActivationStatistics

_MANY = 0.5  # of the elements, at the start
_MANY_AT_END = 0.8  # a net that knows its answers may say so firmly
_NEARLY_ALL = 0.9
_LEARNED = 0.1  # of the loss at the start


@disease("saturated units", brings=("vanishing gradients",), among=OWN)
def saturated(examination: Examination) -> Iterator[Finding]:
    """Most elements of a tanh or sigmoid inside the module lie at its flat ends."""
    shares, when, most = _shares(examination.start), "at the start", _MANY
    if not shares or max(shares.values()) < most:
        if examination.trained.final("loss") < _LEARNED * examination.loss_at_start():
            return
        shares, when, most = _shares(examination.end), "after training", _MANY_AT_END
    if not shares or max(shares.values()) < most:
        return
    worst = max(shares, key=lambda name: shares[name])
    yield Finding(
        "saturated units",
        "severe" if shares[worst] > _NEARLY_ALL else "mild",
        f"{shares[worst]:.0%} of what {worst} makes lies at its flat ends {when}",
        "what comes in is too large: there the slope is nearly 0, so that hardly any gradient "
        "reaches the layers before",
        where=worst,
        cures=(begun_well(examination.patient),),
        numbers={"saturated": shares[worst]},
        picture=Bars("share of elements at the flat ends", "saturated", shares),
    )


def _shares(seen: ActivationStatistics | None) -> dict[str, float]:
    """For each bend, the share at its flat ends; the answer is left out, which may be sure."""
    rows = seen.rows[:-1] if seen else ()
    return {row.name: row.saturated for row in rows if row.saturated is not None}
