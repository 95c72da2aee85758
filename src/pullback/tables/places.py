"""In: the number that a row has in its data. Out: where a person finds it, and its cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.tables.dataset import Dataset
from pullback.tables.table import TableDataset

if TYPE_CHECKING:
    from pullback.tables.study import Study


def place_of(data: Dataset | TableDataset, place: int) -> dict[str, int]:
    """A row as a person finds it again: {"line": 3} of a file, {"row": 2} of other data."""
    if isinstance(data, TableDataset):
        return {str(data.frame.index.name): int(data.frame.index[place])}
    return {"row": place + 1}


def cells_of(study: Study, place: int) -> dict[str, Any]:
    """The cells of a row that the network was given, as the table has them."""
    if not isinstance(study.data, TableDataset):
        return {}
    row = study.data.frame.iloc[place]
    row.index = row.index.map(str)
    return {c.name: plain(row[c.name]) for c in study.columns if c.kind != "ignore"}


def plain(x: Any) -> Any:
    """A cell as JSON can hold it: a finite number, a truth value, a text, or None.

    >>> plain(np.float64(1.5)), plain(float("nan")), plain(np.datetime64("2024-01-01"))
    (1.5, None, '2024-01-01')
    """
    if isinstance(x, np.generic):
        x = x.item() if x.dtype.kind in "iufb" else str(x)
    if isinstance(x, float):
        return x if np.isfinite(x) else None
    return x if isinstance(x, int | str | bool) or x is None else str(x)
