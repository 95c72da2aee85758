"""In: a folder with a folder of recordings for each class, or a CSV list. Out: the recordings."""

from __future__ import annotations

import os

from pullback.core.errors import CircuitError
from pullback.files.folder import files_in_classes
from pullback.files.listed import files_listed
from pullback.sequences.sound.listing import Listing
from pullback.sequences.sound.reading import RECORDINGS
from pullback.sequences.sound.recordings import Recordings


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
    >>> from pathlib import Path
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
    `val`), the others are the listing's `test` and `validation`. Of a list, `file` and `label` name
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
        return files_in_classes(path, RECORDINGS, Listing)
    return files_listed(path, RECORDINGS, Listing, file=file, label=label, folder=folder)
