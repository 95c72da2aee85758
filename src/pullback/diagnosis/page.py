"""In: a report. Out: one HTML file to read, to print or to send, which asks no network.

The page is put together here and of the files in `web/`; only what copies code is JavaScript, and
all can be read without. Every text of a report is escaped, so that none is ever HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from pullback.core.text import printable
from pullback.diagnosis.checks import Check
from pullback.diagnosis.figure import curve_of, points_of, svg_of
from pullback.diagnosis.finding import Cure, Finding, Proof
from pullback.diagnosis.text import SIGNS, consequence, headline, verdict
from pullback.figures.page import whole_page

if TYPE_CHECKING:
    from pullback.diagnosis.patient import Patient
    from pullback.diagnosis.report import Report

_OF_CHECKS = {True: ("passed", "passed"), False: ("failed", "failed"), None: ("open", "not made")}
_LONGEST = 2000  # characters of a text; longer ones are cut


def page_of(report: Report) -> str:
    """The page of a report as text."""
    style = f"{_own('page.css')}\n{_own('report.css')}"
    body = f"{_report(report)}\n<script>\n{_own('copy.js')}\n</script>"
    return whole_page(_words(report.summary), style, body)


def fragment_of(report: Report) -> str:
    """The report as a piece of HTML for a notebook, in the colours of its page."""
    return f"<style>{_own('report.css')}</style>{_report(report)}"


def _own(name: str) -> str:
    return files("pullback.diagnosis").joinpath("web", name).read_text(encoding="utf-8")


def _words(text: str) -> str:
    """A text that stands in HTML as it reads."""
    text = printable(text)
    return escape(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def _paragraph(text: str, kind: str = "") -> str:
    opening = f'<p class="{kind}">' if kind else "<p>"
    return f"{opening}{_words(text)}</p>"


def _report(report: Report) -> str:
    well = ' class="well"' if report.healthy and not report.ended else ""
    head = f'<p class="quiet">pullback doctor</p><h1>{_words(report.summary)}</h1>'
    parts = [f"<header{well}>{head}</header>"]
    parts += [_finding(k, finding) for k, finding in enumerate(report.findings, start=1)]
    if report.checks:
        parts.append(_section("Checks", "<ul>", map(_check, report.checks), "</ul>"))
    if report.patient is not None:
        parts.append(_section("The net", "<dl>", _facts(report.patient), "</dl>"))
    if report.notes:
        parts.append(_section("Notes", (_paragraph(note) for note in report.notes)))
    return f'<article class="doctor">{"".join(parts)}</article>'


def _section(title: str, *parts: str | Iterable[str]) -> str:
    inner = "".join(part if isinstance(part, str) else "".join(part) for part in parts)
    return f"<section><h2>{title}</h2>{inner}</section>"


def _facts(patient: Patient) -> Iterator[str]:
    for name, fact in patient.facts.items():
        if fact != "":
            told = f"{fact:,}" if isinstance(fact, int) else str(fact)
            yield f"<dt>{_words(name.replace('_', ' '))}</dt><dd>{_words(told)}</dd>"


def _check(check: Check) -> str:
    kind, word = _OF_CHECKS[check.passed]
    sign = f'<b role="img" aria-label="{word}">{SIGNS[check.passed]}</b>'
    return f'<li class="{kind}">{sign}{_words(check.name)}: {_words(check.seen)}</li>'


def _finding(k: int, finding: Finding) -> str:
    badge = f'<span class="badge">{finding.severity}</span>'
    parts = [
        f'<section class="finding {finding.severity}">',
        f"<h2>{k}. {_words(headline(finding))}{badge}</h2>",
        _paragraph(finding.evidence, "evidence"),
    ]
    if finding.picture is not None:
        parts.append(_figure(finding.picture.title, svg_of(finding.picture)))
    if finding.cause:
        parts += ["<h3>Cause</h3>", _paragraph(finding.cause)]
    parts += [part for j, cure in enumerate(finding.cures) for part in _cure(j, cure)]
    if finding.proof is not None:
        parts += _proof(finding.proof)
    elif finding.cure is not None and finding.cure.untried:
        untried = f"It cannot be tried here: {finding.cure.untried}."
        parts += ["<h3>Proof</h3>", _paragraph(untried)]
    if finding.consequences:
        brought = (_consequence(other) for other in finding.consequences)
        parts += ["<h3>Brings</h3>", "<ul>", *brought, "</ul>"]
    return "".join([*parts, "</section>"])


def _cure(k: int, cure: Cure) -> Iterator[str]:
    yield f"<h3>{'Or' if k else 'Cure'}</h3>"
    yield _paragraph(cure.text)
    if cure.code:
        lines = "\n".join(printable(line) for line in cure.code.splitlines())
        yield f'<div class="code"><pre><code>{escape(lines)}</code></pre></div>'


def _proof(proof: Proof) -> Iterator[str]:
    yield "<h3>Proof</h3>"
    yield _paragraph(verdict(proof))
    yield '<div class="pair">'
    curve = curve_of(proof)
    yield _figure(curve.title, svg_of(curve))
    yield _figure("each seed at its end", points_of(proof))
    yield "</div>"


def _figure(title: str, svg: str) -> str:
    return f"<figure><figcaption>{_words(title)}</figcaption>{svg}</figure>"


def _consequence(finding: Finding) -> str:
    return f"<li><b>→</b>{_words(consequence(finding))}: {_words(finding.evidence)}</li>"
