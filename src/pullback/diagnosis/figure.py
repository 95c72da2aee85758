"""In: a small figure of a finding, as numbers. Out: SVG to stand in a page, in the page's colours.

Lines differ by their dashes as well as by colour. What is no number is a gap in a line, with a
cross where the line breaks off.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from pullback.core.text import number as said
from pullback.diagnosis.finding import Bars, Curve, Picture, Proof
from pullback.diagnosis.scale import Scale
from pullback.inspect.svg import circle, number, text
from pullback.inspect.widths import clean, short, width

_WIDE, _HIGH = 380.0, 220.0
_EDGE = 14.0  # right of a plot
_BELOW = 34.0  # a plot, for the marks of its axis and their name
_LINE = 18.0  # from one line of words to the next
_ROW = 22.0  # from one bar, or one row of points, to the next
_MOST_BARS = 16
_NAME = 24  # characters of a bar's name
_STYLES = 4  # of lines that can be told apart
_MARKS = 5
_RADIUS = 4.0
_SPARE = 1.1  # for fonts wider than is guessed
WITHOUT, WITH = "without the cure", "with it"


def svg_of(picture: Picture) -> str:
    """The picture as SVG, which stands in HTML as it is.

    >>> svg_of(Bars("share of zeros", "share", {"relu1": 0.5})).count("<rect")
    1
    """
    return _bars(picture) if isinstance(picture, Bars) else _curve(picture)


def curve_of(proof: Proof) -> Curve:
    """What the proof compares, epoch by epoch, of both trainings with the first seed."""
    name = proof.measure.replace("_", " ")
    lines = {}
    for who, history in zip((WITHOUT, WITH), proof.histories, strict=True):
        rows = [row for row in history.rows if proof.measure in row]
        lines[who] = ([row["epoch"] for row in rows], [row[proof.measure] for row in rows])
    far = Scale.over(y for _, ys in lines.values() for y in ys).logarithmic
    title = f"{name}, epoch by epoch"
    return Curve(title, "epoch", name, lines, logarithmic="y" if far else "")


def points_of(proof: Proof) -> str:
    """What each seed came to as a point, in a row without the cure and a row with it."""
    rows = {}
    for who, values in ((WITHOUT, proof.before), (WITH, proof.after)):
        lost = sum(not math.isfinite(x) for x in values)
        rows[f"{who}, {lost} lost" if lost else who] = values
    left = max(width(who, "small") for who in rows) + 14.0
    high = _LINE + _ROW * len(rows)
    scale = _padded(Scale.over(x for values in rows.values() for x in values))
    parts = [*_across(scale, left, _LINE, high, proof.measure.replace("_", " "))]
    for k, (who, values) in enumerate(rows.items()):
        y = _LINE + _ROW * (k + 0.5)
        parts.append(text(0.0, y + 4.0, who, "small", "start"))
        at = (_between(left, scale.share(x)) for x in values if math.isfinite(x))
        parts += [circle(x, y, _RADIUS, f"point style{k}") for x in at]
    title = f"{proof.measure.replace('_', ' ')} of each seed"
    return _drawn(title, high + _BELOW, parts)


def _curve(curve: Curve) -> str:
    """Lines over an axis each way, with a legend where there are several."""
    across, up = (
        Scale.over((x for line in curve.lines.values() for x in line[k]), axis in curve.logarithmic)
        for k, axis in enumerate("xy")
    )
    marks = up.marks(_MARKS)
    left = max(width(said(mark), "small") for mark in marks) + 8.0
    legend = list(_legend(list(curve.lines))) if len(curve.lines) > 1 else []
    top = 20.0 + (_LINE * (1 + max(row for row, _ in legend)) if legend else 0.0)
    low = _HIGH - _BELOW
    parts = [
        text(0.0, 11.0, clean(curve.up), "small faint", "start"),
        *(part for _, part in legend),
    ]
    for mark in marks:
        y = low - up.share(mark) * (low - top)
        parts.append(_line(left, y, _WIDE - _EDGE, y, "grid"))
        parts.append(text(left - 6.0, y + 4.0, said(mark), "small faint", "end"))
    parts += _across(across, left, top, low, curve.across)
    for k, (xs, ys) in enumerate(curve.lines.values()):
        places = [
            (_between(left, across.share(x)), low - up.share(y) * (low - top))
            for x, y in zip(xs, ys, strict=True)
        ]
        parts += _stroke(places, _style(k, len(curve.lines)))
    return _drawn(curve.title, _HIGH, parts)


def _bars(bars: Bars) -> str:
    """A bar for each name, from 0, with its number; of many the first."""
    shown = list(bars.bars.items())[:_MOST_BARS]
    names = [short(name, _NAME) for name, _ in shown]
    left = max((width(name, "small") for name in names), default=0.0) * _SPARE + 8.0
    numbers = [said(value) for _, value in shown]
    right = max((width(told, "small") for told in numbers), default=0.0) + 8.0
    scale = Scale.over([0.0, *(value for _, value in shown)])
    parts = [text(0.0, 11.0, clean(bars.up), "small faint", "start")]

    def place(value: float) -> float:
        return left + scale.share(value) * (_WIDE - right - left)

    zero = place(0.0)
    for k, ((_, value), name, told) in enumerate(zip(shown, names, numbers, strict=True)):
        y = _LINE + _ROW * k
        parts.append(text(left - 8.0, y + 14.0, name, "small", "end"))
        end = place(value) if math.isfinite(value) else zero
        at, wide = min(zero, end), abs(end - zero)
        if math.isfinite(value):
            size = f'width="{number(max(wide, 1.0))}" height="{number(_ROW - 7.0)}"'
            where = f'x="{number(at)}" y="{number(y + 3.0)}"'
            parts.append(f'<rect class="pb-bar" {where} {size}/>')
        parts.append(text(max(zero, end) + 5.0, y + 14.0, told, "small faint", "start"))
    high = _LINE + _ROW * len(shown) + 4.0
    if len(bars.bars) > len(shown):
        more = f"… {len(bars.bars) - len(shown)} more"
        parts.append(text(left, high + 10.0, more, "small faint", "start"))
        high += _LINE
    return _drawn(bars.title, high, parts)


# Parts -------------------------------------------------------------------------------------------


def _drawn(title: str, high: float, parts: Iterable[str]) -> str:
    words = escape(clean(title))
    return (
        f'<svg viewBox="0 0 {number(_WIDE)} {number(high)}" role="img" aria-label="{words}">'
        f"{''.join(parts)}</svg>"
    )


def _between(left: float, share: float) -> float:
    return left + share * (_WIDE - _EDGE - left)


def _padded(scale: Scale) -> Scale:
    """The scale with some room at its ends, so that no point lies on an edge."""
    if scale.logarithmic:
        return Scale(scale.low / 1.2, scale.high * 1.2, True)
    room = 0.05 * ((scale.high - scale.low) or abs(scale.high) or 1.0)
    return Scale(scale.low - room, scale.high + room)


def _across(scale: Scale, left: float, top: float, low: float, name: str) -> Iterator[str]:
    """The axis below a plot, with its marks and its name."""
    yield _line(left, low, _WIDE - _EDGE, low, "axis")
    for mark in scale.marks(_MARKS):
        x = _between(left, scale.share(mark))
        yield _line(x, low, x, low + 4.0, "axis")
        yield text(x, low + 16.0, said(mark), "small faint")
    yield text(_between(left, 0.5), low + 30.0, clean(name), "small faint")


def _legend(names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """A stroke and a name for each line, in as many rows as it takes; each with its row."""
    x, row = 0.0, 0
    for k, name in enumerate(names):
        told = short(name, 2 * _NAME)
        wide = 30.0 + width(told, "small") + 14.0
        if x and x + wide > _WIDE:
            x, row = 0.0, row + 1
        y = 26.0 + _LINE * row
        yield row, _line(x, y, x + 24.0, y, f"line style{_style(k, len(names))}")
        yield row, text(x + 30.0, y + 4.0, told, "small", "start")
        x += wide


def _style(k: int, count: int) -> int:
    """Of a line alone the plain one, which of two is that of what helps."""
    return 1 if count == 1 else k % _STYLES


def _stroke(places: Sequence[tuple[float, float]], style: int) -> Iterator[str]:
    """A line through all places that are numbers, and a cross where it breaks off."""
    pieces, pen = [], False
    broken: list[tuple[float, float]] = []
    for k, (x, y) in enumerate(places):
        there = math.isfinite(x) and math.isfinite(y)
        if there:
            pieces.append(f"{'L' if pen else 'M'}{number(x)} {number(y)}{'' if pen else 'h0'}")
        elif pen:
            broken.append(places[k - 1])
        pen = there
    if pieces:
        yield f'<path class="pb-line pb-style{style}" d="{"".join(pieces)}"/>'
    for x, y in broken:
        yield text(x + 6.0, y + 4.0, "×", f"cross style{style}")


def _line(x0: float, y0: float, x1: float, y1: float, classes: str) -> str:
    named = " ".join(f"pb-{name}" for name in classes.split())
    ends = zip(("x1", "y1", "x2", "y2"), (x0, y0, x1, y1), strict=True)
    places = " ".join(f'{name}="{number(x)}"' for name, x in ends)
    return f'<line class="{named}" {places}/>'
