"""In: a map. Out: one HTML file to explore it with, which needs nothing else and asks no network.

The page is put together of the files in `web/`. Its texts are JSON, its numbers base64 of typed
arrays: places as float32, those of frames as uint16 between their bounds. Nothing that a map holds
is ever HTML: texts are escaped here, and there shown as text alone.
"""

from __future__ import annotations

import base64
import html
import json
import math
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.aside import replacing
from pullback.core.text import counted, number
from pullback.figures.page import whole_page
from pullback.maps.colours import GREY, PLAIN, RAMP, about_colours, bounds, class_colours
from pullback.maps.labels import NAMED, Classes, Quantities
from pullback.maps.thumbnails import COLUMNS, EACH, Sheets, sheets_of

if TYPE_CHECKING:
    from pullback.maps.map import Frame, Map

SCRIPTS = (
    *("data", "view", "webgl", "plain", "colours", "search"),
    *("overlay", "card", "replay", "main", "hands"),
)
LONGEST = 300  # characters of a text; longer ones are cut
FRAMES_ROOM = 7_000_000  # bytes of all frames
MOST_NEIGHBOURS = 5  # of each point
MOST_ROWS = 500  # of the legend
_STEPS = 65535  # that the bounds of a frame are divided into
_KINDS = {
    "<f4": "Float32Array",
    "<i2": "Int16Array",
    "|u1": "Uint8Array",
    "<u2": "Uint16Array",
    "<u4": "Uint32Array",
}
"""JavaScript's arrays by NumPy's types."""

Facts = dict[str, Any]


def write_page(map: Map, path: Path) -> None:
    """Write the page of a map.

    Raises `CircuitError` where it cannot be written.
    """
    page = page_of(map, path.stem).encode("utf-8", "replace")
    with replacing(path) as file:
        file.write(page)


def page_of(map: Map, name: str = "map") -> str:
    """The page of a map as text; `name` is that of the pictures saved from it.

    >>> from pullback.maps import Map
    >>> "<title>two points</title>" in page_of(Map([[0, 0], [1, 1]], title="two points"))
    True
    """
    frames, last = _moments(map)
    arrays = _arrays(map, frames)
    sheets = None if map.pictures is None else sheets_of(map.pictures)
    facts = _facts(map, frames, last, sheets)
    facts |= {"file": name, "arrays": {key: _KINDS[x.dtype.str] for key, x in arrays.items()}}
    held = [
        _held(f"array-{key}", base64.b64encode(x.tobytes()).decode()) for key, x in arrays.items()
    ]
    held += [_held(f"sheet-{k}", text) for k, text in enumerate(sheets.texts if sheets else ())]
    title, style = html.escape(map.title) or "map", _own("page.css")
    parts = {
        "script": "\n".join(_own(f"{script}.js") for script in SCRIPTS),
        "arrays": "\n".join(held),
    }
    size = (sum(len(part) for part in (title, style, *parts.values())) + len(_json(facts))) / 1e6
    facts["size"] = f"This page has {size:.1f} MB and needs nothing else."
    parts["facts"] = _json(facts)
    body = re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _own("body.html"))
    return whole_page(title, style, body.rstrip("\n"))


def _own(name: str) -> str:
    return files("pullback.maps").joinpath("web", name).read_text(encoding="utf-8")


def _held(name: str, text: str) -> str:
    """A text that the page holds, of letters that mean nothing in HTML."""
    return f'<script type="text/plain" id="{name}">{text}</script>'


def _json(facts: Facts) -> str:
    """JSON in ASCII that holds no tag: "<" is written as JavaScript reads it in a text."""
    return json.dumps(facts, allow_nan=False).replace("<", "\\u003c")


# Facts -------------------------------------------------------------------------------------------


def _facts(map: Map, frames: Sequence[Frame], last: Frame | None, sheets: Sheets | None) -> Facts:
    """What the page holds as texts and single numbers."""
    (low, high), force = _bounds(map.positions), _force(map)
    pictures = None
    if sheets:
        size = {"height": sheets.height, "width": sheets.width}
        pictures = size | {"columns": COLUMNS, "each": EACH}
    moments = []
    for frame in frames:
        ends = _bounds(frame.positions)
        moments.append(_moment(frame) | {"low": ends[0].tolist(), "high": ends[1].tolist()})
    return {
        "count": len(map),
        "title": _cut(map.title) or "map",
        "line": _line(map, frames),
        "notes": [*map.notes, *_about_page(map, frames, sheets)],
        "names": None if map.names is None else [_cut(name) for name in map.names],
        "low": low.tolist(),
        "high": high.tolist(),
        "frames": moments,
        "last": _moment(last),
        "force": force,
        "neighbours": 0 if map.neighbours is None else _few(map.neighbours).shape[1],
        "pictures": pictures,
        "ramp": RAMP,
        "grey": GREY,
        "plain": PLAIN,
        "labels": _cut(map.legend) or "Labels",
        "showNames": map.names is not None and map.labels is None,
        **_labels(map.colouring),
    }


