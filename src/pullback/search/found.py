"""In: the trials of a search. Out: which was best, how sure that is, and what mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.search.storage import optuna

if TYPE_CHECKING:
    import pandas as pd
    from optuna.trial import FrozenTrial

FEWEST = 10  # trials that tell what mattered
_SEED = 0  # of the forest that measures it


@dataclass(frozen=True)
class Tried:
    """Settings that were tried: their score on each fold as far as they came, and their cost."""

    number: int
    settings: Mapping[str, Any]
    scores: tuple[float, ...]
    whole: bool  # judged by all folds
    ended: str
    epochs: int
    seconds: float

    @property
    def mean(self) -> float:
        """Over the folds that judged it; nan where none did."""
        return float(np.mean(self.scores)) if self.scores else float("nan")

    @property
    def error(self) -> float:
        """The standard error of the mean, as if the folds' scores were independent.

        They share rows to train on, so the truth is somewhat larger; nan of fewer than two folds.
        """
        n = len(self.scores)
        return float(np.std(self.scores, ddof=1) / np.sqrt(n)) if n > 1 else float("nan")

    def to_json_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "trial": self.number,
            "settings": dict(self.settings),
            "mean": self.mean,
            "standard_error": self.error,
            "scores": list(self.scores),
            "ended": self.ended,
            "epochs": self.epochs,
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class Found:
    """All that a search tried, in the order it was begun."""

    trials: tuple[FrozenTrial, ...]
    larger: bool  # is better

    @cached_property
    def tried(self) -> tuple[Tried, ...]:
        """What was tried and judged by a fold at least, or diverged."""
        return tuple(
            Tried(
                trial.number,
                trial.user_attrs["settings"],
                tuple(trial.user_attrs["scores"]),
                trial.state.name == "COMPLETE",
                trial.user_attrs["ended"],
                trial.user_attrs["epochs"],
                trial.user_attrs["seconds"],
            )
            for trial in self.trials
            if "ended" in trial.user_attrs
            and (trial.user_attrs["scores"] or "diverged" in trial.user_attrs["ended"])
        )

    @cached_property
    def ranked(self) -> tuple[Tried, ...]:
        """What all folds judged, best first."""
        sign = -1.0 if self.larger else 1.0
        return tuple(sorted((t for t in self.tried if t.whole), key=lambda t: sign * t.mean))

    @property
    def best(self) -> Tried | None:
        return self.ranked[0] if self.ranked else None

    @property
    def own(self) -> Tried | None:
        """The recipe's own settings, if all folds judged them."""
        return next((t for t in self.ranked if t.number == 0), None)

    def as_good(self, most: int) -> tuple[Tried, ...]:
        """The best, and those within one standard error of it: at most so many.

        Source: the rule of one standard error of Breiman, Friedman, Olshen and Stone,
        "Classification and regression trees" (1984), turned to what may answer together.
        """
        if self.best is None:
            return ()
        near = self.best.error if np.isfinite(self.best.error) else 0.0
        return tuple(t for t in self.ranked if abs(t.mean - self.best.mean) <= near)[:most]

    @cached_property
    def chosen_without(self) -> float:
        """The mean score on each fold of what was best on the others: without the luck of a choice.

        The best of many is judged too well by the folds that chose it. This is what one
        gets who chooses by all folds but one and is judged by that one; nan where there is none.
        Source: Tibshirani and Tibshirani, "A bias correction for the minimum error rate in
        cross-validation" (2009).

        >>> luck = [(0.9, 0.5), (0.5, 0.9), (0.6, 0.6)]
        >>> chosen_without(luck, larger=True)
        0.5
        """
        return chosen_without([t.scores for t in self.ranked], larger=self.larger)

    @cached_property
    def importance(self) -> dict[str, float]:
        """How much of the variance of the first fold's score each setting explains; sums to 1.

        The first fold has judged all that was tried, also what was ended early. Empty where too few
        were tried, or all did alike.
        Source: Hutter, Hoos, Leyton-Brown, "An efficient approach for assessing hyperparameter
        importance" (ICML 2014), by Optuna.
        """
        found = optuna()
        judged = [t for t in self.trials if t.user_attrs.get("scores")]
        firsts = [t.user_attrs["scores"][0] for t in judged]
        if len(judged) < FEWEST or len(set(firsts)) < 2:
            return {}
        study = found.create_study()
        study.add_trials(
            [
                found.trial.create_trial(
                    value=first, params=trial.params, distributions=trial.distributions
                )
                for first, trial in zip(firsts, judged, strict=True)
            ]
        )
        evaluator = found.importance.FanovaImportanceEvaluator(seed=_SEED)
        return dict(found.importance.get_param_importances(study, evaluator=evaluator))

    @property
    def table(self) -> pd.DataFrame:
        """A row for each trial: its settings, its mean score and that of each fold."""
        import pandas as pd

        folds = max((len(t.scores) for t in self.tried), default=0)
        rows = [
            {
                "trial": t.number,
                **t.settings,
                "mean": t.mean,
                "standard_error": t.error,
                **{f"fold{k + 1}": x for k, x in enumerate((*t.scores, *[np.nan] * folds)[:folds])},
                "ended": t.ended,
                "epochs": t.epochs,
                "seconds": t.seconds,
            }
            for t in self.tried
        ]
        return pd.DataFrame(rows)


def chosen_without(scores: Sequence[Sequence[float]], *, larger: bool) -> float:
    """See `Found.chosen_without`: scores of each settings on each fold."""
    of = np.array(scores, float) * (1.0 if larger else -1.0)
    if of.ndim < 2 or of.shape[1] < 2:
        return float("nan")
    others = of.sum(axis=1, keepdims=True) - of
    judged = of[others.argmax(axis=0), np.arange(of.shape[1])].mean()
    return float(judged if larger else -judged)
