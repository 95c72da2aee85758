"""In: files with a class each, none of them read. Out: their pictures, at once or in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, final

import numpy as np

from pullback.core.text import counted
from pullback.files.listing import Files, all_known, short_name
from pullback.files.threads import Broken, checked_threads
from pullback.files.words import text_of
from pullback.images.batches import PictureBatches
from pullback.images.gather import (
    choose_channels,
    choose_size,
    gather,
    survey,
)
from pullback.images.pictures import Pictures
from pullback.images.reading import PICTURES, Head, checked_channels, checked_size


@final
@dataclass(frozen=True, eq=False)
class Listing(Files):
    """Files of pictures and the class number of each, from 0, which `classes` names.

    `folder` is what their names are told from; `notes` say what was assumed, and `validation` and
    `test` are what the set brings of its own to judge by, in the same classes.
    """

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
        files = self.all_files()
        heads, broken = survey(files, threads, progress)
        known = all_known(heads, self, broken)
        channels, about_channels = choose_channels(known, channels)
        sides, about_size = choose_size(known, channels, size, how)
        images, failed = gather(files, sides, channels, how, threads, progress)
        broken |= failed
        if broken and not skip_broken:
            self.refuse(broken, "; skip_broken=True leaves them out")
        notes = (*self.notes, *about_channels, *about_size, *_about_several(known))
        if broken:
            notes = (*notes, f"left out: {self.told(broken)}")
        notes = (*notes, *self._about_copies(images, broken))
        whole = self._pictures(images, broken, 0)
        self.refuse_lost(whole.labels, broken, PICTURES.noun)
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
        known = all_known(heads, self, broken)
        if broken:
            self.refuse(broken)
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

    def _about_copies(self, images: np.ndarray, broken: Broken) -> list[str]:
        """What is to be said of pictures that are the same as another, pixel by pixel."""
        files = self.all_files()
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
        names = [text_of(short_name(files[k], self.folder)) for k in (k, first)]
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
