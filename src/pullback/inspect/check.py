"""In: a circuit, a model or a gate. Out: whether its gradients are right; if not, what is wrong.

Strategy 3 is held against strategy 2. The circuit as a whole: the gradient that arrives at each
source, against what the output does when the source is nudged. Then each gate alone, at the values
that it has in this circuit, to name the first one whose rule is wrong. Everything runs on a copy in
double precision, in which a nudge of a millionth can be told from rounding.

A numerical slope is a measurement, and can fail where the gradient is right: at a kink, where there
are two slopes, and where the change drowns in rounding. So a disagreement is measured again at many
step sizes, and only what no step size and no kink explains is called wrong.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.circuit import Circuit
from pullback.core.backward import backward, fit, pull_through
from pullback.core.errors import CircuitError
from pullback.core.gate import Gate
from pullback.core.gradient import gradient
from pullback.core.text import brief
from pullback.core.unit import Unit
from pullback.core.values import as_value, is_differentiable
from pullback.core.walk import leading_to, order
from pullback.gates.elementary import stop_gradient
from pullback.gates.reduction import sum as sum_of
from pullback.inspect.strategies import DoubleCopy, doubled, doubled_static, table

_FEW = 64  # elements up to which each one is nudged alone
_WORK = 300_000  # gates to run for the whole circuit; a bigger one is sampled
_EPS = float(np.finfo(float).eps)
_PEGS = (stop_gradient.gate,)  # through these the gradient is meant to be wrong


class GradientError(AssertionError):
    """A gradient is wrong; the message names the first gate at fault. `report` has everything."""

    def __init__(self, report: GradientReport) -> None:
        super().__init__(str(report.failures[0]))
        self.report = report


@dataclass(frozen=True)
class GradientFinding:
    """One place where the rule of a gate and what the gate does differ.

    `analytic` is the slope by the rule, `numerical` the slope measured, at `element` of the input
    (of the output, for an elementwise gate; None for a random direction). `kind` is "wrong rule",
    "kink nearby" or "rounding"; only the first is a failure.
    """

    gate: str
    wire: str
    where: str
    input: str
    element: tuple[int, ...] | None
    analytic: float
    numerical: float
    kind: str
    detail: str = ""

    def __str__(self) -> str:
        place = f", made at {self.where}" if self.where else ""
        at = f" at element {self.element}" if self.element else ""
        lines = [
            f"{self.kind}: the gradient of gate {self.gate!r} by {self.input}",
            f"  wire       {self.wire}{place}",
            f"  analytic   {self.analytic:.9g}{at}",
            f"  numerical  {self.numerical:.9g}{at}",
            f"  {'cure' if self.kind == 'wrong rule' else 'note'}       {self._advice()}",
        ]
        return "\n".join(lines)

    def _advice(self) -> str:
        if self.kind == "kink nearby":
            return "the slope jumps here; the rule lies between its two sides, which is right"
        if self.kind == "rounding":
            return "the change drowns in rounding; check at values closer to 1"
        if self.detail:
            return self.detail
        a, n = self.analytic, self.numerical
        rule = f"correct the rule of {self.gate!r} for {self.input}"
        if a == 0.0:
            return f"{rule}: it passes no gradient on, and the output does answer"
        if n == 0.0:
            return f"{rule}: it passes a gradient on, and the output does not answer"
        if abs(a + n) < 1e-3 * abs(n):
            return f"{rule}: its sign is flipped"
        return f"{rule}: here it answers {a / n:.4g} times the slope"


@dataclass(frozen=True)
class GradientRow:
    """One source: its gradient by both strategies, and the largest difference.

    `error` is that difference as a share of the source's largest gradient. Element by element, or,
    where `directions` is set, along random directions.
    """

    name: str
    analytic: np.ndarray
    numerical: np.ndarray
    error: float
    directions: bool = False


@dataclass
class GradientReport:
    """What a gradient check found; true where nothing is wrong. Print it for a table."""

    rows: list[GradientRow] = field(default_factory=list)
    failures: list[GradientFinding] = field(default_factory=list)
    notes: list[GradientFinding] = field(default_factory=list)
    gates: int = 0

    @property
    def ok(self) -> bool:
        """Whether no gradient is wrong; kinks and rounding are notes."""
        return not self.failures

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        head = f"{self.gates} gate{'' if self.gates == 1 else 's'} checked: "
        head += "all gradients are right" if self.ok else f"{len(self.failures)} wrong"
        lines = [head]
        if self.rows:
            cells = [("source", "analytic", "numerical", "relative error")]
            for row in self.rows:
                shown = (brief(_few(row.analytic)), brief(_few(row.numerical)))
                cells.append(
                    (row.name, *shown, "below 1e-6" if row.error < 1e-6 else f"{row.error:.1e}")
                )
            lines.append(table(cells))
        lines += [str(finding) for finding in self.failures]
        for kind in ("kink nearby", "rounding"):
            found = [note for note in self.notes if note.kind == kind]
            if found:
                lines.append(f"{kind}, {len(found)} time{'s' * (len(found) > 1)}; the first:")
                lines.append(str(found[0]))
        return "\n".join(lines)

    def _add(self, findings: Iterable[GradientFinding]) -> None:
        for finding in findings:
            (self.failures if finding.kind == "wrong rule" else self.notes).append(finding)

    def _settle(self, on_failure: str) -> GradientReport:
        if self.failures and on_failure == "raise":
            raise GradientError(self)
        return self


def _few(values: np.ndarray) -> Any:
    return float(values.ravel()[0]) if values.size == 1 else values


@dataclass(frozen=True)
class _Settings:
    eps: float
    atol: float
    rtol: float
    rng: np.random.Generator


# The face ----------------------------------------------------------------------------------------


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
    _check_options(eps, atol, rtol, on_failure)
    outputs = [u for u in _outputs(what, inputs) if is_differentiable(u.value)]
    if not outputs:
        raise CircuitError("no output carries floats, so there is no gradient to check")
    _refuse_nonfinite(order(outputs))
    copy = DoubleCopy(outputs, _PEGS)
    if not copy.sources:
        raise CircuitError(
            f"{outputs[0].label} depends on no float source, so there is no gradient to check"
        )
    _refuse_nonfinite(copy.twins.values())
    settings = _Settings(eps, atol, rtol, np.random.default_rng(0))
    report = GradientReport(gates=len(copy.gates))
    for unit in copy.gates:
        assert unit.gate is not None
        call = _Call(
            unit.gate,
            [x.value for x in unit.inputs],
            unit.static,
            [f"input {i + 1} of {len(unit.inputs)}, {x.label}" for i, x in enumerate(unit.inputs)],
            [x in copy.moving for x in unit.inputs],
            unit.label,
            unit.where,
        )
        report._add(_check_call(call, settings))
    _check_whole(copy, report, settings)
    return report._settle(on_failure)


def check_gate(
    gate_or_function: Any,
    order: int = 2,
    rng: np.random.Generator | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    on_failure: str = "raise",
) -> GradientReport:
    """Check a gate from its declaration alone, to first or second order, and at its kinks.

    Inputs come from `gate.domain`, in shapes that broadcast, single, odd and empty ones among
    them, or from `gate.samples`. To first order the rule is held against nudges of the value; to
    second order the circuit that `gradient` builds, against nudges of the numeric backward pass. At
    a declared kink a rule must answer a value between the slopes on both sides.

    Raises `GradientError` as `check_gradients` does, and `CircuitError` where the gate declares no
    samples. Source: the guide, "Numerical Gradient Check".

    >>> from pullback.core.gate import gate
    >>> @gate(partials=(lambda y, x: 2.0 * x * x,), registry=None)
    ... def cube(m, x):
    ...     return x * x * x
    >>> print(check_gate(cube, on_failure="report").failures[0].input)
    input 1 of 1, 'x'
    """
    gate = getattr(gate_or_function, "gate", gate_or_function)
    if not isinstance(gate, Gate):
        raise CircuitError(f"check_gate checks what @gate declares, got {gate_or_function!r}")
    if order not in (1, 2):
        raise CircuitError(f"order must be 1 or 2, got {order!r}")
    _check_options(eps, atol, rtol, on_failure)
    settings = _Settings(eps, atol, rtol, np.random.default_rng(0) if rng is None else rng)
    report = GradientReport(gates=1)
    for xs, static in [*_sampled(gate, settings.rng), *_at_kinks(gate, settings.rng)]:
        named = _input_names(gate, len(xs))
        call = _Call(gate, xs, static, named, [True] * len(xs))
        found = _check_call(call, settings)
        if not found and order == 2 and gate not in _PEGS:
            found = _check_second_order(call, settings)
        report._add(found)
    return report._settle(on_failure)


def _check_options(eps: float, atol: float, rtol: float, on_failure: str) -> None:
    if on_failure not in ("raise", "report"):
        raise CircuitError(f"on_failure must be 'raise' or 'report', got {on_failure!r}")
    if not (eps > 0 and atol >= 0 and rtol >= 0):
        raise CircuitError("eps must be above 0, and atol and rtol not below")


def _input_names(gate: Gate, count: int) -> list[str]:
    known = list(inspect.signature(gate.value).parameters.values())[1:]
    plain = [p.name for p in known if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names = [f", {plain[i]!r}" if i < len(plain) else "" for i in range(count)]
    return [f"input {i + 1} of {count}{name}" for i, name in enumerate(names)]


def _outputs(what: Any, inputs: Sequence[Any]) -> list[Unit]:
    """The wires to check: `what` itself, or what it makes of wires of the inputs."""
    if isinstance(what, Circuit):
        made: Any = what.outputs
    elif isinstance(what, Unit) or (isinstance(what, list | tuple) and what):
        made = what
    elif callable(what):
        names = _argument_names(what, len(inputs))
        wires = [
            x if isinstance(x, Unit) else Unit(x, name)
            for x, name in zip(inputs, names, strict=True)
        ]
        made, inputs = what(*wires), ()
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


def _argument_names(function: Any, count: int) -> list[str]:
    try:
        known = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        known = ()
    plain = [p.name for p in known if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [plain[i] if i < len(plain) else f"input{i + 1}" for i in range(count)]


def _refuse_nonfinite(wires: Iterable[Unit]) -> None:
    for unit in wires:
        if is_differentiable(unit.value) and not np.all(np.isfinite(unit.value)):
            what = "nan" if np.any(np.isnan(unit.value)) else "infinite"
            raise CircuitError(
                f"{unit.label} is {what}, the first wire of the circuit that is; "
                "a gradient can be checked only where all values are finite"
            )


# One gate ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Call:
    """A gate at some inputs, and how messages name it. Only inputs that can move are checked."""

    gate: Gate
    xs: list[Any]
    static: Mapping[str, Any]
    inputs: list[str]
    movable: list[bool]
    wire: str = "the gate alone"
    where: str = ""

    def at(self, i: int, moved: Any) -> list[Any]:
        """The inputs, with input `i` at another value."""
        return [moved if k == i else x for k, x in enumerate(self.xs)]

    def value(self, xs: Sequence[Any]) -> np.ndarray:
        """The output at inputs, as a flat array."""
        return np.ravel(np.asarray(self.gate(*xs, **self.static), dtype=float))

    def near(self, i: int, moved: Callable[[float], Any]) -> Callable[[float], Any]:
        """Whether a declared kink lies within a step of input `i`: a flag, or one an element."""
        kinks = self.gate.kinks
        if kinks is None:
            return lambda s: False

        def near(s: float) -> Any:
            with np.errstate(all="ignore"):
                here, *there = (
                    np.asarray(kinks(*self.at(i, moved(t)), **self.static), dtype=float)
                    for t in (0.0, s, -s)
                )
                return _kink_within(here, there)

        return near

    def finding(self, i: int, element: Any, a: float, n: float, kind: str, detail: str = ""):
        return GradientFinding(
            self.gate.name, self.wire, self.where, self.inputs[i], element, a, n, kind, detail
        )


def _kink_within(here: np.ndarray, there: Sequence[np.ndarray]) -> np.ndarray:
    """Whether a distance can have shrunk to zero within steps after which it is `there`."""
    change = np.maximum(*(np.abs(d - here) for d in there))
    return (np.abs(here) <= 4.0 * change) & (change > 0.0)


def _check_call(call: _Call, settings: _Settings) -> list[GradientFinding]:
    """The worst disagreement by each input, and of each kind, of a gate's rule with the gate."""
    y = call.gate(*call.xs, **call.static)
    if not is_differentiable(y) or call.gate in _PEGS:
        return []
    check = _check_elementwise if call.gate.elementwise else _check_structural
    return check(call, y, settings)


