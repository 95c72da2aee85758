"""In: labels of any kind, one for each point. Out: classes with a number each, or quantities."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError

FEW = 64  # whole numbers of so many different values at most are names of classes


@dataclass(frozen=True, eq=False)
class Classes:
    """Which class each point is of: codes (N,), numbers of `names`, or -1 where there is none."""

    names: tuple[str, ...]
    codes: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """How many points each class has."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))


@dataclass(frozen=True, eq=False)
class Quantities:
    """A number for each point: values (N,) float64, NaN where there is none."""

    values: np.ndarray

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest."""
        return float(np.nanmin(self.values)), float(np.nanmax(self.values))


def understood(labels: Any) -> Classes | Quantities:
    """What labels are: of whole numbers few different ones are classes, other numbers quantities.

    Categories of pandas keep their order, texts are ordered with the numbers in them by size. None,
    NaN and pandas' NA say that a point has no label. Numbers among texts are read as texts.

    Raises `CircuitError` for labels that are infinite, and for a text, which is no list of them.

    >>> understood(["b", None, "a", "b"]).names, understood(["b", None, "a", "b"]).codes.tolist()
    (('a', 'b'), [1, -1, 0, 1])
    >>> understood([0.5, 2.0, None]).values.tolist()
    [0.5, 2.0, nan]
    """
    if isinstance(labels, str | bytes):
        raise CircuitError(f"labels are one for each point, got the text {labels!r:.40}")
    categories = _categories(labels)
    if categories is not None:
        return categories
    cells = list(labels)
    missing = np.array([_is_missing(x) for x in cells], bool)
    there = [x for x, no in zip(cells, missing, strict=True) if not no]
    if not there or not all(isinstance(x, int | float | np.number) for x in there):
        return _classes([str(x) for x in there], missing)
    if all(isinstance(x, bool | np.bool_) for x in there):
        return _classes([str(bool(x)) for x in there], missing)
    values = np.full(len(cells), np.nan)
    values[~missing] = np.array(there, np.float64)
    if np.isinf(values).any():
        raise CircuitError(
            f"labels must be finite: number {int(np.argmax(np.isinf(values)))} is not"
        )
    different = np.unique(values[~missing])
    if len(different) > FEW or not np.array_equal(different, np.round(different)):
        return Quantities(values)
    codes = np.full(len(cells), -1, np.int32)
    codes[~missing] = np.searchsorted(different, values[~missing])
    return Classes(tuple(f"{x:.0f}" for x in different), codes)


def _categories(labels: Any) -> Classes | None:
    """The classes of what has a dtype of pandas' categories, those that no point has left out."""
    values = getattr(labels, "array", labels)  # of a Series
    categories, codes = getattr(values, "categories", None), getattr(values, "codes", None)
    if categories is None or codes is None:
        return None
    used, there = np.unique(np.asarray(codes), return_inverse=True)
    shift = int(len(used) > 0 and used[0] < 0)
    names = tuple(str(categories[k]) for k in used[shift:])
    return Classes(names, (there - shift).astype(np.int32))


def _is_missing(x: Any) -> bool:
    """Whether a label is none: None, NaN, NaT or NA, of which only some are unlike themselves."""
    if x is None:
        return True
    same = x == x
    return not isinstance(same, bool | np.bool_) or not same


def _classes(texts: Sequence[str], missing: np.ndarray) -> Classes:
    names = sorted(set(texts), key=_by_number)
    numbers = {name: k for k, name in enumerate(names)}
    codes = np.full(len(missing), -1, np.int32)
    codes[~missing] = [numbers[text] for text in texts]
    return Classes(tuple(names), codes)


def _by_number(text: str) -> tuple[Any, ...]:
    """A key by which "9" is before "10"."""
    parts = re.split(r"(\d+)", text, maxsplit=8)
    return tuple(
        (int(x), "") if x.isdecimal() and len(x) < 19 else (-1, x.casefold()) for x in parts
    ), text
