"""Data sets that come with the library, each under its name: digits, tables, points in a plane.

Published pictures, speech and texts, which are fetched, are in `images.py`, `speech.py` and
`texts.py`; all are in one registry.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from pullback.core.registry import Registry
from pullback.images.pictures import Pictures
from pullback.sequences.sound.recordings import Recordings
from pullback.sequences.text.long_text import Text
from pullback.sequences.text.sentences import Sentences, TaggedSentences
from pullback.tables.column import Column
from pullback.tables.dataset import Dataset
from pullback.tables.prepare import Feature, Preparation
from pullback.tables.read import row_numbers
from pullback.tables.table import TableDataset
from pullback.tables.target import Target

Loaded = Dataset | TableDataset | Pictures | Recordings | Text | Sentences | TaggedSentences
DATASETS: Registry[Callable[[], Loaded]] = Registry("data set")

_POINTS = 600
_SEED = 0  # the points are the same for everybody


def _digits() -> Dataset:
    """1,797 handwritten digits of 8x8 pixels from 0 to 1. Source: UCI, through scikit-learn."""
    # scikit-learn's own file; to import its loader would take longer than all the rest.
    found = find_spec("sklearn")
    assert found is not None
    with gzip.open(Path(str(found.origin)).parent / "datasets" / "data" / "digits.csv.gz") as file:
        rows = np.loadtxt(file, delimiter=",")
    inputs, labels = rows[:, :-1], rows[:, -1].astype(np.int64)
    names = tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8))
    preparation = Preparation(
        tuple(Column(name, "number", "a pixel from 0 to 16", "plain") for name in names),
        tuple(Feature(name, name, "value", scale=16.0) for name in names),
        Target(Column("digit", "number", "from 0 to 9", "plain"), tuple(range(10))),
    )
    return Dataset(
        "digits",
        (inputs / 16.0).astype(np.float32),
        labels,
        tuple(range(10)),
        names,
        "1,797 handwritten digits of 8x8 pixels, from 43 people (UCI, through scikit-learn)",
        preparation=preparation,
    )


DATASETS.add("digits", _digits)


def _add_table(name: str, loader: str, target: str, source: str, **options: bool) -> None:
    """Register a table of scikit-learn's under a name."""

    def load() -> TableDataset:
        from sklearn import datasets

        bunch = getattr(datasets, loader)(as_frame=True, **options)
        frame = bunch.frame.rename(columns={"target": target})
        if "target_names" in bunch:
            frame[target] = np.asarray(bunch.target_names, dtype=object)[bunch.target]
        frame.index = row_numbers(len(frame))
        return TableDataset.from_frame(frame, target, name=name, source=source)

    load.__doc__ = source
    DATASETS.add(name, load)


_add_table(
    "iris",
    "load_iris",
    "species",
    "150 irises of three species, measured by Edgar Anderson (Fisher 1936, through scikit-learn)",
)
_add_table(
    "wine",
    "load_wine",
    "cultivar",
    "178 wines of three growers and their chemistry (Forina 1991, UCI, through scikit-learn)",
)
_add_table(
    "breast-cancer",
    "load_breast_cancer",
    "diagnosis",
    "569 tumours and the shape of their cells' nuclei (Wisconsin 1995, UCI, through scikit-learn)",
)
_add_table(
    "diabetes",
    "load_diabetes",
    "progression",
    "442 diabetics and their disease a year later (Efron et al. 2004, through scikit-learn)",
    scaled=False,
)


def _add_points(
    name: str, classes: tuple[str, ...], source: str, make: Callable[[], tuple[np.ndarray, ...]]
) -> None:
    """Register points in the plane under a name; `make` gives them and their class numbers."""

    def load() -> TableDataset:
        import pandas as pd

        points, labels = make()
        frame = pd.DataFrame(points, columns=["x", "y"], index=row_numbers(len(points)))
        frame["class"] = np.array(classes, dtype=object)[labels]
        return TableDataset.from_frame(frame, "class", name=name, source=source)

    load.__doc__ = source
    DATASETS.add(name, load)


def _circles() -> tuple[np.ndarray, ...]:
    from sklearn.datasets import make_circles

    points, labels = make_circles(_POINTS, noise=0.1, factor=0.5, random_state=_SEED)
    return np.asarray(points), np.asarray(labels)


def _moons() -> tuple[np.ndarray, ...]:
    from sklearn.datasets import make_moons

    points, labels = make_moons(_POINTS, noise=0.15, random_state=_SEED)
    return np.asarray(points), np.asarray(labels)


def _spiral() -> tuple[np.ndarray, ...]:
    """Three arms: the radius grows from 0 to 1 while the angle turns by 4 radians, with noise."""
    rng = np.random.default_rng(_SEED)
    labels = np.repeat(np.arange(3), _POINTS // 3)
    radius = np.tile(np.linspace(0.0, 1.0, _POINTS // 3), 3)
    angle = 4.0 * (labels + radius) + rng.normal(0.0, 0.2, _POINTS)
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1), labels


_add_points(
    "circles",
    ("outer", "inner"),
    "600 points on two circles, one inside the other (scikit-learn's make_circles, seed 0)",
    _circles,
)
_add_points(
    "moons",
    ("upper", "lower"),
    "600 points on two half moons that interlock (scikit-learn's make_moons, seed 0)",
    _moons,
)
_add_points(
    "spiral",
    ("first arm", "second arm", "third arm"),
    "600 points on three arms of a spiral, as in Karpathy's demonstrations (seed 0)",
    _spiral,
)