def _check_elementwise(call: _Call, y: Any, settings: _Settings) -> list[GradientFinding]:
    """Each output element hangs on one element of each input, so all are nudged at once."""
    findings = []
    shape = np.shape(y)
    for i, x in enumerate(call.xs):
        if not call.movable[i] or not is_differentiable(x):
            continue
        unit = _unit(x)
        try:
            partial = _partial(call, i, y)
        except Exception as error:
            findings.append(call.finding(i, None, np.nan, np.nan, "wrong rule", _raised(error)))
            continue
        if np.shape(partial) != shape:
            detail = f"the partial must broadcast to the output's shape {shape}; with it the "
            detail += f"gradient has shape {np.shape(partial)}"
            findings.append(call.finding(i, None, np.nan, np.nan, "wrong rule", detail))
            continue
        if not np.size(y):
            continue
        units = np.ravel(np.broadcast_to(unit, shape))
        moved = _mover(x, unit)
        near = call.near(i, moved)
        verdict = _judge(
            np.ravel(partial) * units,
            lambda s, i=i, moved=moved: call.value(call.at(i, moved(s))),
            lambda s, near=near: np.ravel(np.broadcast_to(near(s), shape)),
            units,
            settings,
        )
        for kind, k in verdict.worst():
            element = tuple(int(at) for at in np.unravel_index(k, shape))
            a, n = verdict.analytic[k] / units[k], verdict.numerical[k] / units[k]
            findings.append(call.finding(i, element, float(a), float(n), kind))
    return findings


