"""In: a folder with a folder of pictures for each class. Out: their files, or the pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pullback.files.folder import files_in_classes, files_named
from pullback.images.listing import Listing
from pullback.images.pictures import Pictures
from pullback.images.reading import PICTURES


def read_folder(
    path: str | os.PathLike[str],
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    how: str = "crop",
    *,
    skip_broken: bool = False,
    progress: bool | None = None,
    threads: int | None = None,
) -> Pictures:
    """The pictures in a folder that holds a folder for each class, at any depth.

    It is `list_folder(path).read(size, channels, ...)`: see there for what is found, and how.

    Raises `CircuitError` where there is nothing to learn from, or a file cannot be read.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cats/1.png", "cats/2.png", "dogs/1.png"):
    ...         (Path(folder) / name).parent.mkdir(exist_ok=True)
    ...         Image.new("L", (8, 6), 255).save(Path(folder) / name)
    ...     pictures = read_folder(folder)
    >>> pictures.classes, pictures.labels.tolist(), pictures.images.shape
    (('cats', 'dogs'), [0, 0, 1], (3, 6, 8, 1))
    """
    return list_folder(path).read(
        size, channels, how, skip_broken=skip_broken, progress=progress, threads=threads
    )


def list_folder(path: str | os.PathLike[str]) -> Listing:
    """The files of pictures in a folder that holds a folder for each class, at any depth.

    Classes are in the order of their names, and files too, with numbers in them by size: "9" is
    before "10". Where the folders are `train` and `test`, or `validation` (`valid`, `val`), which
    hold those of the classes, the others are the listing's `test` and `validation`; of two alone,
    the second is its `test`. Hidden files, what systems leave behind, and other files are passed
    over, and the notes count them.

    Raises `CircuitError` where there is no such folder, no picture, only one class, a class without
    pictures, or a class to test that is not trained.
    """
    return files_in_classes(path, PICTURES, Listing)


def pictures_in(paths: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """The files that these are, and of folders those of pictures in them, at any depth, in order.

    Raises `CircuitError` where one is not there, or a folder has no pictures.
    """
    return files_named(paths, PICTURES)