def _line(map: Map, frames: Sequence[Frame]) -> str:
    """How much there is."""
    parts = [counted(len(map), "point")]
    if isinstance(map.colouring, Classes):
        parts.append(counted(len(map.colouring.names), "label"))
    if frames:
        parts.append(f"{counted(len(frames) + 1, 'moment')} of its formation")
    return ", ".join(parts)


def _about_page(map: Map, frames: Sequence[Frame], sheets: Sheets | None) -> list[str]:
    """What is not on the page as the map has it."""
    notes = []
    if len(frames) + 1 < len(map.frames):
        notes.append(
            f"Of {len(map.frames):,} frames this page has {len(frames) + 1:,}, evenly among all."
        )
    if sheets and sheets.note:
        notes.append(sheets.note)
    if map.pictures is not None and sheets is None:
        notes.append("There are too many pictures for one page, which shows none.")
    return notes


def _moment(frame: Frame | None) -> Facts:
    if frame is None:
        return {"iteration": None, "cost": None}
    cost = frame.cost if math.isfinite(frame.cost) else None
    return {"iteration": frame.iteration, "cost": cost}


def _labels(colouring: Classes | Quantities | None) -> Facts:
    """The legend: of classes with their numbers of points, or the ends of a bar."""
    if colouring is None:
        return {"legend": [], "showLabels": False}
    if isinstance(colouring, Quantities):
        low, high = bounds(colouring)
        least, most = colouring.ends
        ends = f"{'≤ ' * (least < low)}{number(low)}", f"{'≥ ' * (most > high)}{number(high)}"
        missing = int(np.isnan(colouring.values).sum())
        beyond = f"{counted(missing, 'point')} without a number: grey." if missing else ""
        scale = {"low": low, "high": high, "ends": ends}
        return {"legend": [], "scale": scale, "beyond": beyond, "showLabels": False}
    counts, unlabelled = colouring.counts, int((colouring.codes < 0).sum())
    largest = np.argsort(-counts, kind="stable")[:MOST_ROWS]
    beyond = about_colours(colouring)
    if len(counts) > MOST_ROWS:
        beyond += f" The {MOST_ROWS} largest are listed; search finds the others."
    return {
        "classes": [_cut(name) for name in colouring.names],
        "counts": counts.tolist(),
        "colours": class_colours(colouring),
        "legend": [*np.sort(largest).tolist(), *([-1] if unlabelled else [])],
        "unlabelled": unlabelled,
        "beyond": beyond,
        "showLabels": len(counts) <= NAMED,
    }


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


# Numbers -----------------------------------------------------------------------------------------


def _moments(map: Map) -> tuple[list[Frame], Frame | None]:
    """The frames before the map itself, as many as have room; and the last, where it is the map."""
    frames = list(map.frames)
    last = None
    if frames and np.array_equal(frames[-1].positions, map.positions):
        last = frames.pop()
    most = max(1, FRAMES_ROOM // (4 * len(map)))
    if len(frames) > most:
        kept = np.linspace(0, len(frames) - 1, most).round().astype(int)
        frames = [frames[k] for k in kept]
    return frames, last


def _arrays(map: Map, frames: Sequence[Frame]) -> dict[str, np.ndarray]:
    """What the page holds as numbers, little-endian."""
    arrays = {"positions": map.positions.astype("<f4")}
    if frames:
        arrays["frames"] = np.stack([_quantised(frame.positions) for frame in frames])
    colouring = map.colouring
    if isinstance(colouring, Classes):
        kind = "<u1" if len(colouring.names) < 255 else "<u2"
        kind = kind if len(colouring.names) < 65535 else "<u4"
        arrays["codes"] = colouring.codes.astype(kind)  # -1 becomes the largest there is
    elif colouring is not None:
        arrays["quantities"] = colouring.values.astype("<f4")
    for name, force in (("attraction", map.attraction), ("repulsion", map.repulsion)):
        if force is not None:
            arrays[name] = np.round(force / _force(map)).astype("<i2")
    if map.neighbours is not None:
        arrays["neighbours"] = _few(map.neighbours).astype("<u2" if len(map) < 65536 else "<u4")
    if map.weights is not None:
        weights = np.maximum(_few(map.weights), 0.0)
        most = np.maximum(weights.max(axis=1, keepdims=True, initial=0.0), np.float32(1e-30))
        arrays["weights"] = np.round(255.0 * weights / most).astype("<u1")
    return {name: np.ascontiguousarray(x) for name, x in arrays.items()}


def _few(of_neighbours: np.ndarray) -> np.ndarray:
    return of_neighbours[:, :MOST_NEIGHBOURS]


def _bounds(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return positions.min(axis=0), positions.max(axis=0)


def _quantised(positions: np.ndarray) -> np.ndarray:
    """Whole numbers from 0 to 65535, between the bounds of both axes."""
    low, high = (x.astype(np.float64) for x in _bounds(positions))
    share = (positions - low) / np.where(high > low, high - low, 1.0)
    return np.round(share * _STEPS).astype("<u2")


def _force(map: Map) -> float:
    """The unit in which forces are whole numbers of 16 bits."""
    given = [x for x in (map.attraction, map.repulsion) if x is not None]
    return max((float(np.abs(x).max()) for x in given), default=0.0) / 32767 or 1.0
