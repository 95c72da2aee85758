"""In: numbers on their way into or out of a model. Out: the first that are none, by name or by row.

Training that diverges leaves nan and infinity behind. A comparison or an argmax makes a plausible
answer of them, so they are looked for where a model is kept, saved and asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError

if TYPE_CHECKING:
    from pullback.core.unit import Unit


def is_finite(value: Any) -> bool:
    """Whether a number or an array holds neither nan nor infinity.

    >>> is_finite(1.0), is_finite(np.array([1.0, np.nan])), is_finite(np.array([1, 2]))
    (True, False, True)
    """
    x = np.asarray(value)
    if x.dtype.kind != "f":
        return True
    with np.errstate(all="ignore"):
        total = x.sum()  # nan and infinity come through a sum, which is the quickest look
    return bool(np.isfinite(total) or np.isfinite(x).all())


def first_not_finite(units: Mapping[str, Unit]) -> str | None:
    """The name of the first wire whose value is not finite, or None.

    >>> from pullback.core.unit import Unit
    >>> first_not_finite({"w": Unit([1.0, 2.0]), "b": Unit(float("inf"))})
    'b'
    """
    return next((name for name, unit in units.items() if not is_finite(unit.value)), None)


def refuse_not_finite(units: Mapping[str, Unit]) -> None:
    """Raise `CircuitError` naming the first of a model's parameters and state that is not finite.

    >>> from pullback.core.unit import Unit
    >>> refuse_not_finite({"w": Unit([1.0, 2.0])})
    """
    name = first_not_finite(units)
    if name is not None:
        value = np.asarray(units[name].value)
        raise CircuitError(
            f"the model is not finite: {name!r} holds {value[~np.isfinite(value)].flat[0]}; make "
            "it anew and train it with a smaller learning rate, or load numbers that are finite"
        )


def refuse_outputs(outputs: Sequence[np.ndarray], inputs: Sequence[np.ndarray]) -> None:
    """Raise `CircuitError` for the first row that a model answers by what is no finite number.

    >>> refuse_outputs([np.zeros((2, 1))], [np.ones((2, 3))])
    """
    for y in outputs:
        if is_finite(y):
            continue
        row = int(np.argwhere(~np.isfinite(y))[0][0])
        for x in inputs:
            if row < len(x) and not is_finite(x[row]):
                raise CircuitError(
                    f"the inputs of row {row} are not finite; fill or drop such rows first"
                )
        value = y[row][~np.isfinite(y[row])].flat[0]
        raise CircuitError(
            f"the model answers row {row} by {value}: its inputs lead beyond the numbers of "
            f"{y.dtype}; scale them as those of training, or leave the row out"
        )
