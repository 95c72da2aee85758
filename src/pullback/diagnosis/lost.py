"""In: a patient whose numbers were lost in training. Out: the first gate that lost them, and where.

The run is gone through again by its own engine, step by step, up to the one that first left numbers
that are not finite. That one is run once more, gate by gate, and looked at in its running order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pullback.core.evaluation import compute, namespace_of
from pullback.core.finite import is_finite
from pullback.core.gate import OUTPUT
from pullback.core.origin import Place
from pullback.core.unit import Unit
from pullback.core.values import Value
from pullback.core.walk import age, order, replay
from pullback.diagnosis.patient import Patient, Trained
from pullback.program.program import Program
from pullback.train.data import Rows, of_kind, several
from pullback.train.measured import judged
from pullback.train.trainer import Trainer

When = Literal["forward pass", "backward pass", "optimizer's step", "validation"]


@dataclass(frozen=True)
class Made:
    """A wire at the moment when it was computed: its value, and those of its inputs.

    In a loop, `step` is the step at which that was.
    """

    unit: Unit
    value: Value
    inputs: tuple[Value, ...]
    step: int | None = None

    @property
    def at(self) -> tuple[int, ...]:
        """The index of the first element that is not finite."""
        return tuple(int(k) for k in np.argwhere(~np.isfinite(self.value))[0])

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers that went into that element; none of a gate that takes whole arrays."""
        gate = self.unit.gate
        if gate is None or not gate.elementwise:
            return ()
        shape = np.shape(self.value)
        return tuple(float(np.broadcast_to(x, shape)[self.at]) for x in self.inputs)


@dataclass(frozen=True)
class Lost:
    """The first gate of a training that made nan or infinity of finite numbers.

    `epoch` and `batch` count from 1; `row` is the row of the user's data, None where the gate is of
    no one row. `scope` is the layer, and `place` the line of the user's code, if they are known.
    `through` is, in a backward pass, the wire whose slope it is.
    """

    made: Made
    when: When
    epoch: int
    batch: int
    row: int | None
    scope: str
    place: Place | None
    through: Unit | None = None


def first_lost(patient: Patient, trained: Trained) -> Lost | None:
    """Where the numbers of a training were lost; None where they were not, or no gate shows it."""
    if not trained.history.diverged:
        return None
    epoch = max(1, len(trained.history))
    patient = patient.but(optimizer=trained.trainer.optimizer)  # of which the rate is found by now
    if epoch > 1:
        trainer = patient.train(epochs=epoch - 1, monitor=False).trainer
    else:
        trainer = patient.parts.trainer()
    if not isinstance(trainer, Trainer):
        return None
    for batch, which, rows in _batches(patient, trainer, epoch):
        program = _step(trainer, rows)
        if program is not None:
            return _in_step(patient, program, epoch, batch, which)
    return _in_validation(patient, trainer, epoch)


def born(results: Sequence[Unit]) -> Unit | None:
    """The first wire that is not finite although its inputs are, among those of these results.

    Infinity that stands in a constant, as of a mask, is meant, and so is what is made of it, until
    it becomes nan.
    """
    seen: set[Unit] = set()
    births: list[Unit] = []
    pending = [unit for unit in results if not _sound(unit._value)]
    while pending:
        unit = pending.pop()
        if unit in seen:
            continue
        seen.add(unit)
        before = [x for x in unit.inputs if not _sound(x._value) and not _meant(x)]
        pending += before
        if not before and not _meant(unit):
            births.append(unit)
    return min(births, key=age, default=None)


def _meant(unit: Unit) -> bool:
    """Whether a wire is infinite because a constant is."""
    if unit.is_constant:
        return True
    constant = any(x.is_constant and not _sound(x._value) for x in unit.inputs)
    return constant and not any(np.isnan(x).any() for x in several(unit._value))


def _sound(value: Any) -> bool:
    return all(map(is_finite, several(value)))


# The step that lost them -------------------------------------------------------------------------


def _batches(
    patient: Patient, trainer: Trainer, epoch: int
) -> Iterator[tuple[int, np.ndarray, Rows]]:
    """The batches of an epoch: each one's number, which rows it has, and these."""
    reader, step = trainer._reader, trainer._step
    if patient.sizes:
        start = 0
        for k, batch in enumerate(patient.batches(), start=1):
            rows = reader.tuple(batch, "training")
            step.weigh_batch(rows.columns)
            yield k, np.arange(start, start + len(rows)), rows
            start += len(rows)
        return
    data, size = patient.data, patient.batch_size
    step.inputs(_one_or_tuple(patient.inputs), "training")  # which makes the model's parameters
    step.weigh(data.counted)
    whole = data.order(patient.parts.seed, epoch)
    for k, start in enumerate(range(0, len(whole), size), start=1):
        which = whole[start : start + size]
        if len(which) > 1 or k == 1 or not trainer._runs.learn_from_batches:
            yield k, which, data.take(which)


