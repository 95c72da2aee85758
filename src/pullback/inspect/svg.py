"""In: shapes and words. Out: the text of a picture: SVG that stands alone, in light and in dark.

Nothing in it runs or is fetched: no scripts, no fonts, no links. Every word is escaped here. How
wide words are is estimated, because what font a reader's machine has is not known.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from html import escape as escaped

LINE = 13.0  # from one line of a label to the next
ARROW = 8.0
SIZES = {"": 12.0, "small": 11.0, "symbol": 17.0, "word": 12.5, "title": 12.5}

# What XML cannot carry, escaped or not, and what would turn the direction of the words around.
_FORBIDDEN = re.compile(
    "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]"
)

escape = partial(escaped, quote=False)  # of words between tags

_NARROW, _WIDE = frozenset("ijlftrI.,:;'|!()[]{} ·"), frozenset("mwMW@%—…×")

# class: (declaration, in light, in dark)
_COLOURS = {
    "ink": ("fill", "#1f2328", "#e6edf3"),
    "faint": ("fill", "#6e7781", "#919ba6"),
    "value": ("fill", "#1a7f37", "#4ec46a"),
    "grad": ("fill", "#cf222e", "#ff7b72"),
    "wire": ("stroke", "#8c959f", "#768390"),
    "dot": ("fill", "#8c959f", "#768390"),
    "gate": ("fill", "#ffffff", "#1c2430"),
    "rim": ("stroke", "#3d5a80", "#8fb3dd"),
    "source": ("fill", "#f1f3f6", "#262d37"),
    "box": ("fill", "#e7effa", "#1d2e47"),
    "frame": ("fill", "#5b83b80f", "#8fb3dd12"),
    "edge": ("stroke", "#5b83b877", "#8fb3dd77"),
}


def _style() -> str:
    """The style sheet. A notebook's own theme counts for more than the system's."""

    def rules(theme: int, scope: str = "") -> str:
        return "".join(
            f"{scope}.pb-{name}{{{colour[0]}:{colour[theme]}}}" for name, colour in _COLOURS.items()
        )

    sizes = "".join(f".pb-{k}{{font-size:{size}px}}" for k, size in SIZES.items() if k)
    return (
        f"<style>{sizes}.pb-wire{{fill:none;stroke-width:1.4;stroke-linecap:round}}"
        ".pb-bold{font-weight:600}"
        f"{rules(1)}@media(prefers-color-scheme:dark){{{rules(2)}}}"
        f"{rules(1, '[data-jp-theme-light=true] ')}{rules(2, '[data-jp-theme-light=false] ')}"
        f"{rules(1, '.vscode-light ')}{rules(2, '.vscode-dark ')}</style>"
    )


def clean(words: str) -> str:
    """Words as one line of XML text can carry them, not escaped yet."""
    return " ".join(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", words).split())


def short(words: str, most: int) -> str:
    """At most so many characters.

    >>> short("a_very_long_name", 8)
    'a_very_…'
    """
    words = clean(words)
    return words if len(words) <= most else words[: most - 1] + "…"


@lru_cache(maxsize=4096)
def width(words: str, classes: str = "") -> float:
    """About how wide these words are, rather too much than too little."""
    size = max((SIZES[name] for name in classes.split() if name in SIZES), default=SIZES[""])
    units = 0.0
    for character in words:
        if unicodedata.combining(character):
            continue
        if unicodedata.east_asian_width(character) in "WF":
            units += 1.05
        elif character in _NARROW:
            units += 0.36
        elif character in _WIDE or character.isupper():
            units += 0.86 if character in _WIDE else 0.7
        else:
            units += 0.58
    return units * size * (1.12 if "bold" in classes.split() else 1.0)


def number(value: float) -> str:
    """A coordinate: a tenth of a pixel is all that anyone sees."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def text(
    x: float, y: float, spans: str | Sequence[tuple[str, str]], classes: str, anchor: str = "middle"
) -> str:
    """One line of words, or of several (words, classes) one after another, about or from `x`."""
    if not isinstance(spans, str) and len(spans) == 1:
        spans, classes = spans[0][0], f"{classes} {spans[0][1]}"
    if isinstance(spans, str):
        inner = escape(spans)
    else:
        inner = " ".join(f'<tspan class="{_classes(c)}">{escape(w)}</tspan>' for w, c in spans)
    at = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{number(x)}" y="{number(y)}" class="{_classes(classes)}"{at}>{inner}</text>'


def rectangle(x: float, y: float, wide: float, high: float, radius: float, classes: str) -> str:
    """A rectangle with rounded corners."""
    return (
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(wide)}" height="{number(high)}" '
        f'rx="{number(radius)}" class="{_classes(classes)}"/>'
    )


def circle(x: float, y: float, radius: float, classes: str) -> str:
    """A circle."""
    at = f'cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"'
    return f'<circle {at} class="{_classes(classes)}"/>'


def dot(x: float, y: float) -> str:
    """Where a wire branches."""
    return circle(x, y, 2.6, "dot")


def arrow(x: float, y: float) -> str:
    """Where a wire leaves the circuit."""
    at = f"M{number(x + ARROW)} {number(y)}L{number(x - 1)} {number(y - 4.5)}V{number(y + 4.5)}Z"
    return f'<path class="pb-dot" d="{at}"/>'


def path(strokes: Iterable[tuple[float, float, float, float]]) -> str:
    """Lines from (x0, y0) to (x1, y1): straight if level, else S-shaped and level at both ends."""
    pieces, pen = [], None
    for x0, y0, x1, y1 in strokes:
        a, b, c, d = number(x0), number(y0), number(x1), number(y1)
        if (a, b) == (c, d):
            continue
        if pen != (a, b):
            pieces.append(f"M{a} {b}")
        half = number((x0 + x1) / 2)
        pieces.append(f"H{c}" if b == d else f"C{half} {b} {half} {d} {c} {d}")
        pen = (c, d)
    return f'<path class="pb-wire" d="{"".join(pieces)}"/>'


def group(title: str, parts: Iterable[str], classes: str) -> str:
    """Shapes that belong together, with what a reader sees when the pointer rests on them."""
    lines = "\n".join(clean(line) for line in title.split("\n"))
    return f'<g class="{_classes(classes)}"><title>{escape(lines)}</title>{"".join(parts)}</g>'


def document(title: str, wide: float, high: float, parts: Iterable[str]) -> str:
    """The whole picture, on a transparent ground."""
    w, h = number(wide), number(high)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="pullback" viewBox="0 0 {w} {h}" '
        f'width="{w}" height="{h}" role="img" font-size="12" '
        "font-family=\"system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif\">\n"
        f"<title>{escape(clean(title))}</title>\n{_style()}\n{body}\n</svg>\n"
    )


def _classes(names: str) -> str:
    return " ".join(f"pb-{name}" for name in names.split())
