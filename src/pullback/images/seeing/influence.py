"""In: a model and a picture. Out: how much each pixel counts for the score of a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import is_finite
from pullback.engines.prepare import refuse_engine
from pullback.figures import refuse_without_matplotlib
from pullback.images.seeing.given import (
    class_names,
    class_number,
    numbers_of,
    picture_for,
)
from pullback.images.seeing.scores import Scorer, probabilities, slopes
from pullback.inspect.arguments import at_least_one, not_negative
from pullback.layers.layer import Layer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = ("gradient", "gradient*input", "smooth", "integrated")


@dataclass(frozen=True, eq=False)
class Influence:
    """How the pixels of a picture bear on the score of a class.

    `values` is (H, W, C); `label` is the class, `probabilities` are those of all classes, and
    `rise` is what `values` add up to in principle, where their method says so: the score less that
    of the baseline.
    """

    picture: np.ndarray
    method: str
    label: int
    probabilities: np.ndarray
    values: np.ndarray
    rise: float | None = None

    @property
    def heat(self) -> np.ndarray:
        """One number a pixel, (H, W): of gradients the channel's that is largest, else the sum."""
        if self.method in ("gradient*input", "integrated"):
            return self.values.sum(axis=2)
        largest = np.abs(self.values).argmax(axis=2)[..., None]
        return np.take_along_axis(self.values, largest, axis=2)[..., 0]


def saliency_map(
    model: Layer,
    picture: Any,
    label: Any = None,
    method: str = "gradient",
    *,
    samples: int = 32,
    noise: float = 0.15,
    steps: int = 256,
    baseline: Any = 0.0,
    seed: int = 0,
    classes: Sequence[Any] | None = None,
    engine: str = "native",
) -> Influence:
    """How much each pixel counts for the score of a class, by default of the one that wins.

    With g the gradient of the score by the pixels x, "gradient" is g, how the score would answer to
    a change there; "gradient*input" is g * x; "smooth" is the mean of g over `samples` pictures
    with normal noise of `noise` times the picture's range, drawn by `seed`; and "integrated" is
    (x - baseline) * mean of g on the way from the baseline, which adds up to the score less that of
    the baseline, but for the error of the mean over `steps` places. `baseline` is a number or a
    picture.

    `picture` is (H, W, C), or (H, W) of one channel; bytes are divided by 255. `label` is a number,
    or one of the names in `classes`.

    Raises `CircuitError` for another method, a class that is not there, a picture that does not
    fit, or a model that has not been called yet.
    Source: Simonyan, Vedaldi, Zisserman, "Deep inside convolutional networks" (2014); Smilkov and
    others, "SmoothGrad" (2017); Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks"
    (2017).

    >>> from pullback.layers import Conv2d, Dense, Flatten, Sequential
    >>> model = Sequential(Conv2d(2, 3), Flatten(), Dense(3))
    >>> y = model(np.zeros((1, 6, 6, 1)))
    >>> found = saliency_map(model, np.eye(6), 2, "integrated", engine="eager")
    >>> found.values.shape, bool(abs(found.values.sum() - found.rise) < 1e-5)
    ((6, 6, 1), True)
    """
    if method not in METHODS:
        raise CircuitError(f"method is one of {', '.join(map(repr, METHODS))}, got {method!r}")
    at_least_one(samples=samples, steps=steps)
    not_negative(noise=noise)
    refuse_engine(engine, None)
    x = picture_for(model, picture)
    scores = Scorer(model, "eager")(x)
    count = scores.shape[1]
    chosen = scores[0].argmax() if label is None else label
    chosen = class_number(chosen, count, classes)
    rise = None
    if method == "integrated":
        away = x - _baseline(baseline, x)
        share = ((np.arange(steps) + 0.5) / steps).astype(x.dtype)[:, None, None, None]
        found = slopes(model, x - away + share * away, chosen, engine)
        values = away[0] * found.gradients.mean(axis=0)
        rise = float(scores[0, chosen] - Scorer(model, "eager")(x - away)[0, chosen])
    elif method == "smooth":
        spread = noise * (x.max() - x.min())
        added = np.random.default_rng(seed).normal(size=(samples, *x.shape[1:])) * spread
        values = slopes(model, (x + added).astype(x.dtype), chosen, engine).gradients.mean(axis=0)
    else:
        values = slopes(model, x, chosen, engine).gradients[0]
        values = values * x[0] if method == "gradient*input" else values
    return Influence(x[0], method, chosen, probabilities(scores)[0], values, rise)


def saliency(
    model: Layer,
    picture: Any,
    label: Any = None,
    method: str = "gradient",
    *,
    classes: Sequence[Any] | None = None,
    **options: Any,
) -> Figure:
    """Draw what `saliency_map` finds: the picture, the heat map, and one over the other.

    Red speaks for the class, blue against it. Arguments are those of `saliency_map`, as is what is
    raised, and without matplotlib (extra `plot`).

    >>> from pullback.layers import Conv2d, Dense, Flatten, Sequential
    >>> model = Sequential(Conv2d(2, 3), Flatten(), Dense(3))
    >>> y = model(np.zeros((1, 6, 6, 1)))
    >>> figure = saliency(model, np.eye(6), engine="eager")
    >>> [axes.get_title() for axes in figure.axes]
    ['picture', 'gradient', 'both', '']
    """
    refuse_without_matplotlib()
    from pullback.images.seeing.drawing.heat import draw_heat

    found = saliency_map(model, picture, label, method, classes=classes, **options)
    names = class_names(classes, len(found.probabilities))
    note = ""
    if found.rise is not None:
        total = float(found.values.sum())
        note = f"the map adds up to {total:.4g}; the score rises by {found.rise:.4g}"
    title = f"What counts for {names[found.label]!r}"
    return draw_heat(
        found.picture,
        found.heat,
        title,
        method,
        names=names,
        label=found.label,
        probabilities=found.probabilities,
        note=note,
    )


def _baseline(baseline: Any, x: np.ndarray) -> np.ndarray:
    """A picture of the shape of x, from which to come; of a number, one of that alone."""
    plain = isinstance(baseline, int | float)
    given = np.asarray(baseline, x.dtype) if plain else numbers_of(baseline, x.dtype)
    if given.shape == x.shape[1:3]:
        given = given[..., None]
    if given.shape not in ((), x.shape[1:]) or not is_finite(given):
        raise CircuitError(
            f"the baseline is a finite number or a picture of shape {x.shape[1:]}, got "
            f"{given.shape or baseline}"
        )
    return np.broadcast_to(given, x.shape)
