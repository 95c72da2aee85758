"""In: what a search tried. Out: a figure of it: how it got better, and how each setting did."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator

from pullback.core.text import counted
from pullback.figures.sheet import (
    BLUE,
    FRAME,
    MARGIN,
    NOTE,
    PALE,
    RED,
    SMALL,
    TITLE,
    WIDTH,
    Sheet,
    caption,
)
from pullback.search.found import Found, Tried
from pullback.search.space import FACTORS
from pullback.search.task import Task

_COLUMNS = 3
_GAP = 0.55  # beside and below axes, for their numbers
_HEIGHT = 1.6  # of the axes of a setting
_ACROSS = 2.2  # of those above, over all trials


def drawn(task: Task, found: Found) -> Sheet:
    """A figure: the scores of all trials in order, and over the values of each setting.

    What all folds judged is blue, what was given up grey, the recipe's own red. Settings stand by
    how much they mattered. Points are spread about the tick of their value.
    """
    names = list(found.importance) or list(task.space.names)
    rows = math.ceil(len(names) / _COLUMNS)
    above = TITLE + NOTE + 0.3
    height = above + _ACROSS + _GAP + rows * (_HEIGHT + _GAP + 0.2)
    metric = task.metric.replace("_", " ")
    whole = f"{counted(len(found.tried), 'trial')} of networks for {task.folds.data.name}"
    better = "higher" if task.larger else "lower"
    note = (
        f"{metric}, {better} is better: the mean of all folds (blue), or of those before it was "
        "given up (grey); red: what pullback train takes"
    )
    sheet = Sheet(height, whole, note)
    spread = "points beside a tick have its value, and are spread for all of them to be seen"
    sheet.words(MARGIN, 0.43 + 0.8 * NOTE, spread, colour=PALE)
    tried = [t for t in found.tried if t.scores]
    limits = _limits(tried)
    room = WIDTH - 2 * MARGIN - _GAP
    axes = sheet.place(MARGIN + _GAP, above, room, _ACROSS)
    _scatter(axes, [t.number for t in tried], tried, limits)
    whole_ones = sorted((t for t in tried if t.whole), key=lambda t: t.number)
    if whole_ones:
        best = (np.maximum if task.larger else np.minimum).accumulate([t.mean for t in whole_ones])
        numbers = [*(t.number for t in whole_ones), max(t.number for t in tried)]
        axes.step(numbers, [*best, best[-1]], where="post", color=BLUE, linewidth=1.0)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    caption(axes, "trials in order, and the best so far", room)
    width = (WIDTH - 2 * MARGIN) / _COLUMNS - _GAP
    for n, name in enumerate(names):
        row, column = divmod(n, _COLUMNS)
        left = MARGIN + _GAP + column * (width + _GAP)
        top = above + _ACROSS + _GAP + 0.1 + row * (_HEIGHT + _GAP + 0.2)
        axes = sheet.place(left, top, width, _HEIGHT)
        _show(axes, name, tried, limits)
        share = f", {found.importance[name]:.0%}" if found.importance else ""
        times = ", × usual" if name in FACTORS else ""
        caption(axes, f"{FACTORS.get(name, name).replace('_', ' ')}{times}{share}", width)
    return sheet


def _limits(tried: list[Tried]) -> tuple[float, float]:
    """From where to where scores are drawn: hopeless ones stand at the edge."""
    means = np.array([t.mean for t in tried] or [0.0])
    low, high = (float(x) for x in np.quantile(means, (0.25, 0.75)))
    apart = max(2.0 * (high - low), 1e-9)
    least, most = max(float(means.min()), low - apart), min(float(means.max()), high + apart)
    edge = 0.06 * max(most - least, 1e-9)
    return least - edge, most + edge


def _show(axes: Any, name: str, tried: list[Tried], limits: tuple[float, float]) -> None:
    """Scores over the values of a setting, which stand side by side where they are few."""
    values = [t.settings[name] for t in tried]
    if name in FACTORS:
        axes.set_xscale("log")
        _scatter(axes, values, tried, limits)
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0), numticks=6))
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
        axes.minorticks_off()
        return
    known = sorted(set(values)) if not isinstance(values[0], str) else list(dict.fromkeys(values))
    rng = np.random.default_rng(0)
    places = [known.index(x) + rng.uniform(-0.2, 0.2) for x in values]
    _scatter(axes, places, tried, limits)
    axes.set_xticks(range(len(known)), [f"{x}" for x in known])
    axes.set_xlim(-0.5, len(known) - 0.5)


def _scatter(axes: Any, places: list[Any], tried: list[Tried], limits: tuple[float, float]) -> None:
    colours = [RED if t.number == 0 else BLUE if t.whole else FRAME for t in tried]
    means = np.clip([t.mean for t in tried], *limits)
    order = np.argsort([t.whole + (t.number == 0) for t in tried], kind="stable")
    axes.scatter(
        np.array(places, float)[order], means[order], s=9, c=np.array(colours)[order], linewidths=0
    )
    axes.set_ylim(*limits)
    axes.tick_params(labelsize=SMALL, length=2, colors=PALE)
    axes.yaxis.set_major_locator(MaxNLocator(4))
