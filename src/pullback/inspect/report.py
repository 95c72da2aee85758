"""In: what checks of gradients find. Out: a report to read, or the error that it is raised as."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from pullback.core.shown import Shown, Table
from pullback.core.text import brief, counted

# What a disagreement can be; only the first is a failure.
KINDS = WRONG, KINK, ROUNDING = "wrong rule", "kink nearby", "rounding"


@dataclass(repr=False)
class GradientReport(Shown):
    """What a gradient check found, as a table; true where nothing is wrong.

    Where there are `many` output elements, the rows are gradients of a random mixture of them.
    """

    rows: list[GradientRow] = field(default_factory=list)
    failures: list[GradientFinding] = field(default_factory=list)
    notes: list[GradientFinding] = field(default_factory=list)
    gates: int = 0
    many: bool = False

    @property
    def ok(self) -> bool:
        """Whether no gradient is wrong; kinks and rounding are notes."""
        return not self.failures

    def __bool__(self) -> bool:
        return self.ok

    def _says(self) -> Iterator[str | Table]:
        verdict = "all gradients are right" if self.ok else f"{len(self.failures)} wrong"
        yield f"{counted(self.gates, 'gate')} checked: {verdict}"
        if self.rows and self.many:
            yield "random forces pulled on the outputs, so these are not the .grad of a +1"
        if self.rows:
            cells = []
            for row in self.rows:
                error = "below 1e-6" if row.error < 1e-6 else f"{row.error:.1e}"
                numbers = (_shown(row.analytic), _shown(row.numerical))
                cells.append((row.name, *numbers, row.note or error))
            yield Table(("source", "analytic", "numerical", "relative error"), cells)
        yield from map(str, self.failures)
        for kind in (KINK, ROUNDING):
            found = [note for note in self.notes if note.kind == kind]
            if found:
                yield f"{kind}, {counted(len(found), 'time')}; the first:"
                yield str(found[0])

    def add(self, finding: GradientFinding) -> None:
        """Take a finding in, as a failure or as a note."""
        (self.failures if finding.kind == WRONG else self.notes).append(finding)

    def settled(self, on_failure: str) -> GradientReport:
        """The report itself; raises it as a `GradientError` if it failed and that was asked."""
        if self.failures and on_failure == "raise":
            raise GradientError(self)
        return self


@dataclass(frozen=True)
class GradientRow:
    """One source: its gradient by both strategies, and the largest difference.

    `error` is that difference as a share of the source's largest gradient. Element by element, or,
    where `directions` is set, along random directions. `note` says why a difference is no fault:
    "kink nearby", "rounding" or "both about zero".
    """

    name: str
    analytic: np.ndarray
    numerical: np.ndarray
    error: float
    directions: bool = False
    note: str = ""


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
            f"  {'cure' if self.kind == 'wrong rule' else 'note'}       {self.advice()}",
        ]
        return "\n".join(lines)

    def advice(self) -> str:
        """What to do about it, or why there is nothing to do."""
        if self.kind == KINK and not np.isfinite(self.analytic):
            return "the slope is infinite here, or there is none, and the rule says so"
        if self.kind != WRONG and not np.isfinite(self.numerical):
            return f"steps from here lead to {self.numerical:g}, so there is no slope to measure"
        if self.kind == KINK:
            return "the slope jumps here; the rule lies between its two sides, which is right"
        if self.kind == ROUNDING and not np.isfinite(self.analytic):
            return "the slope overflows, as the rule says; check at values closer to 1"
        if self.kind == ROUNDING:
            return "the change drowns in rounding; check at values closer to 1"
        if self.detail:
            return self.detail
        a, n = self.analytic, self.numerical
        rule = f"correct the rule of {self.gate!r} for {self.input}"
        if not np.isfinite(a):
            return f"{rule}: it answers {a} where the slope is finite"
        if a == 0.0:
            return f"{rule}: it passes no gradient on, and the output does answer"
        if n == 0.0:
            return f"{rule}: it passes a gradient on, and the output does not answer"
        if abs(a + n) < 1e-3 * abs(n):
            return f"{rule}: its sign is flipped"
        return f"{rule}: here it answers {a / n:.4g} times the slope"


class GradientError(AssertionError):
    """A gradient is wrong; the message names the first gate at fault. `report` has everything."""

    def __init__(self, report: GradientReport) -> None:
        super().__init__(str(report.failures[0]))
        self.report = report


def _shown(values: np.ndarray) -> str:
    return brief(values.item() if values.size == 1 else values)
