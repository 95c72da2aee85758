"""Small tables, and searches of them that take no time: for the tests beside this file."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pullback.search import Search
from pullback.tables import TableDataset
from pullback.tables.recipe import Recipe

QUICK = {"epochs": 3, "engine": "eager"}


def flowers(rows: int = 60) -> TableDataset:
    """Three classes, told apart by two numbers and a colour."""
    kind, rng = np.arange(rows) % 3, np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "length": (kind + 0.3 * rng.normal(size=rows)).round(3),
            "width": rng.normal(size=rows).round(3),
            "colour": np.array(["red", "blue", "white"])[(kind + (rng.random(rows) < 0.2)) % 3],
            "species": np.array(["iris", "rose", "tulip"])[kind],
        }
    )
    return TableDataset.from_frame(frame, "species")


def prices(rows: int = 53) -> TableDataset:
    """A quantity in thousands that is linear in one column."""
    rng = np.random.default_rng(1)
    size = rng.uniform(20.0, 200.0, rows)
    frame = pd.DataFrame({"size": size, "noise": rng.normal(size=rows), "price": 3000.0 * size})
    return TableDataset.from_frame(frame, "price")


def search(data: TableDataset | None = None, **told) -> Search:
    """One of networks of four units, of two folds, unless told otherwise."""
    usual = {"hidden": (4,), **QUICK}
    given = told.pop("given", ("hidden",))
    recipe = Recipe(**{**usual, **told.pop("recipe", {})})
    return Search(flowers() if data is None else data, recipe, given=given, folds=2, **told)


def run(of: Search, **told):
    return of.run(**{"trials": 3, "jobs": 1, "progress": False, **told})
