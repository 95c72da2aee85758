"""In: a picture as `svg` writes it. Out: the same as PNG or PDF, drawn by matplotlib.

Matplotlib brings its font along (DejaVu Sans), so that nothing depends on what is installed; the
widths that the picture counts on are that font's, at least. What is read are the few shapes that
`svg` writes, with the looks that stand at each; the picture is that for a light ground.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import IO
from xml.etree import ElementTree

from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Patch, PathPatch
from matplotlib.path import Path

_PIXEL = 1 / 96  # inches
_POINT = 72 / 96  # of a pixel
_SHARPNESS = 2.0  # dots of a PNG for each pixel
_MOST_DOTS = 30_000  # to a side

Looks = Mapping[str, str]


def write_image(text: str, file: IO[bytes], kind: str) -> None:
    """Write a picture, which is SVG, to a file of another kind: "png" or "pdf"."""
    root = ElementTree.fromstring(text)
    _, _, wide, high = (float(x) for x in root.get("viewBox", "").split())
    figure = Figure(figsize=(wide * _PIXEL, high * _PIXEL), facecolor="white")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0.0, wide)
    axes.set_ylim(high, 0.0)
    axes.axis("off")
    for order, element in enumerate(root.iter()):
        name = element.tag.rpartition("}")[2]
        looks = element.attrib
        if name in _PATCHES:
            patch = _PATCHES[name](looks)
            patch.set(zorder=order, **_style(looks))
            axes.add_patch(patch)
        elif name == "text":
            anchor = {"middle": "center", "end": "right"}.get(looks.get("text-anchor", ""), "left")
            axes.text(
                float(looks["x"]),
                float(looks["y"]),
                element.text or "",
                fontsize=float(looks.get("font-size", root.get("font-size", ""))) * _POINT,
                fontweight="bold" if "font-weight" in looks else "normal",
                fontfamily="DejaVu Sans",
                color=looks["fill"],
                ha=anchor,
                va="baseline",
                parse_math=False,
                zorder=order,
            )
    dots = min(_SHARPNESS / _PIXEL, _MOST_DOTS / (max(wide, high) * _PIXEL))
    dated = {"CreationDate": None} if kind == "pdf" else {}
    figure.savefig(file, format=kind, dpi=dots, metadata=dated)


def _style(looks: Looks) -> dict[str, object]:
    """Fill and stroke, each with its opacity."""
    fill, stroke = looks.get("fill", "none"), looks.get("stroke", "none")
    return {
        "facecolor": fill if fill == "none" else (fill, float(looks.get("fill-opacity", 1))),
        "edgecolor": stroke
        if stroke == "none"
        else (stroke, float(looks.get("stroke-opacity", 1))),
        "linewidth": float(looks.get("stroke-width", 1)) * _POINT,
        "capstyle": looks.get("stroke-linecap", "butt"),
    }


def _numbers(looks: Looks, *names: str) -> list[float]:
    return [float(looks[name]) for name in names]


def _rectangle(looks: Looks) -> Patch:
    x, y, wide, high, radius = _numbers(looks, "x", "y", "width", "height", "rx")
    style = f"round,pad=0,rounding_size={radius}"
    return FancyBboxPatch((x, y), wide, high, boxstyle=style)


def _circle(looks: Looks) -> Patch:
    x, y, radius = _numbers(looks, "cx", "cy", "r")
    return Circle((x, y), radius)


def _path(looks: Looks) -> Patch:
    """Lines, upright, level or straight, and curves, each from where the one before it ends."""
    points: list[tuple[float, float]] = []
    codes: list[int] = []
    for letter, rest in re.findall(r"([MLHVCZ])([^MLHVCZ]*)", looks["d"]):
        values = [float(value) for value in rest.split()]
        x, y = points[-1] if points else (0.0, 0.0)
        if letter == "H":
            values = [values[0], y]
        elif letter == "V":
            values = [x, values[0]]
        elif letter == "Z":
            values = [x, y]
        points += zip(values[::2], values[1::2], strict=True)
        codes += [_CODES.get(letter, int(Path.LINETO))] * (len(values) // 2)
    return PathPatch(Path(points, codes))


_CODES = {"M": int(Path.MOVETO), "C": int(Path.CURVE4), "Z": int(Path.CLOSEPOLY)}
_PATCHES: dict[str, Callable[[Looks], Patch]] = {
    "rect": _rectangle,
    "circle": _circle,
    "path": _path,
}
