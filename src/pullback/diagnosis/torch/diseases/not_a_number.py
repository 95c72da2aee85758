"""Not a number: nan or infinity in the data, at the start, or where training first broke."""

from __future__ import annotations

from collections.abc import Iterator

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.torch.change import parts_of
from pullback.diagnosis.torch.cures import clipped
from pullback.diagnosis.torch.library import torch
from pullback.diagnosis.torch.own import OWN

_SAFE = (
    "torch.log(x.clamp_min(1e-6))  # and so sqrt; x / (y + 1e-6); cross_entropy in place of your "
    "own log(softmax)"
)


@disease("not a number", among=OWN)
def not_a_number(examination: Examination) -> Iterator[Finding]:
    """Rows, parameters, what a layer makes, or a step of training is nan or infinite."""
    parts = parts_of(examination.patient)
    yield from (x for x in parts.amiss if x.disease == "not a number")
    for name, p in parts.model.named_parameters():
        if not bool(torch.isfinite(p).all()):
            yield Finding(
                "not a number",
                "severe",
                f"{name} is nan or infinite before the first step",
                "from such a number nothing is learned: it was made so, or by a training before",
                where=name,
                cures=(
                    Cure(
                        "begin the layer anew",
                        f"model.{name.rpartition('.')[0]}.reset_parameters()",
                        untried="a training before may have broken it",
                    ),
                ),
                certain=True,
            )
            return
    trained = examination.trained
    broken = getattr(trained.trainer, "broken", None)
    if broken is None:
        return
    first = not trained.history.rows[1:]
    yield Finding(
        "not a number",
        "severe",
        f"in epoch {len(trained.history)}, {broken.what}",
        "exp of a large number, log or sqrt of 0, a division by 0, or steps that are too long",
        where=broken.where,
        cures=(
            clipped(examination.patient),
            Cure("keep away from where functions end", _SAFE, untried="it is in your code"),
        ),
        numbers={"epoch": float(len(trained.history)), "at_once": float(first)},
        certain=True,
    )
