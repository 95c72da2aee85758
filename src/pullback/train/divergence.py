"""In: what an epoch measured, and all that training moves. Out: what is no finite number any more.

What an optimizer remembers counts too: a second moment that is infinite holds its parameter still,
and nothing else would say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import first_not_finite, refuse_not_finite
from pullback.core.unit import Unit

CALL = "pb.doctor(trainer, data) tells the cause"
"""What warnings of a training that goes wrong end with."""


def lost(
    measured: Mapping[str, float], sources: Mapping[str, Unit], memory: Sequence[Unit]
) -> str | None:
    """The first loss, source of the model or piece of the optimizer's memory that is not finite.

    >>> lost({"loss": float("nan")}, {}, [])
    'the loss became nan'
    >>> lost({"loss": 1.0}, {"w": Unit(float("inf"))}, [])
    "'w' became infinite or nan"
    """
    for name in ("loss", "validation_loss"):
        if not np.isfinite(measured.get(name, 0.0)):
            return f"the {name.replace('_', ' ')} became {measured[name]}"
    for whose, units in ("", sources), ("the optimizer's ", _named(memory)):
        name = first_not_finite(units)
        if name is not None:
            return f"{whose}{name!r} became infinite or nan"
    return None


def refuse_to_go_on(sources: Mapping[str, Unit], memory: Sequence[Unit]) -> None:
    """Raise `CircuitError` where the numbers that training would go on with are not finite."""
    refuse_not_finite(sources)
    name = first_not_finite(_named(memory))
    if name is not None:
        raise CircuitError(
            f"the optimizer's {name!r} is infinite or nan, as after training that diverged; make "
            "a new Trainer, with a smaller learning rate"
        )


def how_it_diverged(ended: str, rate: Unit | None) -> str:
    """What to warn of where training ended so, with the wire of its rate if a number is on it."""
    than = "" if rate is None else f" than {float(rate.value):g}"
    return (
        f"training ended: {ended}; try a smaller learning rate{than}, or scale the inputs and "
        f"labels; {CALL}"
    )


def _named(memory: Sequence[Unit]) -> dict[str, Unit]:
    return {unit.name or "memory": unit for unit in memory}
