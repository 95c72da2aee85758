"""In: a model and a batch. Out: what each layer's activations look like, as numbers, at a glance.

One pass, and with labels one backward pass, on a copy of the model: a net that is sick at its start
shows it here, before an epoch is spent on it.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.gradient import gradient
from pullback.core.shown import Shown, Table
from pullback.core.unit import Unit
from pullback.core.walk import order
from pullback.layers.calls import Call, watch
from pullback.layers.layer import Layer
from pullback.layers.training import Training
from pullback.losses.loss import Loss
from pullback.losses.squared_error import SquaredError
from pullback.optim.sgd import SGD
from pullback.train.data import of_kind
from pullback.train.step import TrainingStep

if TYPE_CHECKING:
    from pullback.figures.sheet import Sheet

_SATURATED = {"tanh": (-0.97, 0.97), "sigmoid": (0.03, 0.97)}  # outside, by the gate that bends
_BINS = 40
_WIDTH = 80
_FAR = 100.0  # by how much the spread may change from the first layer to the last
_MANY = 0.3  # a share that is worth a note


@dataclass(frozen=True)
class LayerActivations:
    """The output of one layer on a batch. Shares are from 0 to 1; None is what it has not.

    `zeros` is the share of elements that are 0, `dead` that of units that are 0 for all rows, and
    `saturated` that of elements at the flat ends of a tanh (beyond 0.97) or sigmoid (within 0.03 of
    0 or 1). `gradient` is the root mean square of the loss's gradient by the output, and `weight`
    the deviation of the layer's weights. `counts` are those of a histogram from `low` to `high`.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    mean: float
    std: float
    zeros: float
    dead: float
    saturated: float | None = None
    gradient: float | None = None
    weight: float | None = None
    low: float = 0.0
    high: float = 0.0
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, repr=False)
class ActivationStatistics(Shown):
    """What each layer's activations look like, as a table; `figure()` draws it.

    `rows` are in running order, the inputs first. `notes` say what is amiss, in words.
    """

    rows: tuple[LayerActivations, ...]
    notes: tuple[str, ...]

    def __getitem__(self, name: str) -> LayerActivations:
        """The row of a layer, by its name."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(f"no layer {name!r}; there are: {', '.join(row.name for row in self.rows)}")

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON can hold it; a number that is not finite is None."""
        rows = [{key: _for_json(value) for key, value in asdict(row).items()} for row in self.rows]
        return {"rows": rows, "notes": list(self.notes)}

    def _says(self) -> Iterator[str | Table]:
        yield _table(self.rows)
        yield from (fill(f"! {note}", _WIDTH, subsequent_indent="  ") for note in self.notes)

    def figure(self) -> Sheet:
        """A histogram for each layer, and above them the spread from layer to layer.

        Raises `CircuitError` without matplotlib (extra `plot`).
        """
        from pullback.figures import refuse_without_matplotlib

        refuse_without_matplotlib()
        from pullback.inspect.activations_figure import draw_activations

        return draw_activations(self.rows, self.notes)


