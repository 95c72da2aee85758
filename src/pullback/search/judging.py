"""In: what networks answered. Out: how good that is, beside what is easy to reach, and how sure.

All rows that were searched on are one part here, judged in two ways: as "validation", each row by
networks that did not see it, and as "train" by the model that is kept, which did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.search.folds import target_of
from pullback.search.task import Task
from pullback.search.trying import Judged
from pullback.tables.dataset import Dataset
from pullback.tables.measure import MEASURES, Measured, linear, measured, trivial

_SAMPLES = 1000  # of the test part's rows, drawn anew
_SURE = 0.95


@dataclass(frozen=True)
class Verdict:
    """How good a model of several networks is, the linear one beside it, and the trivial one.

    `metrics` are by who answered, by part and by name; `interval` is the 95% confidence
    interval of the search's own metric, by the test part.
    """

    metrics: Mapping[str, Mapping[str, Measured]]
    linear: str
    trivial: str
    interval: tuple[float, float]

    @classmethod
    def of(
        cls,
        task: Task,
        mine: Mapping[str, np.ndarray],
        validated: np.ndarray | None,
        whole: Dataset,
        test: Dataset,
    ) -> Verdict:
        """The verdict on what a model answers for the parts, and was validated by."""
        target, folds = target_of(whole), task.folds
        parts = {"train": whole, "test": test}
        truths = {part: folds.truth(data) for part, data in parts.items()}
        easy = {
            "linear": linear(target, parts, balanced=task.recipe.balanced),
            "trivial": trivial(target, truths),
        }
        answers: dict[str, dict[str, np.ndarray | None]] = {
            "model": {**mine, "validation": validated},
            "linear": {**easy["linear"].answers, "validation": _linear(task)},
            "trivial": {**easy["trivial"].answers, "validation": easy["trivial"].answers["train"]},
        }
        truths["validation"] = truths["train"]
        metrics = {
            who: {
                part: _nothing(task) if x is None else measured(target, truths[part], x)
                for part, x in of.items()
            }
            for who, of in answers.items()
        }
        interval = sure(task, truths["test"], mine["test"])
        return cls(metrics, easy["linear"].name, easy["trivial"].name, interval)


def cross_validated(task: Task, answers: Sequence[Judged | None]) -> np.ndarray | None:
    """What networks answer together to rows that they did not see; None where some were stopped.

    `answers` are those of each settings on each fold, in turn.
    """
    folds = task.folds
    numbers = np.zeros(len(folds.searched), np.float64)
    for k, part in enumerate(folds.parts):
        of = [one.answers for one in answers[k :: len(folds)] if one is not None]
        if not of:
            return None
        rows = np.searchsorted(folds.searched, part)
        if of[0].by_class is None:
            numbers[rows] = np.mean([one.numbers for one in of], axis=0)
        else:
            each: Any = [x.by_class if x.probabilities is None else x.probabilities for x in of]
            numbers[rows] = np.mean(each, axis=0).argmax(axis=1)
    return numbers.astype(np.int64) if folds.data.classes else numbers


def _linear(task: Task) -> np.ndarray:
    """What the linear model answers to each fold, learned from the others."""
    folds = task.folds
    numbers = np.zeros(len(folds.searched), np.float64)
    for k, part in enumerate(folds.parts):
        fold = task.fold(k)
        found = linear(
            fold.target,
            {"train": fold.train, "held out": fold.held_out},
            balanced=task.recipe.balanced,
        )
        numbers[np.searchsorted(folds.searched, part)] = found.answers["held out"]
    return numbers.astype(np.int64) if folds.data.classes else numbers


def _nothing(task: Task) -> Measured:
    return dict.fromkeys(MEASURES[task.folds.data.task])


def sure(task: Task, truth: np.ndarray, numbers: np.ndarray) -> tuple[float, float]:
    """The 95% confidence interval of the model's score, as the rows of the test part tell it.

    Of the accuracy, Wilson's interval; of other metrics, the quantiles over test parts that are
    drawn from this one's rows. How the model would vary with the rows it learned from is not in it.
    Source: Wilson, "Probable inference" (1927); Efron, "Bootstrap methods" (1979).
    """
    if task.metric == "accuracy":
        from scipy.stats import binomtest

        right = int((truth == numbers).sum())
        between = binomtest(right, len(truth)).proportion_ci(_SURE, method="wilson")
        return float(between.low), float(between.high)
    rng = np.random.default_rng(task.recipe.seed)
    target = target_of(task.fold(0).train)
    drawn = [rng.integers(len(truth), size=len(truth)) for _ in range(_SAMPLES)]
    scores = [measured(target, truth[rows], numbers[rows])[task.metric] for rows in drawn]
    there = [score for score in scores if score is not None]
    tail = (1.0 - _SURE) / 2.0
    low, high = np.quantile(there, (tail, 1.0 - tail)) if there else (np.nan, np.nan)
    return float(low), float(high)
