"""In: a circuit or a model. Out: whether its gradients are right; if not, which gate is wrong.

Strategy 3 is held against strategy 2. Each gate alone, at the values that it has in this circuit,
to name the first one whose rule is wrong. Then the circuit as a whole: the gradient that arrives at
each source, against what the output does when the source is moved. Everything runs on a copy in
double precision, in which a step of a millionth can be told from rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pullback.circuit import Circuit
from pullback.core.errors import CircuitError
from pullback.core.gate import OUTPUT, Gate
from pullback.core.unit import Unit
from pullback.core.values import is_differentiable
from pullback.core.walk import leading_to, order
from pullback.inspect.check_local import PEGS, Call, kink_distance, positional
from pullback.inspect.double_copy import DoubleCopy
from pullback.inspect.report import (
    KINK,
    ROUNDING,
    WRONG,
    GradientFinding,
    GradientReport,
    GradientRow,
)
from pullback.inspect.sizes import largest, norm
from pullback.inspect.slope import (
    EPS,
    FEW,
    Settings,
    Slopes,
    directions,
    kink_within,
    mixtures,
    mover,
    random_signs,
    step_lengths,
)

_WORK = 300_000  # gates to run for the whole circuit; a bigger one is sampled


def check_gradients(
    what: Any,
    *inputs: Any,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    on_failure: str = "raise",
) -> GradientReport:
    """Check every gradient of a circuit against nudges of its sources, in double precision.

    |analytic - numerical| <= atol + rtol |numerical|, where atol shrinks with the gradients of an
    input that are all below 1, and (f(x + h) - f(x - h)) / 2h is measured with h = eps |x|, or
    1e-8 to 1e8 times |x| where that disagrees. `what` is a Unit, several, a `Circuit`, or a
    function or model to call with wires of `inputs`; all float sources are checked, a model's
    parameters among them. A kink nearby or a change that drowns in rounding is a note, no failure.

    Raises `GradientError`, unless `on_failure="report"`, which names the first wrong gate, its
    line, both numbers and the cure; and `CircuitError` where nothing can be checked: no float
    source, a value that is nan or infinite, a function that returns no wire.
    Source: the guide, "Numerical Gradient Check".

    >>> x, y, z = Unit(-2.0, "x"), Unit(5.0, "y"), Unit(-4.0, "z")
    >>> print(check_gradients((x + y) * z))
    2 gates checked: all gradients are right
    source  analytic  numerical  relative error
    x       -4        -4         below 1e-6
    y       -4        -4         below 1e-6
    z       3         3          below 1e-6
    """
    settings = Settings(eps, atol, rtol, on_failure, np.random.default_rng(0))
    outputs = [u for u in _outputs(what, inputs) if is_differentiable(u._value)]
    if not outputs:
        raise CircuitError("no output carries floats, so there is no gradient to check")
    _refuse_nonfinite(order(outputs))
    with np.errstate(all="ignore"):  # what overflows is judged, not warned of
        return _check(outputs, settings).settled(on_failure)


def check_some(outputs: Sequence[Unit], wanted: Callable[[Gate], bool]) -> GradientReport:
    """Check gates that are wanted, each alone, and the whole circuit in a few random directions.

    It is the quick look at a large circuit: `check_gradients` checks all. What is wrong is in the
    report.

    Raises `CircuitError` where nothing can be checked, as `check_gradients` does.

    >>> x = Unit(3.0, "x")
    >>> check_some([x * x], lambda gate: False).ok
    True
    """
    settings = Settings(1e-6, 1e-5, 1e-3, "report", np.random.default_rng(0))
    _refuse_nonfinite(order(outputs))
    with np.errstate(all="ignore"):
        return _check(outputs, settings, wanted, work=0)


def _check(
    outputs: Sequence[Unit],
    settings: Settings,
    wanted: Callable[[Gate], bool] = lambda gate: True,
    work: int = _WORK,
) -> GradientReport:
    """Each gate alone, then the whole."""
    copy = DoubleCopy(outputs, PEGS)
    if not copy.sources:
        raise CircuitError(
            f"{outputs[0].label} depends on no float source, so there is no gradient to check"
        )
    _refuse_nonfinite(copy.twins.values())
    made = [(unit, unit.gate) for unit in copy.gates if unit.gate is not None]
    gates = [unit for unit, gate in made if gate is not OUTPUT and wanted(gate)]
    report = GradientReport(gates=len(gates), many=sum(out.size for out in outputs) > 1)
    for unit in gates:
        for finding in _call_of(unit, copy.moving).check(settings):
            report.add(finding)
    _check_whole(copy, report, settings, work)
    return report


def _call_of(unit: Unit, moving: Collection[Unit]) -> Call:
    """The gate that makes a wire, at the values that it has there."""
    assert unit.gate is not None
    count = len(unit.inputs)
    return Call(
        unit.gate,
        [x.value for x in unit.inputs],
        unit.static,
        [f"input {i + 1} of {count}, {x.label}" for i, x in enumerate(unit.inputs)],
        [x in moving for x in unit.inputs],
        unit.label,
        unit.where,
    )


def _outputs(what: Any, inputs: Sequence[Any]) -> list[Unit]:
    """The wires to check: `what` itself, or what it makes of wires of the inputs."""
    if isinstance(what, Circuit):
        made: Any = what.outputs
    elif isinstance(what, Unit) or (isinstance(what, list | tuple | Mapping) and what):
        made = what
    elif callable(what):
        names = positional(what)[: len(inputs)]
        names += [f"input{i + 1}" for i in range(len(names), len(inputs))]
        pairs = zip(inputs, names, strict=True)
        made = what(*(x if isinstance(x, Unit) else Unit(x, name) for x, name in pairs))
        inputs = ()
    else:
        kind = type(what).__name__
        raise CircuitError(f"check_gradients takes a wire, wires, a Circuit or a function: {kind}")
    if inputs:
        raise CircuitError("inputs are given to a function or a model; wires have their values")
    outputs = list(made.values()) if isinstance(made, Mapping) else made
    outputs = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    for unit in outputs:
        if not isinstance(unit, Unit):
            raise CircuitError(
                f"{getattr(what, '__name__', 'the function')!r} must return a Unit, made by gates "
                f"from the wires it is given, got {type(unit).__name__}"
            )
    return outputs


def _refuse_nonfinite(wires: Iterable[Unit]) -> None:
    for unit in wires:
        if is_differentiable(unit.value) and not np.all(np.isfinite(unit.value)):
            what = "nan" if np.any(np.isnan(unit.value)) else "infinite"
            raise CircuitError(
                f"{unit.label} is {what}, the first wire of the circuit that is; "
                "a gradient can be checked only where all values are finite"
            )


# The whole circuit -------------------------------------------------------------------------------


def _check_whole(copy: DoubleCopy, report: GradientReport, settings: Settings, work: int) -> None:
    """The gradient that arrives at each source, against nudges of that source."""
    # Of several outputs a pull of +1 on each could cancel: those of a softmax add up to 1.
    pull = (lambda shape: random_signs(settings.rng, shape)) if report.many else np.ones
    forces = [pull(out.shape) for out in copy.outputs]
    try:
        copy.backward(forces)
    except Exception:
        if report.failures:  # a rule that raises has been named already
            return
        raise
    noise = 4.0 * EPS * sum(_rounding(twin) for twin in copy.twins.values())
    cost = sum(1.0 + unit.size / 500.0 for unit in copy.gates)
    twins = list(copy.sources.values())
    groups = [[twin] for twin in twins]
    if cost * len(groups) > work:
        groups = [twins]
    count = sum(min(twin.size, FEW) for twin in twins)
    sampled = len(groups) == 1 < len(twins) or 2.0 * cost * count > work
    for group in groups:
        _check_sources(copy, group, forces, noise, sampled, report, settings)


def _rounding(unit: Unit) -> float:
    """How much the rounding of a wire's value is felt at the output, in units of precision."""
    if unit.grad is None or not unit.size:
        return 0.0
    total = norm(np.asarray(unit.grad) * np.asarray(unit.value))
    return total if np.isfinite(total) else 0.0


