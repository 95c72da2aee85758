"""In: shapes and words. Out: the text of a picture: SVG that stands alone, in light and in dark.

Nothing in it runs or is fetched: no scripts, no fonts, no links. Every word is escaped here. Only
what all readers of SVG have is used: colours and sizes stand at each shape, since not every one
reads style sheets; colours have six digits and an opacity of their own; each piece of a line is a
text at its own place, since not every one centres several. The style sheet holds only what may be
missed: the colours on a dark ground, and that the picture shrinks with the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, partial
from html import escape as escaped

from pullback.inspect.widths import SIZE, SIZES, clean, width

LINE = 13.0  # from one line of a label to the next
ARROW = 8.0
WIDEST = 900.0  # pixels of a page; a wider picture is shown smaller
_SPACE = 4.0  # between the pieces of a line

escape = partial(escaped, quote=False)  # of words between tags

# class: (attribute, in light, in dark)
_COLOURS = {
    "ground": ("fill", "#ffffff", "#11161d"),
    "ink": ("fill", "#1f2328", "#e6edf3"),
    "faint": ("fill", "#6e7781", "#919ba6"),
    "value": ("fill", "#1a7f37", "#4ec46a"),
    "grad": ("fill", "#cf222e", "#ff7b72"),
    "wire": ("stroke", "#8c959f", "#768390"),
    "dot": ("fill", "#8c959f", "#768390"),
    "gate": ("fill", "#ffffff", "#1c2430"),
    "rim": ("stroke", "#3d5a80", "#8fb3dd"),
    "source": ("fill", "#e6eaf0", "#262d37"),
    "box": ("fill", "#e7effa", "#1d2e47"),
    "frame": ("fill", "#5b83b8", "#8fb3dd"),
    "edge": ("stroke", "#5b83b8", "#8fb3dd"),
}
_MORE = {
    "wire": 'fill="none" stroke-width="1.4" stroke-linecap="round"',
    "frame": 'fill-opacity="0.06"',
    "edge": 'stroke-opacity="0.47"',
    "bold": 'font-weight="bold"',
} | {name: f'font-size="{size:g}"' for name, size in SIZES.items()}


def _style() -> str:
    """The colours in the dark. A notebook's own theme counts for more than the system's."""

    def rules(theme: int, scope: str = "") -> str:
        return "".join(
            f"{scope}.pb-{name}{{{colour[0]}:{colour[theme]}}}" for name, colour in _COLOURS.items()
        )

    return (
        "<style>@media screen{svg.pullback{max-width:100%;height:auto}}"
        f"@media(prefers-color-scheme:dark){{{rules(2)}}}"
        f"{rules(1, '[data-jp-theme-light=true] ')}{rules(2, '[data-jp-theme-light=false] ')}"
        f"{rules(1, '.vscode-light ')}{rules(2, '.vscode-dark ')}</style>"
    )


def number(value: float) -> str:
    """A coordinate: a tenth of a pixel is all that anyone sees."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


@cache
def _look(names: str) -> str:
    """The attributes that these classes stand for, and the classes, for the style sheet."""
    found = [f'class="{_classes(names)}"']
    for name in names.split():
        if name in _COLOURS:
            found.append('{}="{}"'.format(*_COLOURS[name][:2]))
        if name in _MORE:
            found.append(_MORE[name])
    return " ".join(found)


def line_width(spans: Sequence[tuple[str, str]]) -> float:
    """How wide a line of several (words, classes) is."""
    return sum(width(*span) for span in spans) + _SPACE * (len(spans) - 1)


def line(
    x: float, y: float, spans: Sequence[tuple[str, str]], classes: str, anchor: str = "middle"
) -> str:
    """A line of several (words, classes) one after another, about or from `x`.

    Two in the middle meet at a point: one ends and the other starts there, in whatever font.
    """
    if len(spans) == 1 or anchor == "start":
        texts = []
        for words, own in spans:
            texts.append(text(x, y, words, f"{classes} {own}", anchor))
            x += width(words, own) + _SPACE
        return "".join(texts)
    (first, one), (second, other) = spans
    meet = x - line_width(spans) / 2 + width(first, one)
    return text(meet, y, first, f"{classes} {one}", "end") + text(
        meet + _SPACE, y, second, f"{classes} {other}", "start"
    )


def text(x: float, y: float, words: str, classes: str, anchor: str = "middle") -> str:
    """One line of words about, from, or up to `x`."""
    at = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{number(x)}" y="{number(y)}" {_look(classes)}{at}>{escape(words)}</text>'


def rectangle(x: float, y: float, wide: float, high: float, radius: float, classes: str) -> str:
    """A rectangle with rounded corners."""
    return (
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(wide)}" height="{number(high)}" '
        f'rx="{number(radius)}" {_look(classes)}/>'
    )


def circle(x: float, y: float, radius: float, classes: str) -> str:
    """A circle."""
    at = f'cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"'
    return f"<circle {at} {_look(classes)}/>"


def dot(x: float, y: float) -> str:
    """Where a wire branches."""
    return circle(x, y, 2.6, "dot")


def arrow(x: float, y: float, down: bool) -> str:
    """Where a wire leaves the circuit."""
    if down:
        at = f"M{number(x)} {number(y + ARROW)}L{number(x - 4.5)} {number(y - 1)}H{number(x + 4.5)}"
    else:
        at = f"M{number(x + ARROW)} {number(y)}L{number(x - 1)} {number(y - 4.5)}V{number(y + 4.5)}"
    return f'<path {_look("dot")} d="{at}Z"/>'


def path(strokes: Iterable[tuple[float, float, float, float]], down: bool) -> str:
    """Lines from (x0, y0) to (x1, y1): straight if level, else S-shaped and level at both ends.

    In a picture that flows `down`, level is upright.
    """
    pieces, pen = [], None
    for x0, y0, x1, y1 in strokes:
        a, b, c, d = number(x0), number(y0), number(x1), number(y1)
        if (a, b) == (c, d):
            continue
        if pen != (a, b):
            pieces.append(f"M{a} {b}")
        if a == c:
            pieces.append(f"V{d}")
        elif b == d:
            pieces.append(f"H{c}")
        elif down:
            half = number((y0 + y1) / 2)
            pieces.append(f"C{a} {half} {c} {half} {c} {d}")
        else:
            half = number((x0 + x1) / 2)
            pieces.append(f"C{half} {b} {half} {d} {c} {d}")
        pen = (c, d)
    return f'<path {_look("wire")} d="{"".join(pieces)}"/>'


def group(title: str, parts: Iterable[str], classes: str) -> str:
    """Shapes that belong together, with what a reader sees when the pointer rests on them."""
    lines = "\n".join(clean(line) for line in title.split("\n"))
    return f'<g class="{_classes(classes)}"><title>{escape(lines)}</title>{"".join(parts)}</g>'


def document(title: str, wide: float, high: float, parts: Iterable[str]) -> str:
    """The whole picture, on a ground of its own, and no wider than a page."""
    shown = min(1.0, WIDEST / wide)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="pullback" '
        f'viewBox="0 0 {number(wide)} {number(high)}" '
        f'width="{number(wide * shown)}" height="{number(high * shown)}" role="img" '
        f'font-size="{SIZE:g}" font-family="Helvetica, Arial, sans-serif">\n'
        f"<title>{escape(clean(title))}</title>\n{_style()}\n"
        f"{rectangle(0, 0, wide, high, 6, 'ground')}\n{body}\n</svg>\n"
    )


def _classes(names: str) -> str:
    return " ".join(f"pb-{name}" for name in names.split())
