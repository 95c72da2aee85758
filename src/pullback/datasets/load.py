"""In: the name of a data set, of a file or of a folder. Out: the data, ready to be split."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pullback.core.errors import CircuitError, UnknownNameError
from pullback.datasets.builtin import DATASETS, Loaded
from pullback.datasets.images import PictureSet
from pullback.datasets.speech import SpeechSet
from pullback.datasets.tables import MAMMOGRAPHY
from pullback.datasets.texts import TextSet
from pullback.files.folder import kind_in
from pullback.images.folder import read_folder
from pullback.images.reading import PICTURES
from pullback.sequences.sound.folder import recordings_in
from pullback.sequences.sound.reading import RECORDINGS
from pullback.sequences.text.folder import TEXTS, texts_in
from pullback.sequences.text.sentences import CONLLU, read_conllu
from pullback.tables.dataset import Dataset
from pullback.tables.options import ReadOptions
from pullback.tables.read import SUFFIXES
from pullback.tables.table import TableDataset, read_dataset

DATASETS.add(MAMMOGRAPHY.name, MAMMOGRAPHY)


def load_dataset(
    name: str | os.PathLike[str],
    target: str | None = None,
    task: str | None = None,
    kinds: Mapping[str, str] | None = None,
    options: ReadOptions | None = None,
) -> Loaded:
    """The built-in data set of this name, the table in this file, or what is in this folder.

    Of a file, `target`, `task` and `kinds` say what to predict and what columns are, as in
    `TableDataset.from_frame`, and `options` how it is to be read. A folder of pictures is read as
    by `read_folder`, and one of recordings as by `recordings_in`: the first file in it that is
    either tells which. One of texts alone is read as by `texts_in`; a file that ends in .conllu,
    or .conllu.gz, holds tagged sentences.

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
    folder = text not in DATASETS and os.path.isdir(text)
    tagged = _is_tagged(text)
    file = text not in DATASETS and (os.path.exists(text) or text.lower().endswith(SUFFIXES))
    if file and not folder and not tagged:
        return read_dataset(text, target, task, kinds, options)
    what = "holds tagged sentences" if tagged else "is a folder" if folder else "is built in"
    told = target is not None or task is not None or kinds or options not in (None, ReadOptions())
    if told and (tagged or folder or text in DATASETS):
        raise CircuitError(
            f"{text} {what}, so leave out target, task, kinds and how to read a file: they are for "
            "tables in files, .csv or .parquet"
        )
    if folder:
        if holds_texts(text):
            return texts_in(text)
        sound = kind_in(text, (PICTURES, RECORDINGS)) is RECORDINGS
        return recordings_in(text) if sound else read_folder(text)
    if tagged:
        return read_conllu(text)
    try:
        return DATASETS[text]()
    except UnknownNameError as error:
        reason, _, hint = str(error).partition("; ")
        hint = f"; {hint}" if hint.endswith("?") else "."  # what there is follows, with more
        raise UnknownNameError(
            f"{reason}{hint} Built in are {', '.join(sorted(DATASETS))}; any .csv, .parquet or "
            ".conllu file, or folder of pictures, recordings or texts, can be given by its path"
        ) from None


def holds_texts(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds texts, at any depth, and neither pictures nor recordings."""
    return kind_in(path, (PICTURES, RECORDINGS)) is None and kind_in(path, (TEXTS,)) is not None


def _is_tagged(name: str) -> bool:
    """Whether a file holds tagged sentences, by its name."""
    return name not in DATASETS and name.lower().endswith(CONLLU)


def load_table(
    name: str | os.PathLike[str],
    target: str | None = None,
    task: str | None = None,
    kinds: Mapping[str, str] | None = None,
    options: ReadOptions | None = None,
) -> Dataset | TableDataset:
    """What `load_dataset` loads, of tables alone.

    Raises `CircuitError` as it does, and for pictures, speech and texts, before they are fetched or
    read.

    >>> load_table("iris").task
    'classification'
    """
    text = os.fspath(name)
    published = {PictureSet: "pictures", SpeechSet: "recordings", TextSet: "text"}
    if (held := published.get(type(DATASETS.get(text)))) is not None:
        tables = sorted(x for x, entry in DATASETS.items() if type(entry) not in published)
        raise CircuitError(
            f"{text} holds {held}, and this takes tables; built in are {', '.join(tables)}"
        )
    if text not in DATASETS and os.path.isdir(text):
        raise CircuitError(
            f"{text} is a folder, and this takes tables: name a .csv or .parquet file"
        )
    if _is_tagged(text):
        raise CircuitError(
            f"{text} holds tagged sentences, and this takes tables: name a .csv or .parquet file"
        )
    data = load_dataset(name, target, task, kinds, options)
    assert isinstance(data, Dataset | TableDataset)
    return data
