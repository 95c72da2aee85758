"""In: data, and how long it may take. Out: what was found, and one model of the best."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.search.found import Found
from pullback.search.progress import SearchProgress
from pullback.search.space import Space
from pullback.search.storage import created, opened, optuna
from pullback.search.task import Task
from pullback.search.together import Together, together
from pullback.search.trying import AT_ONCE, ENOUGH, GO_ON, Stop, attempt
from pullback.search.workers import Workers
from pullback.tables.dataset import Dataset
from pullback.tables.recipe import Recipe, loss_of
from pullback.tables.table import TableDataset
from pullback.train.interrupt import Interruptible

MINUTES = 10.0
FOLDS = 5
NETWORKS = 5  # of the best settings, at most, each once for every fold
_LOOK = 0.5  # seconds between two readings of the storage
_ALLOWANCE = 1.3  # times as long as they took before, the best are given to be trained anew
_MOST_OF = 0.4  # of all the time that this may take


@dataclass(frozen=True)
class Ended:
    """A search that is over: what was found, the model of it, and why and when it ended."""

    found: Found
    together: Together | None
    ended: str
    seconds: float
    jobs: int

    @property
    def interrupted(self) -> bool:
        return self.ended == "interrupted"

    def to_json_dict(self, task: Task) -> dict[str, Any]:
        """All of it as plain data; numbers that are not finite are to become null."""
        found, made, folds = self.found, self.together, task.folds
        return {
            "data": folds.data.name,
            "source": folds.data.source,
            "task": folds.data.task,
            "rows": {"searched": len(folds.searched), "test": len(folds.test)},
            "folds": len(folds),
            "metric": task.metric,
            "seed": task.recipe.seed,
            "ended": self.ended,
            "seconds": round(self.seconds, 3),
            "jobs": self.jobs,
            "best": None if found.best is None else found.best.to_json_dict(),
            "recipe": None if found.own is None else found.own.to_json_dict(),
            "chosen_without": found.chosen_without,
            "importance": found.importance,
            "trials": [tried.to_json_dict() for tried in found.tried],
            "model": None if made is None else made.to_json_dict(),
        }


class Search:
    """Tries settings of networks on a table by cross-validation, and makes one model of the best.

    The rows are divided as by `pullback train`: a fifth is the test part, which only the finished
    model is judged by. The others are divided into `folds`; settings are judged by the mean of
    `metric` over them, on each by a network that was trained on the rest. The first settings are
    the recipe's own; the others are drawn by Optuna's TPE (extra `search`), and ended after 1, 2 or
    4 folds where others were better. Those within one standard error of the best, at most
    `NETWORKS`, are trained anew, a network for each fold, and answer together.

    `recipe` fixes what is not to be tried, by what `given` names of it; `space` says what is, which
    by default is all else.

    Raises `CircuitError` where the data cannot be learned from so, and without Optuna.
    Source: Bergstra, Bardenet, Bengio, Kegl, "Algorithms for hyper-parameter optimization" (2011);
    Li and others, "A system for massively parallel hyperparameter tuning" (2020); ConvNetJS's
    MagicNet, for the idea.

    >>> from pullback.datasets import load_table
    >>> recipe = Recipe(engine="eager", epochs=3)
    >>> search = Search(load_table("iris"), recipe, given=("epochs",), folds=2)
    >>> done = search.run(trials=2, jobs=1, progress=False)
    >>> len(done.found.trials), done.together.networks >= 2
    (2, True)
    """

    def __init__(
        self,
        data: Dataset | TableDataset,
        recipe: Recipe | None = None,
        *,
        given: Iterable[str] = (),
        space: Space | None = None,
        folds: int = FOLDS,
        metric: str | None = None,
    ) -> None:
        asked = replace((recipe or Recipe()).checked(), monitor=False)  # nobody watches its layers
        if space is None:
            space = Space.of(given, loss_of(asked, data.task, len(data.classes)))
        self.task = Task.of(data, asked, space, folds, metric)

    def refuse(
        self,
        minutes: float | None = None,
        trials: int | None = None,
        jobs: int | None = None,
        storage: str | None = None,
        resume: bool = False,
        networks: int = NETWORKS,
    ) -> None:
        """Raise `CircuitError` where `run` would for these options, and where Optuna is missing.

        What is not there yet of a storage is made: nothing else tells whether it can be.
        """
        optuna()
        if minutes is not None and not 0.0 < minutes < np.inf:
            raise CircuitError(f"--minutes are a number above 0, got {minutes}")
        for option, value in {"trials": trials, "jobs": jobs, "networks": networks}.items():
            if value is not None and value < 1:
                raise CircuitError(f"--{option} is a whole number of at least 1, got {value}")
        if resume and storage is None:
            raise CircuitError("--resume goes on with what is in a --storage FILE; name it")
        if storage is not None:
            created(storage, self.task.about, larger=self.task.larger, resume=resume)

    def run(
        self,
        *,
        minutes: float | None = None,
        trials: int | None = None,
        jobs: int | None = None,
        storage: str | None = None,
        resume: bool = False,
        networks: int = NETWORKS,
        progress: bool | None = None,
    ) -> Ended:
        """Search for so long, or so many trials, and make one model of the best.

        By default for `MINUTES`. `jobs` are processes, by default one for each core. `storage` is a
        file, or the address of a database, that keeps the trials; to `resume` adds to those that
        are there, and so do other machines that are given the same storage meanwhile. With one job
        and a number of trials alone, the same seed gives the same search.

        Ctrl-C ends the search, and the model is made of the best settings alone; once more ends
        that too. A script that asks for several jobs needs `if __name__ == "__main__":`, as for any
        processes of Python's.

        Raises `CircuitError` for a storage that cannot be used, or holds another search.
        """
        self.refuse(minutes, trials, jobs, storage, resume, networks)
        minutes = MINUTES if minutes is None and trials is None else minutes
        jobs = _cores() if jobs is None else jobs
        with TemporaryDirectory(prefix="pullback-search-") as folder:
            place = storage or str(Path(folder) / "trials.journal")
            if storage is None:
                created(place, self.task.about, larger=self.task.larger, resume=False)
            return self._run(place, minutes, trials, jobs, networks, progress)

    def _run(
        self,
        place: str,
        minutes: float | None,
        trials: int | None,
        jobs: int,
        networks: int,
        progress: bool | None,
    ) -> Ended:
        task = self.task
        seconds = None if minutes is None else 60.0 * minutes
        before = len(opened(place, 0).get_trials(deepcopy=False))
        if not before:
            study = opened(place, 0)
            study.enqueue_trial(task.space.start(task.folds.data.task))
        most = None if trials is None else before + trials
        look = _Look(place, task.larger, before)
        start = time.monotonic()
        with Workers(task, jobs) as workers, SearchProgress(seconds, trials, progress) as shown:
            with Interruptible() as interrupt:

                def watch() -> int:
                    found = look.now()
                    shown.tell(look.done, _words(task, found))
                    if interrupt.requested:
                        return AT_ONCE
                    if seconds is None:
                        return GO_ON
                    kept = _to_be_kept(found, networks, jobs, seconds)
                    return ENOUGH if shown.spent > seconds - kept else GO_ON

                pieces = [(place, task.recipe.seed + before + j, most) for j in range(jobs)]
                workers.run(try_on, pieces, watch)
                stopped = interrupt.requested
            found = look.now(at_once=True)
            with Interruptible() as interrupt:

                def finish() -> int:
                    shown.tell(look.done, "training the best together")
                    return AT_ONCE if interrupt.requested else GO_ON

                left = np.inf if seconds is None else seconds - shown.spent
                most_of = 1 if stopped else _affordable(found, networks, jobs, left)
                made = together(workers, found, most_of, finish)
                stopped |= interrupt.requested
        if found.best is None:
            raise CircuitError(f"no settings were judged by all folds: {_why_none(found, stopped)}")
        out_of = "time is over" if trials is None else "all trials were tried"
        ended = "interrupted" if stopped else out_of
        return Ended(found, made, ended, time.monotonic() - start, jobs)


def try_on(task: Task, place: str, seed: int, most: int | None, *, stop: Stop) -> None:
    """Try settings, as the study at a place draws them, until told to stop."""
    study = opened(place, seed)
    while True:
        begun = len(study.get_trials(deepcopy=False))
        waiting = any(t.state.name == "WAITING" for t in study.get_trials(deepcopy=False))
        if stop() or (most is not None and begun >= most and not waiting):
            return
        trial = study.ask()
        if most is not None and trial.number >= most:  # another worker was faster
            from optuna.trial import TrialState

            study.tell(trial, state=TrialState.FAIL)
            return
        attempt(task, study, trial, stop)


class _Look:
    """What is in the storage, read anew from time to time."""

    def __init__(self, place: str, larger: bool, before: int) -> None:
        self._study = opened(place, 0)
        self._larger, self._before = larger, before
        self._at = -np.inf
        self._found = Found((), larger)

    def now(self, at_once: bool = False) -> Found:
        if at_once or time.monotonic() - self._at > _LOOK:
            trials = self._study.get_trials(deepcopy=False)
            self._found = Found(tuple(trials), self._larger)
            self._at = time.monotonic()
        return self._found

    @property
    def done(self) -> int:
        """The trials that this search has finished."""
        return max(0, sum("ended" in t.user_attrs for t in self._found.trials) - self._before)


def _to_be_kept(found: Found, networks: int, jobs: int, seconds: float) -> float:
    """Seconds that are needed to train the best anew, twice: to be judged, and to be kept."""
    most = _affordable(found, networks, jobs, _MOST_OF * seconds)
    return min(_cost(found, most, jobs), _MOST_OF * seconds)


def _why_none(found: Found, stopped: bool) -> str:
    """Why nothing was judged by all folds, and what to do."""
    if stopped:
        return "the search was interrupted before; let it go on for longer"
    if any("diverged" in tried.ended for tried in found.tried):
        return "training diverged; --fix a smaller learning-rate"
    return "the time was over before; give it more --minutes"


def _affordable(found: Found, networks: int, jobs: int, seconds: float) -> int:
    """How many of the best settings there is time for: one in any case."""
    fit = [m for m in range(1, networks + 1) if _cost(found, m, jobs) <= seconds]
    return max(fit, default=1)


def _cost(found: Found, networks: int, jobs: int) -> float:
    """Seconds that it may take to train so many of the best settings on all folds, twice."""
    return _ALLOWANCE * 2.0 * sum(t.seconds for t in found.as_good(networks)) / jobs


def _words(task: Task, found: Found) -> str:
    best = found.best
    if best is None:
        return ""
    name, own = task.metric.replace("_", " "), found.own
    words = f"best {name} {shown_score(task.metric, best.mean)}"
    if own is not None:
        words += f" (recipe's own {shown_score(task.metric, own.mean)})"
    return words


def shown_score(metric: str, value: float) -> str:
    """A score as people read it.

    >>> shown_score("accuracy", 0.9871), shown_score("rmse", 54.123)
    ('98.71%', '54.12')
    """
    return f"{value:.2%}" if metric.endswith("accuracy") else f"{value:.4g}"


def _cores() -> int:
    from joblib import cpu_count

    return int(cpu_count(only_physical_cores=True))
