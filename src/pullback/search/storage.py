"""In: a file, or the address of a database. Out: the study of Optuna's that is kept there.

A file is Optuna's journal, into which several processes, and machines that share it, may write; or
a database of SQLite, by its ending. An address, as mysql://…, serves many machines.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pullback.core.errors import CircuitError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.study import Study

NAME = "pullback"
_DATABASES = (".db", ".sqlite", ".sqlite3")
_ABOUT = "about"
_REDUCTION = 2  # of the trials that come as far as 1, 2 or 4 folds, one in so many goes on
_RANDOM = 15  # trials, before which there is too little to learn from


def optuna() -> ModuleType:
    """Optuna, which says nothing but errors from now on.

    Raises `CircuitError` where it is not installed.
    """
    if find_spec("optuna") is None:
        raise CircuitError('to search, install optuna: pip install "pullback[search]"')
    import optuna as found

    found.logging.set_verbosity(found.logging.ERROR)
    return found


def created(place: str, about: Mapping[str, Any], *, larger: bool, resume: bool) -> None:
    """Make the study at a place, or make sure that the one there is of the same search.

    `about` is what has to be alike for trials to be comparable, as JSON holds it.

    Raises `CircuitError` where there is a study already and nobody said to `resume`, where it is of
    another search, and where the place cannot be written.
    """
    found = optuna()
    told = json.dumps(about, sort_keys=True)
    try:
        storage = _storage(place)
        if NAME in {study.study_name for study in storage.get_all_studies()}:
            study = found.load_study(study_name=NAME, storage=storage)
            kept = study.user_attrs.get(_ABOUT)
            if not resume and study.get_trials(deepcopy=False):
                raise CircuitError(f"{place} holds a search already; --resume goes on with it")
            if kept != told:
                raise CircuitError(f"{place} holds another search: {_difference(kept, about)}")
            return
        direction = "maximize" if larger else "minimize"
        study = found.create_study(study_name=NAME, storage=storage, direction=direction)
        study.set_user_attr(_ABOUT, told)
    except CircuitError:
        raise
    except Exception as error:  # what databases and files may go wrong by cannot be foreseen
        raise CircuitError(f"cannot keep a search at {place}: {error}") from None


def opened(place: str, seed: int) -> Study:
    """The study at a place, which draws by this seed."""
    found = optuna()
    return found.load_study(
        study_name=NAME,
        storage=_storage(place),
        sampler=found.samplers.TPESampler(
            n_startup_trials=_RANDOM, multivariate=True, constant_liar=True, seed=seed
        ),
        pruner=found.pruners.SuccessiveHalvingPruner(1, _REDUCTION),
    )


def _storage(place: str) -> BaseStorage:
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import (
        JournalFileBackend,
        JournalFileOpenLock,
        JournalFileSymlinkLock,
    )

    if "://" in place:
        return RDBStorage(place)
    if place.lower().endswith(_DATABASES):
        return RDBStorage(f"sqlite:///{os.path.abspath(place)}")
    lock = JournalFileOpenLock if os.name == "nt" else JournalFileSymlinkLock
    return JournalStorage(JournalFileBackend(place, lock_obj=lock(place)))


def _difference(kept: str | None, about: Mapping[str, Any]) -> str:
    """What differs, in words."""
    try:
        before = json.loads(kept or "")
    except ValueError:
        return "nothing tells of what"
    return _first_other(before, about) or "of more than now"


def _first_other(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The first thing that was otherwise, in words."""
    for name in {**now, **before}:
        was, is_now = before.get(name, "not there"), now.get(name, "not there")
        if isinstance(was, dict) and isinstance(is_now, Mapping) and was != is_now:
            return _first_other(was, is_now)
        if was != is_now:
            was, is_now = ("not given" if x is None else x for x in (was, is_now))
            return f"its {name} is {was}, and now it is {is_now}; name another --storage"
    return ""
