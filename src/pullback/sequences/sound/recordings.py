"""In: sounds of any length with labels. Out: parts of them, to train and to judge by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.shown import Shown, Table
from pullback.core.text import counted, number
from pullback.tables.showing import class_table, heading
from pullback.train.split import refuse_rare, split_rows


@dataclass(frozen=True, eq=False, repr=False)
class Recordings(Shown):
    """Recordings of speech, or of other sounds, with labels.

    `sounds` are float32 of shape (samples,), one for each row, as a rule from -1 to 1, with `rate`
    samples a second. labels are class numbers from 0, which `classes` names: (rows,), one for each,
    or (rows, most), those that are heard one after another, and -1 behind the last. `speakers`, if
    they are known, says who speaks, `notes` what was assumed, and `files` where each was read. Of a
    part, `places` (rows,) are the numbers that its rows have in the whole. `test`, and
    `validation`, are what the set brings of its own to judge by.

    Raises `CircuitError` where sounds or labels are of another shape or kind.

    >>> sounds = [np.ones(80), np.ones(60), np.ones(100)]
    >>> data = Recordings("three", sounds, 8000, [0, 1, 0], ("no", "yes"))
    >>> len(data), data.lengths.tolist(), data.seconds
    (3, [80, 60, 100], 0.03)
    """

    name: str
    sounds: Sequence[np.ndarray]
    rate: int
    labels: np.ndarray
    classes: tuple[Any, ...]
    source: str = ""
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    speakers: tuple[str, ...] = ()
    places: np.ndarray | None = None
    validation: Recordings | None = None
    test: Recordings | None = None

    def __post_init__(self) -> None:
        sounds = tuple(_sound(self.name, k, sound) for k, sound in enumerate(self.sounds))
        labels = _labels(self.name, len(sounds), self.labels, len(self.classes))
        for what, given in {"files": self.files, "speakers": self.speakers}.items():
            if given and len(given) != len(sounds):
                raise CircuitError(
                    f"{self.name}: {len(given)} {what} for {len(sounds)} recordings; give one for "
                    "each"
                )
        object.__setattr__(self, "sounds", sounds)
        object.__setattr__(self, "labels", labels)

    def __len__(self) -> int:
        return len(self.sounds)

    def _says(self) -> Iterator[str | Table]:
        heard = f"{number(self.seconds)} s at {self.rate:,} Hz"
        amount = f"{counted(len(self), 'recording')}, {heard}"
        own = {"validation": self.validation, "test": self.test}
        yield from heading(self.name, amount, self.classes, self.source, **own)
        yield class_table(self.labels, self.classes)
        yield from self.notes

    @property
    def lengths(self) -> np.ndarray:
        """The samples of each recording."""
        return np.array([len(sound) for sound in self.sounds], np.int64)

    @property
    def seconds(self) -> float:
        """How long all recordings take to hear."""
        return float(self.lengths.sum()) / self.rate

    def rows(self, which: Any) -> Recordings:
        """These recordings alone: their numbers, a slice, or one truth value for each.

        >>> data = Recordings("two", [np.ones(8), np.ones(6)], 8000, [0, 1], ("no", "yes"))
        >>> data.rows([1]).labels.tolist(), data.rows(slice(1)).lengths.tolist()
        ([1], [8])
        """
        which = np.atleast_1d(np.arange(len(self))[which])
        return replace(
            self,
            sounds=tuple(self.sounds[row] for row in which),
            labels=self.labels[which],
            files=tuple(self.files[row] for row in which) if self.files else (),
            speakers=tuple(self.speakers[row] for row in which) if self.speakers else (),
            places=which if self.places is None else self.places[which],
            validation=None,
            test=None,
        )

    def split(self, *shares: float, seed: int = 0) -> list[Recordings]:
        """Parts of these shares, drawn at random, each with every class in its proportion.

        Where a row has several labels, they are drawn without regard to these. `validation` and
        `test`, which stay as they are, are of no part.

        Raises `CircuitError` where the shares do not add up to 1 or a part would lack a class.

        >>> data = Recordings("ten", [np.ones(8)] * 10, 8000, [0, 1] * 5, ("no", "yes"))
        >>> [len(part) for part in data.split(0.6, 0.4)]
        [6, 4]
        """
        single = self.labels.ndim == 1
        drawn = split_rows(self.labels if single else len(self), shares, seed)
        if single:
            refuse_rare(self.labels, self.classes, len(shares))
        return [self.rows(rows) for rows in drawn]


def _sound(name: str, row: int, sound: Any) -> np.ndarray:
    """One sound as float32."""
    x = np.asarray(sound)
    if x.ndim != 1 or not x.size or x.dtype.kind != "f":
        raise CircuitError(
            f"{name}: a sound is floats of shape (samples,), as a rule from -1 to 1, got "
            f"{x.dtype} of shape {x.shape} (row {row})"
        )
    if not np.isfinite(x).all():
        raise CircuitError(f"{name}: row {row} holds nan or infinity; leave it out")
    return x.astype(np.float32, copy=False)


def _labels(name: str, rows: int, given: Any, classes: int) -> np.ndarray:
    """Labels as int64: one for each row, or several and -1 behind them."""
    labels = np.asarray(given)
    if labels.ndim not in (1, 2) or len(labels) != rows or labels.dtype.kind not in "iu":
        raise CircuitError(
            f"{name}: labels are class numbers of shape ({rows},), or ({rows}, most) with -1 "
            f"behind the last, got {labels.dtype} of shape {labels.shape}"
        )
    labels = labels.astype(np.int64)
    least = 0 if labels.ndim == 1 else -1
    if labels.size and not least <= labels.min() <= labels.max() < classes:
        raise CircuitError(
            f"{name}: the labels of {classes} classes are from 0 to {classes - 1}, got "
            f"{labels.min()} to {labels.max()}"
        )
    if labels.ndim == 2 and (labels[:, 1:] > labels[:, :-1])[labels[:, :-1] == -1].any():
        raise CircuitError(f"{name}: -1 stands only behind the last label of a row")
    return labels
