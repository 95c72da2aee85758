"""In: findings, checks and notes. Out: a report: text for a terminal, JSON, and cured Trainers."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill
from typing import Any

from pullback.core.errors import CircuitError
from pullback.core.text import number
from pullback.diagnosis.checks import Check
from pullback.diagnosis.finding import Finding, Proof
from pullback.diagnosis.patient import Patient
from pullback.diagnosis.protocol import Learner

_WIDTH = 80
_INDENT = 12
_SPARKS = "▁▂▃▄▅▆▇█"
_LENGTH = 24  # of a curve in a line of text
_SIGNS = {True: "✓", False: "✗", None: "–"}


@dataclass(frozen=True)
class Report:
    """What the doctor found: causes first, the worst at the top; print it to read it.

    `findings` are numbered from 1, as `apply` takes them.
    """

    patient: Patient
    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]
    notes: tuple[str, ...]
    seconds: float
    ended: str = ""

    @property
    def healthy(self) -> bool:
        """Whether nothing was found that costs the net anything."""
        return not any(x.severity != "note" for x in self.findings)

    def apply(self, k: int = 1) -> Learner:
        """The Trainer with the cure of finding k, at its start; data it does not hold.

        Raises `CircuitError` where there is no such finding, or no cure that can be made here.
        """
        if not 1 <= k <= len(self.findings):
            raise CircuitError(f"there are {len(self.findings)} findings, from 1; got {k}")
        cure = self.findings[k - 1].cure
        if cure is None or cure.change is None:
            why = cure.untried if cure else "no cure is known"
            raise CircuitError(f"finding {k} has no cure that can be made here: {why}")
        return cure.change(self.patient).parts.trainer()

    def to_json_dict(self) -> dict[str, Any]:
        """All of it as plain data; numbers that are not finite are to become null."""
        return {
            "healthy": self.healthy,
            "findings": [x.to_json_dict() for x in self.findings],
            "checks": [{"name": x.name, "passed": x.passed, "seen": x.seen} for x in self.checks],
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
            "ended": self.ended or "completed",
        }

    def __str__(self) -> str:
        lines = [self._summary(), ""]
        for k, finding in enumerate(self.findings, start=1):
            lines += [*_told(k, finding), ""]
        lines += [
            fill(f"{_SIGNS[x.passed]} {x.name}: {x.seen}", _WIDTH, subsequent_indent="  ")
            for x in self.checks
        ]
        lines += [fill(f"note: {note}", _WIDTH, subsequent_indent="  ") for note in self.notes]
        return "\n".join(lines)

    def _summary(self) -> str:
        took = f"{self.seconds:.0f} s{', interrupted' if self.ended else ''}"
        if self.healthy:
            return f"healthy: nothing was found that keeps this net from learning ({took})"
        many = len(self.findings)
        return f"{many} finding{'' if many == 1 else 's'}, the worst first ({took})"


def _told(k: int, finding: Finding) -> list[str]:
    where = f" in {finding.where}" if finding.where else ""
    lines = [f"{k}. {finding.disease}{where} ({finding.severity})"]
    lines += _part("evidence", finding.evidence)
    lines += _part("cause", finding.cause)
    if (cure := finding.cure) is not None:
        lines += _part("cure", cure.text)
        lines += [f"{'':{_INDENT}}{line}" for line in cure.code.splitlines()]
        if cure.untried:
            lines += _part("proof", f"it cannot be tried here: {cure.untried}")
    if finding.proof is not None:
        lines += _proof(finding.proof)
    for other in finding.consequences:
        lines += _part("brings", f"{other.disease}: {other.evidence}")
    return lines


def _part(name: str, text: str) -> list[str]:
    head = f"   {name:{_INDENT - 3}}"
    return fill(text, _WIDTH, initial_indent=head, subsequent_indent=" " * _INDENT).split("\n")


def _proof(proof: Proof) -> list[str]:
    name = proof.measure.replace("_", " ")
    words = "it helps" if proof.helps else "it does not help by more than chance"
    told = f"{words}: {name} {_ends(proof.after)} with it, {_ends(proof.before)} without"
    lines = _part("proof", told)
    for who, history in zip(("without", "with"), proof.histories, strict=True):
        values = [row[proof.measure] for row in history.rows if proof.measure in row]
        lines.append(f"{'':{_INDENT}}{who:8}{sparks(values)}")
    return lines


def _ends(values: Any) -> str:
    return ", ".join(number(x) for x in values)


def sparks(values: list[float]) -> str:
    """A curve as a line of text, of its lowest to its highest.

    >>> sparks([1.0, 0.5, 0.0])
    '█▅▁'
    """
    step = max(1, -(-len(values) // _LENGTH))
    shown = values[::step]
    there = [x for x in shown if abs(x) < float("inf")]
    low, high = min(there, default=0.0), max(there, default=0.0)
    span = (high - low) or 1.0
    top = len(_SPARKS) - 1
    return "".join(
        _SPARKS[round((x - low) / span * top)] if abs(x) < float("inf") else "?" for x in shown
    )
