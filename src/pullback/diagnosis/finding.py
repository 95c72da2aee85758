"""In: what an examination showed. Out: a finding: what is amiss, how sure, why, and what helps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pullback.core.plain import to_plain

if TYPE_CHECKING:
    from pullback.diagnosis.patient import Patient
    from pullback.train.history import History

Severity = Literal["severe", "mild", "note"]
"""Whether a net cannot learn what it should, learns it less well, or does well all the same."""

Left = Severity | Literal["", "unknown"]
"""Nothing, a lesser severity, or what cannot be told since it cannot be tried."""

SEVERITIES: Mapping[str, int] = {"severe": 0, "mild": 1, "note": 2}


@dataclass(frozen=True)
class Curve:
    """A small figure: some lines over the same numbers, each under its name."""

    title: str
    across: str
    up: str
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    logarithmic: str = ""  # of "x", "y", both or neither


@dataclass(frozen=True)
class Bars:
    """A small figure: a bar for each name."""

    title: str
    up: str
    bars: Mapping[str, float]


Picture = Curve | Bars

TRIFLE = 0.02  # of what is measured, which is not worth a change
MUCH = 0.2  # of it


@dataclass(frozen=True)
class Cure:
    """One change: in a sentence, as code to paste, and as what makes it on a patient.

    `change` is None where it cannot be tried here, as of code or data that only their owner has;
    `untried` then says why.
    """

    text: str
    code: str
    change: Callable[[Patient], Patient] | None = None
    untried: str = ""


Cures = Callable[["Patient"], tuple[Cure, ...]]
"""What makes the cures of a patient, where something is found that needs them."""


@dataclass(frozen=True)
class Proof:
    """The same training with and without the cure: both histories, and the ends over some seeds.

    `measure` is what is compared at the end. `noise` is the standard error of the difference of
    the means; the cure `helps` where the difference is no trifle, and more than twice that, or
    large and each end with the cure better than all without.
    """

    measure: str
    larger: bool  # is better
    before: Sequence[float]
    after: Sequence[float]
    histories: tuple[History, History]

    @property
    def gain(self) -> float:
        """By how much the cure is better in the mean."""
        sign = 1.0 if self.larger else -1.0
        return sign * (_mean(self.after, sign) - _mean(self.before, sign))

    @property
    def noise(self) -> float:
        """The standard error of the gain, by how the ends vary over seeds."""
        parts = [np.var(x, ddof=1) / len(x) for x in (self.before, self.after) if len(x) > 1]
        return float(np.sqrt(np.sum(parts))) if np.isfinite(parts).all() else 0.0

    @property
    def helps(self) -> bool:
        """Whether it is better by more than the seeds differ, and by something that counts."""
        size = abs(_mean(self.before, 1.0))
        size = size if math.isfinite(size) else 0.0
        apart = self.gain > MUCH * size and self._apart  # one wild seed is no reason to doubt
        return bool(self.gain > TRIFLE * size and (self.gain > 2.0 * self.noise or apart))

    @property
    def _apart(self) -> bool:
        """Whether the worst end with the cure is better than the best one without."""
        ends = (self.before, self.after) if self.larger else (self.after, self.before)
        return bool(max(ends[0]) < min(ends[1]))  # never of nan

    def to_json_dict(self) -> dict[str, Any]:
        return {
            "measure": self.measure,
            "larger_is_better": self.larger,
            "before": list(self.before),
            "after": list(self.after),
            "gain": self.gain,
            "noise": self.noise,
            "helps": self.helps,
            "history_before": self.histories[0].rows,
            "history_after": self.histories[1].rows,
        }


def _mean(values: Sequence[float], sign: float) -> float:
    """The mean, of which what is no number is the worst."""
    worst = -np.inf * sign
    return float(np.mean([x if np.isfinite(x) else worst for x in values]))


@dataclass(frozen=True)
class Finding:
    """What is amiss: its name, how bad it is, the evidence, its cause and its cure.

    `where` is the layer, column or wire that it is about, "" for the whole. `numbers` are the
    evidence for programs, and `rows` the numbers of the user's rows that it is about, the surest
    first. `consequences` are findings that it brings about, and `left` says of such a one what the
    cure of its cause leaves of it. One that is `certain` by its evidence stays where its cure does
    not help; others do not. `measure` is what its proof compares where that is not to be the loss,
    `at_end` after the last epoch instead of the best. What is `late` was not so at the start, and
    causes nothing that was.
    """

    disease: str
    severity: Severity
    evidence: str
    cause: str
    cures: tuple[Cure, ...] = ()
    where: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    picture: Picture | None = None
    proof: Proof | None = None
    consequences: tuple[Finding, ...] = ()
    left: Left = ""
    certain: bool = False
    rows: tuple[int, ...] = ()
    measure: str = ""
    at_end: bool = False
    late: bool = False

    @property
    def cure(self) -> Cure | None:
        """The cure to try first."""
        return self.cures[0] if self.cures else None

    def but(self, **changes: Any) -> Finding:
        return replace(self, **changes)

    def to_json_dict(self) -> dict[str, Any]:
        """All of it as plain data; `finite` is to be applied to it."""
        told = [{"text": x.text, "code": x.code, "untried": x.untried} for x in self.cures]
        return {
            "disease": self.disease,
            "severity": self.severity,
            "where": self.where,
            "evidence": self.evidence,
            "numbers": dict(self.numbers),
            "rows": list(self.rows),
            "cause": self.cause,
            "cure": told[0] if told else None,
            "other_cures": told[1:],
            "proof": None if self.proof is None else self.proof.to_json_dict(),
            "picture": None if self.picture is None else to_plain(self.picture),
            "consequences": [{**x.to_json_dict(), "left": x.left} for x in self.consequences],
        }
