"""In: sizes in inches. Out: a figure, and axes that lie on it just there.

Every figure is laid out by hand from its upper left corner, so that no title meets another, and is
as wide as a notebook's column. Nothing here touches pyplot, whose state would keep figures alive.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pullback.core.aside import replacing
from pullback.core.errors import CircuitError

WIDTH = 9.0
MARGIN = 0.25
TITLE = 0.5  # the height of a title with its margin
NOTE = 0.2  # of a line under it
CAPTION = 0.2  # of a line above a picture
SMALL, LARGE = 8.0, 11.0  # sizes of letters, in points
RED, BLUE = "#b2182b", "#2166ac"  # above and below 0
FRAME, PALE = "#b0b0b0", "#555555"
DIVERGING, SEQUENTIAL, GREY = "RdBu_r", "magma", "gray"


class Sheet(Figure):
    """A figure of a height in inches, which shows itself in a notebook without pyplot."""

    def __init__(self, height: float, title: str, note: str = "") -> None:
        super().__init__(figsize=(WIDTH, height), dpi=100, facecolor="white")
        self.words(MARGIN, 0.18, short(title, WIDTH - 2 * MARGIN, LARGE), LARGE)
        if note:
            self.words(MARGIN, 0.43, short(note, WIDTH - 2 * MARGIN), colour=PALE)

    def words(
        self, left: float, top: float, text: str, size: float = SMALL, colour: str = "black"
    ) -> None:
        """A line of text that begins there."""
        width, height = self.get_size_inches()
        x, y = left / width, 1.0 - top / height
        self.text(x, y, text, fontsize=size, color=colour, va="top", parse_math=False)

    def place(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes in a thin frame, without ticks."""
        across, down = self.get_size_inches()
        box = (left / across, 1.0 - (top + height) / down, width / across, height / down)
        axes = self.add_axes(box)
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_color(FRAME)
            spine.set_linewidth(0.6)
        return axes

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the figure to a file, as what its ending says, such as .svg or .png.

        Raises `CircuitError` for an ending of no picture, and where it cannot be written.
        """
        kind = Path(path).suffix.lower().removeprefix(".")
        kinds = self.canvas.get_supported_filetypes()
        if kind not in kinds:
            raise CircuitError(
                f"a figure is saved as {', '.join(f'.{one}' for one in kinds)}: name it "
                f"{Path(path).stem}.svg, not {path}"
            )
        with replacing(path) as file:
            self.savefig(file, format=kind)

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


@dataclass(frozen=True)
class Scale:
    """Which colour a number has: about 0 where there are some below and above it."""

    low: float
    high: float

    @classmethod
    def of(cls, values: np.ndarray, signed: bool = False) -> Scale:
        """The scale on which all these numbers can be seen.

        >>> Scale.of(np.array([-1.0, 3.0])), Scale.of(np.array([0.0, 3.0]))
        (Scale(low=-3.0, high=3.0), Scale(low=0.0, high=3.0))
        """
        most = float(np.abs(values).max(initial=0.0)) or 1.0
        return cls(-most if signed or values.min(initial=0.0) < 0.0 else 0.0, most)

    @property
    def colours(self) -> str:
        return DIVERGING if self._signed else SEQUENTIAL

    @property
    def _signed(self) -> bool:
        return self.low < 0.0 < self.high

    def rgb(self, values: np.ndarray) -> np.ndarray:
        return colormaps[self.colours](Normalize(self.low, self.high)(values))

    def show(self, axes: Axes, values: np.ndarray) -> None:
        """Numbers as a picture in these colours."""
        axes.imshow(
            values,
            cmap=self.colours,
            vmin=self.low,
            vmax=self.high,
            interpolation="nearest",
            aspect="auto",
        )

    def bar(self, sheet: Sheet, left: float, top: float, height: float, ends: str = "") -> Axes:
        """A column that says which colour means what; `ends` for its ends instead of numbers."""
        axes = sheet.place(left, top, 0.14, height)
        ramp = np.linspace(self.high, self.low, 128)[:, None]
        self.show(axes, ramp)
        places = [0, 64, 127] if self._signed else [0, 127]
        ends_at = [self.high, 0.0, self.low] if self._signed else [self.high, self.low]
        texts = [f"{x:.3g}" for x in ends_at]
        if ends:
            texts[0], texts[-1] = f"+{ends}", f"−{ends}" if self.low < 0.0 else "0"
        axes.yaxis.tick_right()
        axes.set_yticks(places, texts, fontsize=SMALL)
        axes.tick_params(length=0, pad=3)
        return axes


def show_picture(axes: Axes, picture: np.ndarray) -> None:
    """A picture (H, W, C): three channels in colour, one in grey, of others the mean in grey.

    What is not from 0 to 1 is stretched over that.
    """
    axes.imshow(drawable(picture), cmap=GREY, vmin=0.0, vmax=1.0, interpolation="nearest")
    axes.set_aspect("auto")


def drawable(picture: np.ndarray) -> np.ndarray:
    """Numbers from 0 to 1, (H, W, 3) or (H, W)."""
    picture = picture.astype(np.float64)
    low, high = float(picture.min()), float(picture.max())
    if low < 0.0 or high > 1.0:
        picture = (picture - low) / ((high - low) or 1.0)
    if picture.shape[2] == 3:
        return picture
    return picture.mean(axis=2)


def caption(axes: Axes, text: str, width: float) -> None:
    """Words above axes of this width, on as many lines as the text has."""
    lines = [short(line, width) for line in text.split("\n")]
    axes.set_title("\n".join(lines), fontsize=SMALL, pad=3)


def short(text: str, width: float, size: float = SMALL) -> str:
    """A text that is about as wide as so many inches at most, its middle left out where need be.

    Names that begin alike often end otherwise.

    >>> short("a word", 9.0), short("green trousers", 0.6)
    ('a word', 'green…ers')
    """
    most = max(3, int(width * 72.0 / (0.56 * size)))
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - 1 - end].rstrip()}…{text[len(text) - end :].lstrip()}"


@dataclass(frozen=True)
class Grid:
    """Cells of one shape in rows, each with room for a caption above it."""

    count: int
    columns: int
    width: float
    height: float
    lines: int  # of a caption

    gap = 0.1

    @classmethod
    def of(
        cls, count: int, shape: Sequence[int], room: float, lines: int = 1, largest: float = 1.5
    ) -> Grid:
        """A grid for so many pictures of (H, W, ...), as wide as there is room.

        Few pictures stand in one row; many in rows of up to ten.
        """
        rows = max(1, math.ceil(count / 8)) if count <= 16 else math.ceil(count / 10)
        columns = max(1, math.ceil(count / rows))
        aspect = min(4.0, max(0.25, shape[0] / shape[1]))
        width = min((room + cls.gap) / columns - cls.gap, largest, largest / aspect)
        return cls(count, columns, width, width * aspect, lines)

    @property
    def total(self) -> float:
        """The height of all rows."""
        return math.ceil(self.count / self.columns) * self._row

    @property
    def _row(self) -> float:
        return self.height + self.lines * CAPTION * 0.75 + 0.12

    def axes(self, sheet: Sheet, left: float, top: float) -> list[Axes]:
        """Axes for each cell, from the upper left corner of the grid."""
        found = []
        for k in range(self.count):
            row, column = divmod(k, self.columns)
            x = left + column * (self.width + self.gap)
            y = top + (row + 1) * self._row - self.height
            found.append(sheet.place(x, y, self.width, self.height))
        return found


def strongest(values: np.ndarray, most: int) -> np.ndarray:
    """The numbers of the channels, on the first axis, of largest norm: at most so many, in order.

    >>> strongest(np.array([[1.0], [-3.0], [2.0]]), 2)
    array([1, 2])
    """
    norms = np.sqrt((values.reshape(len(values), -1).astype(np.float64) ** 2).sum(axis=1))
    return np.sort(np.argsort(-norms, kind="stable")[:most])
