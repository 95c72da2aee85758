"""In: a data set. Out: what it says of itself: how much there is, of what, and its first rows.

Nothing here looks at more inputs than it shows, so that a data set too large for memory is shown
as fast as a small one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.shown import Table
from pullback.core.text import brief, counted

_ROWS = 5
_ENDS = 20  # of very many columns, so many first and last ones are looked at


def heading(
    name: str, amount: str, classes: Sequence[Any] = (), source: str = "", **own: Any
) -> Iterator[str]:
    """How much there is of what, where it is from, and what else it brings to judge by.

    >>> list(heading("pets", "7 pictures", ("cat", "dog"), "a folder", test=range(2)))
    ['pets: 7 pictures, 2 classes', 'a folder', 'with its own test (2)']
    """
    of = f", {counted(len(classes), 'class', 'classes')}" if classes else ""
    yield f"{name}: {amount}{of}"
    if source:
        yield source
    brought = [f"{part} ({len(rows):,})" for part, rows in own.items() if rows is not None]
    if brought:
        yield f"with its own {' and '.join(brought)}"


def class_table(labels: Any, classes: Sequence[Any]) -> Table:
    """How often each class comes.

    >>> class_table([0, 1, 1, -1], ("no", "yes")).rows
    [('no', '1'), ('yes', '2')]
    """
    labels = np.asarray(labels)
    there = labels[(labels >= 0) & (labels < len(classes))].astype(np.int64)
    counts = np.bincount(there, minlength=len(classes))
    rows = [(str(one), f"{n:,}") for one, n in zip(classes, counts, strict=True)]
    return Table(("class", "rows" if labels.ndim == 1 else "times"), rows, right=(1,))


def first_rows(
    inputs: np.ndarray, features: Sequence[str], labels: Any, classes: Sequence[Any]
) -> Table:
    """The first rows of numbers and their labels, in few digits.

    >>> first_rows(np.array([[1.0, 0.25]]), ("a", "b"), [1], ("no", "yes")).rows
    [['1', '0.25', 'yes']]
    """
    width = inputs.shape[1]
    looked = range(width) if width <= 2 * _ENDS else [*range(_ENDS), *range(width - _ENDS, width)]
    head = [features[k] if k < len(features) else f"{k}" for k in looked]
    rows = []
    for row, label in zip(inputs[:_ROWS], labels[:_ROWS], strict=False):
        is_class = bool(classes) and 0 <= label < len(classes)
        told = str(classes[int(label)]) if is_class else brief(label)
        rows.append([*(brief(row[k]) for k in looked), told])
    if width > len(looked):
        head.insert(_ENDS, "…")
        for row in rows:
            row.insert(_ENDS, "…")
    return Table([*head, "label"], rows, right=range(len(head)))