def _partial(call: _Call, i: int, y: Any) -> Any:
    """The local gradient by input `i` for every output element."""
    one = 1.0 if type(y) is float else np.ones(np.shape(y))
    with np.errstate(all="ignore"):
        try:
            d = pull_through(call.gate, i, one, y, call.xs, call.static)
        except ArithmeticError:  # Python's floats raise where NumPy's give infinity
            xs = [np.asarray(x) for x in call.xs]
            d = pull_through(call.gate, i, one, np.asarray(y), xs, call.static)
    return np.zeros(np.shape(y)) if d is None else np.asarray(d, dtype=float)


def _check_structural(call: _Call, y: Any, settings: _Settings) -> list[GradientFinding]:
    """All slopes of all outputs where there are few, else projections on random forces."""
    if not np.size(y):
        return []
    if np.size(y) <= _FEW:
        forces = np.eye(np.size(y))
    else:
        forces = _random_signs(settings.rng, (4, np.size(y)))
    sources = [Unit(np.array(x) if is_differentiable(x) else x) for x in call.xs]
    rows: list[list[Any]] = []
    try:
        out = call.gate(*sources, **call.static)
        for force in forces:
            backward([out], [force.reshape(np.shape(y))])
            rows.append([x.grad for x in sources])
    except Exception as error:
        i = _raising_input(call, y)
        return [call.finding(i, None, np.nan, np.nan, "wrong rule", _raised(error))]
    findings = []
    for i, x in enumerate(call.xs):
        if not call.movable[i] or not is_differentiable(x) or not np.size(x):
            continue
        pulled = np.array([np.ravel(row[i]) for row in rows])
        found: dict[str, tuple[float, GradientFinding]] = {}
        for direction, element in _directions(x, settings.rng):
            moved = _mover(x, direction.reshape(np.shape(x)))
            near = call.near(i, moved)
            size = float(np.max(np.abs(direction)))
            verdict = _judge(
                pulled @ direction,
                lambda s, i=i, moved=moved: call.value(call.at(i, moved(s))),
                lambda s, near=near: bool(np.any(near(s))),
                size,
                settings,
                project=forces,
                big=float(np.max(np.abs(pulled))) * size,
            )
            for kind, k in verdict.worst():
                scale = size if element is not None else 1.0
                a, n = float(verdict.analytic[k] / scale), float(verdict.numerical[k] / scale)
                off = verdict.off(k)
                if kind not in found or off > found[kind][0]:
                    found[kind] = (off, call.finding(i, element, a, n, kind))
        findings += [finding for _, finding in found.values()]
    return findings


