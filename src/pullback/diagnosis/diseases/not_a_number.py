"""Not a number: nan or infinity, the first gate that made it, and what it made it of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from pullback.core.text import brief, number
from pullback.diagnosis.changes import clipped
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination, standardized
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.lost import Lost

NAME = "not a number"

_SLOWER = 0.1  # times the learning rate
_LARGE = 100.0  # inputs that are better scaled before all else
_ITS_OWNER = "the line is in your code"
_TAKES_LOGARITHM = ("log", "log1p")
_DIVIDES = ("divide", "power")


@disease(NAME)
def not_a_number(examination: Examination) -> Iterator[Finding]:
    """Training left nan or infinity, and one gate was the first to make it of finite numbers."""
    trained = examination.trained
    if not trained.history.diverged:
        return
    lost = examination.lost
    cures = _growing(examination)
    if lost is None:
        yield Finding(
            NAME,
            "severe",
            f"training ended: {trained.history.ended}",
            "numbers grew beyond what their dtype holds",
            cures=cures,
            certain=True,
        )
        return
    cause, code = _explained(lost)
    if code and lost.place is not None:
        cures = (Cure(code[0], code[1], None, _ITS_OWNER),)
    yield Finding(
        NAME,
        "severe",
        told(lost),
        cause,
        cures=cures,
        where=lost.scope or _name(lost),
        numbers=_numbers(lost),
        certain=True,
    )


def _name(lost: Lost) -> str:
    """The gate's name; of a source, its own."""
    unit = lost.made.unit
    return (unit.name or "a source") if unit.gate is None else unit.gate.name


def told(lost: Lost) -> str:
    """Where numbers were lost, in a sentence: pass, epoch, batch, row, gate, numbers and line."""
    made = lost.made
    row = "" if lost.row is None else f", row {lost.row} of the data"
    when = f"in the {lost.when}" if lost.when != "validation" else "in validation"
    at = f"epoch {lost.epoch}" + ("" if lost.when == "validation" else f", batch {lost.batch}")
    layer = f" in layer {lost.scope!r}" if lost.scope else ""
    if not layer and lost.place is None and lost.when in ("forward pass", "validation"):
        layer = " in the loss"
    step = "" if made.step is None else f", step {made.step} of the sequence"
    line = ""
    if lost.place is not None:
        file = Path(lost.place.file).name
        line = f", at {file}:{lost.place.line} in {lost.place.function}"
    return f"{when} of {at}{row}{step}: {_formula(lost)}{layer}{line}"


def _formula(lost: Lost) -> str:
    """The gate, the numbers that went in, and what came out."""
    made, name = lost.made, _name(lost)
    came = float(np.asarray(made.value)[made.at])
    if made.numbers:
        found = f"{name}({', '.join(map(number, made.numbers))}) = {came:g}"
    else:
        largest = max((_largest(x) for x in made.inputs), default=0.0)
        found = f"{name} of numbers up to {number(largest)} makes {came:g}"
    if lost.through is None or lost.through.gate is None:
        return found
    return f"{found}, for the slope of {lost.through.gate.name} = {brief(_at(lost))}"


def _at(lost: Lost) -> float:
    """What the wire was whose slope was lost, at that element."""
    assert lost.through is not None
    value = np.asarray(lost.through._value)
    same = np.shape(value) == np.shape(lost.made.value)
    return float(value[lost.made.at] if same else np.ravel(value)[0])


def _largest(x: object) -> float:
    array = np.asarray(x)
    return float(np.abs(array).max()) if array.size and array.dtype.kind == "f" else 0.0


def _numbers(lost: Lost) -> Mapping[str, float]:
    row = {} if lost.row is None else {"row": float(lost.row)}
    went = {f"input {k}": x for k, x in enumerate(lost.made.numbers, start=1)}
    return {"epoch": float(lost.epoch), "batch": float(lost.batch), **row, **went}


# Why, and what to do -----------------------------------------------------------------------------


def _explained(lost: Lost) -> tuple[str, tuple[str, str] | None]:
    """The cause, and what to write in place of the line that did it: in words, and as code."""
    made = lost.made
    gate = made.unit.gate
    name = "" if gate is None else gate.name
    if gate is not None and not gate.is_built_in:
        return f"your gate {name!r} makes this of finite numbers", (
            "keep its inputs where it is finite, or correct its value",
            f"pb.check_gate({name})",
        )
    if lost.through is not None and name in (*_DIVIDES, *_TAKES_LOGARITHM):
        root = "" if lost.through.gate is None else lost.through.gate.name
        return f"the slope of {root} is infinite there, and no gradient is left of it", (
            "add something small before the root, so that its slope stays finite",
            "pb.sqrt(x + 1e-12)  # in place of pb.sqrt(x)",
        )
    if name in ("exp", "expm1"):
        top = np.log(np.finfo(made.unit.dtype).max)
        return f"exp of more than {top:.1f} is beyond {made.unit.dtype}", (
            "take the function that subtracts the largest first",
            "pb.log_softmax(scores, axis=-1)  # or pb.softmax, pb.sigmoid, pb.logsumexp",
        )
    if name in _TAKES_LOGARITHM:
        return "the logarithm of 0 is infinite, and of less there is none", (
            "take logarithms of scores in one piece, or keep 0 away",
            "pb.log_softmax(scores, axis=-1)  # or pb.log(p + 1e-7)",
        )
    if name == "sqrt":
        return "of a number below 0 there is no square root", (
            "keep what is under the root at 0 or above",
            "pb.sqrt(pb.maximum(x, 0.0) + 1e-12)",
        )
    if name in _DIVIDES and any(x == 0.0 for x in made.numbers):
        return "a number was divided by 0", (
            "keep what is divided by away from 0",
            "a / (b + 1e-7)  # of b that is 0 or above",
        )
    return f"numbers grew beyond what {made.unit.dtype} holds", None


def _growing(examination: Examination) -> tuple[Cure, ...]:
    """What helps numbers that grow without end."""
    found: list[Cure] = []
    table = examination.table
    if table is not None and _largest(table) > _LARGE:
        code = "mean, deviation = x.mean(axis=0), x.std(axis=0)\nx = (x - mean) / deviation"
        text = "bring each feature to mean 0 and deviation 1"
        found.append(Cure(text, code, standardized))
    optimizer = examination.patient.parts.optimizer
    rate = optimizer.learning_rate
    if isinstance(rate, float):
        slower = replace(optimizer, learning_rate=float(f"{_SLOWER * rate:.2g}"))
        found.append(
            Cure(
                "take a learning rate a tenth as large",
                f"optimizer = pb.{slower!r}",
                lambda patient: patient.but(optimizer=slower),
            )
        )
    limited = clipped(examination.patient)
    return (*found, *([] if limited is None else [limited]))
