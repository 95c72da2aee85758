"""In: a model and a unit inside it. Out: the picture that excites the unit most.

The guide's tug, on pixels: the unit is pulled upwards, and the pixels give way. The whole ascent is
a Program whose state is the picture: forward, backward, and the step along the gradient are one
circuit, which an engine compiles.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.gate import constant
from pullback.core.gradient import gradient
from pullback.core.unit import Unit
from pullback.engines.prepare import prepare, refuse_engine
from pullback.figures import refuse_without_matplotlib
from pullback.gates import reduction
from pullback.gates.comparison import clip, logical_and, logical_or, where
from pullback.gates.convolution import convolve
from pullback.gates.elementary import sqrt
from pullback.gates.indexing import take
from pullback.images.seeing.given import class_names, taken_by
from pullback.images.seeing.outputs import made_by
from pullback.inspect.arguments import at_least_one, not_negative, positive
from pullback.layers.layer import Layer
from pullback.program.program import Program
from pullback.train.interrupt import Interruptible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 64  # units of one ascent


@dataclass(frozen=True, eq=False, repr=False)
class Excitation:
    """The pictures that excite units most, and how the ascent went.

    `pictures` is (units, H, W, C), from `low` to `high`; `activations` (steps + 1, units) has what
    each unit answered to its picture before each step and after the last. `names` are the units'.
    """

    layer: str
    names: tuple[str, ...]
    pictures: np.ndarray
    activations: np.ndarray
    low: float
    high: float

    @property
    def figure(self) -> Figure:
        """The pictures, and the curve of each unit's activation (extra `plot`).

        Raises `CircuitError` without matplotlib.
        """
        refuse_without_matplotlib()
        from pullback.images.seeing.drawing.excitation import draw_excitation

        return draw_excitation(self)

    def _repr_png_(self) -> bytes | None:
        try:
            return self.figure._repr_png_()  # type: ignore[attr-defined]
        except CircuitError:  # without matplotlib
            return None

    def __repr__(self) -> str:
        first, last = self.activations[0], self.activations[-1]
        rows = [
            f"{name}: {a:.4g} to {b:.4g}"
            for name, a, b in zip(self.names, first, last, strict=True)
        ]
        return f"Excitation of {self.layer} in {len(self.activations) - 1} steps: {'; '.join(rows)}"


def excite(
    model: Layer,
    unit: Any,
    layer: Layer | str | None = None,
    *,
    steps: int = 200,
    rate: float = 0.05,
    decay: float = 0.01,
    blur: float = 1.0,
    jitter: int = 1,
    total_variation: float = 0.3,
    low: float = 0.0,
    high: float = 1.0,
    start: float | None = None,
    noise: float = 0.1,
    seed: int = 0,
    classes: Sequence[Any] | None = None,
    engine: str = "native",
) -> Excitation:
    """The picture that excites a unit most, by gradient ascent on the pixels from small noise.

    picture + rate * (high - low) * g / rms(g), g = d(activation) / d(picture), kept from `low` to
    `high`, `steps` times. `layer` is a name or a layer, by default the last; `unit` is the number
    of a unit, or of a channel, of which the mean over all places is excited, or (row, column,
    channel) for one place; of a list or range of these each gets a picture, and None takes all.
    `classes` name the units. The ascent begins at an even picture of `start`, by default the middle
    of the range, with uniform noise of `noise` times the range; where backgrounds are black, start
    there.

    As networks answer to noise, too, pictures are kept smooth. `blur` is the width in pixels of the
    Gaussian under which the gradient is laid, `total_variation` how hard neighbours pull on each
    other beside the unit's pull, `jitter` by how many pixels at most the picture is shifted at each
    step, and `decay` the share by which pixels return to `start`. All are 0 for the plain ascent.
    `seed` fixes noise and shifts. Ctrl-C ends the ascent and keeps the pictures.

    Raises `CircuitError` for a unit or layer that is not there, an argument out of range, or a
    model that has not been called yet.
    Source: the guide, "Numerical gradient" and "Backpropagation", with pixels for inputs; Erhan,
    Bengio, Courville, Vincent, "Visualizing higher-layer features of a deep network" (2009);
    Yosinski and others, "Understanding neural networks through deep visualization" (2015).

    >>> from pullback.layers import Conv2d, Sequential
    >>> model = Sequential(Conv2d(2, 3))
    >>> y = model(np.zeros((1, 8, 8, 1)))
    >>> found = excite(model, [0, 1], steps=20, engine="eager")
    >>> found.pictures.shape, found.activations.shape
    ((2, 8, 8, 1), (21, 2))
    >>> bool((found.activations[-1] > found.activations[0]).all())
    True
    """
    shape, dtype = taken_by(model)
    at_least_one(steps=steps)
    positive(rate=rate)
    not_negative(
        decay=decay, blur=blur, jitter=jitter, total_variation=total_variation, noise=noise
    )
    if jitter != int(jitter):
        raise CircuitError(f"jitter is a whole number of pixels, got {jitter!r}")
    if not -math.inf < low < high < math.inf:
        raise CircuitError(f"pixels need a range, low below high, got {low!r} and {high!r}")
    even = (low + high) / 2.0 if start is None else start
    if not low <= even <= high:
        raise CircuitError(f"start is a number from {low:g} to {high:g}, got {start!r}")
    if decay >= 1.0:
        raise CircuitError(f"decay is a share from 0 to below 1, got {decay!r}")
    refuse_engine(engine, None)
    path, pull, names = _pulled(model, unit, layer, classes)
    rng = np.random.default_rng(seed)
    first = even + noise * (high - low) * (rng.random((len(pull), *shape)) - 0.5)
    picture = Unit(np.clip(first, low, high).astype(dtype), "picture")
    step = _Step(rate, decay, blur, total_variation, low, high, even)
    run_step = prepare(engine, step.program(model, layer, picture, pull))
    curve = []
    places = {"rows": np.arange(shape[0]), "columns": np.arange(shape[1])}
    chance = np.random.default_rng([seed, 1])
    with Interruptible() as interrupt:
        for _ in range(steps):
            if interrupt.requested:
                break
            shifts = chance.integers(-int(jitter), int(jitter) + 1, size=2)
            shifted = zip(places.items(), shifts, strict=True)
            made = run_step(**{name: np.roll(order, n) for (name, order), n in shifted})
            curve.append(np.array(made["activations"]))
    found = np.array(picture.value)
    curve.append(np.array(run_step(**places)["activations"]))
    return Excitation(path, names, found, np.stack(curve), float(low), float(high))


@dataclass(frozen=True)
class _Step:
    """How pixels give way to the pull of their unit."""

    rate: float
    decay: float
    blur: float
    total_variation: float
    low: float
    high: float
    even: float

    def program(
        self, model: Layer, layer: Layer | str | None, picture: Unit, pull: np.ndarray
    ) -> Program:
        """A step of the ascent: `picture` is its state, `pull` the force on a layer's output.

        Its inputs say which row and column of the picture stands where.
        """
        rows = Unit(np.arange(picture.shape[1]), "rows")
        columns = Unit(np.arange(picture.shape[2]), "columns")
        shifted = take(take(picture, rows, axis=1), columns, axis=2)
        _, made = made_by(model, shifted, layer)
        force = constant(pull.astype(made.dtype))
        activations = (made * force).sum(axis=tuple(range(1, made.ndim)))
        g = gradient(made, picture, force)
        if self.blur:
            g = _blurred(g, self.blur)
        # What would leave the range counts for nothing, or it would make all else small.
        stuck = logical_or(
            logical_and(picture <= self.low, g < 0.0), logical_and(picture >= self.high, g > 0.0)
        )
        move = _of_size_one(where(stuck, 0.0, g))
        if self.total_variation:
            # So far from 0 that neighbours, which pull on each other, do not swing.
            near = 8.0 * self.rate * self.total_variation * (self.high - self.low)
            move = move - self.total_variation * gradient(_variation(picture, near), picture)
        kept = self.even + (1.0 - self.decay) * (picture - self.even)
        new = clip(kept + self.rate * (self.high - self.low) * move, self.low, self.high)
        inputs = {"rows": rows, "columns": columns}
        return Program(inputs, {"activations": activations}, {picture: new})


def _of_size_one(g: Unit) -> Unit:
    """Each picture of a batch over the root of its mean square; zeros stay zeros."""
    axes = (1, 2, 3)
    scaled = g / (reduction.max(abs(g), axis=axes, keepdims=True) + 1e-30)  # squares of it are safe
    return scaled / (sqrt((scaled * scaled).mean(axis=axes, keepdims=True)) + 1e-12)


def _blurred(g: Unit, sigma: float) -> Unit:
    """Pictures under a Gaussian of this width."""
    reach = math.ceil(3.0 * sigma)
    line = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = np.outer(line, line) / line.sum() ** 2
    channels = g.shape[3]
    kernels = np.repeat(kernel[:, :, None, None], channels, axis=3).astype(g.dtype)
    return convolve(g, constant(kernels), padding=reach, groups=channels)


def _variation(x: Unit, near: float) -> Unit:
    """The sum of the steps from each pixel to the next, rounded off at 0 as far as `near`."""
    total = constant(np.zeros((), x.dtype))
    for step in (x[:, 1:] - x[:, :-1], x[:, :, 1:] - x[:, :, :-1]):
        if step.size:
            total = total + sqrt(step * step + near**2).sum()
    return total


def _pulled(
    model: Layer, unit: Any, layer: Layer | str | None, classes: Sequence[Any] | None
) -> tuple[str, np.ndarray, tuple[str, ...]]:
    """The layer's name; the force on its output, (units, ...); and the names of the units."""
    shape, dtype = taken_by(model)
    path, wire = made_by(model, Unit(np.zeros((1, *shape), dtype), "picture"), layer)
    made = wire.shape[1:]
    if not made or wire.dtype.kind != "f":
        raise CircuitError(f"the layer {path!r} makes no units that could be excited")
    several = isinstance(unit, Iterable) and not isinstance(unit, tuple)
    units = list(range(made[-1])) if unit is None else list(unit) if several else [unit]
    if not 0 < len(units) <= MOST:
        raise CircuitError(f"an ascent has 1 to {MOST} units, got {len(units)}; name some of them")
    pull = np.zeros((len(units), *made))
    for k, one in enumerate(units):
        place = _place(one, made, path)
        pull[(k, *place)] = 1.0 / pull[(k, *place)].size
    names = class_names(classes, made[-1]) if classes is not None else None
    texts = (names[one] if names and isinstance(one, int) else str(one) for one in units)
    return path, pull, tuple(texts)


def _place(unit: Any, shape: tuple[int, ...], path: str) -> tuple[Any, ...]:
    """The index of a unit in a layer's output of this shape, or of all places of a channel."""
    try:
        whole = tuple(map(index, unit if isinstance(unit, tuple) else (unit,)))
    except TypeError:
        raise CircuitError(f"a unit is a number, or (row, column, channel), got {unit!r}") from None
    sizes = shape if isinstance(unit, tuple) else shape[-1:]
    inside = len(whole) == len(sizes) and all(0 <= k < n for k, n in zip(whole, sizes, strict=True))
    if not inside:
        raise CircuitError(
            f"the layer {path!r} has no unit {unit!r}: it makes {shape} of a picture, so units are "
            f"0 to {shape[-1] - 1}" + (f", or places below {shape}" if len(shape) > 1 else "")
        )
    return whole if isinstance(unit, tuple) else (..., *whole)