def _step(trainer: Trainer, rows: Rows) -> Program | None:
    """Make a step; where it leaves what is not finite, its Program, run anew gate by gate."""
    runs = trainer._runs
    program = runs.on(rows, monitored=False).program
    before = {unit: np.copy(unit._value) for unit in program.updates}
    floats = {unit for unit in before if type(unit._value) is float}
    steps, _ = runs.one(rows, 0, monitored=False)
    if _sound(steps.numbers["loss"]) and all(_sound(unit.value) for unit in before):
        return None
    for unit, value in before.items():
        unit._value = float(value) if unit in floats else value
    program.set(rows.columns)
    replay(program.always)
    return program


def _in_step(
    patient: Patient, program: Program, epoch: int, batch: int, which: np.ndarray
) -> Lost | None:
    loss = program.outputs["loss"]
    unit = born([loss, *program.updates.values()])
    if unit is None:  # on its own engine alone
        return None
    forward = set(order([loss]))
    name = patient.parts.optimizer.name.lower()
    when: When = "backward pass"
    if unit in forward:
        when = "forward pass"
    elif name in unit.scope.split("/"):
        when = "optimizer's step"
    calling = next(iter(program.inputs.values())).place
    through = None
    if when == "backward pass":
        through = next((x for x in unit.inputs if x in forward and x.inputs), None)
    return _told(unit, when, epoch, batch, patient.numbers[which], calling, through)


def _in_validation(patient: Patient, trainer: Trainer, epoch: int) -> Lost | None:
    """What the model makes of the rows to judge by."""
    columns = patient.held_out.columns
    wires = {name: Unit(x, name) for name, x in columns.items()}
    scores = several(trainer.averaged(*of_kind("inputs", wires), training=None))
    labels, weights = of_kind("labels", wires), wires.get("weights")
    loss, _ = judged(patient.parts.losses, scores, labels, weights)
    unit = born([loss])
    if unit is None:
        return None
    origin = patient.origin
    numbers = np.arange(len(patient.held_out)) if origin is None else origin.held_out
    calling = next(iter(wires.values())).place
    return _told(unit, "validation", epoch, 1, numbers, calling, None)


def _told(
    unit: Unit,
    when: When,
    epoch: int,
    batch: int,
    numbers: np.ndarray,
    calling: Place | None,
    through: Unit | None,
) -> Lost:
    """What is to be said of a wire; `calling` is the line that all wires have, as of `fit`."""
    made = _made(unit)
    place = next(
        (x.place for x in (made.unit, unit, through) if x is not None and x.place != calling), None
    )
    layer = (made.unit if through is None else through).scope.removeprefix("∂").rpartition("/")[2]
    scope = "" if when == "optimizer's step" else layer
    return Lost(made, when, epoch, batch, _row(made, numbers), scope, place, through)


def _made(unit: Unit) -> Made:
    """A wire as it was computed; of a loop, the first one inside that was lost."""
    if unit.gate is OUTPUT:
        (unit,) = unit.inputs
    values = tuple(x._value for x in unit.inputs)
    value = unit._value
    if type(value) is not tuple:
        return Made(unit, value, values)
    if "body" in unit.static and (found := _inside(unit, values)) is not None:
        return found
    return Made(unit, next(x for x in value if not is_finite(x)), values)


def _inside(unit: Unit, values: Sequence[Value]) -> Made | None:
    """The first wire inside a loop that is lost, computed step by step."""
    for made in inside_loop(unit, values):
        sound = all(map(_sound, made.inputs))
        if sound and type(made.value) is not tuple and not _sound(made.value):
            return made
    return None


def inside_loop(unit: Unit, values: Sequence[Value]) -> Iterator[Made]:
    """All wires that a loop computes of these inputs, from its first step to its last."""
    body, length = unit.static["body"], unit.static["length"]
    n, s = len(body.carries), len(body.elements)
    carries, sequences, parameters = values[:n], values[n : n + s], values[n + s :]
    steps = range(length)
    for t in reversed(steps) if unit.static["reverse"] else steps:
        elements = [np.asarray(x)[t] for x in sequences]
        known: dict[Unit, Any] = dict(
            zip(body.sources, [*carries, *elements, *parameters], strict=True)
        )
        for wire in body.wires:
            if wire in known:
                continue
            if wire.gate is None or not wire.inputs:
                known[wire] = wire._value
                continue
            xs = [known[x] for x in wire.inputs]
            known[wire] = compute(
                wire.gate, namespace_of(wire.gate, xs), xs, wire.static, wire.inputs
            )
            yield Made(wire, known[wire], tuple(xs), t)
        carries = [known[x] for x in body.nexts]


def _row(made: Made, numbers: np.ndarray) -> int | None:
    """The row of the user's data, of one whose elements are of rows each."""
    rows = len(numbers)
    shape = np.shape(made.value)
    if shape and shape[0] == rows:
        return int(numbers[made.at[0]])
    for x in made.inputs:  # what is summed over rows is lost by the largest
        if np.ndim(x) and np.shape(x)[0] == rows and np.asarray(x).dtype.kind == "f":
            largest = np.abs(np.reshape(x, (rows, -1))).max(axis=1)
            return int(numbers[largest.argmax()])
    return None


def _one_or_tuple(xs: Sequence[np.ndarray]) -> Any:
    return xs[0] if len(xs) == 1 else tuple(xs)
