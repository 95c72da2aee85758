"""In: a history. Out: its curves, and what a monitor saw of each layer, as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm, to_hex

from pullback.figures.sheet import MARGIN, NOTE, PALE, SMALL, TITLE, WIDTH, Sheet, short
from pullback.train.monitors import REACH

if TYPE_CHECKING:
    from pullback.train.history import History

_ACROSS = 3  # panels in a row
_GAP, _LEFT = 0.5, 0.45  # inches between panels, and for their numbers
_HEIGHT, _BELOW, _NUMBERS = 1.7, 0.6, 0.2  # of a panel, between rows, and of the lowest numbers
_MOST = 12  # layers that a legend names
_TITLES = {
    "std": "spread of what layers make",
    "zeros": "share of zeros in it",
    "gradient": "gradients, root mean square",
    "ratio": "update to weight",
}
_HEALTHY = 1e-3  # of update to weight, about
_BRIGHTEST = 0.75  # of the colours of layers: what is brighter is hard to see on white
_VALIDATION = "validation_"
_NO_CURVES = ("epoch", "seconds")


def drawn(history: History) -> Sheet:
    """All of a history as a figure."""
    curves = [
        name
        for name in (history.rows[0] if history.rows else {})
        if name not in _NO_CURVES and not name.startswith(_VALIDATION)
    ]
    layers = list(dict.fromkeys(row.layer for row in history.of_layers))
    measures = [name for name in _TITLES if _values(history, name)] if layers else []
    spreads = _spreads(history)
    rows = [-(-len(some) // _ACROSS) for some in (curves, measures, spreads)]
    top = TITLE + NOTE + 0.15
    sheet = Sheet(
        top + max(sum(rows), 1) * (_HEIGHT + _BELOW) - _BELOW + _NUMBERS + MARGIN / 2,
        "training",
        f"{len(history)} epoch{'s' * (len(history) != 1)}, {history.ended}; over the epochs",
    )
    places = _Places(sheet, top)
    for name in curves:
        _curve(places.next(name.replace("_", " ")), history, name)
    places.row()
    colours = _colours(layers)
    for name in measures:
        _measure(places.next(_TITLES[name]), _values(history, name), colours, name)
    if measures:
        _legend(places, colours)
    places.row()
    for (layer, what), (epochs, shares) in spreads.items():
        _spread(places.next(f"{what} of {layer}"), epochs, shares)
    return sheet


def draw_columns(history: History, names: Sequence[str], axes: Axes | None) -> Axes:
    """Columns of a history as lines, those of validation dashed."""
    if axes is None:
        from matplotlib import pyplot

        _, axes = pyplot.subplots()
    for name in names:
        for column, style in (name, "-"), (f"{_VALIDATION}{name}", "--"):
            if history.rows and column in history.rows[0]:
                label = column.replace("_", " ")
                axes.plot(history["epoch"], history[column], style, label=label)
    axes.set_xlabel("epoch")
    axes.set_ylabel(" and ".join(name.replace("_", " ") for name in names))
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    return axes


class _Places:
    """Panels on a sheet, in rows from the top."""

    def __init__(self, sheet: Sheet, top: float) -> None:
        self.sheet, self.top, self.count = sheet, top, 0
        self.width = (WIDTH - 2.0 * MARGIN - (_ACROSS - 1) * _GAP - _ACROSS * _LEFT) / _ACROSS

    def next(self, title: str) -> Axes:
        """The axes of the next panel."""
        if self.count == _ACROSS:
            self.row()
        left = self.left
        axes = self.sheet.place(left, self.top, self.width, _HEIGHT)
        axes.set_title(short(title, self.width), fontsize=SMALL, pad=4)
        axes.tick_params(labelsize=SMALL - 1.0, length=2, pad=2, colors=PALE)
        self.count += 1
        return axes

    @property
    def left(self) -> float:
        """Where the next panel's axes begin."""
        return MARGIN + _LEFT + self.count * (self.width + _GAP + _LEFT)

    def row(self) -> None:
        """Begin another row, where this one has something in it."""
        if self.count:
            self.top += _HEIGHT + _BELOW
            self.count = 0


def _ticks(axes: Axes, logarithmic: bool = False) -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    if logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=6))
        axes.yaxis.set_major_formatter(lambda x, _: f"{x:g}")
        axes.minorticks_off()
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4))


