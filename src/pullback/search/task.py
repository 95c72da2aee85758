"""In: data, and what is asked of a search. Out: all that a worker must know, as one thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pullback.search.folds import Fold, Folds
from pullback.search.space import Space
from pullback.tables.dataset import Dataset
from pullback.tables.measure import MEASURES
from pullback.tables.recipe import Recipe, prepared
from pullback.tables.table import TableDataset
from pullback.train.settings import named

_ERRORS = ("rmse", "mae")  # of which less is better
_COMPARABLE = (
    *("hidden", "activation", "dropout", "optimizer", "learning_rate", "l2", "batch_size"),
    *("loss", "label_smoothing", "mixup", "balanced", "sampling", "epochs", "patience"),
)


@dataclass(frozen=True)
class Task:
    """What is searched: settings in a space, beside a recipe, judged on folds by a metric.

    It pickles; the folds are made anew where they are used.
    """

    folds: Folds
    space: Space
    recipe: Recipe
    metric: str
    _made: dict[int, Fold] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        data: Dataset | TableDataset,
        recipe: Recipe,
        space: Space,
        folds: int,
        metric: str | None = None,
    ) -> Task:
        """The task, by a recipe that was `checked`.

        Raises `CircuitError` where the data cannot be learned from so, or there is no such metric.
        """
        measures = MEASURES[data.task]
        chosen = measures[0] if metric is None else named("metric", metric, measures)
        task = cls(Folds.of(data, folds, recipe.seed), space, recipe, chosen)
        prepared(recipe, task.fold(0).train)  # refuses what does not fit the data
        return task

    @property
    def larger(self) -> bool:
        """Whether more of the metric is better."""
        return self.metric not in _ERRORS

    def fold(self, k: int) -> Fold:
        """The fold of this number, prepared once."""
        if k not in self._made:
            self._made[k] = self.folds.fold(k)
        return self._made[k]

    @property
    def about(self) -> Mapping[str, Any]:
        """What has to be alike for two trials to be comparable."""
        data = self.folds.data
        given = {name: getattr(self.recipe, name) for name in _COMPARABLE}
        return {
            "data": data.name,
            "rows": len(data),
            "seed": self.folds.seed,
            "folds": len(self.folds),
            "metric": self.metric,
            "recipe": {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()},
            "settings": {name: repr(tried) for name, tried in self.space.ranges.items()},
        }

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_made": {}}
