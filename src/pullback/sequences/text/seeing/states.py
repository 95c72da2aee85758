"""In: a text and what units held as they read it. Out: a figure of the text in their colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pullback.core.errors import CircuitError
from pullback.figures import refuse_without_matplotlib
from pullback.inspect.arguments import at_least_one
from pullback.sequences.text.seeing.given import chosen_units, drawable, refuse_other_length

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def hidden_state(
    text: str | Sequence[str],
    values: Any,
    units: Sequence[int] | None = None,
    *,
    title: str = "",
    most: int = 16,
) -> Figure:
    """Draw a text, each character in the colour of what a unit held as it read it.

    `text` is characters, or words; `values` are (steps,) of one unit, or (steps, units). Of several
    units, `units` says which are drawn, by default those that vary most, `most` of them, each in a
    line below the text. Red is above 0 and blue below, on one scale.

    Raises `CircuitError` where there is not one value for each character, one is not finite, a unit
    is not there, and without matplotlib.
    Source: Karpathy, Johnson, Fei-Fei, "Visualizing and understanding recurrent networks" (2015).

    >>> figure = hidden_state("to be", [0.1, -0.9, 0.0, 0.5, 0.7])
    >>> len(figure.axes)
    2
    """
    refuse_without_matplotlib()
    at_least_one(most=most)
    from pullback.sequences.text.seeing.drawing.states import draw_states

    array = drawable(values, "values", "(steps,) or (steps, units)", 1, 2)
    refuse_other_length(text, array, "the values")
    single = array.ndim == 1
    if single and units is not None:
        raise CircuitError("the values are of one unit; units= is for values (steps, units)")
    array = array[:, None] if single else array
    chosen = chosen_units(array.std(axis=0), units, most)
    names = [""] if single else [str(k) for k in chosen]
    note = ""
    if units is None and len(chosen) < array.shape[1]:
        note = f"{len(chosen)} of {array.shape[1]} units, those that vary most"
    title = title or ("What a unit holds" if len(chosen) == 1 else "What units hold")
    return draw_states(list(text), array[:, chosen], names, title, note)
