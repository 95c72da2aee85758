"""In: rows, or batches that come. Out: rows as a doctor takes them, and as `fit` takes them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.losses.loss import Loss
from pullback.train.data import Batches, Rows, of_kind


def told_of(rows: Rows) -> dict[str, Any]:
    """Rows as `fit` takes them."""
    columns = rows.columns
    told: dict[str, Any] = {}
    for kind in ("inputs", "labels"):
        found = of_kind(kind, columns)
        told[kind] = found[0] if len(found) == 1 else tuple(found)
    if "weights" in columns:
        told["weights"] = columns["weights"]
    return told


def collected(
    batches: Batches, most: int, ready: Callable[[tuple[Any, ...], str], Rows]
) -> tuple[Rows, tuple[int, ...]]:
    """The rows of the first batches of an epoch, of about so many rows at most, and their sizes.

    Batches of sequences may be of different lengths: all become as long as the longest, filled up
    behind their ends as `pullback.sequences` does, by 0, and of labels by -1.
    """
    found: list[Rows] = []
    count = 0
    for batch in batches:
        found.append(ready(batch, "training"))
        count += len(found[-1])
        if count >= most:
            break
    names: Sequence[str] = list(found[0].columns)
    columns = {name: joined(name, [rows.columns[name] for rows in found]) for name in names}
    return Rows(columns), tuple(map(len, found))


def joined(name: str, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays one after another, which may differ in the length of their rows."""
    if len({x.shape[1:] for x in parts}) == 1:
        return np.concatenate(parts)
    shape = np.max([x.shape[1:] for x in parts], axis=0)
    fill = -1 if name.startswith("labels") else 0
    return np.concatenate(
        [
            np.pad(
                x,
                [(0, 0), *((0, n - m) for n, m in zip(shape, x.shape[1:], strict=True))],
                constant_values=fill,
            )
            for x in parts
        ]
    )


def steady(loss: Loss, labels: np.ndarray, shape: tuple[int, ...]) -> Loss:
    """A loss that takes labels as it has prepared them: most do, of which it is the same.

    One that does not, such as of class numbers that it makes one-hot, gets a `prepare` that does.
    """
    try:
        again = np.asarray(loss.prepare(labels, shape))
        if again.shape == labels.shape and np.array_equal(again, labels):
            return loss
    except (CircuitError, LookupError, TypeError, ValueError):
        pass
    kind = type(loss)
    own = {"prepare": _as_they_are, "__module__": kind.__module__, "__doc__": kind.__doc__}
    made = type(kind.__name__, (kind,), own)
    same = copy.copy(loss)
    object.__setattr__(same, "__class__", made)
    return same


def _as_they_are(loss: Loss, labels: Any, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(labels)


def divided(
    rows: Rows, sizes: tuple[int, ...], share: float, seed: int
) -> tuple[Rows, Rows, tuple[int, ...]]:
    """Rows to train on, and a share to judge by: of batches, some of each, so that order stays.

    Of batches of one size they are the same ones of each, so that streams that go on from batch to
    batch stay whole.
    """
    if not sizes:
        return *rows.split(share, seed), ()
    every, places = max(2, round(1.0 / share)), np.arange(len(rows))
    if len(set(sizes)) == 1 and sizes[0] > 1:
        every, places = min(every, sizes[0]), places % sizes[0]
    held = places % every == every - 1
    ends = np.cumsum(sizes)
    kept = [int((~held[end - size : end]).sum()) for end, size in zip(ends, sizes, strict=True)]
    return rows.take(~held), rows.take(held), tuple(size for size in kept if size)
