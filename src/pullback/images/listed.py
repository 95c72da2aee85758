"""In: a CSV file with a column of files and a column of labels. Out: the files, or the pictures."""

from __future__ import annotations

import os

from pullback.files.listed import files_listed, lists_files
from pullback.images.listing import Listing
from pullback.images.pictures import Pictures
from pullback.images.reading import PICTURES


def read_listed(
    path: str | os.PathLike[str],
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    how: str = "crop",
    *,
    file: str | None = None,
    label: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    skip_broken: bool = False,
    progress: bool | None = None,
    threads: int | None = None,
) -> Pictures:
    """The pictures that a CSV file lists, with the label of each.

    It is `list_csv(path, ...).read(size, channels, ...)`: see there for how columns are found.

    Raises `CircuitError` where there is nothing to learn from, or a file cannot be read.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in "abcd":
    ...         Image.new("L", (8, 6), 255).save(f"{folder}/{name}.png")
    ...     rows = ["file,label", "a.png,cat", "b.png,dog", "c.png,dog", "d.png,cat"]
    ...     _ = Path(folder, "list.csv").write_text("\\n".join(rows))
    ...     pictures = read_listed(f"{folder}/list.csv")
    >>> pictures.classes, pictures.labels.tolist()
    (('cat', 'dog'), [0, 1, 1, 0])
    """
    listing = list_csv(path, file=file, label=label, folder=folder)
    return listing.read(
        size, channels, how, skip_broken=skip_broken, progress=progress, threads=threads
    )


def lists_pictures(path: str | os.PathLike[str]) -> bool:
    """Whether one of the first rows of a CSV file names a picture, and it is there."""
    return lists_files(path, PICTURES)


def list_csv(
    path: str | os.PathLike[str],
    *,
    file: str | None = None,
    label: str | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> Listing:
    """The files that a CSV file lists, with the label of each; rows keep their order.

    `file` and `label` name the columns; by default the one that holds files that exist, and the one
    named label, class, target, category, species or y, else the only other, else the names of those
    columns of which each row has a 1 in one and 0 in the others, else the one with the fewest
    labels. A column of nothing but train and test, or validation (valid, val), tells the parts, as
    folders of these names do in `list_folder`. What was guessed is said in the notes. Names of
    files are told from `folder`, by default that of the CSV file; they may lack their ending.

    Raises `CircuitError` where the columns cannot be found, files are missing, the labels are not
    at least two classes, or a class has no picture to train on.
    """
    return files_listed(path, PICTURES, Listing, file=file, label=label, folder=folder)
