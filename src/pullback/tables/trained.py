"""In: a trained model and how its inputs are made of a table. Out: a file of both; and back.

The file is that of `Layer.save`, which `Layer.load` reads; what `pullback predict` needs beside the
layers is plain JSON in it, checked field by field when it is read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.plain import from_plain, to_plain
from pullback.layers import Layer
from pullback.layers.saving import load_model, save_model
from pullback.layers.storage import read_about
from pullback.losses import LOSSES
from pullback.losses.loss import fitting
from pullback.metrics import Threshold
from pullback.tables.answers import Answers
from pullback.tables.measure import MEASURES
from pullback.tables.options import ReadOptions
from pullback.tables.prepare import Preparation
from pullback.tables.target import Target
from pullback.train.split import PARTS

FORMAT = "pullback trained model, version 1"


@dataclass(frozen=True)
class Metric:
    """One measurement of one part: the model's, the linear baseline's, the trivial one's."""

    part: str
    name: str
    model: float | None
    linear: float | None
    trivial: float | None


@dataclass(frozen=True)
class Record:
    """How a model was trained, and how good it was."""

    data: str
    source: str
    rows: tuple[int, ...]
    kind: str
    loss: str
    optimizer: str
    l2: float
    epochs: int
    ended: str
    seed: int
    metrics: tuple[Metric, ...]
    linear: str
    trivial: str


@dataclass(frozen=True)
class Trained:
    """A model that takes tables: its layers, its preparation, and the record of its training.

    With a `threshold` it answers one of two classes from that probability on.
    """

    model: Layer
    preparation: Preparation
    record: Record
    version: str = ""
    threshold: Threshold | None = None

    @property
    def target(self) -> Target:
        assert self.preparation.target is not None
        return self.preparation.target

    def answer(self, inputs: np.ndarray) -> Answers:
        """The answers for inputs that the preparation made."""
        scores = self.model.predict(inputs)
        return Answers.of(self.record.loss, self.target, scores, self.threshold)

    @property
    def answered(self) -> str:
        """When it answers which class, in words; "" where it answers the likeliest."""
        if self.threshold is None:
            return ""
        rare, other = (self.target.classes[abs(k - self.threshold.positive)] for k in (0, 1))
        return (
            f"{rare} from a probability of {self.threshold.value:.4g} on, else {other}: chosen for "
            f"{self.threshold.criterion}"
        )

    def read_with(self, options: ReadOptions) -> Trained:
        """The same for files that are to be read by these options."""
        return replace(self, preparation=self.preparation.read_with(options))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all of it to one file.

        Raises `CircuitError` where it cannot be written.
        """
        about: dict[str, Any] = {
            "format": FORMAT,
            "preparation": self.preparation.to_json_dict(),
            "record": to_plain(self.record),
        }
        if self.threshold is not None:
            about["threshold"] = to_plain(self.threshold)
        save_model(self.model, path, about)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Trained:
        """What `save` wrote. Nothing in the file can run code.

        Raises `CircuitError` where the file is missing, damaged or foreign, or holds layers alone.
        """
        version, about = read_about(path)
        if about is None:
            raise CircuitError(
                f"{path} holds layers alone, and nothing on how a table becomes their inputs; "
                "`pullback train --save` writes models that tell"
            )
        model = load_model(path)
        try:
            preparation, record, threshold = _understood(about)
            trained = cls(model, preparation, record, version, threshold)
            trained._check()
        except CircuitError as error:
            raise CircuitError(f"{path} is damaged: {error}") from None
        return trained

    def _check(self) -> None:
        """Refuse parts that do not belong together."""
        target, loss = self.preparation.target, self.record.loss
        if target is None or loss not in fitting(target.task, len(target.classes)):
            raise CircuitError(f"a target and a loss {loss!r} that do not fit each other")
        if self.threshold is not None and not (
            len(target.classes) == 2
            and LOSSES[loss].reading.probable
            and self.threshold.positive in (0, 1)
        ):
            raise CircuitError("a threshold, which is for the probability of one of two classes")
        found = [(metric.part, metric.name) for metric in self.record.metrics]
        if found != [(part, name) for part in PARTS for name in MEASURES[target.task]] or (
            len(self.record.rows) != len(PARTS)
        ):
            raise CircuitError("the record of its training is not whole")
        width = len(self.preparation.features)
        wanted = (1, LOSSES[loss].reading.outputs(len(target.classes)))
        try:
            shape = np.shape(self.model.predict(np.zeros((1, width), np.float32)))
        except Exception:  # what foreign layers make of it cannot be foreseen
            shape = None
        if shape != wanted:
            raise CircuitError(
                f"the layers are for other numbers than the {width} that the preparation makes and "
                f"the {wanted[1]} that the target needs"
            )


def _understood(about: Any) -> tuple[Preparation, Record, Threshold | None]:
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise CircuitError(f"what it tells about the model is no {FORMAT!r}")
    preparation = Preparation.from_json_dict(about.get("preparation"))
    threshold = from_plain(Threshold, about["threshold"]) if "threshold" in about else None
    return preparation, from_plain(Record, about.get("record")), threshold
