"""In: a model of sequences, and what its inputs are. Out: a file of both, which can be asked.

The file is that of `Layer.save`, which `Layer.load` reads; what answers need beside the layers is
plain JSON in it, checked when it is read.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pullback.core.errors import CircuitError
from pullback.core.plain import from_plain, to_plain
from pullback.core.registry import Registry
from pullback.files.answers import Answers
from pullback.layers import Layer
from pullback.layers.saving import load_model, save_model
from pullback.layers.storage import read_about
from pullback.train.split import PARTS

FORMAT = "pullback trained sequences, version 1"
TASKS: Registry[type[TrainedSequences]] = Registry("task")
T = TypeVar("T", bound="type[TrainedSequences]")


@dataclass(frozen=True)
class Measure:
    """How good one way to answer is, in each part; None where it was not asked.

    `name` is what was measured, such as "accuracy", and `who` answered.
    """

    name: str
    who: str
    train: float | None
    validation: float | None
    test: float | None


@dataclass(frozen=True)
class Record:
    """How a model was trained, and how good it was; `counts` are of each part, in `unit`s."""

    data: str
    source: str
    kind: str
    loss: str
    optimizer: str
    l2: float
    epochs: int
    ended: str
    seed: int
    unit: str
    counts: tuple[int, ...]
    measures: tuple[Measure, ...]


@dataclass(frozen=True, kw_only=True)
class TrainedSequences(ABC):
    """A model of sequences, what its inputs are, and the record of its training.

    A subclass is final, says its `task` and what it is, a `noun`, and is decorated with `register`.
    """

    model: Layer
    record: Record
    version: str = ""
    task: ClassVar[str]
    noun: ClassVar[str]

    @abstractmethod
    def says(self) -> list[str]:
        """What it takes and answers, in sentences."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What it needs beside the layers, as JSON can hold it."""

    @classmethod
    @abstractmethod
    def construct(cls, description: Mapping[str, Any], **common: Any) -> TrainedSequences:
        """What `describe` told of, with the model, the record and the version."""

    @abstractmethod
    def check(self) -> None:
        """Raise `CircuitError` where the layers do not take such inputs, or answer otherwise."""

    def answers(self, data: Sequence[str], *, encoding: str | None = None) -> Answers:
        """What it says of files, named by their paths; of text in the `encoding` of the training.

        Raises `CircuitError` where one cannot be read.
        """
        raise CircuitError(
            f"a {self.noun} predicts no files: it writes, with pullback sample MODEL"
        )

    def answers_to(self, texts: Sequence[str]) -> Answers:
        """What it says of texts.

        Raises `CircuitError` for a model that takes none.
        """
        raise CircuitError(f"a {self.noun} answers for no text that is told: name files")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all of it to one file.

        Raises `CircuitError` where it cannot be written.
        """
        about = {
            "format": FORMAT,
            "task": type(self).__name__,
            "inputs": self.describe(),
            "record": to_plain(self.record),
        }
        save_model(self.model, path, about)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> TrainedSequences:
        """What `save` wrote. Nothing in the file can run code.

        Raises `CircuitError` where the file is missing, damaged or foreign, or holds layers alone.
        """
        version, about = read_about(path)
        if not holds_sequences(about):
            raise CircuitError(
                f"{Path(path)} holds no model of sequences, as `pullback train --save` writes them"
            )
        model = load_model(path)
        try:
            if about["task"] not in TASKS:
                raise CircuitError(f"there is no task {about['task']!r}")
            common = {"model": model, "record": from_plain(Record, about["record"])}
            if len(common["record"].counts) != len(PARTS):
                raise CircuitError("it counts other parts")
            task = TASKS[about["task"]]
            trained = task.construct(about["inputs"], **common, version=version)
            trained.check()
        except (CircuitError, KeyError, TypeError, ValueError) as error:
            raise CircuitError(f"{path} is damaged: {error}") from None
        return trained


def checked_classes(names: Any) -> tuple[str, ...]:
    """The names of classes that a file tells: two at least, none twice, all of them texts.

    Raises `CircuitError` where they are anything else, or cannot be written as UTF-8.
    """
    names = names if isinstance(names, list) else []
    if not all(type(name) is str for name in names) or not 1 < len(names) == len(set(names)):
        raise CircuitError("the names of its classes are not possible")
    try:
        "".join(names).encode()
    except UnicodeEncodeError:
        raise CircuitError("the names of its classes are no text") from None
    return tuple(names)


def register(trained: T) -> T:
    """Decorate a class of trained models so that files, which name it, find it."""
    TASKS.add(trained.__name__, trained)
    return trained


def holds_sequences(about: Any) -> bool:
    """Whether what a file tells is about a model of sequences."""
    return isinstance(about, dict) and about.get("format") == FORMAT