def _raised(error: Exception) -> str:
    return f"the rule raised {type(error).__name__}: {error}"


def _raising_input(call: _Call, y: Any) -> int:
    """The input whose rule raises, or answers in a shape that does not fit the input."""
    floats = [i for i, x in enumerate(call.xs) if is_differentiable(x)]
    for i in floats:
        xs = [np.asarray(x) for x in call.xs]
        try:
            d = pull_through(call.gate, i, np.ones(np.shape(y)), np.asarray(y), xs, call.static)
            if d is not None:
                fit(np.asarray(d), xs[i].shape, xs[i].dtype)
        except Exception:
            return i
    return floats[0]


# A slope, measured -------------------------------------------------------------------------------


def _unit(x: Any) -> np.ndarray:
    """For each element the length of which steps are a share: its size, or that of the others."""
    size = np.abs(np.asarray(x, dtype=float))
    typical = float(np.sqrt(np.mean(size * size))) if size.size else 0.0
    return np.where(size > 0.0, size, typical or 1.0)


def _mover(x: Any, direction: Any) -> Callable[[float], Any]:
    """x moved by s along a direction, as a Python float where x is one."""
    if type(x) is float:
        along = float(np.ravel(direction)[0])
        return lambda s: x + s * along
    return lambda s: x + s * direction


def _directions(x: Any, rng: np.random.Generator) -> list[tuple[np.ndarray, Any]]:
    """Flat directions to move x in: each element alone, or of many some, and random mixtures."""
    unit = np.ravel(_unit(x))
    n = unit.size
    alone = range(n) if n <= _FEW else rng.choice(n, 6, replace=False)
    made: list[tuple[np.ndarray, Any]] = []
    for k in alone:
        one = np.zeros(n)
        one[k] = unit[k]
        made.append((one, tuple(int(at) for at in np.unravel_index(k, np.shape(x)))))
    if n > _FEW:
        made += [(unit * _random_signs(rng, (n,)), None) for _ in range(4)]
    return made