def _curve(axes: Axes, history: History, name: str) -> None:
    """What training and validation measured of one thing."""
    _ticks(axes)
    for column, style, label in (
        (name, "-", "training"),
        (f"{_VALIDATION}{name}", "--", "validation"),
    ):
        if column in history.rows[0]:
            marker = "o" if len(history) == 1 else ""
            axes.plot(
                history["epoch"], history[column], style, label=label, lw=1.2, ms=3, marker=marker
            )
    if len(axes.get_lines()) > 1:
        axes.legend(fontsize=SMALL - 1.0, frameon=False)


def _values(history: History, measure: str) -> dict[str, tuple[list[int], list[float]]]:
    """The epochs and the values of a measure, by layer."""
    found: dict[str, tuple[list[int], list[float]]] = {}
    for row in history.of_layers:
        if measure in row.measures:
            epochs, values = found.setdefault(row.layer, ([], []))
            epochs.append(row.epoch)
            values.append(row.measures[measure])
    return found


def _colours(layers: Sequence[str]) -> dict[str, str]:
    """A colour for each layer, from the first to the last."""
    ramp, last = colormaps["viridis"], max(1, len(layers) - 1)
    return {name: to_hex(ramp(_BRIGHTEST * k / last)) for k, name in enumerate(layers)}


def _measure(
    axes: Axes,
    values: Mapping[str, tuple[list[int], list[float]]],
    colours: Mapping[str, str],
    name: str,
) -> None:
    """A line for each layer."""
    shown = np.concatenate([x for _, x in values.values()])
    _ticks(axes, logarithmic=name != "zeros" and bool((shown > 0.0).any()))
    if name == "zeros":
        axes.set_ylim(-0.03, 1.03)
    for layer, (epochs, x) in values.items():
        marker = "o" if len(epochs) == 1 else ""
        axes.plot(epochs, x, color=colours[layer], lw=1.0, ms=3, marker=marker)
    if name == "ratio":
        axes.axhline(_HEALTHY, color=PALE, lw=0.8, ls=":")
        axes.annotate(
            f"{_HEALTHY:.0e}: usual".replace("e-0", "e-"),
            (1.0, _HEALTHY),
            xycoords=axes.get_yaxis_transform(),
            ha="right",
            va="bottom",
            fontsize=SMALL - 2.0,
            color=PALE,
        )


def _legend(places: _Places, colours: Mapping[str, str]) -> None:
    """Which colour is which layer, in the room that is left of a row."""
    if places.count == _ACROSS:
        places.row()
    names = list(colours)
    if len(names) > _MOST:
        half = _MOST // 2
        names = [*names[: half - 1], "", *names[-half:]]
    left, top = places.left - 0.2, places.top + 0.05
    for k, name in enumerate(names):
        text = short(name, places.width) if name else f"… {len(colours) - _MOST + 1} more"
        line, colour = f"{'— ' * bool(name)}{text}", colours.get(name, PALE)
        places.sheet.words(left, top + k * 0.14, line, colour=colour)
    places.count += 1


def _spreads(history: History) -> dict[tuple[str, str], tuple[list[int], np.ndarray]]:
    """The epochs, and the share of elements in each bin, by layer and what the histogram is of."""
    found: dict[tuple[str, str], tuple[list[int], list[np.ndarray]]] = {}
    for row in history.of_layers:
        for what, counts in row.histograms.items():
            epochs, shares = found.setdefault((row.layer, what), ([], []))
            epochs.append(row.epoch)
            shares.append(counts / max(float(counts.sum()), 1.0))
    return {key: (epochs, np.array(shares)) for key, (epochs, shares) in found.items()}


def _spread(axes: Axes, epochs: Sequence[int], shares: np.ndarray) -> None:
    """How elements are spread in each epoch, in root mean squares: dark is where many are."""
    _ticks(axes)
    axes.imshow(
        shares.T,
        cmap="Greys",
        norm=PowerNorm(0.5, vmin=0.0),
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        extent=(epochs[0] - 0.5, epochs[-1] + 0.5, -REACH, REACH),
    )
    axes.axhline(0.0, color=PALE, lw=0.5, ls=":")
