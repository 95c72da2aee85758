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
from pullback.core.plain import to_plain
from pullback.metrics import (
    Reliability,
    Threshold,
    class_metrics,
    misleading_accuracy,
    reliability,
)
from pullback.tables.answers import Answers
from pullback.tables.column import Column
from pullback.tables.dataset import Dataset
from pullback.tables.decision import Decision, decided, unequal
from pullback.tables.measure import (
    MEASURES,
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
from pullback.tables.places import cells_of, place_of
from pullback.tables.prepare import Preparation
from pullback.tables.recipe import Plan, Recipe, prepared
from pullback.tables.table import TableDataset
from pullback.tables.target import Target
from pullback.tables.trained import Metric, Record, Trained
from pullback.train.fitting import AfterTraining, Fitted, fitted
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
        truths = {name: truth_of(data, part) for name, part in parts.items()}
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
            balanced = self.recipe.balanced or self.recipe.sampling is not None
            return linear(self.target, self.parts, balanced=balanced)
        except KeyboardInterrupt:
            return replace(self.trivial, name=f"linear: interrupted, so {self.trivial.name}")

    @property
    def counts(self) -> np.ndarray:
        """How many training rows each class has; none in regression."""
        classes = len(self.target.classes)
        return np.bincount(self.truths["train"], minlength=classes) if classes else np.array([])

    @property
    def unequal(self) -> bool:
        """Whether some class is so rare beside another that plain accuracy says little."""
        return unequal(self.counts)

    @property
    def positive(self) -> int:
        """The rarest class, by its number: of two, what thresholds and F1 are about."""
        return int(self.counts.argmin()) if self.target.classes else 0

    def judge(self, numbers: np.ndarray, by_class: np.ndarray, probable: bool = True) -> Measured:
        """All that `pullback.metrics` measures of answers for the test part."""
        truth = self.truths["test"]
        return class_metrics(truth, by_class, numbers, positive=self.positive, probable=probable)

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

    def numbers(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """The inputs and the labels of a part as training takes them."""
        data = self.parts[part]
        return data.inputs, self.plan.loss.reading.labels(data.labels)

    def train(self, *, progress: bool | None = None) -> Outcome:
        """Train the model, as far as a person lets it.

        Raises `CircuitError` where the loss left all numbers before anything was learned.
        """
        plan = self.plan
        x, y = ({k: self.numbers(k)[n] for k in SHARES} for n in (0, 1))
        done = fitted(
            self.recipe,
            plan,
            x["train"],
            y["train"],
            validation=(x["validation"], y["validation"]),
            mixup=plan.mixup,
            sampling=self.recipe.sampling,
            progress=progress,
        )
        try:
            decision = self._decision(x["validation"])
            scores = {part: decision.model.predict(x[part]) for part in SHARES}
        except CircuitError:
            raise CircuitError(_left(done)) from None
        losses = {part: float(plan.loss(scores[part], y[part]).value) for part in SHARES}
        if not all(map(np.isfinite, losses.values())):
            raise CircuitError(_left(done))
        answers = {
            part: Answers.of(plan.loss_name, self.target, of, decision.threshold)
            for part, of in scores.items()
        }
        return Outcome(done, self, losses, answers, decision)

    def _decision(self, validation: np.ndarray) -> Decision:
        if not self.target.classes:
            return Decision(self.plan.model)
        truth = self.truths["validation"]
        return decided(self.recipe, self.plan, validation, truth, self.counts)


def _left(done: Fitted) -> str:
    return (
        f"training left all numbers behind ({done.history.ended}); try a smaller --learning-rate "
        f"than {done.trainer.learning_rate:g}"
    )


def truth_of(data: Dataset | TableDataset, part: Dataset) -> np.ndarray:
    """Class numbers, or quantities in their own unit to the last bit, as they were in the data."""
    whole = data.values if isinstance(data, TableDataset) else data.labels
    return whole[part.places]


@dataclass(frozen=True)
class Outcome(AfterTraining):
    """A study after training: what was learned, and how good it is."""

    study: Study
    losses: Mapping[str, float]
    answers: Mapping[str, Answers]
    decision: Decision

    @cached_property
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

    @cached_property
    def class_metrics(self) -> dict[str, Measured]:
        """All that `pullback.metrics` measures of the test part, by who answers; none of others."""
        study, answers = self.study, self.answers["test"]
        if answers.speaking is None:
            return {}
        return {
            "model": study.judge(answers.numbers, answers.speaking, answers.probable),
            **{
                who: study.judge(of.answers["test"], of.by_class["test"])
                for who, of in (("linear", study.linear), ("trivial", study.trivial))
            },
        }

    def by_threshold(self, threshold: Threshold) -> Measured:
        """What the test part measures where the model answers by this threshold."""
        p = self.answers["test"].probabilities
        assert p is not None  # else there is no threshold
        return self.study.judge(threshold.answers(p), p)

    @property
    def reliability(self) -> Reliability:
        """How often what is held probable happens in the test part.

        Of two classes that a row is of the rarer one, of several that the answer is right.
        Raises `CircuitError` where the model gives no probabilities.
        """
        study, answers = self.study, self.answers["test"]
        if answers.probabilities is None or answers.confidence is None:
            raise CircuitError(f"{study.plan.loss_name} gives no probabilities to be judged")
        truth = study.truths["test"]
        if len(study.target.classes) == 2:
            rare = study.positive
            strategy = "uniform" if self.study.unequal else "quantile"
            return reliability(truth == rare, answers.probabilities[:, rare], strategy=strategy)
        return reliability(truth == answers.numbers, answers.confidence)

    @property
    def doubt(self) -> str:
        """What to know of the accuracy where it says little, else ""."""
        if not self.study.target.classes:
            return ""
        truth, answers = self.study.truths["test"], self.answers["test"].numbers
        return misleading_accuracy(truth, answers, self.study.target.classes)

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
        return Trained(
            self.decision.model,
            study.preparation,
            self._record(),
            threshold=self.decision.threshold,
        )

    def _record(self) -> Record:
        study, metrics = self.study, self.metrics
        return Record(
            data=study.data.name,
            source=study.data.source,
            rows=tuple(len(part) for part in study.parts.values()),
            kind=study.recipe.model,
            loss=study.plan.loss_name,
            optimizer=repr(self.optimizer),
            l2=study.plan.l2,
            epochs=len(self.history),
            ended=self.history.ended,
            seed=study.recipe.seed,
            metrics=tuple(
                Metric(part, name, value, metrics["linear"][part][name], trivially)
                for part in SHARES
                for name in MEASURES[study.target.task]
                for value in (metrics["model"][part][name],)
                for trivially in (metrics["trivial"][part][name],)
            ),
            linear=study.linear.name,
            trivial=study.trivial.name,
        )

    def to_json_dict(self, saved: str | None) -> dict[str, Any]:
        """All of it as plain data."""
        study = self.study
        table, residuals = self.confusion, self.residuals
        metrics = {
            who: {**parts, "test": parts["test"] | self.class_metrics.get(who, {})}
            for who, parts in self.metrics.items()
        }
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
                "layers": [repr(layer) for layer in self.decision.model.layers],
                "parameters": study.parameters,
                "loss": repr(study.plan.loss),
                "optimizer": repr(self.optimizer),
                "l2": study.plan.l2,
            },
            "training": {
                "epochs": len(self.history),
                "ended": self.history.ended,
                "seconds": round(self.seconds, 3),
                "seed": study.recipe.seed,
                "engine": study.recipe.engine,
                "batch_size": study.recipe.batch_size,
                "mixup": study.plan.mixup,
                "history": self.history.rows,
            },
            "decision": {
                "positive": study.target.classes[study.positive] if study.target.classes else None,
                "sampling": study.recipe.sampling,
                "calibration": to_plain(self.decision.calibration),
                "threshold": to_plain(self.decision.threshold),
                "offered_threshold": to_plain(self.decision.offered),
                "notes": [*self.decision.notes, *([self.doubt] if self.doubt else [])],
            },
            "loss": dict(self.losses),
            "metrics": metrics,
            **{f"test_{name}": x for name, x in metrics["model"]["test"].items()},
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
