"""In: data, and a recipe. Out: a trained model, and all that is worth knowing about it, as numbers.

Nothing here is shown: `report` does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.tables.answers import Answers
from pullback.tables.column import Column
from pullback.tables.dataset import Dataset
from pullback.tables.measure import (
    Baseline,
    Measured,
    Wrong,
    confusion,
    linear,
    measured,
    most_wrong,
    quantiles,
    trivial,
)
from pullback.tables.prepare import Preparation
from pullback.tables.recipe import Plan, Recipe, prepared
from pullback.tables.table import TableDataset
from pullback.tables.target import Target
from pullback.tables.trained import Metric, Record, Trained
from pullback.train import History
from pullback.train.fitting import Fitted, fitted
from pullback.train.split import SHARES

MOST_WRONG = 5


@dataclass(frozen=True)
class Study:
    """Data in parts, what training has to beat on them, and the plan of it."""

    data: Dataset | TableDataset
    parts: Mapping[str, Dataset]
    truths: Mapping[str, np.ndarray]
    recipe: Recipe
    plan: Plan

    @classmethod
    def of(cls, data: Dataset | TableDataset, recipe: Recipe) -> Study:
        """The study of this data, by a recipe that was `checked`, before training.

        Raises `CircuitError` where the data cannot be learned from, or not so.
        """
        drawn = data.split(*SHARES.values(), seed=recipe.seed)
        parts = dict(zip(SHARES, drawn, strict=True))
        truths = {name: _truth(data, part) for name, part in parts.items()}
        plan = prepared(recipe, parts["train"])
        plan.model(parts["train"].inputs[:1])  # makes the parameters, of which there may be many
        return cls(data, parts, truths, recipe, plan)

    @cached_property
    def trivial(self) -> Baseline:
        """What takes no learning."""
        return trivial(self.target, self.truths)

    @cached_property
    def linear(self) -> Baseline:
        """What a linear model reaches; of many rows it takes a while.

        Ctrl-C ends that, and the trivial model stands in: what training made is not lost by it.
        """
        try:
            return linear(self.target, self.parts, balanced=self.recipe.balanced)
        except KeyboardInterrupt:
            return replace(self.trivial, name=f"linear: interrupted, so {self.trivial.name}")

    @property
    def preparation(self) -> Preparation:
        preparation = self.parts["train"].preparation
        assert preparation is not None  # `load_dataset` gives no data without
        return preparation

    @property
    def target(self) -> Target:
        target = self.preparation.target
        assert target is not None
        return target

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.preparation.columns

    @property
    def notes(self) -> tuple[str, ...]:
        return self.parts["train"].notes

    @property
    def parameters(self) -> int:
        return sum(unit.size for unit in self.plan.model.parameters.values())

    def train(self, *, progress: bool | None = None) -> Outcome:
        """Train the model, as far as a person lets it.

        Raises `CircuitError` where the loss left all numbers before anything was learned.
        """
        plan = self.plan
        x, y = ({k: self._data(k)[n] for k in SHARES} for n in (0, 1))
        done = fitted(
            self.recipe,
            plan,
            x["train"],
            y["train"],
            validation=(x["validation"], y["validation"]),
            progress=progress,
        )
        try:
            scores = {part: plan.model.predict(x[part]) for part in SHARES}
        except CircuitError:
            raise CircuitError(_left(done)) from None
        losses = {part: float(plan.loss(scores[part], y[part]).value) for part in SHARES}
        if not all(map(np.isfinite, losses.values())):
            raise CircuitError(_left(done))
        answers = {part: Answers.of(plan.loss_name, self.target, of) for part, of in scores.items()}
        return Outcome(self, done.history, done.seconds, losses, answers)

    def _data(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        data = self.parts[part]
        return data.inputs, self.plan.loss.reading.labels(data.labels)


def _left(done: Fitted) -> str:
    return (
        f"training left all numbers behind ({done.history.ended}); try a smaller --learning-rate "
        f"than {done.trainer.learning_rate:g}"
    )


def _truth(data: Dataset | TableDataset, part: Dataset) -> np.ndarray:
    """Class numbers, or quantities in their own unit to the last bit, as they were in the data."""
    whole = data.values if isinstance(data, TableDataset) else data.labels
    return whole[part.places]


@dataclass(frozen=True)
class Outcome:
    """A study after training: what was learned, and how good it is."""

    study: Study
    history: History
    seconds: float
    losses: Mapping[str, float]
    answers: Mapping[str, Answers]

    @property
    def interrupted(self) -> bool:
        return self.history.ended.startswith("interrupted")

    @property
    def metrics(self) -> dict[str, dict[str, Measured]]:
        """What the model, the linear one and the trivial one measure, for each part."""
        study = self.study
        numbers = {
            "model": {part: answers.numbers for part, answers in self.answers.items()},
            "linear": study.linear.answers,
            "trivial": study.trivial.answers,
        }
        return {
            who: {part: measured(study.target, study.truths[part], x) for part, x in of.items()}
            for who, of in numbers.items()
        }

    @property
    def confusion(self) -> np.ndarray | None:
        """How often each class of the test part was taken for each."""
        if not self.study.target.classes:
            return None
        return confusion(self.study.truths["test"], self.answers["test"])

    @property
    def residuals(self) -> np.ndarray | None:
        """Truth - prediction over the test part."""
        if self.study.target.classes:
            return None
        return self.study.truths["test"] - self.answers["test"].numbers

    @property
    def most_wrong(self) -> tuple[Wrong, ...]:
        places = self.study.parts["test"].places
        assert places is not None
        return most_wrong(self.study.truths["test"], self.answers["test"], places, MOST_WRONG)

    @property
    def trained(self) -> Trained:
        """What a file keeps of it."""
        study = self.study
        return Trained(study.plan.model, study.preparation, self._record())

    def _record(self) -> Record:
        study, metrics = self.study, self.metrics
        return Record(
            data=study.data.name,
            source=study.data.source,
            rows=tuple(len(part) for part in study.parts.values()),
            kind=study.recipe.model,
            loss=study.plan.loss_name,
            optimizer=repr(study.plan.optimizer),
            l2=study.plan.l2,
            epochs=len(self.history),
            ended=self.history.ended,
            seed=study.recipe.seed,
            metrics=tuple(
                Metric(part, name, value, metrics["linear"][part][name], trivially)
                for part in SHARES
                for name, value in metrics["model"][part].items()
                for trivially in (metrics["trivial"][part][name],)
            ),
            linear=study.linear.name,
            trivial=study.trivial.name,
        )

    def to_json_dict(self, saved: str | None) -> dict[str, Any]:
        """All of it as plain data."""
        study = self.study
        table, residuals = self.confusion, self.residuals
        return {
            "data": study.data.name,
            "source": study.data.source,
            "task": study.target.task,
            "target": study.target.name,
            "classes": list(study.target.classes),
            "rows": {part: len(data) for part, data in study.parts.items()},
            "columns": [{"name": c.name, "kind": c.kind, "note": c.note} for c in study.columns],
            "notes": list(study.notes),
            "model": {
                "kind": study.recipe.model,
                "layers": [repr(layer) for layer in study.plan.model],
                "parameters": study.parameters,
                "loss": repr(study.plan.loss),
                "optimizer": repr(study.plan.optimizer),
                "l2": study.plan.l2,
            },
            "training": {
                "epochs": len(self.history),
                "ended": self.history.ended,
                "seconds": round(self.seconds, 3),
                "seed": study.recipe.seed,
                "engine": study.recipe.engine,
                "batch_size": study.recipe.batch_size,
                "history": self.history.rows,
            },
            "loss": dict(self.losses),
            "metrics": self.metrics,
            **{f"test_{name}": x for name, x in self.metrics["model"]["test"].items()},
            "baselines": {"linear": study.linear.name, "trivial": study.trivial.name},
            "confusion": None if table is None else table.tolist(),
            "residuals": None if residuals is None else quantiles(residuals),
            "most_wrong": [self._wrong(wrong) for wrong in self.most_wrong],
            "saved": saved,
        }

    def _wrong(self, wrong: Wrong) -> dict[str, Any]:
        return {
            **place_of(self.study.data, wrong.place),
            "label": wrong.label,
            "prediction": wrong.prediction,
            "confidence": wrong.confidence,
            "values": cells_of(self.study, wrong.place),
        }


def place_of(data: Dataset | TableDataset, place: int) -> dict[str, int]:
    """A row as a person finds it again: {"line": 3} of a file, {"row": 2} of other data."""
    if isinstance(data, TableDataset):
        return {str(data.frame.index.name): int(data.frame.index[place])}
    return {"row": place + 1}


def cells_of(study: Study, place: int) -> dict[str, Any]:
    """The cells of a row that the network was given, as the table has them."""
    if not isinstance(study.data, TableDataset):
        return {}
    row = study.data.frame.iloc[place]
    row.index = row.index.map(str)
    return {c.name: plain(row[c.name]) for c in study.columns if c.kind != "ignore"}


def plain(x: Any) -> Any:
    """A cell as JSON can hold it: a finite number, a truth value, a text, or None.

    >>> plain(np.float64(1.5)), plain(float("nan")), plain(np.datetime64("2024-01-01"))
    (1.5, None, '2024-01-01')
    """
    if isinstance(x, np.generic):
        x = x.item() if x.dtype.kind in "iufb" else str(x)
    if isinstance(x, float):
        return x if np.isfinite(x) else None
    return x if isinstance(x, int | str | bool) or x is None else str(x)
