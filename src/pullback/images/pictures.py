"""In: pictures of one size and the class of each. Out: parts of them, to train and to judge by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.shown import Shown, Table
from pullback.core.text import counted
from pullback.tables.showing import class_table, heading
from pullback.train.split import refuse_rare, split_rows


@dataclass(frozen=True, eq=False, repr=False)
class Pictures(Shown):
    """Pictures with a class each.

    images (rows, height, width, channels), uint8, or float32 from 0 to 1; labels (rows,): class
    numbers from 0, which `classes` names. `notes` say what was assumed, and `files` where each
    picture was read. Of a part, `places` (rows,) are the numbers that its rows have in the whole.
    `test`, and `validation`, are what the set brings of its own to judge by.

    Raises `CircuitError` where images or labels are of another shape or kind.

    >>> data = Pictures("two", np.zeros((10, 8, 8, 1), np.uint8), [0, 1] * 5, ("cat", "dog"))
    >>> len(data), data.shape, data.inputs.dtype
    (10, (8, 8, 1), dtype('float32'))
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple[Any, ...]
    source: str = ""
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    places: np.ndarray | None = None
    validation: Pictures | None = None
    test: Pictures | None = None

    def __post_init__(self) -> None:
        _check_images(self.name, self.images)
        labels = np.asarray(self.labels)
        if labels.shape != (len(self.images),) or labels.dtype.kind not in "iu":
            raise CircuitError(
                f"{self.name}: labels are one class number for each of {len(self.images)} "
                f"pictures, got {labels.dtype} of shape {labels.shape}"
            )
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(self.classes):
            raise CircuitError(
                f"{self.name}: the labels of {len(self.classes)} classes are from 0 to "
                f"{len(self.classes) - 1}, got {labels.min()} to {labels.max()}"
            )
        if self.files and len(self.files) != len(labels):
            raise CircuitError(f"{self.name}: {len(self.files)} files for {len(labels)} pictures")
        object.__setattr__(self, "labels", labels.astype(np.int64))

    def __len__(self) -> int:
        return len(self.images)

    def _says(self) -> Iterator[str | Table]:
        size = " × ".join(map(str, self.shape))
        amount = f"{counted(len(self), 'picture')} of {size}, {self.images.dtype}"
        own = {"validation": self.validation, "test": self.test}
        yield from heading(self.name, amount, self.classes, self.source, **own)
        yield class_table(self.labels, self.classes)
        yield from self.notes

    @property
    def shape(self) -> tuple[int, int, int]:
        """The height, width and channels of each picture."""
        height, width, channels = self.images.shape[1:]
        return height, width, channels

    @property
    def inputs(self) -> np.ndarray:
        """The pictures as a network takes them: float32 from 0 to 1, made anew at each call.

        They take four times the memory of what is kept, so a part alone is made by
        `rows(which).inputs`.
        """
        if self.images.dtype == np.float32:
            return self.images
        return np.divide(self.images, np.float32(255.0), dtype=np.float32)

    def rows(self, which: Any) -> Pictures:
        """These pictures alone: their numbers, a slice, or one truth value for each.

        >>> data = Pictures("three", np.zeros((3, 1, 1, 1), np.uint8), [0, 1, 0], ("cat", "dog"))
        >>> data.rows([2, 1]).labels.tolist(), data.rows(slice(1)).places.tolist()
        ([0, 1], [0])
        """
        which = np.atleast_1d(np.arange(len(self))[which])
        places = which if self.places is None else self.places[which]
        return replace(
            self,
            images=self.images[which],
            labels=self.labels[which],
            files=tuple(self.files[row] for row in which) if self.files else (),
            places=places,
            validation=None,
            test=None,
        )

    def split(self, *shares: float, seed: int = 0) -> list[Pictures]:
        """Parts of these shares, drawn at random, each with every class in its proportion.

        `validation` and `test`, which stay as they are, are of no part.

        Raises `CircuitError` where the shares do not add up to 1 or a part would lack a class.

        >>> data = Pictures("two", np.zeros((10, 8, 8, 1), np.uint8), [0, 1] * 5, ("cat", "dog"))
        >>> [len(part) for part in data.split(0.6, 0.4)]
        [6, 4]
        """
        drawn = split_rows(self.labels, shares, seed)
        refuse_rare(self.labels, self.classes, len(shares))
        return [self.rows(rows) for rows in drawn]


def _check_images(name: str, images: Any) -> None:
    """Refuse what are no pictures of one size."""
    if not isinstance(images, np.ndarray) or images.ndim != 4:
        shape = getattr(images, "shape", type(images).__name__)
        raise CircuitError(f"{name}: images are an array of (rows, H, W, C), got {shape}")
    if images.dtype not in (np.uint8, np.float32):
        raise CircuitError(f"{name}: images are uint8, or float32 from 0 to 1, got {images.dtype}")
    inside = images.dtype == np.uint8 or not images.size
    if not inside and not (images.min() >= 0.0 and images.max() <= 1.0):
        raise CircuitError(
            f"{name}: images in float32 are from 0 to 1, got {images.min():g} to {images.max():g}"
        )
