"""In: a step of training as wires. Out: more wires of it, by which a person watches each layer.

They are gates of the same circuit, and outputs that an epoch asks for now and then: all other steps
are what they were. Each is one number in double precision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.gate import constant
from pullback.core.unit import Unit
from pullback.core.walk import order
from pullback.gates.comparison import equal, greater, greater_equal, maximum, minimum, where
from pullback.gates.elementary import sqrt
from pullback.gates.indexing import scatter_add
from pullback.gates.shape import astype, reshape
from pullback.layers.calls import Call
from pullback.layers.layer import Layer

MEASURES = ("mean", "std", "zeros", "gradient", "ratio")
"""What is measured of a layer, in the order of a table's columns."""
BINS = 24  # of a histogram
REACH = 4.0  # root mean squares to each side that a histogram reaches
_TINY = 1e-300
_COST = ""  # which is the name of no layer inside a model
_SIGN = "/"  # which is in no name of a layer


@final
@dataclass(frozen=True)
class Monitor:
    """What is watched of training, at every `every`-th step.

    Of each layer: the `mean` of what it makes and its spread `std`, the share of `zeros` in it, the
    root mean square `gradient` of its parameters, of the loss without penalties, and the `ratio` of
    how far a step moves its weights to how long they are: |p' - p| / |p|, about 1e-3 where the
    learning rate is good, and left out where weights are all zero. Of the cost: each penalty. With
    `histograms`, how what a layer makes is spread, and its gradients: in 24 equal bins from -4 to 4
    root mean squares, the outer ones with all beyond.

    Raises `CircuitError` where `every` is no whole number of at least 1.
    Source: the guide's outline, "Backprop in practice: Tips/Tricks"; the ratio: Karpathy, CS231n,
    "Neural Networks 3".
    """

    every: int = 10
    histograms: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.every, bool) or not isinstance(self.every, int) or self.every < 1:
            raise CircuitError(
                f"a monitor looks at every step or fewer, such as every=10, got {self.every!r}"
            )

    @classmethod
    def told(cls, how: Any) -> Monitor | None:
        """A monitor, the usual one for True, none for False or None.

        Raises `CircuitError` for anything else.
        """
        if how is None or isinstance(how, bool):
            return cls() if how else None
        if not isinstance(how, cls):
            raise CircuitError(f"monitor is True, False or a Monitor, got {how!r:.60}")
        return how


@dataclass(frozen=True)
class LayerRow:
    """What a monitor saw of a layer in an epoch, in the mean of the steps that it looked at.

    `measures` are those of a `Monitor` that the layer has: one without parameters has no gradient.
    `histograms` count the elements in each bin, of "activations" and "gradients".
    """

    epoch: int
    layer: str
    measures: Mapping[str, float]
    histograms: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Wires:
    """The wires of a step that a monitor looks at.

    `costs` are what penalties add to the loss, by name, and `calls` those of layers; of parameters
    there are the `gradients`, what they are `now`, and the `nexts`.
    """

    model: Any
    calls: Sequence[Call]
    loss: Unit
    costs: Mapping[str, Unit]
    gradients: Mapping[Unit, Unit]
    now: Mapping[Unit, Unit]
    nexts: Mapping[Unit, Unit]

    @property
    def made(self) -> dict[Layer, list[Unit]]:
        """What each layer has made, in all its calls, of which the loss is made in this circuit."""
        known = set(order([self.loss]))
        found: dict[Layer, list[Unit]] = {}
        for call in self.calls:
            y = call.output[0] if isinstance(call.output, tuple) else call.output
            if isinstance(y, Unit) and y in known and y.dtype.kind == "f":
                found.setdefault(call.layer, []).append(y)
        return found


def watched(monitor: Monitor, wires: Wires) -> dict[str, Unit]:
    """What a monitor makes of a step, by name."""
    model, made = wires.model, wires.made
    found = {(_COST, name): cost for name, cost in wires.costs.items()}
    weights = set(model.weights.values())
    for path, layer in model.walk() if isinstance(model, Layer) else ():
        name = path or layer.called
        inside = any(inner in made for inner in layer.layers)
        ys = [] if inside else made.get(layer, [])
        if ys:
            found |= {(name, what): unit for what, unit in _spread(ys).items()}
        own = [p for p in layer.own_parameters.values() if p in wires.gradients]
        slopes = [wires.gradients[p] for p in own]
        if own:
            found[name, "gradient"] = _root_mean_square(slopes)
            held = [p for p in own if p in weights] or own
            moved = [wires.nexts[p] - wires.now[p] for p in held]
            length = sqrt(_squares([wires.now[p] for p in held]))
            ratio = sqrt(_squares(moved)) / maximum(length, _TINY)
            found[name, "ratio"] = where(greater(length, 0.0), ratio, np.nan)
        if monitor.histograms:
            spread = {"activations": ys, "gradients": slopes}
            found |= {(name, what): _histogram(xs) for what, xs in spread.items() if xs}
    return {_SIGN.join(key): unit for key, unit in found.items()}


def averaged(
    epoch: int, looked: Mapping[str, np.ndarray]
) -> tuple[dict[str, float], list[LayerRow]]:
    """What was seen in the looks of an epoch, (looks, ...) each: of the cost, and of each layer."""
    costs: dict[str, float] = {}
    measures: dict[str, dict[str, float]] = {}
    histograms: dict[str, dict[str, np.ndarray]] = {}
    for output, numbers in looked.items():
        name, _, what = output.rpartition(_SIGN)
        numbers = numbers[~np.isnan(numbers)] if numbers.ndim == 1 else numbers
        if not len(numbers):
            continue
        if name == _COST:
            costs[what] = float(numbers.mean())
        elif numbers.ndim > 1:
            histograms.setdefault(name, {})[what] = numbers.sum(axis=0)
        else:
            measures.setdefault(name, {})[what] = float(numbers.mean())
    rows = [LayerRow(epoch, name, of, histograms.get(name, {})) for name, of in measures.items()]
    return costs, rows


def _spread(ys: Sequence[Unit]) -> dict[str, Unit]:
    """The mean, the spread and the share of zeros of all these elements."""
    n = float(sum(y.size for y in ys))
    mean = _total([_double(y) for y in ys]) / n
    square = _squares(ys) / n
    return {
        "mean": mean,
        "std": sqrt(maximum(square - mean * mean, 0.0)),
        "zeros": _total([_double(equal(y, 0.0)) for y in ys]) / n,
    }


def _root_mean_square(xs: Sequence[Unit]) -> Unit:
    return sqrt(_squares(xs) / float(sum(x.size for x in xs)))


def _squares(xs: Sequence[Unit]) -> Unit:
    return _total([double * double for double in map(_double, xs)])


def _total(xs: Iterable[Unit]) -> Unit:
    first, *others = (x.sum() for x in xs)
    for x in others:
        first = first + x
    return first


def _histogram(xs: Sequence[Unit]) -> Unit:
    """How many elements lie in each bin, (BINS,); what is no number counts as the least."""
    size = _root_mean_square(xs)
    counts: Unit = constant(np.zeros(BINS))
    for x in xs:
        at = _double(x) / maximum(size, _TINY) * (BINS / (2.0 * REACH)) + BINS / 2.0
        bins = where(greater_equal(at, 0.0), minimum(at, BINS - 0.5), 0.0)
        counts = scatter_add(counts, reshape(astype(bins, np.int64), (-1,)), np.ones(x.size))
    return counts


def _double(x: Unit) -> Unit:
    return x if x.dtype == np.float64 else astype(x, np.float64)
