"""In: the sizes of a gradient at the steps of a loop. Out: a figure of how they fade or grow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pullback.core.errors import CircuitError
from pullback.figures import refuse_without_matplotlib
from pullback.sequences.text.seeing.given import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def gradient_through_time(sizes: Any, *, title: str = "") -> Figure:
    """Draw what is left of a gradient so many steps back from the loss, on a logarithmic axis.

    `sizes` (steps,), 0 or above, are norms of the gradient by the state at each step, the first
    step first; or several of them by name. On this axis a factor a step is a straight line: below 1
    the gradient vanishes, above it explodes. Beside each name stands the mean factor, between the
    first and the last size above 0. Sizes of 0 are left out, and counted.

    Raises `CircuitError` for sizes that are below 0 or not finite, or where all are 0, and without
    matplotlib.
    Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks"
    (2013).

    >>> figure = gradient_through_time({"RNN": [0.01, 0.1, 1.0], "LSTM": [0.8, 0.9, 1.0]})
    >>> figure.axes[0].get_yscale()
    'log'
    """
    refuse_without_matplotlib()
    from pullback.sequences.text.seeing.drawing.gradients import draw_gradients

    named = dict(sizes) if isinstance(sizes, Mapping) else {"": sizes}
    if not named:
        raise CircuitError("there are no sizes to draw")
    found = {}
    for name, given in named.items():
        what = f"the sizes of {name!r}" if name else "sizes"
        array = drawable(given, what, "(steps,)", 1)
        if array.min() < 0.0 or not array.any():
            wrong = "all 0" if not array.any() else f"below 0: {array.min():g}"
            raise CircuitError(f"{what} are norms of gradients, and are {wrong}")
        found[str(name)] = array
    return draw_gradients(found, title or "How a gradient travels back through time")
