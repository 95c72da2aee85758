"""In: findings, checks and notes. Out: a report: text, a page, JSON, and cured Trainers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pullback.core.aside import replacing
from pullback.core.errors import CircuitError
from pullback.core.plain import finite
from pullback.core.shown import in_few_lines
from pullback.diagnosis.checks import Check
from pullback.diagnosis.finding import Finding
from pullback.diagnosis.page import fragment_of, page_of
from pullback.diagnosis.patient import Patient
from pullback.diagnosis.protocol import Learner
from pullback.diagnosis.text import lines_of

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

_WIDTH = 80


@dataclass(frozen=True, repr=False)
class Report:
    """What the doctor found: causes first, the worst at the top; print it to read it.

    `findings` are numbered from 1, as `apply` takes them. `rich.print` shows it in colours, and a
    notebook as a page. There is no `patient` where the data were refused as a whole.
    """

    patient: Patient | None
    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]
    notes: tuple[str, ...]
    seconds: float
    ended: str = ""

    @property
    def healthy(self) -> bool:
        """Whether nothing was found that costs the net anything."""
        return not any(x.severity != "note" for x in self.findings)

    @property
    def summary(self) -> str:
        """All of it in a sentence."""
        took = f"{self.seconds:.0f} s{f', {self.ended}' if self.ended else ''}"
        many = len(self.findings)
        if many and not self.healthy:
            return f"{many} finding{'' if many == 1 else 's'}, the worst first ({took})"
        if self.ended:
            return f"nothing was found before the end ({took})"
        failed = sum(check.passed is False for check in self.checks)
        more = f"; {failed} of {len(self.checks)} checks failed" if failed else ""
        return f"healthy: nothing was found that keeps this net from learning ({took}){more}"

    def apply(self, k: int = 1) -> Learner:
        """The Trainer with the cure of finding k, at its start.

        Raises `CircuitError` where there is no such finding, no cure that can be made here, or one
        that is not made in a Trainer: of the data, or of how `fit` is called.
        """
        many = len(self.findings)
        if not 1 <= k <= many:
            numbered = f"findings are numbered from 1 to {many}" if many else "nothing was found"
            raise CircuitError(f"{numbered}; got {k}")
        cure = self.findings[k - 1].cure
        if cure is None or cure.change is None or self.patient is None:
            why = cure.untried if cure else "no cure is known"
            raise CircuitError(f"finding {k} has no cure that can be made here: {why}")
        cured = cure.change(self.patient).parts
        before = vars(self.patient.parts)
        if all(value is before[name] for name, value in vars(cured).items()):
            raise CircuitError(
                f"the cure of finding {k} is not made in the Trainer, but in its data or in how "
                f"`fit` is called: {cure.text}, as the code of the cure does, and train again"
            )
        return cured.trainer()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the report as one page (.html), which needs nothing else and asks no network.

        Raises `CircuitError` for another ending, and where the file cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() != ".html":
            raise CircuitError(
                f"a report is saved as .html: name it {path.stem or 'report'}.html, not {path}"
            )
        page = page_of(self).encode("utf-8", "replace")
        with replacing(path) as file:
            file.write(page)

    def to_json_dict(self) -> dict[str, Any]:
        """All of it as plain data, with None for what is no finite number."""
        return finite(
            {
                "healthy": self.healthy,
                "summary": self.summary,
                "net": None if self.patient is None else self.patient.facts,
                "findings": [x.to_json_dict() for x in self.findings],
                "checks": [vars(x) for x in self.checks],
                "notes": list(self.notes),
                "seconds": round(self.seconds, 3),
                "ended": self.ended or "completed",
            }
        )

    def __str__(self) -> str:
        return "\n".join(line.plain for line in lines_of(self, _WIDTH))

    def __repr__(self) -> str:
        return "\n".join(in_few_lines([str(self)]))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from lines_of(self, options.max_width, ascii_only=options.ascii_only)

    def _repr_html_(self) -> str:
        return fragment_of(self)
