"""In: the labels of rows, and shares. Out: which rows are in which part, each with every class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self, TypeVar

import numpy as np

from pullback.core.errors import CircuitError

SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}
PARTS = tuple(SHARES)


class Divisible(Protocol):
    """Data that may bring parts of their own, and can be divided at random."""

    @property
    def validation(self) -> Self | None: ...
    @property
    def test(self) -> Self | None: ...

    def split(self, *shares: float, seed: int = 0) -> list[Self]: ...


D = TypeVar("D", bound=Divisible)


def in_parts(data: D, seed: int) -> dict[str, D]:
    """Data to train on, to validate and to test: parts that they bring, the others drawn.

    Raises `CircuitError` where a part would lack a class.
    """
    missing = [part for part in SHARES if part == "train" or getattr(data, part) is None]
    whole = sum(SHARES[part] for part in missing)
    shares = [SHARES[part] / whole for part in missing]
    drawn = dict(zip(missing, data.split(*shares, seed=seed), strict=True))
    brought: dict[str, D] = {p: getattr(data, p) for p in SHARES if p not in missing}
    return {part: (drawn | brought)[part] for part in SHARES}


def split_rows(labels: np.ndarray | int, shares: Sequence[float], seed: int) -> list[np.ndarray]:
    """The numbers of the rows of each part, in order: rows with class numbers, or so many rows.

    Each class is divided by the shares, and has a row in the first part at least.
    Raises `CircuitError` where the shares do not add up to 1, or there are fewer rows than parts.

    >>> [rows.tolist() for rows in split_rows(np.array([0, 1, 0, 1]), (0.5, 0.5), seed=0)]
    [[0, 1], [2, 3]]
    """
    if not shares or abs(sum(shares) - 1.0) > 1e-9 or min(shares) <= 0.0:
        raise CircuitError(f"shares must be positive and add up to 1, got {tuple(shares)}")
    rng = np.random.default_rng(seed)
    bounds = np.cumsum(shares)[:-1]
    labels = np.zeros(labels, np.int64) if isinstance(labels, int) else labels
    if len(labels) < len(shares):
        raise CircuitError(f"{len(labels)} rows are too few for {len(shares)} parts")
    parts: list[list[int]] = [[] for _ in shares]
    for k in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == k))
        cuts = np.maximum(np.rint(bounds * len(rows)).astype(int), 1)
        for part, piece in zip(parts, np.split(rows, cuts), strict=True):
            part.extend(piece.tolist())
    for part in parts:  # the classes' shares, rounded, may have left a part without a row
        if not part:
            part.append(max(parts, key=len).pop())
    return [np.sort(np.array(part, np.int64)) for part in parts]


def refuse_rare(labels: np.ndarray, classes: Sequence[Any], parts: int) -> None:
    """Refuse to judge by parts that lack a class.

    Raises `CircuitError` where a class has fewer rows than there are parts.
    """
    counts = np.bincount(labels, minlength=len(classes))
    rarest = int(counts.argmin())
    if counts[rarest] < parts:
        few = "1 example" if counts[rarest] == 1 else f"{counts[rarest]} examples"
        raise CircuitError(
            f"class {classes[rarest]!r} has {few}, and each of {parts} parts needs one; add some, "
            "or leave the class out"
        )
