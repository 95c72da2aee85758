"""What keeps modules of PyTorch from learning: the diseases of all nets, and some of their own.

Where a disease of all nets looks at layers of this library, its own way to look stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pullback.diagnosis.disease import DISEASES, Disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Finding
from pullback.diagnosis.torch.cures import in_pytorch
from pullback.diagnosis.torch.diseases import (
    batch_too_small,
    broadcast_labels,
    disconnected_parameters,
    dropout_at_test_time,
    dying_relus,
    frozen_parameters,
    gradients,
    initialization,
    missing_nonlinearity,
    not_a_number,
    penalty_too_strong,
    saturated_units,
    softmax_twice,
    wrong_loss,
    wrong_mode,
)
from pullback.diagnosis.torch.own import OWN

__all__ = [
    "HIDDEN",
    "batch_too_small",
    "broadcast_labels",
    "disconnected_parameters",
    "dropout_at_test_time",
    "dying_relus",
    "frozen_parameters",
    "gradients",
    "initialization",
    "known",
    "missing_nonlinearity",
    "not_a_number",
    "penalty_too_strong",
    "saturated_units",
    "softmax_twice",
    "wrong_loss",
    "wrong_mode",
]

HIDDEN = ("broken residual", "wrong gradient rule", "loop too short", "only blanks")
"""What only a circuit shows, which no hook of PyTorch does."""

_BOTH = ("wrong loss",)  # that have a way of PyTorch's own beside the one of all nets


def known() -> dict[str, Disease]:
    """All that is looked for in a module of PyTorch, by name."""
    names = dict.fromkeys([*DISEASES, *OWN])
    return {name: _both(name) for name in names if name not in HIDDEN}


def _both(name: str) -> Disease:
    ways = [registry[name] for registry in (OWN, DISEASES) if name in registry]
    brings = frozenset().union(*(way.brings for way in ways))
    return Disease(name, _finder(name), brings, any(way.symptom for way in ways))


def _finder(name: str) -> Callable[[Examination], Iterator[Finding]]:
    def find(examination: Examination) -> Iterator[Finding]:
        """What its own way finds, or else that of all nets."""
        if name in OWN:
            yield from OWN[name].find(examination)
        if name in DISEASES and (name not in OWN or name in _BOTH):
            for finding in _of_all_nets(name, examination):
                yield in_pytorch(finding, examination.patient)

    return find


def _of_all_nets(name: str, examination: Examination) -> list[Finding]:
    """What the way of all nets finds, which may ask for what only nets of this library have."""
    try:
        return list(DISEASES[name].find(examination))
    except (AttributeError, TypeError, ValueError, KeyError) as error:
        examination.failed[name] = str(error)
        return []