def _check_sources(
    copy: DoubleCopy,
    group: Sequence[Unit],
    forces: Sequence[np.ndarray],
    noise: float,
    sampled: bool,
    report: GradientReport,
    settings: Settings,
) -> None:
    """One row of the report: the sources of a group, element by element or moved together."""
    starts = [twin.value for twin in group]
    ends = np.cumsum([np.size(start) for start in starts])[:-1]
    grad = np.concatenate([np.ravel(twin.grad) for twin in group])
    path = [u for u in leading_to(copy.outputs, group) if u.inputs]
    kinked = [u for u in path if u.gate is not None and u.gate.kinks is not None]

    def move(s: float, along: np.ndarray) -> None:
        for twin, start, part in zip(group, starts, np.split(along, ends), strict=True):
            twin._value = mover(start, part)(s)
        copy.forward(path)

    def answer(s: float, along: np.ndarray) -> np.ndarray:
        move(s, along)
        pairs = zip(forces, copy.outputs, strict=True)
        return np.array([sum(float(np.sum(f * out.value)) for f, out in pairs)])

    def near(s: float, along: np.ndarray) -> bool:
        distances = []
        for t in (0.0, s, -s):
            move(t, along)
            distances.append([_distance(u) for u in kinked])
        return any(
            np.any(kink_within(here, there)) for here, *there in zip(*distances, strict=True)
        )

    single = len(group) == 1
    name = group[0].name or group[0].label if single else f"all {len(group)} sources together"
    one_by_one = single and grad.size <= (2 if sampled else FEW)
    if one_by_one:
        chosen = directions(starts[0], settings.rng)
    else:
        lengths = np.concatenate([np.ravel(step_lengths(start)) for start in starts])
        chosen = mixtures(lengths, 2 if sampled and single else 8, settings.rng)
    top, judged = largest(grad), report.ok
    analytic, numerical, kinds = [], [], set()
    for direction in chosen:
        slopes = Slopes(
            np.array([float(direction.slope(grad))]),
            lambda s: answer(s, direction.along),
            lambda s: near(s, direction.along),
            direction.size,
            settings,
            largest=top * direction.size,
            noise=noise,
            bounded=False,
            whole=True,
        )
        verdict = slopes.judge() if report.ok else slopes.measure()
        analytic.append(float(verdict.analytic[0]) / direction.unit)
        numerical.append(float(verdict.numerical[0]) / direction.unit)
        for kind, _, a, n in verdict.worst(direction.unit):
            detail = ""
            kinds.add(kind)
            if kind == WRONG and any(note.kind == ROUNDING for note in report.notes):
                kinds.add(ROUNDING)  # a gate that could not be measured explains the whole
                continue
            if kind == WRONG and not np.isfinite(a):
                detail = "an infinite slope on the way meets a zero, and no number is left of it; "
                detail += "keep its gate's input away from there"
            elif kind == WRONG:
                if report.notes:  # a gate that could not be measured alone explains the whole
                    kinds.add(report.notes[0].kind)
                    continue
                detail = "each gate alone is right, so gradients are added up wrongly; report this"
            found = (direction.element, a, n, kind, detail)
            report.add(GradientFinding("circuit", name, group[0].where, name, *found))
    move(0.0, np.zeros(grad.size))
    shape = np.shape(starts[0]) if one_by_one else (len(analytic),)
    a, n = np.array(analytic), np.array(numerical)
    off = np.abs(a - n) / max(np.max(np.abs([a, n]), initial=0.0), 1e-300)
    error = float(np.max(np.where(np.isnan(off), np.inf, off), initial=0.0))
    note = next((kind for kind in (KINK, ROUNDING) if kind in kinds), "")
    if judged and not kinds and error > settings.rtol:
        note = "both about zero"
    shown = (a.reshape(shape), n.reshape(shape))
    report.rows.append(GradientRow(name, *shown, error, not one_by_one, note if report.ok else ""))


def _distance(unit: Unit) -> np.ndarray:
    assert unit.gate is not None
    return kink_distance(unit.gate, [x.value for x in unit.inputs], unit.static)
