"""In: sequences in parts, and a plan. Out: a trained model, and all that is worth knowing of it.

Each task, such as writing or tagging, is a subclass: it says how data become numbers, which model
learns them, and how good that is. Nothing here is shown: the command line does that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.layers import Layer
from pullback.losses import L2, Loss, Penalty
from pullback.optim import Optimizer
from pullback.sequences.tasks.recipe import SequenceRecipe
from pullback.sequences.tasks.trained import PARTS, Measure, Record, TrainedSequences
from pullback.train import Callback
from pullback.train.fitting import AfterTraining, fitted

MODEL = "this model"
"""Whose measures are the trained model's own."""


def repeated(parts: Mapping[str, Sequence[Any]], noun: str) -> list[str]:
    """A note where what is judged by also stands in the part that is learned from; or none.

    >>> repeated({"train": ["a", "b"], "test": ["b", "c"]}, "text")
    ['1 of 2 texts to test stands in the training part too, and is no proof of anything']
    """
    known = set(parts["train"])
    count = sum(one in known for one in parts["test"])
    if not count:
        return []
    stand, are = ("stands", "is") if count == 1 else ("stand", "are")
    return [
        f"{count:,} of {counted(len(parts['test']), noun)} to test {stand} in the training part "
        f"too, and {are} no proof of anything"
    ]


@dataclass(frozen=True)
class Plan:
    """All that training needs: `batches` for `Trainer.fit`, and what validates."""

    model: Layer
    loss: Loss
    optimizer: Optimizer
    epochs: int
    batches: Callable[[], Any]
    validation: tuple[Any, ...]
    l2: float = 0.0

    @property
    def penalties(self) -> list[Penalty]:
        return [L2(self.l2)] if self.l2 else []


@dataclass(frozen=True, kw_only=True)
class Study(ABC):
    """Sequences in parts, a recipe that was checked, and the plan of training.

    `counts` are how many `unit`s each part has, such as sentences, by its name.
    """

    name: str
    source: str
    notes: tuple[str, ...] = ()
    counts: Mapping[str, int]
    recipe: SequenceRecipe
    plan: Plan
    task: ClassVar[str]
    unit: ClassVar[str]

    @property
    def parameters(self) -> int:
        return sum(unit.size for unit in self.plan.model.parameters.values())

    @abstractmethod
    def facts(self) -> list[str]:
        """What the data are, in sentences, beside the counts."""

    @abstractmethod
    def measures(self) -> tuple[Measure, ...]:
        """How good the model is, and what is easy to reach; asked for after training."""

    @abstractmethod
    def trained(self, record: Record) -> TrainedSequences:
        """What a file keeps."""

    def watching(self, tell: Callable[[str], None]) -> Sequence[Callback]:
        """Callbacks that tell, while it trains, what a person would like to see."""
        return ()

    def confusion(self) -> tuple[Sequence[Any], np.ndarray] | None:
        """Classes, and how often each (row) was taken for each in the test part; None: no such."""
        return None

    def mistakes(self) -> tuple[str, list[tuple[str, ...]]]:
        """What was most wrong: a title, and rows of a table, the first its head; or no rows."""
        return "", []

    def train(
        self, *, progress: bool | None = None, tell: Callable[[str], None] | None = None
    ) -> Outcome:
        """Train the model, as far as a person lets it.

        Raises `CircuitError` where the loss left all numbers before anything was learned.
        """
        done = fitted(
            self.recipe,
            self.plan,
            self.plan.batches,
            validation=self.plan.validation,
            callbacks=[] if tell is None else self.watching(tell),
            progress=progress,
        )
        outcome = Outcome(done, self)
        try:
            _ = outcome.measures
        except CircuitError:
            if not done.history.diverged:
                raise
            raise CircuitError(
                f"training left all numbers behind ({done.history.ended}); try a smaller "
                "--learning-rate"
            ) from None
        return outcome


@dataclass(frozen=True)
class Outcome(AfterTraining):
    """A study after training: what was learned, and how good it is."""

    study: Study

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        return self.study.measures()

    @property
    def trained(self) -> TrainedSequences:
        """What a file keeps of it."""
        return self.study.trained(self.record)

    @property
    def record(self) -> Record:
        study, plan = self.study, self.study.plan
        return Record(
            data=study.name,
            source=study.source,
            kind=study.recipe.model or "",
            loss=repr(plan.loss),
            optimizer=repr(self.optimizer),
            l2=plan.l2,
            epochs=len(self.history),
            ended=self.history.ended,
            seed=study.recipe.seed,
            unit=study.unit,
            counts=tuple(study.counts.get(part, 0) for part in PARTS),
            measures=self.measures,
        )

    def to_json_dict(self, saved: str | None) -> dict[str, Any]:
        """All of it as plain data."""
        study, plan = self.study, self.study.plan
        confusion = study.confusion()
        _, rows = study.mistakes()
        metrics: dict[str, dict[str, dict[str, float]]] = {}
        for measure in self.measures:
            of = metrics.setdefault(measure.who, {})
            for part in PARTS:
                if (value := getattr(measure, part)) is not None:
                    of.setdefault(part, {})[measure.name.replace(" ", "_")] = value
        last = next(part for part in reversed(PARTS) if study.counts.get(part))
        return {
            "data": study.name,
            "source": study.source,
            "task": study.task,
            study.unit: dict(study.counts),
            "facts": study.facts(),
            "notes": list(study.notes),
            "model": {
                "kind": study.recipe.model,
                "layers": repr(plan.model),
                "parameters": study.parameters,
                "loss": repr(plan.loss),
                "optimizer": repr(self.optimizer),
                "l2": plan.l2,
            },
            "training": {
                "epochs": len(self.history),
                "ended": self.history.ended,
                "seconds": round(self.seconds, 3),
                "seed": study.recipe.seed,
                "engine": study.recipe.engine,
                "history": self.history.rows,
            },
            "metrics": metrics,
            **{f"{last}_{name}": x for name, x in metrics[MODEL].get(last, {}).items()},
            "classes": None if confusion is None else list(confusion[0]),
            "confusion": None if confusion is None else confusion[1].tolist(),
            "most_wrong": [dict(zip(rows[0], row, strict=True)) for row in rows[1:]],
            "saved": saved,
        }