def activation_statistics(
    model: Layer,
    inputs: Any,
    labels: Any = None,
    loss: Loss | None = None,
    *,
    training: bool = True,
) -> ActivationStatistics:
    """What each layer of a model makes of a batch: mean, spread, zeros, dead and saturated units.

    `inputs`, of one input or a tuple, and `labels` are as `Trainer.fit` takes them, some hundred
    rows; with labels and their loss, the gradient that arrives at each layer is measured too. The
    layers run as in training, batch statistics and dropout included, unless `training` is False.
    All is done on a copy: the model, built or not, and its generator stay as they are.

    Raises `CircuitError` for what is no model of layers, labels without a loss, and data that the
    model or the loss cannot take.
    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks" (AISTATS 2010), figures 2 and 6.

    >>> from pullback.layers import Dense, Sequential, Tanh
    >>> x = np.random.default_rng(0).normal(size=(100, 8))
    >>> start = {"name": "normal", "std": 5.0}
    >>> model = Sequential(Dense(8, initializer=start), Tanh(), Dense(2))
    >>> print(activation_statistics(model, x))
    name    output      mean    std  zeros  dead  saturated  weight std
    inputs  (n, 8)   -0.0262      1     0%    0%
    dense1  (n, 8)    -0.761   13.2     0%    0%                   4.56
    tanh1   (n, 8)  -0.00805  0.971     0%    0%        88%
    dense2  (n, 2)    0.0776   1.64     0%    0%                  0.561
    ! 88% of tanh1 is saturated, where hardly any gradient passes: start with
      smaller weights, or scale what comes in
    """
    if not isinstance(model, Layer):
        raise CircuitError(f"activation statistics are of a model made of layers, got {model!r}")
    if (labels is None) != (loss is None):
        raise CircuitError("gradients need labels and their loss; give both or neither")
    model = copy.deepcopy(model)
    step = TrainingStep(model, loss or SquaredError(), SGD(0.1))
    if labels is None:
        given = step.inputs(inputs, "statistics")
        targets = []
    else:
        data = step.columns(inputs, labels, what="statistics")
        given, targets = of_kind("inputs", data), of_kind("labels", data)
    wires = [Unit(x, "inputs") for x in given]
    learns = training and not any(layer.takes_pieces for _, layer in model.walk())
    with watch() as calls, np.errstate(all="ignore"):  # what overflows is reported
        output = model(*wires, training=Training() if learns else None)
    seen = _outputs(model, calls, output)
    slopes: Sequence[Unit | None] = [None] * len(seen)
    if loss is not None:
        objective = loss(output, Unit(targets[0], "labels"))
        slopes = gradient(objective, [unit for _, _, unit in seen])
    rows = [_row("inputs", "", x) for x in wires if x.dtype.kind == "f"]
    for (name, layer, unit), slope in zip(seen, slopes, strict=True):
        rows.append(_row(name, type(layer).__name__, unit, layer, slope))
    return statistics_of(rows)


def _outputs(model: Layer, calls: Sequence[Call], output: Any) -> list[tuple[str, Layer, Unit]]:
    """Each wire that a layer made, in running order, with the innermost layer that made it.

    What runs inside a loop is not among them, nor layers that hand on what they were given.
    """
    paths = {layer: path for path, layer in model.walk()}
    ends = output if isinstance(output, tuple) else (output,)
    place = {unit: k for k, unit in enumerate(order(ends))}
    made: dict[Unit, Layer] = {}
    for call in calls:
        for unit in call.output if isinstance(call.output, tuple) else (call.output,):
            if unit in place and unit.dtype.kind == "f" and moved(unit) not in call.inputs:
                made[unit] = call.layer
    found = sorted(made.items(), key=lambda pair: place[pair[0]])
    return [(paths.get(layer) or layer.called, layer, unit) for unit, layer in found]


def moved(unit: Unit) -> Unit:
    """The wire whose elements these are, where they were only moved."""
    while unit.gate is not None and unit.gate.view:
        unit = unit.inputs[0]
    return unit


def _row(
    name: str, kind: str, unit: Unit, layer: Layer | None = None, slope: Unit | None = None
) -> LayerActivations:
    weights = [] if layer is None else [layer.own_parameters[name] for name in layer._weights]
    return measured(
        name,
        kind,
        np.asarray(unit.value),
        bend=None if unit.gate is None else unit.gate.name,
        gradient=None if slope is None else np.asarray(slope.value),
        weights=[np.asarray(w.value) for w in weights],
    )


def measured(
    name: str,
    kind: str,
    y: np.ndarray,
    *,
    bend: str | None = None,
    gradient: np.ndarray | None = None,
    weights: Sequence[np.ndarray] = (),
) -> LayerActivations:
    """A row of what a layer made of a batch, (rows, ..., units), which may not be finite.

    `bend` is the gate that made it, "tanh" or "sigmoid" where it can be saturated.
    """
    shape, y = y.shape, y.astype(np.float64)
    finite = y[np.isfinite(y)]
    whole = finite.size == y.size and y.size > 0
    zero = y == 0.0
    ends = _SATURATED.get(bend or "")
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    counts = np.histogram(finite, _BINS, (low, high))[0] if high > low else np.array([finite.size])
    return LayerActivations(
        name,
        kind,
        shape,
        mean=float(y.mean()) if whole else math.nan,
        std=float(y.std()) if whole else math.nan,
        zeros=float(zero.mean()) if y.size else 0.0,
        dead=float(zero.all(axis=tuple(range(y.ndim - 1))).mean()) if y.size else 0.0,
        saturated=None if ends is None else float(((y < ends[0]) | (y > ends[1])).mean()),
        gradient=None
        if gradient is None
        else float(np.sqrt(np.mean(np.square(gradient, dtype=float)))),
        weight=float(np.std(np.concatenate([np.ravel(w) for w in weights]), dtype=float))
        if weights
        else None,
        low=low,
        high=high,
        counts=tuple(counts.tolist()),
    )


