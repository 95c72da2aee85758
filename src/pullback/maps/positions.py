"""In: a map. Out: where its points lie, as a table (.csv) or an array (.npy) for other programs."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.aside import replacing
from pullback.maps.labels import is_missing, text_of

if TYPE_CHECKING:
    from pullback.maps.map import Map


def write_positions(map: Map, path: Path) -> None:
    """Write x and y of each point, and in a table its label and name where there are.

    Raises `CircuitError` where it cannot be written.
    """
    with replacing(path) as file:
        if path.suffix.lower() == ".npy":
            np.save(file, map.positions, allow_pickle=False)
        else:
            file.write(_table(map).encode())


def _table(map: Map) -> str:
    columns: dict[str, Any] = {"x": map.positions[:, 0], "y": map.positions[:, 1]}
    if map.labels is not None:
        labels = np.asarray(map.labels, object).reshape(len(map)).tolist()
        columns["label"] = ["" if is_missing(one) else text_of(one) for one in labels]
    if map.names is not None:
        columns["name"] = map.names
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(columns)
    rows.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()
