"""In: a model and a picture. Out: how its answer suffers where a part of the picture is covered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import is_finite
from pullback.engines.prepare import refuse_engine
from pullback.figures import refuse_without_matplotlib
from pullback.images.seeing.given import (
    class_names,
    class_number,
    picture_for,
)
from pullback.images.seeing.scores import Scorer, probabilities
from pullback.layers.layer import Layer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NUMBERS = 2**24  # in one batch of covered pictures


@dataclass(frozen=True, eq=False)
class Occlusion:
    """How the probability of a class falls where a part of the picture is covered.

    `drops` is (rows, columns), the fall for each place of the patch, whose upper left corners are
    at `tops` and `lefts`. `heat` is (H, W): for each pixel, the mean over the patches that cover
    it. `label` is the class, `probabilities` are those of all classes for the whole picture.
    """

    picture: np.ndarray
    label: int
    probabilities: np.ndarray
    size: tuple[int, int]
    fill: np.ndarray
    tops: np.ndarray
    lefts: np.ndarray
    drops: np.ndarray

    @property
    def heat(self) -> np.ndarray:
        total = np.zeros(self.picture.shape[:2])
        times = np.zeros(self.picture.shape[:2])
        height, width = self.size
        for i, top in enumerate(self.tops):
            for j, left in enumerate(self.lefts):
                covered = np.s_[top : top + height, left : left + width]
                total[covered] += self.drops[i, j]
                times[covered] += 1.0
        return total / times


def occlusion_map(
    model: Layer,
    picture: Any,
    label: Any = None,
    *,
    size: int | tuple[int, int] | None = None,
    stride: int | None = None,
    fill: Any = None,
    classes: Sequence[Any] | None = None,
    engine: str = "native",
) -> Occlusion:
    """How the probability of a class falls where a patch covers a part of the picture.

    P(label | picture) - P(label | picture with the patch), for each place of a patch of `size`
    pixels, or (height, width), by default a fifth of the picture; places are `stride` apart, by
    default a half of the patch, and the last patch ends where the picture ends. The patch is
    `fill`, a number or one for each channel as the model takes them, by default the picture's mean.
    `label` is by default the class that wins; the others are as in `saliency_map`.

    Raises `CircuitError` for a patch that is larger than the picture, a stride that would leave
    pixels uncovered, and as `saliency_map`.
    Source: Zeiler, Fergus, "Visualizing and understanding convolutional networks" (2014).

    >>> from pullback.layers import Conv2d, Dense, Flatten, Sequential
    >>> model = Sequential(Conv2d(2, 3), Flatten(), Dense(3))
    >>> y = model(np.zeros((1, 7, 7, 1)))
    >>> found = occlusion_map(model, np.eye(7), size=3, stride=3, engine="eager")
    >>> found.tops.tolist(), found.drops.shape, found.heat.shape
    ([0, 3, 4], (3, 3), (7, 7))
    """
    refuse_engine(engine, None)
    x = picture_for(model, picture)
    _, high, wide, channels = x.shape
    patch = _patch(size, high, wide)
    tops = _starts(high, patch[0], stride)
    lefts = _starts(wide, patch[1], stride)
    colour = x[0].mean(axis=(0, 1)) if fill is None else np.asarray(fill, x.dtype)
    if colour.shape not in ((), (1,), (channels,)) or not is_finite(colour):
        raise CircuitError(
            f"fill is a finite number, or {channels} of them, one for each channel, got {fill!r}"
        )
    scorer = Scorer(model, engine)
    whole = probabilities(scorer(x))[0]
    chosen = class_number(whole.argmax() if label is None else label, len(whole), classes)
    places = [(top, left) for top in tops for left in lefts]
    rows = 256 if 256 * x.size <= _NUMBERS else 16
    left_over: list[np.ndarray] = []
    for first in range(0, len(places), rows):
        some = places[first : first + rows]
        covered = np.repeat(x, len(some), axis=0)
        for k, (top, left) in enumerate(some):
            covered[k, top : top + patch[0], left : left + patch[1]] = colour
        left_over.append(probabilities(scorer(covered))[:, chosen])
    drops = whole[chosen] - np.concatenate(left_over).reshape(len(tops), len(lefts))
    return Occlusion(x[0], chosen, whole, patch, colour, tops, lefts, drops)


def occlusion(
    model: Layer,
    picture: Any,
    label: Any = None,
    *,
    classes: Sequence[Any] | None = None,
    **options: Any,
) -> Figure:
    """Draw what `occlusion_map` finds: a covered picture, the heat map, one over the other.

    Red is where the class needs what was covered, blue where it is better off without. The covered
    picture has the patch where it hurts most. Arguments are those of `occlusion_map`, as is what is
    raised, and without matplotlib (extra `plot`).

    >>> from pullback.layers import Conv2d, Dense, Flatten, Sequential
    >>> model = Sequential(Conv2d(2, 3), Flatten(), Dense(3))
    >>> y = model(np.zeros((1, 7, 7, 1)))
    >>> figure = occlusion(model, np.eye(7), engine="eager")
    >>> [axes.get_title() for axes in figure.axes]
    ['worst covered', 'fall of probability', 'both', '']
    """
    refuse_without_matplotlib()
    from pullback.images.seeing.drawing.heat import draw_heat

    found = occlusion_map(model, picture, label, classes=classes, **options)
    names = class_names(classes, len(found.probabilities))
    i, j = np.unravel_index(found.drops.argmax(), found.drops.shape)
    height, width = found.size
    box = (int(found.tops[i]), int(found.lefts[j]), height, width)
    left_over = found.probabilities[found.label] - found.drops[i, j]
    note = f"a patch of {height} × {width} on {found.drops.size} places leaves {left_over:.3g}"
    note += " at worst"
    return draw_heat(
        found.picture,
        found.heat,
        f"Where {names[found.label]!r} needs the picture",
        "fall of probability",
        names=names,
        label=found.label,
        probabilities=found.probabilities,
        note=note,
        patch=(box, found.fill),
    )


def _patch(size: int | tuple[int, int] | None, height: int, width: int) -> tuple[int, int]:
    if size is None:
        return max(1, round(height / 5)), max(1, round(width / 5))
    try:
        pair = (index(size), index(size)) if not isinstance(size, tuple | list) else tuple(size)
        rows, columns = map(index, pair)
    except (TypeError, ValueError):
        raise CircuitError(f"size is a whole number, or (height, width), got {size!r}") from None
    if not (1 <= rows <= height and 1 <= columns <= width):
        raise CircuitError(f"a patch of {size!r} does not fit on a picture of {height} × {width}")
    return rows, columns


def _starts(length: int, patch: int, stride: int | None) -> np.ndarray:
    """Where patches begin, so that all pixels are covered and none reaches over the end.

    >>> _starts(7, 3, 3)
    array([0, 3, 4])
    """
    step = max(1, patch // 2) if stride is None else stride
    if not isinstance(step, int | np.integer) or not 1 <= step <= patch:
        raise CircuitError(
            f"stride is a whole number from 1 to the patch's {patch}, so that every pixel is "
            f"covered, got {stride!r}"
        )
    last = length - patch
    return np.array([*range(0, last, step), last])