def _random_signs(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Random numbers, none near 0, so that nothing hides behind a small one."""
    return rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)


@dataclass
class _Verdict:
    analytic: np.ndarray
    numerical: np.ndarray
    kinds: np.ndarray  # "" where they agree

    def off(self, k: int) -> float:
        """The relative difference at element k; infinite where there is no number."""
        a, n = self.analytic[k], self.numerical[k]
        with np.errstate(all="ignore"):
            off = abs(a - n) / max(abs(a), abs(n), 1e-300)
        return float(off) if np.isfinite(off) else np.inf

    def worst(self) -> list[tuple[str, int]]:
        """Each kind of disagreement, and where it is worst."""
        found = []
        for kind in ("wrong rule", "kink nearby", "rounding"):
            at = np.flatnonzero(self.kinds == kind)
            if at.size:
                found.append((kind, max(map(int, at), key=self.off)))
        return found


_STEPS = 10.0 ** np.arange(-8, 0)  # shares of the values' size; the last is there to contradict
_SHORT_STEPS = 10.0 ** np.arange(-15, -8)  # for waves shorter than the values are large
_LONG_STEPS = 10.0 ** np.arange(0, 13)  # for values that drown in others


def _judge(
    a: np.ndarray,
    answer: Callable[[float], np.ndarray],
    near: Callable[[float], Any],
    size: Any,
    settings: _Settings,
    *,
    project: np.ndarray | None = None,
    big: float = 0.0,
    noise: Any = None,
    bounded: bool = True,
    whole: bool = False,
    thorough: bool = True,
) -> _Verdict:
    """Hold analytic slopes `a` against those of `answer(s)` at s = 0.

    `size` is the length of the direction, in which atol is measured. `project` holds forces on the
    answer. `near` tells whether a kink is within s; if `bounded`, a slope there must lie between
    the slopes on both sides. Of a `whole` circuit whose gates are right one by one, a
    measurement that contradicts itself proves nothing.
    """
    rtol, atol = settings.rtol, settings.atol
    y0 = answer(0.0)

    def seen(v: np.ndarray) -> np.ndarray:
        return v if project is None else project @ v

    def sides(s: float) -> tuple[np.ndarray, np.ndarray]:
        return (y0 - answer(-s)) / s, (answer(s) - y0) / s

    def central(s: float) -> np.ndarray:
        return seen((answer(s) - answer(-s)) / (2.0 * s))

    def agree(n: np.ndarray) -> np.ndarray:
        largest = np.maximum(np.abs(a), np.abs(n))
        top = max(big, float(np.max(largest[np.isfinite(largest)], initial=0.0)))
        return np.abs(a - n) <= rtol * largest + atol * np.minimum(size, top)

    with np.errstate(all="ignore"):
        numerical = central(settings.eps)
        kinds = np.full(a.shape, "", dtype=object)
        bad = ~agree(numerical)
        if not bad.any() or not thorough:
            return _Verdict(a, numerical, kinds)
        slopes = np.array([central(s) for s in _STEPS])
        for n in slopes[:-1]:
            better = bad & agree(n)
            numerical = np.where(better, n, numerical)
            bad &= ~better
        if noise is None:
            noise = 4.0 * _EPS * (np.abs(y0) if project is None else np.abs(project) @ np.abs(y0))
            noise = noise + 4.0 * _EPS * np.nan_to_num(np.abs(a))
        errors = np.abs(np.diff(slopes, axis=0)) + noise / _STEPS[:-1, None]
        errors = np.where(np.isnan(errors), np.inf, errors)
        best = np.argmin(errors, axis=0)
        columns = np.arange(a.size)
        n, error = slopes[best, columns], errors[best, columns]
        numerical = np.where(bad, n, numerical)
        unresolved = ~(np.abs(a - n) > 10.0 * error) & np.isfinite(a)
        for s in _LONG_STEPS:
            if not (bad & unresolved).any():
                break
            longer = central(s)
            better = bad & unresolved & agree(longer)
            numerical = np.where(better, longer, numerical)
            bad &= ~better
        # A closer look, though blurred, that rules the number out and not the rule, speaks for it.
        excluded = np.full(a.shape, not whole)
        for s in (*_SHORT_STEPS, *_STEPS[:4]) if (bad & ~unresolved).any() else ():
            closer, blur = central(s), 2.0 * noise / s
            slack = rtol * np.maximum(np.abs(a), np.abs(n)) + blur
            rule_fits, number_fits = np.abs(a - closer) <= slack, np.abs(n - closer) <= slack
            unresolved |= ~number_fits & (rule_fits | whole)
            excluded |= number_fits & ~rule_fits
        unresolved |= ~excluded & bad
        # What is wrong by less than atol is wrong only if the measurement is beyond doubt.
        steady = np.sum(np.abs(slopes - n) <= 0.05 * np.abs(a - n), axis=0) >= 3
        steady &= (np.abs(n) > 0.1 * np.abs(a)) | (np.abs(slopes[-1] - n) <= 0.1 * np.abs(a - n))
        within = np.abs(a - n) <= atol * size + rtol * np.abs(n)
        bad &= ~(within & (unresolved | ~steady))
        for k in np.unique(best[bad]):
            here = bad & (best == k)
            kinds[here] = _explain(
                a, sides, near, float(_STEPS[k]), seen, project, noise, unresolved, agree, bounded
            )[here]
    return _Verdict(a, numerical, kinds)


def _explain(
    a: np.ndarray,
    sides: Callable[[float], tuple[np.ndarray, np.ndarray]],
    near: Callable[[float], Any],
    s: float,
    seen: Callable[[np.ndarray], np.ndarray],
    project: np.ndarray | None,
    noise: Any,
    unresolved: np.ndarray,
    agree: Callable[[np.ndarray], np.ndarray],
    bounded: bool,
) -> np.ndarray:
    """Why slopes that are measured best at step s differ from `a`: the kind, for each of them."""
    (left, right), (left2, right2) = sides(s), sides(s / 2.0)
    middle = seen((left + right) / 2.0)
    weights = None if project is None else np.abs(project)
    half, half2 = np.abs(right - left) / 2.0, np.abs(right2 - left2) / 2.0
    curved = np.abs(left - left2) + np.abs(right - right2)
    if weights is not None:
        half, half2, curved = weights @ half, weights @ half2, weights @ curved
    slack = 2.0 * curved + 2.0 * noise / s + 1e-3 * np.abs(middle)
    inside = (np.abs(a - middle) <= half + slack) & np.isfinite(a)
    close = np.broadcast_to(near(s), a.shape)
    # An undeclared kink: the two slopes stay apart however small the step, and one of them is a.
    one_side = agree(seen(left)) | agree(seen(right)) | agree(seen(left2)) | agree(seen(right2))
    apart = half2 > 0.75 * half
    # At the edge of a domain there is one side only, and perhaps no finite slope.
    edge = ~np.isfinite(middle) & (one_side | ~np.isfinite(a))
    kink = np.where(close, inside | (not bounded), (one_side & apart) | edge)
    rounding = unresolved & ~close
    return np.where(kink, "kink nearby", np.where(rounding, "rounding", "wrong rule"))


# The whole circuit -------------------------------------------------------------------------------


def _check_whole(copy: DoubleCopy, report: GradientReport, settings: _Settings) -> None:
    """The gradient that arrives at each source, against nudges of that source."""
    if sum(out.size for out in copy.outputs) == 1:
        forces = [np.ones(out.shape) for out in copy.outputs]
    else:
        forces = [_random_signs(settings.rng, out.shape) for out in copy.outputs]
    try:
        copy.backward(forces)
    except Exception:
        if report.failures:  # a rule that raises has been named already
            return
        raise
    noise = 4.0 * _EPS * sum(_rounding(twin) for twin in copy.twins.values())
    cost = sum(1.0 + unit.size / 500.0 for unit in copy.gates)
    twins = list(copy.sources.values())
    groups = [[twin] for twin in twins]
    if cost * len(groups) > _WORK:
        groups = [twins]
    count = sum(min(twin.size, _FEW) for twin in twins)
    sampled = len(groups) == 1 < len(twins) or 2.0 * cost * count > _WORK
    for group in groups:
        _check_sources(copy, group, forces, noise, sampled, report, settings)


def _rounding(unit: Unit) -> float:
    """How much the rounding of a wire's value is felt at the output, in units of precision."""
    if unit.grad is None or not unit.size:
        return 0.0
    felt = np.asarray(unit.grad) * np.asarray(unit.value)
    total = float(np.sqrt(np.sum(felt * felt)))
    return total if np.isfinite(total) else 0.0


def _check_sources(
    copy: DoubleCopy,
    group: Sequence[Unit],
    forces: Sequence[np.ndarray],
    noise: float,
    sampled: bool,
    report: GradientReport,
    settings: _Settings,
) -> None:
    """One row of the report: the sources of a group, element by element or moved together."""
    starts = [twin.value for twin in group]
    grads = [np.ravel(twin.grad) for twin in group]
    path = [u for u in leading_to(copy.outputs, group) if u.inputs]
    kinked = [u for u in path if u.gate is not None and u.gate.kinks is not None]

    def moved(s: float, direction: Sequence[np.ndarray]) -> None:
        for twin, start, along in zip(group, starts, direction, strict=True):
            twin._value = _mover(start, along.reshape(np.shape(start)))(s) if s else start
        copy.forward(path)

    def answer(s: float, direction: Sequence[np.ndarray]) -> np.ndarray:
        moved(s, direction)
        pairs = zip(forces, copy.outputs, strict=True)
        return np.array([sum(float(np.sum(f * out.value)) for f, out in pairs)])

    def near(s: float, direction: Sequence[np.ndarray]) -> bool:
        distances = []
        for t in (0.0, s, -s):
            moved(t, direction)
            distances.append([_distance(u) for u in kinked])
        return any(
            bool(np.any(_kink_within(here, there))) for here, *there in zip(*distances, strict=True)
        )

    directions: list[tuple[Sequence[np.ndarray], Any]]
    if len(group) == 1 and not (sampled and group[0].size > 2) and group[0].size <= _FEW:
        directions = [([d], element) for d, element in _directions(starts[0], settings.rng)]
    else:
        units = [np.ravel(_unit(start)) for start in starts]
        directions = [
            ([unit * _random_signs(settings.rng, unit.shape) for unit in units], None)
            for _ in range(2 if sampled and len(group) == 1 else 8)
        ]
    big = max((float(np.max(np.abs(g), initial=0.0)) for g in grads), default=0.0)
    name = group[0].name or group[0].label
    if len(group) > 1:
        name = f"all {len(group)} sources together"
    analytic, numerical = [], []
    for direction, element in directions:
        size = max(float(np.max(np.abs(d), initial=0.0)) for d in direction)
        if size == 0.0:
            continue
        a = np.array([sum(float(g @ d) for g, d in zip(grads, direction, strict=True))])
        verdict = _judge(
            a,
            lambda s, d=direction: answer(s, d),
            lambda s, d=direction: near(s, d),
            size,
            settings,
            big=big * size,
            noise=noise,
            bounded=False,
            whole=True,
            thorough=not report.failures,
        )
        scale = size if element is not None else 1.0
        analytic.append(float(a[0]) / scale)
        numerical.append(float(verdict.numerical[0]) / scale)
        for kind, _ in verdict.worst():
            detail = ""
            if kind == "wrong rule":
                if report.notes:  # a gate that could not be measured alone explains the whole
                    continue
                detail = "each gate alone is right, so gradients are added up wrongly; report this"
            found = (analytic[-1], numerical[-1], kind, detail)
            report._add([GradientFinding("circuit", name, group[0].where, name, element, *found)])
    moved(0.0, [np.zeros(np.size(start)) for start in starts])
    alone = len(group) == 1 and all(element is not None for _, element in directions)
    shape = np.shape(starts[0]) if alone else (len(analytic),)
    a, n = np.array(analytic), np.array(numerical)
    with np.errstate(all="ignore"):
        off = np.abs(a - n) / max(np.max(np.abs([a, n]), initial=0.0), 1e-300)
    error = float(np.max(np.where(np.isnan(off), np.inf, off), initial=0.0))
    report.rows.append(
        GradientRow(name, a.reshape(shape), n.reshape(shape), error, directions=not alone)
    )


def _distance(unit: Unit) -> np.ndarray:
    assert unit.gate is not None
    assert unit.gate.kinks is not None
    with np.errstate(all="ignore"):
        xs = [x.value for x in unit.inputs]
        return np.asarray(unit.gate.kinks(*xs, **unit.static), dtype=float)


# A gate from its declaration alone ---------------------------------------------------------------

Sample = tuple[list[Any], Mapping[str, Any]]
_SHAPES = ((), (5,), (2, 3), (1,), (3, 1, 2), (0,))


def _sampled(gate: Gate, rng: np.random.Generator) -> list[Sample]:
    """Inputs at which to test a gate, in double precision."""
    if not gate.elementwise:
        if gate.samples is None:
            raise CircuitError(
                f"gate {gate.name!r} has no samples to be checked at; declare it with "
                "samples=lambda rng: [((x, ...), {static})]"
            )
        return [
            (
                [doubled(as_value(x)) for x in xs],
                {name: doubled_static(told) for name, told in static.items()},
            )
            for xs, static in gate.samples(rng)
        ]
    count = len(gate.domain)
    cases: list[Sample] = []
    for full in _SHAPES:
        for whole in range(count):
            shapes = [full if i == whole else _narrower(full, rng) for i in range(count)]
            cases.append(([_draw(d, n, rng) for d, n in zip(gate.domain, shapes, strict=True)], {}))
    return cases


def _narrower(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
    """A shape that broadcasts to this one: without leading axes, or with axes of size 1."""
    kept = shape[int(rng.integers(len(shape) + 1)) :]
    return tuple(1 if rng.random() < 0.3 else n for n in kept)


def _draw(domain: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    if domain is bool:
        flags = rng.random(shape) < 0.5
        return bool(flags) if shape == () else flags
    drawn = rng.uniform(domain[0], domain[1], shape)
    return float(drawn) if shape == () else drawn


def _at_kinks(gate: Gate, rng: np.random.Generator) -> list[Sample]:
    """Inputs at which a declared kink is met exactly, as far as such are found."""
    if gate.kinks is None:
        return []
    cases: list[Sample] = []
    if not gate.elementwise:
        for xs, static in _sampled(gate, rng):
            for tie in (np.round, np.zeros_like):
                tied = [tie(x) if is_differentiable(x) and np.shape(x) else x for x in xs]
                if _meets(gate, tied, static):
                    cases.append((tied, static))
                    break
        return cases
    for i, domain in enumerate(gate.domain):
        if domain is bool:
            continue
        xs = [_draw(d, (), rng) for d in gate.domain]
        met = _nearest_kink(gate, xs, i, domain)
        if met is not None:
            cases.append(([met if k == i else x for k, x in enumerate(xs)], {}))
    return cases


def _meets(gate: Gate, xs: Sequence[Any], static: Mapping[str, Any]) -> bool:
    assert gate.kinks is not None
    with np.errstate(all="ignore"):
        distance = np.asarray(gate.kinks(*xs, **static), dtype=float)
    return bool(np.any(np.abs(distance) < 1e-12))


def _nearest_kink(gate: Gate, xs: list[Any], i: int, domain: Any) -> float | None:
    """A value of input `i` at which the gate has a kink, the other inputs being what they are."""
    kinks = gate.kinks
    assert kinks is not None

    def distance(x: float) -> float:
        return float(kinks(*(x if k == i else other for k, other in enumerate(xs))))

    here = distance(xs[i])
    candidates = [xs[i] - here, xs[i] + here]  # exact, where the distance is one along this input
    grid = np.linspace(domain[0], domain[1], 201)
    k = int(np.argmin([abs(distance(float(x))) for x in grid]))
    low, high = float(grid[max(k - 1, 0)]), float(grid[min(k + 1, 200)])
    for _ in range(80):
        third = (high - low) / 3.0
        if abs(distance(low + third)) < abs(distance(high - third)):
            high -= third
        else:
            low += third
    candidates.append((low + high) / 2.0)
    return next((x for x in candidates if abs(distance(x)) < 1e-12), None)


def _check_second_order(call: _Call, settings: _Settings) -> list[GradientFinding]:
    """The gradient circuit, and its own gradient, against nudges of the numeric backward pass."""
    gate, rng = call.gate, settings.rng
    sources = [Unit(x) for x in call.xs]
    floats = [i for i, x in enumerate(call.xs) if is_differentiable(x)]
    try:
        y = gate(*sources, **call.static)
        if not is_differentiable(y.value) or not floats or not y.size:
            return []
        force = _random_signs(rng, y.shape)
        pull = Unit(float(force) if type(y.value) is float else force)
        firsts = gradient(y, [sources[i] for i in floats], pull)
        weights = [_random_signs(rng, first.shape) for first in firsts]
        total: Any = 0.0
        for first, weight in zip(firsts, weights, strict=True):
            total = sum_of(first * weight) + total
        seconds = gradient(total, [*(sources[i] for i in floats), pull])
    except Exception as error:
        detail = f"its rules cannot be wired into a circuit, {type(error).__name__}: {error}; "
        detail += "write them in gates, or check order=1"
        return [call.finding(floats[0], None, np.nan, np.nan, "wrong rule", detail)]

    def numeric(xs: Sequence[Any], pulled: Any) -> np.ndarray:
        fresh = [Unit(x) for x in xs]
        backward([gate(*fresh, **call.static)], [pulled])
        pairs = zip(floats, weights, strict=True)
        return np.array([sum(float(np.sum(fresh[i].grad * w)) for i, w in pairs)])

    findings = []
    now = float(numeric(call.xs, pull.value)[0])
    if not np.isclose(now, float(total.value), rtol=1e-6, atol=1e-9, equal_nan=True):
        detail = "the gradient circuit and the backward pass must answer alike; the rule must not "
        detail += "decide by the type of its arguments"
        findings.append(
            call.finding(floats[0], None, float(total.value), now, "wrong rule", detail)
        )
    for k, second in enumerate(seconds):
        i = floats[k] if k < len(floats) else None
        start = pull.value if i is None else call.xs[i]
        for direction, element in _directions(start, rng)[-3:]:
            moved = _mover(start, direction.reshape(np.shape(start)))
            if i is None:
                answer = lambda s, moved=moved: numeric(call.xs, moved(s))
                near = lambda s: False
            else:
                answer = lambda s, i=i, moved=moved: numeric(call.at(i, moved(s)), pull.value)
                within = call.near(i, moved)
                near = lambda s, within=within: bool(np.any(within(s)))
            slope = np.array([float(np.ravel(second.value) @ direction)])
            size = float(np.max(np.abs(direction)))
            verdict = _judge(slope, answer, near, size, settings, bounded=False)
            for kind, _ in verdict.worst():
                if kind == "wrong rule":
                    by = "the pull" if i is None else call.inputs[i]
                    detail = f"correct the rules of {gate.name!r}: their gradient by {by} is "
                    detail += "wrong (second order); each must be written in gates"
                    scale = size if element is not None else 1.0
                    a, n = float(slope[0]) / scale, float(verdict.numerical[0]) / scale
                    at = floats[0] if i is None else i
                    findings.append(call.finding(at, element, a, n, kind, detail))
                    break
    return findings[:1]
