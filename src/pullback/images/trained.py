"""In: a trained model, and what its pictures are. Out: a file of both; answers to pictures.

The file is that of `Layer.save`, which `Layer.load` reads; what answers need beside the layers is
plain JSON in it, checked field by field when it is read.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.plain import from_plain, to_plain
from pullback.core.text import counted
from pullback.files.answers import Answers
from pullback.files.folder import told_by_folders
from pullback.files.words import text_of
from pullback.images.folder import pictures_in
from pullback.images.reading import read_picture
from pullback.layers import Layer
from pullback.layers.saving import load_model, save_model
from pullback.layers.storage import read_about

FORMAT = "pullback trained pictures, version 1"
_AT_ONCE = 256  # pictures in memory


@dataclass(frozen=True)
class Metric:
    """The accuracy in one part: the model's, that of a linear model, and of one class for all."""

    part: str
    pictures: int
    model: float
    linear: float
    trivial: float


@dataclass(frozen=True)
class Record:
    """How a model was trained, and how good it was."""

    data: str
    source: str
    kind: str
    augment: tuple[str, ...]
    optimizer: str
    l2: float
    epochs: int
    ended: str
    seed: int
    metrics: tuple[Metric, ...]
    trivial: str


@dataclass(frozen=True)
class Kind:
    """What pictures a model takes: their size, how others are brought to it, and the classes."""

    height: int
    width: int
    channels: int
    how: str
    classes: tuple[Any, ...]


@dataclass(frozen=True)
class TrainedPictures:
    """A model that takes pictures: its layers, what they take, and the record of its training."""

    model: Layer
    kind: Kind
    record: Record
    version: str = ""
    task: ClassVar[str] = "classification"

    @property
    def classes(self) -> tuple[Any, ...]:
        return self.kind.classes

    def picture(self, path: str | os.PathLike[str]) -> np.ndarray:
        """A file's picture as the model takes it: (H, W, C), float32 from 0 to 1.

        It is read as those to train on were, to the bit.

        Raises `CircuitError` where it cannot be read.
        """
        kind = self.kind
        picture = read_picture(path, kind.channels, (kind.height, kind.width), kind.how)
        return np.divide(picture, np.float32(255.0), dtype=np.float32)

    def probabilities(self, pictures: Any) -> np.ndarray:
        """How likely each class is, (rows, classes), for pictures (rows, H, W, C) as it takes them.

        Whole numbers are from 0 to 255, floats from 0 to 1.
        """
        x = np.asarray(pictures)
        if x.dtype.kind in "iu":
            x = np.divide(x, np.float32(255.0), dtype=np.float32)
        return softmax(self.model.predict(x))

    def predict(self, paths: Sequence[str | os.PathLike[str]]) -> np.ndarray:
        """How likely each class is, (rows, classes), for the pictures in these files.

        Raises `CircuitError` where one cannot be read.
        """
        kind = self.kind
        if not paths:
            return np.zeros((0, len(kind.classes)), np.float32)
        return self.probabilities(np.stack([self.picture(path) for path in paths]))

    def truth(self, paths: Sequence[str | os.PathLike[str]]) -> np.ndarray | None:
        """The number of each file's class, told by the folders that it is in; None if of some not.

        The innermost folder of the name of a class counts.
        """
        return told_by_folders(paths, self.classes)

    def answers(self, data: Sequence[str]) -> Answers:
        """What it says of pictures, and of those in folders, named by their paths.

        Raises `CircuitError` where one cannot be read.
        """
        files = pictures_in(data)
        parts = [files[k : k + _AT_ONCE] for k in range(0, len(files), _AT_ONCE)]
        found = np.concatenate([self.predict(part) for part in parts])
        best = found.argmax(1)
        columns = {
            "file": [text_of(file) for file in files],
            "prediction": [self.classes[k] for k in best],
            **{f"probability {c}": found[:, k] for k, c in enumerate(self.classes)},
        }
        truth = self.truth(files)
        measured = {} if truth is None else {"accuracy": float((best == truth).mean())}
        judged = f"by the folders of {counted(len(files), 'picture')}"
        return Answers(columns, self.classes, measured, judged)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all of it to one file.

        Raises `CircuitError` where it cannot be written.
        """
        about = {"format": FORMAT, "kind": to_plain(self.kind), "record": to_plain(self.record)}
        save_model(self.model, path, about)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TrainedPictures:
        """What `save` wrote. Nothing in the file can run code.

        Raises `CircuitError` where the file is missing, damaged or foreign, or holds layers alone.
        """
        version, about = read_about(path)
        if not holds_pictures(about):
            raise CircuitError(
                f"{Path(path)} holds no model of pictures, as `pullback train --save` writes them"
            )
        model = load_model(path)
        try:
            kind = from_plain(Kind, about["kind"])
            trained = cls(model, kind, from_plain(Record, about["record"]), version)
            trained._check()
        except (CircuitError, KeyError) as error:
            raise CircuitError(f"{path} is damaged: {error}") from None
        return trained

    def _check(self) -> None:
        """Refuse parts that do not belong together."""
        kind = self.kind
        if min(kind.height, kind.width, kind.channels) < 1 or kind.how not in ("crop", "stretch"):
            raise CircuitError("what it tells about its pictures is not possible")
        try:
            one = np.zeros((1, kind.height, kind.width, kind.channels), np.float32)
            shape = np.shape(self.model.predict(one))
        except Exception:  # what foreign layers make of it cannot be foreseen
            shape = None
        if shape != (1, len(kind.classes)):
            raise CircuitError("the layers do not take its pictures, or have other classes")


def holds_pictures(about: Any) -> bool:
    """Whether what a file tells is about a model of pictures."""
    return isinstance(about, dict) and about.get("format") == FORMAT


def softmax(scores: np.ndarray) -> np.ndarray:
    """Scores as probabilities, row by row.

    >>> softmax(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
