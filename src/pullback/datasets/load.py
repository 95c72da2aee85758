"""In: the name of a data set or of a file. Out: the data, ready to be split."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pullback.core.errors import CircuitError, UnknownNameError
from pullback.datasets.builtin import DATASETS
from pullback.tables.dataset import Dataset
from pullback.tables.options import ReadOptions
from pullback.tables.read import SUFFIXES
from pullback.tables.table import TableDataset, read_dataset


def load_dataset(
    name: str | os.PathLike[str],
    target: str | None = None,
    task: str | None = None,
    kinds: Mapping[str, str] | None = None,
    options: ReadOptions | None = None,
) -> Dataset | TableDataset:
    """The built-in data set of this name, or the table in this CSV or Parquet file.

    Of a file, `target`, `task` and `kinds` say what to predict and what columns are, as in
    `TableDataset.from_frame`, and `options` how it is to be read.

    Raises `CircuitError` where a file cannot be read or learned from, and `UnknownNameError`,
    with the names there are, for what is neither.

    >>> len(load_dataset("digits"))
    1797
    >>> load_dataset("iris").classes
    ('setosa', 'versicolor', 'virginica')
    """
    if not isinstance(options, ReadOptions | None):
        raise CircuitError(f"options are ReadOptions(…), got {options!r}")
    text = os.fspath(name)
    if text not in DATASETS and (os.path.exists(text) or text.lower().endswith(SUFFIXES)):
        return read_dataset(text, target, task, kinds, options)
    if target is not None or task is not None or kinds or options not in (None, ReadOptions()):
        raise CircuitError(
            f"{text} is no file: only of a file can the target, task, kinds and how to read it be "
            "told"
        )
    try:
        return DATASETS[text]()
    except UnknownNameError as error:
        reason = str(error).partition("; there are")[0]  # follows, with more
        raise UnknownNameError(
            f"{reason}; built in are {', '.join(sorted(DATASETS))}, and any .csv or .parquet file "
            "can be given by its path"
        ) from None
