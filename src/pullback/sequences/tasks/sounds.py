"""In: recordings, or files of them, and a recipe. Out: recordings that can be learned from so."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.files.words import text_of
from pullback.layers import LogMel
from pullback.sequences.sound.listing import Listing
from pullback.sequences.sound.reading import resampled
from pullback.sequences.sound.recordings import Recordings
from pullback.sequences.tasks.recipe import SequenceRecipe
from pullback.sequences.tasks.trained import PARTS


def recordings_of(
    data: Recordings | Listing, recipe: SequenceRecipe, progress: bool | None
) -> Recordings:
    """The recordings at the rate that was told, if one was."""
    skip, rate = bool(recipe.skip_broken), recipe.rate
    if isinstance(data, Listing):
        return data.read(rate, skip_broken=skip, progress=progress, threads=recipe.threads)
    if skip and not data.files:
        raise CircuitError(f"--skip-broken is for recordings in files, and {data.name} is a set")
    if rate is None or rate == data.rate:
        return data

    def brought(part: Recordings | None) -> Recordings | None:
        if part is None:
            return None
        sounds = [resampled(sound, part.rate, rate) for sound in part.sounds]
        return replace(part, sounds=sounds, rate=rate)

    whole = brought(data)
    assert whole is not None
    note = f"all recordings are resampled from {data.rate:,} Hz to {rate:,} Hz"
    others = {part: brought(getattr(data, part)) for part in ("validation", "test")}
    return replace(whole, notes=(*data.notes, note), **others)


def long_enough(data: Recordings, layer: LogMel, skip: bool) -> Recordings:
    """The recordings that have a window's length at least: shorter ones are no speech.

    Raises `CircuitError` where there are others, unless they are to be left out.
    """
    least = round(layer.config["window"] * data.rate)
    kept, notes = {}, []
    for part in PARTS:
        own = data if part == "train" else getattr(data, part)
        if own is None:
            continue
        short = np.flatnonzero(own.lengths < least)
        kept[part] = own
        if not len(short):
            continue
        said = (
            f"{counted(len(short), 'recording')} of less than {least / data.rate:g} s, which is "
            f"too short to hear a word, such as {names_of(own)[short[0]]}"
        )
        if not skip:
            are = "is" if len(short) == 1 else "are"
            raise CircuitError(f"there {are} {said}; leave it out, or give skip_broken=True")
        if len(short) == len(own):
            raise CircuitError(f"all of the {part} part are {said}")
        kept[part] = own.rows(own.lengths >= least)
        notes.append(f"left out: {said}")
    whole = kept.pop("train")
    return replace(whole, notes=(*data.notes, *notes), **kept) if notes else data


def refuse_unlearnable(data: Recordings, layer: LogMel) -> None:
    """Refuse one class alone, and labels that are more than the frames can hold.

    Raises `CircuitError`.
    """
    if len(data.classes) < 2:
        raise CircuitError(
            f"{data.name} has only one class, {data.classes[0]!r}: to tell classes apart takes two"
            if data.classes
            else f"{data.name} has no classes"
        )
    if data.labels.ndim == 1:
        return
    for part in (data, data.validation, data.test):
        if part is None:
            continue
        same = (part.labels[:, 1:] == part.labels[:, :-1]) & (part.labels[:, 1:] >= 0)
        need = (part.labels >= 0).sum(axis=1) + same.sum(axis=1)
        over = np.flatnonzero(need > layer.frames(part.lengths))
        if len(over):
            row = over[0]
            raise CircuitError(
                f"recording {names_of(part)[row]} of {part.lengths[row] / part.rate:.2f} s has "
                f"{counted(int((part.labels[row] >= 0).sum()), 'label')}, more than its "
                f"{counted(int(layer.frames(part.lengths)[row]), 'frame')} can hold; leave it out"
            )
        if not (part.labels >= 0).any():
            raise CircuitError(f"no recording of {part.name} has a label")


def names_of(data: Recordings) -> list[str]:
    """What to call each recording: its file, from the folder of all on, or its number from 1."""
    if data.files:
        return names_within(data.files)
    places = np.arange(len(data)) if data.places is None else data.places
    return [f"{place + 1:,}" for place in places]


def names_within(files: Sequence[Path]) -> list[str]:
    """Files as they are called from the folder on that all of them are in.

    >>> names_within([Path("a/no/1.wav"), Path("a/yes/2.wav")]) == ["no/1.wav", "yes/2.wav"]
    True
    """
    folder = os.path.commonpath([file.parent for file in files])
    return [text_of(Path(os.path.relpath(file, folder)).as_posix()) for file in files]
