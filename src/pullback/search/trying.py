"""In: settings, and folds. Out: how well networks of them answer what they did not see."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.search.folds import Fold
from pullback.search.space import Settings, recipe_of
from pullback.search.task import Task
from pullback.tables.answers import Answers
from pullback.tables.measure import measured
from pullback.tables.recipe import Plan, Recipe, prepared
from pullback.train.callbacks import Event
from pullback.train.fitting import Fitted, fitted

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import Trial

Stop = Callable[[], int]
"""Asked after every epoch: `GO_ON`, or how soon to end."""

GO_ON, ENOUGH, AT_ONCE = 0, 1, 2  # with ENOUGH, the recipe's own settings are judged to the end


class Stopped(Exception):
    """The search was ended while a network was trained."""


@dataclass(frozen=True)
class Judged:
    """A fold's rows as a network answered them, which had not seen them."""

    answers: Answers
    score: float
    epochs: int


def judged(task: Task, settings: Settings, k: int, stop: Stop) -> Judged | None:
    """What a network of these settings answers of fold k; None where its training diverged.

    Raises `Stopped` where the search ends meanwhile.
    """
    fold = task.fold(k)
    recipe = recipe_of(settings, task.recipe, fold.train)
    plan = prepared(recipe, fold.train)
    done = trained(recipe, plan, fold, stop)
    try:
        scores = plan.model.predict(fold.held_out.inputs)
    except CircuitError:  # its numbers are not finite
        return None
    answers = Answers.of(plan.loss_name, fold.target, scores)
    score = measured(fold.target, task.folds.truth(fold.held_out), answers.numbers)[task.metric]
    return None if score is None else Judged(answers, score, len(done.history))


def trained(recipe: Recipe, plan: Plan, fold: Fold, stop: Stop) -> Fitted:
    """The plan's model trained on a fold, as far as the search goes.

    Raises `Stopped` where the search ends meanwhile.
    """

    def watch(event: Event) -> None:
        if event.kind == "epoch" and stop():
            event.stop("the search ended")

    labels = plan.loss.reading.labels
    done = fitted(
        recipe,
        plan,
        fold.train.inputs,
        labels(fold.train.labels),
        validation=(fold.validation.inputs, labels(fold.validation.labels)),
        mixup=plan.mixup,
        sampling=recipe.sampling,
        callbacks=[watch],
        progress=False,
    )
    if done.history.ended == "the search ended" or done.history.ended.startswith("interrupted"):
        raise Stopped
    return done


def attempt(task: Task, study: Study, trial: Trial, stop: Stop) -> None:
    """Judge the settings that a trial draws by one fold after another, and tell the study.

    It ends early where other trials were better after as many folds; the first trial, which is the
    recipe's own, never does.
    """
    from optuna.trial import TrialState

    settings = task.space.drawn(trial)
    trial.set_user_attr("settings", dict(settings))
    first, scores, epochs = trial.number == 0, [], 0
    start, state, ended = time.perf_counter(), TrialState.COMPLETE, "judged by all folds"

    def soon() -> bool:
        return stop() >= (AT_ONCE if first else ENOUGH)

    for k in range(len(task.folds)):
        try:
            found = None if (over := soon()) else judged(task, settings, k, soon)
        except Stopped:
            found, over = None, True
        if found is None:
            ended = "the search ended" if over else "its training diverged"
            state = TrialState.PRUNED
            break
        scores.append(found.score)
        epochs += found.epochs
        trial.report(float(np.mean(scores)), k + 1)
        if k + 1 < len(task.folds) and not first and trial.should_prune():
            state, ended = TrialState.PRUNED, "others were better"
            break
    trial.set_user_attr("scores", scores)
    trial.set_user_attr("epochs", epochs)
    trial.set_user_attr("seconds", round(time.perf_counter() - start, 3))
    trial.set_user_attr("ended", ended)
    mean: Any = float(np.mean(scores)) if state is TrialState.COMPLETE else None
    study.tell(trial, mean, state)
