"""In: a wire or a circuit that a notebook shows. Out: its picture, by whoever can draw.

What draws stands above what is drawn, so it is made known here and not imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pullback.core.errors import CircuitError

_MOST = 400  # wires; of more than that a picture is only drawn where it is asked for

drawn_by: list[Callable[[Any], str]] = []
"""What makes SVG of wires and circuits: `inspect.draw` adds itself."""


def picture(what: Any, outputs: Iterable[Any]) -> str | None:
    """The circuit as SVG; None, so that its text is shown, for sources alone and where it is large.

    It looks at no more than a few hundred wires, however many there are.
    """
    found, pending = set(), list(outputs)
    while pending and len(found) <= _MOST:
        unit = pending.pop()
        if unit not in found:
            found.add(unit)
            pending += unit.inputs
    if not drawn_by or pending or all(unit.gate is None for unit in found):
        return None
    try:
        return drawn_by[0](what)
    except CircuitError:
        return None
