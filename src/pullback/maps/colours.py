"""In: what labels are. Out: a colour for each class, or for each quantity, on white and on black.

The twenty colours were found by a search (OKLab, lightness from 0.44 to 0.84): any two are far
apart for usual eyes and as each of the three kinds of colour blindness shows them, by the matrices
of Machado, Oliveira and Fernandes (2009); the first ten farther than all. A test measures it.
"""

from __future__ import annotations

import numpy as np

from pullback.core.text import counted
from pullback.maps.labels import Classes, Quantities

PALETTE = (
    *("#21aad5", "#8f255d", "#fbbf31", "#bb5703", "#e97f95"),
    *("#3548a8", "#49e8b0", "#9c5dc1", "#96a429", "#c0bff5"),
    *("#637a56", "#6c4e13", "#cfa771", "#85596f", "#7982f2"),
    *("#c298fb", "#b66682", "#85c3c2", "#a88868", "#166d9e"),
)
RAMP = ("#493687", "#2f5c9c", "#147e9e", "#249c99", "#52b786", "#9fc962", "#f0cf4c")
GREY = "#9a9da1"  # of points without a label, and of classes beyond twenty
PLAIN = "#4b86b4"  # where there are no labels at all
_TAIL = 0.01  # of quantities at either end, which may be far off


def class_colours(classes: Classes) -> list[str | None]:
    """A colour of its own for each of the twenty largest classes, in their order; None of others.

    >>> class_colours(Classes(("a", "b"), np.array([0, 1, 1])))
    ['#21aad5', '#8f255d']
    """
    largest = np.argsort(-classes.counts, kind="stable")[: len(PALETTE)]
    found: list[str | None] = [None] * len(classes.names)
    for colour, k in zip(PALETTE, np.sort(largest), strict=False):
        found[k] = colour
    return found


def about_colours(classes: Classes) -> str:
    """What is to be said where there are more classes than colours.

    >>> about_colours(Classes(("a", "b"), np.array([0, 1, 1])))
    ''
    """
    more = len(classes.names) - len(PALETTE)
    if more <= 0:
        return ""
    return (
        f"The {len(PALETTE)} largest labels have a colour of their own; "
        f"{counted(more, 'other is', 'others are')} grey."
    )


def bounds(quantities: Quantities) -> tuple[float, float]:
    """The numbers at the ends of the bar: the least and the largest, or where few are far off.

    >>> bounds(Quantities(np.array([1.0, 2.0, 4.0])))
    (1.0, 4.0)
    """
    values = quantities.values[~np.isnan(quantities.values)]
    low, high = float(values.min()), float(values.max())
    usual_low, usual_high = np.quantile(values, [_TAIL, 1.0 - _TAIL]).tolist()
    wide = high - low > 3.0 * (usual_high - usual_low)
    return (usual_low, usual_high) if wide and usual_high > usual_low else (low, high)
