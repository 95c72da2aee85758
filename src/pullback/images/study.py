"""In: pictures, and a recipe. Out: a trained model, and all that is worth knowing about it.

Nothing here is shown: the command line does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.files.words import text_of
from pullback.images.pictures import Pictures
from pullback.images.recipe import PictureRecipe, Plan, prepared, standardized
from pullback.images.trained import Kind, Metric, Record, TrainedPictures, softmax
from pullback.layers import Dense, Flatten, Sequential
from pullback.losses import SoftmaxCrossEntropy
from pullback.optim import Adam
from pullback.optim.schedules import CosineDecay
from pullback.train import Trainer
from pullback.train.fitting import AfterTraining, fitted
from pullback.train.split import in_parts

MOST_WRONG = 8
_LINEAR = (5, 128, 0.002)  # epochs, rows of a batch and rate of the linear model


@dataclass(frozen=True)
class PictureStudy:
    """Pictures in parts, and the plan of training."""

    data: Pictures
    parts: Mapping[str, Pictures]
    recipe: PictureRecipe
    plan: Plan
    how: str = "crop"

    @classmethod
    def of(cls, data: Pictures, recipe: PictureRecipe, how: str = "crop") -> PictureStudy:
        """The study of these pictures, by a recipe that was `checked`, before training.

        A part that the set brings is taken as it is, and the others are drawn from the rest.
        `how` says how pictures of another size were brought to that of these.

        Raises `CircuitError` where they cannot be learned from, or not so.
        """
        parts = in_parts(data, recipe.seed)
        return cls(data, parts, recipe, prepared(recipe, parts["train"]), how)

    @property
    def parameters(self) -> int:
        return sum(unit.size for unit in self.plan.model.parameters.values())

    @cached_property
    def commonest(self) -> int:
        """The class of most training pictures."""
        return int(np.bincount(self.parts["train"].labels).argmax())

    @cached_property
    def linear(self) -> dict[str, float]:
        """The accuracy of softmax regression on the pixels, in each part; quickly trained."""
        train, (epochs, batch, rate) = self.parts["train"], _LINEAR
        last = Dense(len(train.classes), initializer="zeros")
        model = Sequential(standardized(train), Flatten(), last, rng=0)
        steps = max(1, len(train) // batch) * epochs
        optimizer = Adam(CosineDecay(rate, steps=steps))
        trainer = Trainer(model, SoftmaxCrossEntropy(), optimizer, threads=self.recipe.threads)
        trainer.fit(train.inputs, train.labels, epochs=epochs, batch_size=batch, progress=False)
        return {
            part: float((trainer.predict(data.inputs).argmax(1) == data.labels).mean())
            for part, data in self.parts.items()
        }

    def train(self, *, progress: bool | None = None) -> PictureOutcome:
        """Train the model, as far as a person lets it.

        Raises `CircuitError` where the loss left all numbers before anything was learned.
        """
        train, validation = self.parts["train"], self.parts["validation"]
        done = fitted(
            self.recipe,
            self.plan,
            train.inputs,
            train.labels,
            validation=(validation.inputs, validation.labels),
            mixup=self.plan.mixup,
            progress=progress,
        )
        try:
            answers = {
                part: softmax(done.trainer.predict(data.inputs))
                for part, data in self.parts.items()
            }
        except CircuitError:
            raise CircuitError(
                f"training left all numbers behind ({done.history.ended}); try a smaller "
                "--learning-rate"
            ) from None
        return PictureOutcome(done, self, answers)


@dataclass(frozen=True)
class Mistake:
    """A picture that was taken for another class: its number in the whole, from 0, or its file."""

    place: int
    file: str
    label: Any
    prediction: Any
    confidence: float


@dataclass(frozen=True)
class PictureOutcome(AfterTraining):
    """A study after training: what was learned, and how good it is."""

    study: PictureStudy
    probabilities: Mapping[str, np.ndarray]

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """How many pictures of each part are right, and what is easy to reach."""
        study = self.study
        return tuple(
            Metric(
                part,
                len(data),
                float((self.probabilities[part].argmax(1) == data.labels).mean()),
                study.linear[part],
                float((data.labels == study.commonest).mean()),
            )
            for part, data in study.parts.items()
        )

    @property
    def confusion(self) -> np.ndarray:
        """How often each class (row) of the test part was taken for each (column)."""
        test, count = self.study.parts["test"], len(self.study.data.classes)
        pairs = test.labels * count + self.probabilities["test"].argmax(1)
        return np.bincount(pairs, minlength=count**2).reshape(count, count)

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The pictures of the test part that were most confidently taken for another class."""
        test, found = self.study.parts["test"], self.probabilities["test"]
        answers = found.argmax(1)
        sure = np.where(answers == test.labels, -1.0, found.max(1))
        places = np.arange(len(test)) if test.places is None else test.places
        return tuple(
            Mistake(
                int(places[k]),
                text_of(test.files[k]) if test.files else "",
                test.classes[test.labels[k]],
                test.classes[answers[k]],
                float(found[k].max()),
            )
            for k in np.argsort(-sure, kind="stable")[:MOST_WRONG]
            if sure[k] >= 0.0
        )

    @property
    def trained(self) -> TrainedPictures:
        """What a file keeps of it."""
        study = self.study
        kind = Kind(*study.data.shape, study.how, tuple(study.data.classes))
        return TrainedPictures(study.plan.model, kind, self._record())

    def _record(self) -> Record:
        study = self.study
        return Record(
            data=study.data.name,
            source=study.data.source,
            kind=study.recipe.model,
            augment=study.recipe.augment,
            optimizer=repr(self.optimizer),
            l2=study.plan.l2,
            epochs=len(self.history),
            ended=self.history.ended,
            seed=study.recipe.seed,
            metrics=self.metrics,
            trivial=f"always {study.data.classes[study.commonest]}",
        )

    def to_json_dict(self, saved: str | None) -> dict[str, Any]:
        """All of it as plain data."""
        study, plan = self.study, self.study.plan
        return {
            "data": study.data.name,
            "source": study.data.source,
            "task": "classification",
            "classes": list(study.data.classes),
            "pictures": {part: len(data) for part, data in study.parts.items()},
            "shape": list(study.data.shape),
            "notes": list(study.data.notes),
            "model": {
                "kind": study.recipe.model,
                "layers": [repr(layer) for layer in plan.model],
                "parameters": study.parameters,
                "loss": repr(plan.loss),
                "optimizer": repr(self.optimizer),
                "l2": plan.l2,
                "augment": list(study.recipe.augment),
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
            "metrics": {
                who: {metric.part: {"accuracy": getattr(metric, who)} for metric in self.metrics}
                for who in ("model", "linear", "trivial")
            },
            "test_accuracy": next(m.model for m in self.metrics if m.part == "test"),
            "confusion": self.confusion.tolist(),
            "most_wrong": [vars(mistake) for mistake in self.mistakes],
            "saved": saved,
        }
