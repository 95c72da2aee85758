"""In: files with a class each, none of them read. Out: their sounds, at one rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.files.listing import Files, all_known
from pullback.files.progress import working
from pullback.files.threads import Broken, attempt, checked_threads, machine_memory
from pullback.sequences.sound.reading import (
    RECORDINGS,
    Head,
    checked_rate,
    decoded,
    read_head,
    refuse_without_soundfile,
)
from pullback.sequences.sound.recordings import Recordings


@final
@dataclass(frozen=True, eq=False)
class Listing(Files):
    """Files of recordings and the class number of each, from 0, which `classes` names.

    `folder` is what their names are told from; `notes` say what was assumed, and `validation` and
    `test` are what the set brings of its own to judge by, in the same classes.
    """

    def read(
        self,
        rate: int | None = None,
        *,
        skip_broken: bool = False,
        progress: bool | None = None,
        threads: int | None = None,
    ) -> Recordings:
        """All recordings, by several threads, at one rate and in one channel.

        Where no `rate` is told, in samples a second, it is the one that most of them have. What is
        resampled or mixed down, the notes say. `skip_broken` leaves out files that cannot be read,
        which the notes name. `progress` shows a live line: by default where a person looks on.

        Raises `CircuitError` where files cannot be read, naming them, or do not fit into memory.
        """
        refuse_without_soundfile()
        rate = None if rate is None else checked_rate(rate)
        threads = checked_threads(threads)
        files = self.all_files()
        heads, broken = _survey(files, threads, progress)
        known: list[Head] = all_known(heads, self, broken)
        rate, notes = choose_rate(known, rate)
        _refuse_too_much(known, rate)
        sounds, failed = _gather(files, set(broken), rate, threads, progress)
        broken = dict(sorted({**broken, **failed}.items()))
        if broken and not skip_broken:
            self.refuse(broken, "; skip_broken=True leaves them out")
        notes = [*self.notes, *notes, *about_channels(known)]
        if broken:
            notes.append(f"left out: {self.told(broken)}")
        start, parts = 0, []
        for part in (self, self.validation, self.test):
            parts.append(None if part is None else part._recordings(sounds, start, rate))
            start += 0 if part is None else len(part)
        whole, validation, test = parts
        assert whole is not None
        self.refuse_lost(whole.labels, broken, RECORDINGS.noun)
        return replace(whole, notes=tuple(notes), validation=validation, test=test)

    def _recordings(self, sounds: Sequence[np.ndarray | None], start: int, rate: int) -> Recordings:
        """Those of its files that were read, which begin there among all."""
        own = sounds[start : start + len(self)]
        return Recordings(
            self.name,
            tuple(sound for sound in own if sound is not None),
            rate,
            self.labels[[sound is not None for sound in own]],
            self.classes,
            self.source,
            self.notes,
            tuple(path for path, sound in zip(self.files, own, strict=True) if sound is not None),
        )


def choose_rate(heads: Sequence[Head], asked: int | None) -> tuple[int, list[str]]:
    """At which rate to read, and what is to be said of it.

    That which most of them have; of several, the lowest.

    >>> choose_rate([Head(100, 8000, 1), Head(100, 16000, 1), Head(100, 8000, 2)], None)
    (8000, ['1 recording of 3 is resampled from 16,000 Hz to 8,000 Hz; rate= takes another'])
    >>> choose_rate([Head(100, 8000, 1)], 8000)
    (8000, [])
    """
    counts = Counter(head.rate for head in heads)
    rate = asked or min(counts, key=lambda rate: (-counts[rate], rate))
    others = sorted(set(counts) - {rate})
    if not others:
        return rate, []
    count = len(heads) - counts[rate]
    span = f"{others[0]:,}" if len(others) == 1 else f"{others[0]:,} to {others[-1]:,}"
    cure = "" if asked else "; rate= takes another"
    are = "is" if count == 1 else "are"
    return rate, [
        f"{counted(count, 'recording')} of {len(heads):,} {are} resampled from {span} Hz to "
        f"{rate:,} Hz{cure}"
    ]


def about_channels(heads: Sequence[Head]) -> list[str]:
    """What is to be said of recordings in several channels."""
    count = sum(head.channels > 1 for head in heads)
    if not count:
        return []
    have = "has several channels, which are" if count == 1 else "have several channels: they are"
    return [f"{counted(count, 'recording')} of {len(heads):,} {have} mixed down to one"]


def _refuse_too_much(heads: Sequence[Head], rate: int) -> None:
    """Refuse what does not fit into memory."""
    need = 4 * sum(head.samples * rate / head.rate for head in heads)
    memory = machine_memory()
    if memory is not None and need > memory:
        raise CircuitError(
            f"{len(heads):,} recordings at {rate:,} Hz take {need / 1e9:,.1f} GB of memory, and "
            f"there are {memory / 1e9:,.1f}: give a lower rate, or fewer recordings"
        )


def _survey(
    files: Sequence[Path], threads: int, progress: bool | None
) -> tuple[list[Head | None], Broken]:
    """What the beginning of each file tells, None where nothing, and why."""
    heads: list[Head | None] = [None] * len(files)

    def look(k: int) -> None:
        heads[k] = read_head(files[k])

    with working("looking at recordings", len(files), progress) as line:
        return heads, attempt(look, len(files), threads, line.advance)


def _gather(
    files: Sequence[Path], broken: set[int], rate: int, threads: int, progress: bool | None
) -> tuple[list[np.ndarray | None], Broken]:
    """The sounds in these files, None where one cannot be read, and why if it was not broken."""
    sounds: list[np.ndarray | None] = [None] * len(files)

    def read(k: int) -> None:
        if k not in broken:
            sounds[k], _ = decoded(files[k], rate)

    with working("reading recordings", len(files), progress) as line:
        return sounds, attempt(read, len(files), threads, line.advance)
