"""In: cases. Out: what the doctor says of each, and how often it is right."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.faults.case import FAULTS, Case
from benchmarks.measure import Line
from pullback.diagnosis import Finding, Report, doctor
from pullback.diagnosis.examination import Clock
from pullback.diagnosis.proof import proved

FRESH = 100  # is added to a Trainer's seed where a cure is tried again
SECONDS = 120.0  # for each, so that what it says is the same on a slow machine

RIGHT = 0.9  # recall and precision, in the mean of all diseases
LEAST = 0.75  # of each disease
CALM = 0.97  # of healthy controls, with no severe finding
CURED = 0.95  # of cures that are said to help


@dataclass(frozen=True)
class Told:
    """What the doctor says of a case: causes and consequences by name, and cures tried again.

    `alarms` are causes that are more than a note, with their severities; `cures` says of each that
    the doctor proved whether it helps on fresh seeds too. `failed` is an exception, in its place or
    in that of one disease.
    """

    name: str
    diseases: tuple[str, ...]
    accepted: frozenset[str]
    instead: frozenset[str]
    found: frozenset[str] = frozenset()
    alarms: tuple[tuple[str, str], ...] = ()
    cures: tuple[tuple[str, bool], ...] = ()
    seconds: float = 0.0
    failed: str = ""

    @property
    def missed(self) -> list[str]:
        """What was planted and is not found, by its own name or by one that means it as well."""
        return [x for x in self.diseases if not self.found & {x, *self.instead}]

    @property
    def false(self) -> list[str]:
        """Alarms of what is neither planted nor a consequence of it."""
        due = {*self.diseases, *self.accepted, *self.instead}
        return [name for name, _ in self.alarms if name not in due]

    def __str__(self) -> str:
        parts = [f"failed: {self.failed}"] if self.failed else []
        parts += [f"missed {x}" for x in self.missed]
        parts += [f"false: {name} ({how})" for name, how in self.alarms if name in self.false]
        parts += [f"no cure of {name} on fresh seeds" for name, helps in self.cures if not helps]
        return "; ".join(parts) or "right"


def examined(case: Case) -> Told:
    """What the doctor says of a case."""
    who = (case.name, case.diseases, case.accepted, case.instead)
    setting = case.ill
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            told = {**setting.arguments, "seconds": SECONDS, "progress": False}
            report = doctor(setting.trainer(), setting.data, **told)
            cures = tuple(_tried_again(report))
        except Exception as error:  # which is what a doctor should never answer
            return Told(*who, failed=f"{type(error).__name__}: {error}")
    named = [y for x in report.findings for y in (x, *x.consequences)]
    return Told(
        *who,
        frozenset(x.disease for x in named),
        tuple((x.disease, x.severity) for x in report.findings if x.severity != "note"),
        cures,
        report.seconds,
        "; ".join(x for x in report.notes if "could not be looked for" in x),
    )


def _tried_again(report: Report) -> Iterable[tuple[str, bool]]:
    return [(x.disease, _helps(report, x)) for x in report.findings if x.proof and x.proof.helps]


def _helps(report: Report, finding: Finding) -> bool:
    """Whether the cure is better by more than noise with seeds that the doctor did not see."""
    assert finding.cure is not None
    assert finding.cure.change is not None
    assert finding.proof is not None
    patient = report.patient.but(seed=report.patient.parts.seed + FRESH)
    cured = finding.cure.change(patient)
    told = {"measure": finding.proof.measure, "at_end": finding.at_end}
    proof = proved(patient, cured, [], Clock(SECONDS), **told)
    return proof is not None and proof.gain > max(0.0, proof.noise)


def lines(told: Sequence[Told]) -> list[Line]:
    """How often the doctor is right of each disease, in the mean, and of the healthy."""
    names = dict.fromkeys(name for fault in FAULTS for name in fault.diseases)
    recalls = {name: _recall(told, name) for name in names}
    precisions = {name: _precision(told, name) for name in names}
    rows = []
    for name in names:
        cases = sum(name in x.diseases for x in told)
        rows += [
            Line(name, "cases", score=float(cases)),
            _aimed(name, "recall", recalls[name], LEAST),
            _aimed(name, "precision", precisions[name], LEAST),
        ]
    well = [x for x in told if not x.diseases]
    calm = [not x.failed and all(how != "severe" for _, how in x.alarms) for x in well]
    cures = [helps for x in told for _, helps in x.cures]
    return [
        *rows,
        _aimed("all diseases, in the mean", "recall", _mean(recalls.values()), RIGHT),
        _aimed("all diseases, in the mean", "precision", _mean(precisions.values()), RIGHT),
        Line("healthy controls", "cases", score=float(len(well))),
        _aimed("healthy controls", "without a severe finding", _mean(calm), CALM),
        _aimed("healthy controls", "without an alarm", _mean([not x.alarms for x in well])),
        Line("cures told to help", "cases", score=float(len(cures))),
        _aimed("cures told to help", "on fresh seeds", _mean(cures), CURED),
        Line("exceptions", "cases", score=float(sum(bool(x.failed) for x in told))),
        Line("seconds of a diagnosis", "mean", score=_mean(x.seconds for x in told)),
    ]


def _recall(told: Sequence[Told], name: str) -> float:
    """Of the cases of a disease, the share in which it is found."""
    return _mean(name not in x.missed for x in told if name in x.diseases)


def _precision(told: Sequence[Told], name: str) -> float:
    """Of the alarms of a disease, the share that is due."""
    return _mean(name not in x.false for x in told if name in dict(x.alarms))


def _aimed(case: str, who: str, share: float, least: float | None = None) -> Line:
    if math.isnan(share):
        return Line(case, who)
    if least is None:
        return Line(case, who, score=share)
    return Line(case, who, score=share, goal=f"at least {least:g}", reached=share >= least)


def _mean(values: Iterable[float]) -> float:
    """The mean of those that are there."""
    there = [x for x in values if not math.isnan(x)]
    return float(np.mean(there)) if there else math.nan
