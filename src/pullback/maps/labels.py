"""In: labels of any kind, one for each point. Out: classes with a number each, or quantities."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError

_LARGEST = 2**53  # whole number, up to which double precision has all
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

    Raises `CircuitError` for labels that are infinite or several for a point, and for a text, which
    is no list of them.

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
    cells = _cells(labels)
    missing = np.array([is_missing(x) for x in cells], bool)
    there = [x for x, no in zip(cells, missing, strict=True) if not no]
    if not there or not all(map(_is_number, there)):
        return _classes([text_of(x) for x in there], missing)
    if all(isinstance(x, bool | np.bool_) for x in there):
        return _classes([str(bool(x)) for x in there], missing)
    values = np.full(len(cells), np.nan)
    values[~missing] = np.array(there, np.float64)
    if np.isinf(values).any():
        raise CircuitError(
            f"labels must be finite: number {int(np.argmax(np.isinf(values)))} is not"
        )
    different = np.unique(values[~missing])
    whole = np.array_equal(different, np.round(different)) and np.abs(different).max() <= _LARGEST
    if len(different) > FEW or not whole:
        return Quantities(values)
    codes = np.full(len(cells), -1, np.int32)
    codes[~missing] = np.searchsorted(different, values[~missing])
    return Classes(tuple(f"{x:.0f}" for x in different), codes)


def text_of(x: Any) -> str:
    """A label or a name as it is read: of bytes, which files of arrays hold, their text."""
    return x.decode(errors="replace") if isinstance(x, bytes) else str(x)


def _is_number(x: Any) -> bool:
    """Whether it is a number that double precision tells from its neighbours."""
    if isinstance(x, int | np.integer):
        return abs(int(x)) <= _LARGEST
    return isinstance(x, float | np.floating)


def _cells(labels: Any) -> list[Any]:
    """The labels, of a single column too; of tables of several there is none to choose."""
    shape = np.shape(labels) if hasattr(labels, "shape") else (len(labels),)
    if len(shape) == 1:
        return list(labels)
    if len(shape) != 2 or shape[1] != 1:
        raise CircuitError(f"labels are one for each point, got {shape}; choose a column of them")
    return list(np.asarray(labels, object)[:, 0])


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


def is_missing(x: Any) -> bool:
    """Whether a label is none: None, NaN, NaT or NA, of which only some are unlike themselves."""
    if x is None:
        return True
    if np.ndim(x):
        raise CircuitError(f"a label is a text or a number, got {x!r:.60}")
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
