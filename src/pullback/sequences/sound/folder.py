"""In: a folder with a folder of recordings for each class, or a CSV list. Out: the recordings."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.files.folder import files_beside, files_in_classes, natural
from pullback.files.listed import files_listed
from pullback.files.words import about_names, listed, text_of
from pullback.sequences.sound.listing import Listing
from pullback.sequences.sound.reading import RECORDINGS
from pullback.sequences.sound.recordings import Recordings

_NAMED = (2, 100)  # classes that the names of files may tell
_EACH = 2  # files of each of them, at least


def recordings_in(
    path: str | os.PathLike[str],
    rate: int | None = None,
    *,
    file: str | None = None,
    label: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    skip_broken: bool = False,
    progress: bool | None = None,
    threads: int | None = None,
) -> Recordings:
    """The recordings in a folder that holds a folder for each class, or that a CSV file lists.

    It is `list_recordings(path, ...).read(rate, ...)`: see there for what is found, and how.

    Raises `CircuitError` where there is nothing to learn from, or files cannot be read, naming all.

    >>> import tempfile
    >>> import numpy as np
    >>> import soundfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("no/1.wav", "no/2.wav", "yes/1.flac"):
    ...         (Path(folder) / name).parent.mkdir(exist_ok=True)
    ...         soundfile.write(Path(folder) / name, np.eye(1, 800)[0] / 2, 8000)
    ...     data = recordings_in(folder)
    >>> data.classes, data.labels.tolist(), data.rate
    (('no', 'yes'), [0, 0, 1], 8000)
    """
    listing = list_recordings(path, file=file, label=label, folder=folder)
    return listing.read(rate, skip_broken=skip_broken, progress=progress, threads=threads)


def list_recordings(
    path: str | os.PathLike[str],
    *,
    file: str | None = None,
    label: str | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> Listing:
    """The files of recordings in a folder that holds a folder for each class, or in a CSV list.

    Of a folder, classes are in the order of their names, and files too, with numbers in them by
    size: "9" is before "10". Where the folders are `train` and `test`, or `validation` (`valid`,
    `val`), the others are the listing's `test` and `validation`. Where recordings are in the folder
    itself and in none within, what stands before the first "_" in their names is their class, as in
    yes_1.wav, if that makes 2 to 100 classes of two at least. Of a list, `file` and `label` name
    the columns, and `folder` is where its files are; by default they are found, and the notes say
    how.

    Raises `CircuitError` where there is no such folder or file, no recording, only one class, a
    class without recordings, or a class to test that is not trained.
    """
    if not os.path.isfile(path):
        if file is not None or label is not None or folder is not None:
            raise CircuitError(
                f"{path} is no CSV file: only of one can file, label, folder be told"
            )
        beside = files_beside(path, RECORDINGS) if os.path.isdir(path) else []
        if beside:
            return _by_names(Path(path), beside)
        return files_in_classes(path, RECORDINGS, Listing)
    return files_listed(path, RECORDINGS, Listing, file=file, label=label, folder=folder)


def _by_names(folder: Path, files: Sequence[Path]) -> Listing:
    """Recordings in one folder, whose names begin with their class.

    Raises `CircuitError` where they do not.
    """
    begun = [text_of(file.stem).partition("_") for file in files]
    counts = Counter(name for name, _, _ in begun)
    least, most = _NAMED
    without = [
        text_of(file.name)
        for file, (name, sign, _) in zip(files, begun, strict=True)
        if not name or not sign
    ]
    rare = [name for name, n in counts.items() if n < _EACH]
    if without:
        why = f"but {listed(without, 3)} {'does' if len(without) == 1 else 'do'} not"
    elif not least <= len(counts) <= most:
        why = f"but there {'is' if len(counts) == 1 else 'are'} {counted(len(counts), 'beginning')}"
    elif rare:
        why = f"but of {listed(rare, 3)} there is one recording alone"
    else:
        why = ""
    if why:
        raise CircuitError(
            f"{folder} holds {counted(len(files), 'recording')} and no folders with any: put the "
            "recordings of each class into a folder named by it, or let names begin with their "
            f"class, as yes_1.wav, of {least} to {most} classes with {_EACH} recordings each; {why}"
        )
    classes = sorted(counts, key=natural)
    note = f'classes are told by the names of the files, before the first "_": {listed(classes)}'
    return Listing(
        folder.resolve().name,
        tuple(files),
        np.array([classes.index(name) for name, _, _ in begun]),
        tuple(classes),
        folder,
        f"the folder {folder}",
        (note, *about_names(classes)),
    )