def statistics_of(rows: Sequence[LayerActivations]) -> ActivationStatistics:
    """Rows in running order, the inputs first, with what is amiss in words."""
    return ActivationStatistics(tuple(rows), tuple(_notes(rows)))


# What is amiss -----------------------------------------------------------------------------------


def _notes(rows: Sequence[LayerActivations]) -> list[str]:
    broken = next((row for row in rows if not math.isfinite(row.std)), None)
    if broken is not None:
        return [f"{broken.name} is not finite: what comes to it, or its weights, are too large"]
    notes = []
    for row in rows:
        far = not 0.1 <= row.std <= 10.0 or abs(row.mean) > 3.0 * row.std
        if not row.kind and row.std and far:
            notes.append(
                f"the inputs have mean {_short(row.mean)} and deviation {_short(row.std)}: bring "
                "each column to mean 0 and deviation 1, as pb.Standardize does"
            )
    rows = [row for row in rows if row.kind]
    inner = [row for row in rows[:-1] if row.weight is not None and row.std > 0.0]
    if len(inner) > 1:
        first, last = inner[0], inner[-1]
        ratio = last.std / first.std
        if not 1.0 / _FAR <= ratio <= _FAR:
            way = "grows" if ratio > 1.0 else "shrinks"
            notes.append(
                f"what flows {way} from a deviation of {_short(first.std)} at {first.name} to "
                f"{_short(last.std)} at {last.name}: start by initialize_lsuv, or 'he' for ReLU "
                "and 'glorot' for tanh"
            )
        if (
            first.gradient
            and last.gradient
            and not 1 / _FAR <= first.gradient / last.gradient <= _FAR
        ):
            notes.append(
                f"the gradient is {_short(last.gradient)} at {last.name} and "
                f"{_short(first.gradient)} at {first.name}: layers learn at very different rates"
            )
    worst = max(rows[:-1], key=lambda row: row.dead, default=None)
    if worst is not None and worst.dead >= _MANY:
        notes.append(
            f"{worst.dead:.0%} of the units of {worst.name} are 0 for every row, and learn "
            "nothing: start with smaller biases or other weights, or take a LeakyReLU"
        )
    worst = max(rows, key=lambda row: row.saturated or 0.0, default=None)
    if worst is not None and (worst.saturated or 0.0) >= _MANY:
        notes.append(
            f"{worst.saturated:.0%} of {worst.name} is saturated, where hardly any gradient "
            "passes: start with smaller weights, or scale what comes in"
        )
    return notes


# The table ---------------------------------------------------------------------------------------


def _table(rows: Sequence[LayerActivations]) -> Table:
    """The rows in at most 80 columns."""
    wanted = {
        "mean": [_short(row.mean) for row in rows],
        "std": [_short(row.std) for row in rows],
        "zeros": [_share(row.zeros) for row in rows],
        "dead": [_share(row.dead) for row in rows],
        "saturated": [_share(row.saturated) for row in rows],
        "gradient": [_short(row.gradient) for row in rows],
        "weight std": [_short(row.weight) for row in rows],
    }
    numbers = {head: cells for head, cells in wanted.items() if any(cells)}
    shapes = [f"({', '.join(['n', *map(str, row.shape[1:])])})" for row in rows]
    taken = sum(2 + max(len(head), *map(len, cells)) for head, cells in numbers.items())
    names = [row.name for row in rows]
    texts = {"name": names, "output": shapes}
    if taken + max(map(len, names)) + 2 + max(map(len, shapes)) > _WIDTH:
        texts = {"name": [_fitted(name, max(12, _WIDTH - taken)) for name in names]}
    every = [list(row) for row in zip(*texts.values(), *numbers.values(), strict=True)]
    head = [*texts, *numbers]
    return Table(head, every, right=range(len(texts), len(head)))


def _fitted(name: str, room: int) -> str:
    """A name of so many letters at most, of which the last ones tell most."""
    return name if len(name) <= room else f"…{name[1 - room :]}"


def _short(x: float | None) -> str:
    return "" if x is None else f"{x:.3g}"


def _share(x: float | None) -> str:
    return "" if x is None else f"{x:.0%}"


def _for_json(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
