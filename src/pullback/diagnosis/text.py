"""In: a report. Out: lines for a terminal of some width, in colours where it has them.

Words are wrapped. Code is not, so that it can be copied: what shows the lines decides over it. What
is no printable character is shown as a question mark, since names of columns and layers may hold
anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from pullback.core.text import number, printable
from pullback.diagnosis.checks import Check
from pullback.diagnosis.finding import Cure, Finding, Proof
from pullback.diagnosis.scale import Scale

if TYPE_CHECKING:
    from pullback.diagnosis.report import Report

_LEAST = 40  # columns, below which words are no longer wrapped
_INDENT = 12
_SPARKS = "▁▂▃▄▅▆▇█"
_LOST = "×"
_LENGTH = 24  # of a curve in a line of text
_WHO = 9  # columns of "without" and "with"
SIGNS = {True: "✓", False: "✗", None: "–"}
COLOURS = {"severe": "red", "mild": "yellow", "note": "cyan"}
_OF_CHECKS = {True: "green", False: "red", None: "dim"}
_ASCII = str.maketrans(f"✓✗–…{_LOST}{_SPARKS}", "+x-.?_.:-=+*#")


def lines_of(report: Report, width: int, *, ascii_only: bool = False) -> Iterator[Text]:
    """The report, line by line; with `ascii_only` for a terminal that has no other characters."""
    for line in _lines(report, max(width, _LEAST)):
        if ascii_only:
            line.plain = line.plain.translate(_ASCII)
        yield line


def _lines(report: Report, width: int) -> Iterator[Text]:
    style = "bold green" if report.healthy and not report.ended else "bold"
    yield from _wrapped(report.summary, width, style=style)
    for k, finding in enumerate(report.findings, start=1):
        yield Text()
        yield from _finding(k, finding, width)
    if report.checks:
        yield Text()
    for check in report.checks:
        yield from _check(check, width)
    if report.notes:
        yield Text()
    for note in report.notes:
        yield from _wrapped(f"note: {note}", width, later="  ")


def _finding(k: int, finding: Finding, width: int) -> Iterator[Text]:
    colour = COLOURS[finding.severity]
    for line in _wrapped(f"{k}. {headline(finding)} ({finding.severity})", width, later="   "):
        line.stylize("bold")
        line.highlight_regex(rf"\({finding.severity}\)$", colour)
        yield line
    yield from _part("evidence", finding.evidence, width)
    yield from _part("cause", finding.cause, width)
    for name, cure in zip(("cure", *["or"] * len(finding.cures)), finding.cures, strict=False):
        yield from _cure(name, cure, width)
    if finding.proof is not None:
        yield from _proof(finding.proof, width)
    elif finding.cure is not None and finding.cure.untried:
        yield from _part("proof", f"it cannot be tried here: {finding.cure.untried}", width)
    for other in finding.consequences:
        yield from _part("brings", f"{consequence(other)}: {other.evidence}", width)


def headline(finding: Finding) -> str:
    """The name of a finding, and where it is.

    >>> headline(Finding("dying ReLUs", "mild", "", "", where="relu1"))
    'dying ReLUs in relu1'
    """
    return f"{finding.disease} in {finding.where}" if finding.where else finding.disease


def consequence(finding: Finding) -> str:
    """The name of what a finding brings, and what the cure leaves of it.

    >>> consequence(Finding("underfitting", "severe", "", "", left="mild"))
    'underfitting, which is mild with the cure'
    """
    left = {"": "is gone", "unknown": "may be gone"}.get(finding.left, f"is {finding.left}")
    return f"{headline(finding)}, which {left} with the cure"


def _cure(name: str, cure: Cure, width: int) -> Iterator[Text]:
    yield from _part(name, cure.text, width)
    for line in cure.code.splitlines():
        yield Text(f"{'':{_INDENT}}{printable(line)}", "cyan")


def _check(check: Check, width: int) -> Iterator[Text]:
    told = f"{SIGNS[check.passed]} {check.name}: {check.seen}"
    for k, line in enumerate(_wrapped(told, width, later="  ")):
        if k == 0:
            line.stylize(_OF_CHECKS[check.passed], 0, 1)
        yield line


def _proof(proof: Proof, width: int) -> Iterator[Text]:
    yield from _part("proof", verdict(proof), width)
    pairs = [
        (who, [row[proof.measure] for row in history.rows if proof.measure in row], ends)
        for who, history, ends in zip(
            ("without", "with"), proof.histories, (proof.before, proof.after), strict=True
        )
    ]
    scale = Scale.over(value for _, values, _ in pairs for value in values)
    told = ["  ".join(measured(proof.measure, x) for x in ends) for _, _, ends in pairs]
    room = min(_LENGTH, max(8, width - _INDENT - _WHO - 2 - max(map(len, told))))
    drawn = [sparks(values, scale, room) for _, values, _ in pairs]
    room = max(map(len, drawn))
    for (who, _, _), curve, ends in zip(pairs, drawn, told, strict=True):
        line = Text(f"{'':{_INDENT}}{who:{_WHO}}{curve:{room}}  {ends}".rstrip())
        if who == "with" and proof.helps:
            line.stylize("green", _INDENT)
        yield line


def verdict(proof: Proof) -> str:
    """Whether the cure helps, in a sentence with what was measured."""
    words = "it helps" if proof.helps else "it does not help by more than chance"
    name = proof.measure.replace("_", " ")
    of = f", in the mean of {len(proof.after)} seeds" if len(proof.after) > 1 else ""
    with_it = _mean(proof.measure, proof.after, "with it")
    return f"{words}: {name} {with_it}, {_mean(proof.measure, proof.before, 'without')}{of}"


def _mean(measure: str, values: Sequence[float], where: str) -> str:
    """The mean of what is a number, and how many are none."""
    there = [x for x in values if math.isfinite(x)]
    if not there:
        return f"lost {where}"
    lost = len(values) - len(there)
    more = f" ({lost} of {len(values)} lost)" if lost else ""
    return f"{measured(measure, float(np.mean(there)))} {where}{more}"


def measured(measure: str, value: float) -> str:
    """A measurement as people read it: of nets that left all numbers behind, "lost".

    >>> measured("validation_loss", 0.25), measured("validation_accuracy", 0.25)
    ('0.25', '25.0%')
    """
    if not math.isfinite(value):
        return "lost"
    return f"{value:.1%}" if measure.endswith("accuracy") else number(value)


def sparks(values: Sequence[float], scale: Scale, length: int = _LENGTH) -> str:
    """A curve as a line of text, of the ends of a scale; a cross is no number.

    >>> sparks([1.0, 0.5, float("nan")], Scale(0.0, 1.0))
    '█▅×'
    """
    kept = np.linspace(0, len(values) - 1, min(length, len(values))).round().astype(int)
    shares = [scale.share(values[k]) for k in kept]
    top = len(_SPARKS) - 1
    return "".join(_SPARKS[round(x * top)] if math.isfinite(x) else _LOST for x in shares)


def _part(name: str, told: str, width: int) -> Iterator[Text]:
    """A word in a column of its own, and what is told beside it."""
    head = f"   {name:{_INDENT - 3}}"
    for k, line in enumerate(_wrapped(told, width, first=head, later=" " * _INDENT)):
        if k == 0:
            line.stylize("dim", 0, _INDENT)
        yield line


def _wrapped(
    told: str, width: int, *, first: str = "", later: str = "", style: str = ""
) -> list[Text]:
    lines = wrap(
        printable(told),
        width,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [Text(line, style, no_wrap=True, overflow="ignore") for line in lines]
