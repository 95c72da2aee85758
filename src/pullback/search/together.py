"""In: the best settings. Out: one model of networks of each, and how well such networks answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pullback.layers import Ensemble, Sequential
from pullback.losses import LOSSES
from pullback.search.folds import Fold, target_of
from pullback.search.found import Found
from pullback.search.judging import Verdict, cross_validated
from pullback.search.space import Settings, recipe_of
from pullback.search.task import Task
from pullback.search.trying import Stop, judged, trained
from pullback.search.workers import Workers
from pullback.tables.answers import Answers
from pullback.tables.recipe import prepared
from pullback.tables.trained import Metric, Record, Trained
from pullback.train.split import PARTS


@dataclass(frozen=True)
class Member:
    """A network of the ensemble, and how it was trained."""

    model: Sequential
    loss: str
    optimizer: str
    l2: float
    epochs: int


@dataclass(frozen=True)
class Together:
    """One model of so many of the best settings, a network for each fold, and how good it is."""

    trained: Trained
    verdict: Verdict
    settings: int
    networks: int

    def to_json_dict(self) -> dict[str, Any]:
        """What is known of the model, as plain data."""
        verdict = self.verdict
        return {
            "settings": self.settings,
            "networks": self.networks,
            "parameters": sum(unit.size for unit in self.trained.model.parameters.values()),
            "metrics": {who: dict(parts) for who, parts in verdict.metrics.items()},
            "test_interval": list(verdict.interval),
            "baselines": {"linear": verdict.linear, "trivial": verdict.trivial},
        }


def member(task: Task, settings: Settings, k: int, stop: Stop) -> Member:
    """A network of these settings for the ensemble: fold k alone says when its training ends.

    Unlike those that were judged, all networks of an ensemble take inputs prepared in one way, by
    all rows that were searched on.
    """
    whole, _ = task.folds.whole()
    held_out = np.isin(task.folds.searched, task.folds.parts[k])
    train, validation = whole.rows(~held_out), whole.rows(held_out)
    recipe = replace(recipe_of(settings, task.recipe, train), seed=task.recipe.seed + k)
    plan = prepared(recipe, train)
    done = trained(recipe, plan, Fold(train, validation, validation), stop)
    return Member(
        plan.model, plan.loss_name, repr(done.trainer.optimizer), plan.l2, len(done.history)
    )


def together(workers: Workers, found: Found, most: int, watch: Stop) -> Together | None:
    """The best settings made one model; None where it was stopped before a network was trained."""
    task = workers.task
    chosen = found.as_good(most)
    pieces = [(tried.settings, k) for tried in chosen for k in range(len(task.folds))]
    members = [m for m in workers.run(member, pieces, watch) if m is not None]
    if not members:
        return None
    answers = workers.run(judged, pieces, watch)
    model = Ensemble(*(m.model for m in members), average=_average(members[0].loss))
    whole, test = task.folds.whole()
    model(whole.inputs[:1])  # makes its first input, which a file tells
    of = {"train": whole, "test": test}
    mine = {
        part: Answers.of(members[0].loss, target_of(whole), model.predict(data.inputs)).numbers
        for part, data in of.items()
    }
    verdict = Verdict.of(task, mine, cross_validated(task, answers), whole, test)
    assert whole.preparation is not None
    record = _record(task, found, members, len(chosen), verdict)
    trained = Trained(model, whole.preparation, record)
    return Together(trained, verdict, len(chosen), len(members))


def _average(loss: str) -> str:
    """Of what the members' mean is taken: of probabilities, where the loss gives some."""
    reading = LOSSES[loss].reading
    if not reading.probable:
        return "scores"
    return "softmax" if reading.pair is None else "sigmoid"


def _record(
    task: Task, found: Found, members: Sequence[Member], settings: int, verdict: Verdict
) -> Record:
    best, metrics, data = members[0], verdict.metrics, task.folds.data
    many = f" and {settings - 1} more settings" if settings > 1 else ""
    searched = len(task.folds.searched)
    return Record(
        data=data.name,
        source=data.source,
        rows=(searched, searched, len(task.folds.test)),
        kind=f"{len(members)} networks together",
        loss=best.loss,
        optimizer=f"{best.optimizer}{many}",
        l2=best.l2,
        epochs=sum(m.epochs for m in members),
        ended=f"the best of {len(found.tried)} settings, validated by {len(task.folds)} folds in "
        "turn",
        seed=task.recipe.seed,
        metrics=tuple(
            Metric(part, name, value, metrics["linear"][part][name], metrics["trivial"][part][name])
            for part in PARTS
            for name, value in metrics["model"][part].items()
        ),
        linear=verdict.linear,
        trivial=verdict.trivial,
    )
