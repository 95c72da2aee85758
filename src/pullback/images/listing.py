"""In: files with a class each, none of them read. Out: their pictures, at once or in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from pullback.core.errors import CircuitError
from pullback.images.batches import PictureBatches
from pullback.images.gather import (
    Broken,
    checked_threads,
    choose_channels,
    choose_size,
    gather,
    survey,
)
from pullback.images.pictures import Pictures
from pullback.images.reading import Head, checked_channels, checked_size
from pullback.images.words import counted, listed, text_of


@dataclass(frozen=True, eq=False)
class Listing:
    """Files of pictures and the class number of each, from 0, which `classes` names.

    `folder` is what their names are told from; `notes` say what was assumed, and `validation` and
    `test` are what the set brings of its own to judge by, in the same classes.
    """

    name: str
    files: tuple[Path, ...] = field(repr=False)
    labels: np.ndarray = field(repr=False)
    classes: tuple[Any, ...]
    folder: Path
    source: str = ""
    notes: tuple[str, ...] = ()
    validation: Listing | None = None
    test: Listing | None = None

    def __len__(self) -> int:
        return len(self.files)

    def read(
        self,
        size: int | tuple[int, int] | None = None,
        channels: int | None = None,
        how: str = "crop",
        *,
        skip_broken: bool = False,
        progress: bool | None = None,
        threads: int | None = None,
    ) -> Pictures:
        """All pictures, by several threads, in one size and either grey or colour.

        Where no `size` is told, it is the one they have, or one that suits them, which the notes
        say; they are colour where one of them is. `how` they are resized is as in `resized`.
        `skip_broken` leaves out files that cannot be read, which the notes name. `progress` shows a
        live line: by default where a person looks on.

        Raises `CircuitError` where files cannot be read, naming them, or do not fit into memory.
        """
        threads = _checked(size, channels, how, threads)
        files = self._all_files()
        heads, broken = survey(files, threads, progress)
        known = self._known(heads, broken)
        channels, about_channels = choose_channels(known, channels)
        sides, about_size = choose_size(known, channels, size, how)
        images, failed = gather(files, sides, channels, how, threads, progress)
        broken |= failed
        if broken and not skip_broken:
            self._refuse(broken, "; skip_broken=True leaves them out")
        notes = (*self.notes, *about_channels, *about_size, *_about_several(known))
        if broken:
            notes = (*notes, f"left out: {self._told(broken)}")
        notes = (*notes, *self._about_copies(images, broken))
        whole = self._pictures(images, broken, 0)
        lost = np.flatnonzero(np.bincount(whole.labels, minlength=len(self.classes)) == 0)
        if len(lost):
            names = listed([repr(self.classes[k]) for k in lost])
            raise CircuitError(f"no picture can be read of {names}; {self._told(broken)}")
        start, others = len(self), []
        for part in (self.validation, self.test):
            others.append(None if part is None else part._pictures(images, broken, start))
            start += 0 if part is None else len(part)
        return replace(whole, notes=notes, validation=others[0], test=others[1])

    def batches(
        self,
        size: int | tuple[int, int] | None = None,
        channels: int | None = None,
        how: str = "crop",
        *,
        batch_size: int = 32,
        seed: int = 0,
        shuffle: bool = True,
        progress: bool | None = None,
        threads: int | None = None,
    ) -> PictureBatches:
        """The pictures in batches for `Trainer.fit`, read while it trains: memory holds a few.

        Only the beginning of each file is looked at now, for what is not told. Of `validation` and
        `test`, batches are made apart, with the `size` and `channels` of these.

        Raises `CircuitError` where a file shows by its beginning that it cannot be read.
        """
        threads = _checked(size, channels, how, threads)
        heads, broken = survey(self.files, threads, progress)
        known = self._known(heads, broken)
        if broken:
            self._refuse(broken)
        channels, about_channels = choose_channels(known, channels)
        sides, about_size = choose_size(known, channels, size, how)
        return PictureBatches(
            self.files,
            self.labels,
            sides,
            channels,
            how,
            batch_size=batch_size,
            seed=seed,
            shuffle=shuffle,
            threads=threads,
            notes=(*self.notes, *about_channels, *about_size, *_about_several(known)),
        )

    def _all_files(self) -> list[Path]:
        """Its own, those of `validation`, and those of `test`."""
        parts = [part for part in (self, self.validation, self.test) if part is not None]
        return [path for part in parts for path in part.files]

    def _known(self, heads: Sequence[Head | None], broken: Broken) -> list[Head]:
        """What is known of files; refused where it is of none."""
        known = [head for head in heads if head is not None]
        if not known:
            self._refuse(broken)
        return known

    def _refuse(self, broken: Broken, cure: str = "") -> NoReturn:
        if len(broken) == 1:
            (error,) = broken.values()
            raise CircuitError(f"{error}{cure.replace('them', 'it')}") from None
        raise CircuitError(f"{self._told(broken)}; mend or remove them{cure}")

    def _told(self, broken: Broken) -> str:
        """Which files cannot be read, and why."""
        files = self._all_files()
        names = []
        for k, error in broken.items():
            reason = str(error).removeprefix(f"cannot read {files[k]}: ").partition(";")[0]
            names.append(f"{_short(files[k], self.folder)} ({reason})")
        return f"{len(broken):,} of {len(files):,} files cannot be read: {listed(names)}"

    def _about_copies(self, images: np.ndarray, broken: Broken) -> list[str]:
        """What is to be said of pictures that are the same as another, pixel by pixel."""
        files = self._all_files()
        parts = [part for part in (self, self.validation, self.test) if part is not None]
        labels = np.concatenate([part.labels for part in parts])
        numbers = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        firsts: dict[bytes, int] = {}
        copies = [
            (k, first)
            for k, image in enumerate(images)
            if k not in broken
            and (first := firsts.setdefault(blake2b(image, digest_size=16).digest(), k)) != k
            and files[first] != files[k]  # as a list may name one twice, which it says itself
        ]
        if not copies:
            return []
        apart = sum(numbers[k] != numbers[first] for k, first in copies)
        unlike = [(k, first) for k, first in copies if labels[k] != labels[first]]
        k, first = (unlike or copies)[0]
        names = [text_of(_short(files[k], self.folder)) for k in (k, first)]
        more = [
            f", {apart:,} of them of one in another part" if apart else "",
            f", {len(unlike):,} of one in another class" if unlike else "",
        ]
        have = "has" if len(copies) == 1 else "have"
        return [
            f"{counted(len(copies), 'picture')} {have} the pixels of another{''.join(more)}: "
            f"{names[0]} those of {names[1]}"
        ]

    def _pictures(self, images: np.ndarray, broken: Broken, start: int) -> Pictures:
        """Those of its files that were read, which begin there among all."""
        kept = [k for k in range(len(self)) if start + k not in broken]
        own = images[start : start + len(self)]
        return Pictures(
            self.name,
            own if len(kept) == len(self) else own[kept],
            self.labels[kept],
            self.classes,
            self.source,
            self.notes,
            tuple(self.files[k] for k in kept),
        )


def _checked(size: Any, channels: Any, how: str, threads: int | None) -> int:
    """The number of threads; what cannot be meant is refused before work."""
    checked_channels(channels)
    checked_size(1 if size is None else size, how)
    return checked_threads(threads)


def _about_several(heads: Sequence[Head]) -> list[str]:
    several = counted(sum(head.several for head in heads), "file")
    none = not any(head.several for head in heads)
    return [] if none else [f"of {several} with several pictures each, the first is read"]


def _short(path: Path, folder: Path) -> Path:
    return path.relative_to(folder) if path.is_relative_to(folder) else path
