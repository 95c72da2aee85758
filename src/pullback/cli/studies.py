"""In: data by name, file or folder, and what was asked. Out: a study of them, before training."""

from __future__ import annotations

import os
from collections.abc import Sequence

from pullback.cli.asked import Asked
from pullback.cli.file_options import kinds_told
from pullback.cli.pictures import holds_pictures, picture_study
from pullback.cli.sequences import holds_sequences, sequence_study
from pullback.core.errors import CircuitError
from pullback.datasets import DATASETS, load_table
from pullback.files.folder import kind_in
from pullback.images.reading import PICTURES
from pullback.images.study import PictureStudy
from pullback.sequences.sound.reading import RECORDINGS
from pullback.sequences.tasks.study import Study as SequenceStudy
from pullback.sequences.text.folder import TEXTS
from pullback.tables import TASKS, Dataset, ReadOptions, TableDataset
from pullback.tables.recipe import Recipe
from pullback.tables.study import Study
from pullback.train.settings import named

TABLES, PICTURED, SEQUENCES = "tables", "pictures", "sequences"
_OTHERS = (
    (SEQUENCES, "text or sound", holds_sequences),
    (PICTURED, "pictures", holds_pictures),
)
"""The data beside tables: their kind, in a word, and how they are known."""


def kind_of(data: str, asked: Asked, options: ReadOptions) -> str:
    """What kind the data are of: tables, pictures or sequences.

    Raises `CircuitError` for an empty folder, and where something was asked for that is for data of
    another kind.
    """
    _refuse_empty(data)
    for kind, what, holds in _OTHERS:
        if holds(data):
            asked.refuse_but(f"these are {what}", kind, "folders")
            if options != ReadOptions():
                raise CircuitError(f"how to read a file can be told of tables; {data} has {what}")
            return kind
    asked.refuse_but("this is a table", "tables", "files", "drawn")
    return TABLES


def study_of(
    kind: str, data: str, asked: Asked, options: ReadOptions
) -> Study | PictureStudy | SequenceStudy:
    """The study of data of this kind.

    Raises `CircuitError` where they cannot be read or learned from, or not as was asked.
    """
    if kind == PICTURED:
        return picture_study(data, asked)
    return sequence_study(data, asked) if kind == SEQUENCES else table_study(data, asked, options)


def table_study(data: str, asked: Asked, options: ReadOptions) -> Study:
    """The study of a table.

    Raises `CircuitError` where it cannot be read or learned from, or not as was asked.
    """
    recipe = Recipe(**asked.given("tables")).checked()
    return Study.of(table_of(data, **asked.own["files"], options=options), recipe)


def table_of(
    data: str,
    target: str | None,
    task: str | None,
    kind: Sequence[str] | None,
    options: ReadOptions,
) -> Dataset | TableDataset:
    """The table, by what was told of its columns.

    Raises `CircuitError` where it cannot be read, or not as was told.
    """
    known = None if task is None else named("task", task, TASKS)
    return load_table(data, target, known, kinds_told(kind or ()), options)


def _refuse_empty(data: str) -> None:
    """Refuse a folder without any file that can be learned from."""
    kinds = (PICTURES, RECORDINGS, TEXTS)
    if data not in DATASETS and os.path.isdir(data) and kind_in(data, kinds) is None:
        raise CircuitError(
            f"there are no pictures, recordings or texts in {data}; files are known by the endings "
            "of their names, such as .png, .wav and .txt"
        )
