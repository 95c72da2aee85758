"""In: a run of training, again and again. Out: its checkpoints, written when they are due.

What cannot be written is said once, and training goes on: a run of days does not die of a disk that
was full for an hour.
"""

from __future__ import annotations

import math
import time
import uuid
import warnings
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from pullback.core.errors import CircuitError
from pullback.core.lock import locked
from pullback.train.checkpoints import (
    Checkpoints,
    Entry,
    best_of,
    left_over,
    number_of,
    read_entry,
    write_index,
    write_state,
)
from pullback.train.state import Run, State, asked_of, refuse_other
from pullback.train.step import TrainingStep


def new_run() -> str:
    """A number that no other run has."""
    return uuid.uuid4().hex


class Keeper:
    """Writes down a run now and then while inside, and holds the folder against other processes.

    Without `how` it does nothing. `run` is the number of the Trainer's run, whose checkpoints are
    gone on from without being asked.

    Raises `CircuitError`, when it begins, where the folder cannot be written, or is in use.
    """

    def __init__(self, how: Checkpoints | None, step: TrainingStep, engine: str, run: str) -> None:
        self._how, self._step, self._engine, self._run = how, step, engine, run
        self._entries: dict[Path, Entry] = {}
        self._asked: dict[str, str] = {}
        self._inside = ExitStack()
        self._written, self._fresh = time.monotonic(), True
        self._number = 0
        self._failed = ""

    def __enter__(self) -> Keeper:
        if self._how is None:
            return self
        folder = self._how.path
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CircuitError(
                f"cannot make the folder {folder} for checkpoints: {error.strerror}"
            ) from None
        self._inside.enter_context(locked(folder / ".lock", str(folder)))
        for file in left_over(folder):
            with suppress(OSError):
                file.unlink()
        self._entries = self._how.entries()
        self._number = max(map(number_of, self._how.files), default=0)
        try:
            write_index(folder, self._entries)  # which shows too that the folder can be written
        except CircuitError:
            self._inside.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._inside.close()

    def resume(self, run: Run, *, wanted: bool) -> tuple[State | None, str]:
        """Bring the run to where the newest checkpoint is, if it is wanted; and say so.

        Raises `CircuitError` where it is wanted without a folder, or is not and the folder has
        checkpoints of another run; where the run was asked for something else than before, or its
        checkpoints are damaged.
        """
        how = self._how
        if how is None:
            if wanted:
                raise CircuitError(
                    "there is nothing to resume: name the folder, as Trainer(..., checkpoint=...)"
                )
            return None, ""
        self._asked = asked_of(self._step, self._engine, run, how.about)
        if not wanted:
            self._refuse_others(how)
            return None, ""
        found = how.newest()
        if found is None:
            return None, f"there is no checkpoint in {how.folder}: training begins anew"
        file, state = found
        refuse_other(self._asked, state.asked, how.folder)
        try:
            state.restore(self._step, run)
        except CircuitError as error:
            raise CircuitError(f"{file} cannot be gone on with: {error}") from None
        self._run = read_entry(file).run
        return state, _told(run, how, file)

    def _refuse_others(self, how: Checkpoints) -> None:
        others = [file for file in how.files if self._entries.get(file) is None]
        others += [file for file, entry in self._entries.items() if entry.run != self._run]
        if others:
            raise CircuitError(
                f"{how.folder} holds checkpoints of another run; go on with that one, by "
                "fit(..., resume=True) or --resume, or name another folder"
            )

    @property
    def run(self) -> str:
        """The number of the run."""
        return self._run

    @property
    def most(self) -> int | None:
        """After how many steps the next checkpoint is due, if they are counted."""
        return None if self._how is None else self._how.steps

    def is_due(self) -> bool:
        """Whether it is time for the next checkpoint: never before the first step since the last.

        It is asked before each step, or before several.
        """
        if self._fresh:
            self._fresh = False
            return False
        seconds = None if self._how is None else self._how.seconds
        return seconds is not None and time.monotonic() - self._written > seconds

    def write(self, run: Run, *, sound: bool = True) -> None:
        """Write down where the run is, and let go of what is old.

        Nothing is written of an epoch that has just begun, of numbers that are not `sound`, nor
        after an epoch of which none was asked for.

        Raises `CircuitError` where the measurement is missing by which the best is chosen.
        """
        how = self._how
        if how is None or not sound or not _is_wanted(how, run):
            self._wait()
            return
        entry = self._entry(how, run)
        file = how.path / f"checkpoint-{self._number + 1:08}.safetensors"
        try:
            write_state(file, State.of(self._step, run, self._asked), entry)
            self._number += 1
            self._entries[file] = entry
            self._failed = ""
            self._let_go(how)
            with suppress(CircuitError):  # the files tell the same, and the next one is tried
                write_index(how.path, self._entries)
        except CircuitError as error:
            self._warn(str(error))
        self._wait()

    def _wait(self) -> None:
        """Begin to count the seconds to the next checkpoint."""
        self._written, self._fresh = time.monotonic(), True

    def _entry(self, how: Checkpoints, run: Run) -> Entry:
        row: Mapping[str, Any] = run.history.rows[-1] if run.history.rows else {}
        measured = how.best or ("validation_loss" if run.held_out is not None else "loss")
        batches = 0 if run.place is None else run.place.batches
        if row and measured not in row:
            known = ", ".join(name for name in row if name != "epoch")
            raise CircuitError(
                f"the best checkpoint is chosen by {measured!r}, which is not measured; there are: "
                f"{known}"
            )
        value = float(row[measured]) if row and not batches else math.nan
        value = value if math.isfinite(value) else None
        return Entry(run.done, batches, measured, value, self._run)

    def _let_go(self, how: Checkpoints) -> None:
        """Remove what is neither new nor the best."""
        stay = {*list(self._entries)[-how.keep :], best_of(self._entries)}
        for file in [file for file in how.files if file not in stay]:
            with suppress(OSError):  # it is tried again after the next
                file.unlink()
                self._entries.pop(file, None)

    def _warn(self, why: str) -> None:
        if why == self._failed:
            return
        self._failed = why
        there = [file.name for file in self._entries if file.exists()]
        stay = f"{max(there)} stays" if there else "there is none"
        warnings.warn(
            f"no checkpoint was written: {why}; {stay}, and training goes on and tries again",
            stacklevel=4,
        )


def _is_wanted(how: Checkpoints, run: Run) -> bool:
    if run.place is not None:
        return run.place.batches > 0
    return run.is_over or run.done % how.epochs == 0


def _told(run: Run, how: Checkpoints, file: Path) -> str:
    """What a run goes on from, in a sentence."""
    epochs = f"{run.done} epoch{'' if run.done == 1 else 's'}"
    if run.is_over:
        return f"the run in {how.folder} is finished: {run.ended or 'completed'}, after {epochs}"
    if run.place is not None:
        batches = f"{run.place.batches} batch{'' if run.place.batches == 1 else 'es'}"
        return f"training goes on in epoch {run.done + 1}, after {batches}, from {file}"
    return f"training goes on after {epochs}, from {file}"
