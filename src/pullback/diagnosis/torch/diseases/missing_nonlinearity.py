"""Missing nonlinearity: a linear layer right behind another one, which together are one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pullback.diagnosis.disease import disease
from pullback.diagnosis.diseases.missing_nonlinearity import missing_of
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.patient import Patient
from pullback.diagnosis.torch.change import edited
from pullback.diagnosis.torch.hooks import LINEAR, PASSING, Made
from pullback.diagnosis.torch.library import torch
from pullback.diagnosis.torch.own import OWN
from pullback.diagnosis.torch.seen import Batch

_CODE = (
    "model.set_submodule({0!r}, torch.nn.Sequential(model.get_submodule({0!r}), torch.nn.ReLU()))"
)


@disease("missing nonlinearity", among=OWN)
def missing(examination: Examination) -> Iterator[Finding]:
    """Between two linear layers is nothing that bends."""
    made = Batch(examination).seen.made
    pairs = [(x.behind, x.name) for x in made if x.behind and not _factors(made, x)]
    pairs = [(one, other) for one, other in pairs if one != other]
    whole = all(x.kind in (*LINEAR, *PASSING) for x in made)
    firsts = [one for one, _ in pairs]
    cure = Cure(
        "put a ReLU between",
        "\n".join(_CODE.format(one) for one in dict.fromkeys(firsts)),
        lambda patient: _bent(patient, firsts),
    )
    yield from missing_of(examination, pairs, lambda _: (cure,), linear=whole)


def _factors(made: Sequence[Made], second: Made) -> bool:
    """Whether two layers are meant as factors of one: through a bottleneck, or channel by channel.

    Low-rank adapters and separable convolutions are made so.
    """
    first = next(x for x in made if x.name == second.behind)
    if any(getattr(x.module, "groups", 1) > 1 for x in (first, second)):
        return True
    if first.kind != "Dense" or second.kind != "Dense":
        return False
    narrow = first.module.out_features
    return 2 * narrow < min(first.module.in_features, second.module.out_features)


def _bent(patient: Patient, names: Sequence[str]) -> Patient:
    def edit(model: Any) -> None:
        for name in dict.fromkeys(names):
            bent = torch.nn.Sequential(model.get_submodule(name), torch.nn.ReLU())
            model.set_submodule(name, bent)

    return edited(patient, edit)
