"""In: data by name, from a file or a folder. Out: a row of numbers for each point to be mapped.

With each row goes what a person will want to see of it: a label, a name, a picture.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.cli.pictures import holds_pictures, pictures_of
from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.datasets import DATASETS, load_dataset
from pullback.files.words import listed, text_of
from pullback.images import Listing, Pictures
from pullback.images.reading import PICTURES
from pullback.tables import Dataset, Preparation, ReadOptions, TableDataset, read_table
from pullback.tables.column import Column
from pullback.tables.columns import columns_of
from pullback.tables.read import SUFFIXES as TABLES
from pullback.tables.target import label_array

if TYPE_CHECKING:
    import pandas as pd

ARRAYS = (".npy", ".npz")
VECTORS = (".safetensors", ".vec", ".bin")
_LABELS = ("target", "label", "class", "y", "outcome")  # columns that are labels by their names
_NAMES = ("name", "title", "id", "word", "text")
_INPUTS = ("x", "data", "inputs", "images", "pictures", "vectors", "embeddings")
_FEW = 20  # different texts at most, in a column that is taken as labels
_PIXEL = re.compile(r"pixel_(\d+)_(\d+)")


@dataclass(frozen=True, eq=False)
class Points:
    """Points to be mapped: x (N, features), and of each, where known, label, name and picture.

    `source` says what they are, `legend` what labels are of, `notes` what was guessed. Of points
    whose `first` count most, such as frequent words, the first are kept where not all are wanted,
    and of others some by chance.
    """

    title: str
    source: str
    x: np.ndarray = field(repr=False)
    labels: Any = field(default=None, repr=False)
    names: Sequence[str] | None = field(default=None, repr=False)
    pictures: np.ndarray | None = field(default=None, repr=False)
    legend: str = ""
    notes: tuple[str, ...] = ()
    metric: str = "euclidean"
    first: bool = False

    def __len__(self) -> int:
        return len(self.x)

    def at_most(self, most: int | None, seed: int) -> Points:
        """These points, or so many of them."""
        if most is None or len(self) <= most:
            return self
        chosen = np.arange(most)
        if not self.first:
            chosen = np.sort(np.random.default_rng(seed).permutation(len(self))[:most])
        which = "the first" if self.first else "drawn by chance,"
        return replace(
            self,
            x=self.x[chosen],
            labels=None if self.labels is None else np.asarray(self.labels)[chosen],
            names=None if self.names is None else [self.names[k] for k in chosen.tolist()],
            pictures=None if self.pictures is None else self.pictures[chosen],
            notes=(*self.notes, f"{which} {most:,} of {counted(len(self), 'point')} are mapped"),
        )


@dataclass(frozen=True)
class Told:
    """What a person told of the data, None where nothing was."""

    label: str | None = None
    name: str | None = None
    size: tuple[int, int] | None = None
    skip_broken: bool = False
    options: ReadOptions = field(default_factory=ReadOptions)
    unscaled: bool = False

    def refuse(self, what: str, table: bool = False, pictures: bool = False) -> None:
        """Raise `CircuitError` where something was told that these data have no use for."""
        of_tables = {
            "--label": self.label,
            "--name": self.name,
            "--no-scale": self.unscaled or None,
        }
        of_pictures = {"--size": self.size, "--skip-broken": self.skip_broken or None}
        given = ({} if table else of_tables) | ({} if pictures else of_pictures)
        for option, value in given.items():
            if value is not None:
                kind = "columns of tables" if option in of_tables else "pictures in files"
                raise CircuitError(f"{option} is for {kind}, and {what}")
        if not table and self.options != ReadOptions():
            raise CircuitError(f"how to read a file can be told of tables, and {what}")


def points_of(data: str, told: Told) -> Points:
    """The points in a built-in set, a table, a folder or list of pictures, arrays or word vectors.

    Raises `CircuitError` where they cannot be read, or something was told that is not of them.
    """
    for holds, read in _READERS:
        if holds(data):
            return read(data, told)
    if data in DATASETS:
        return _of_set(data, told)
    kinds = ", ".join((*TABLES[:2], ".parquet", *ARRAYS, *VECTORS))
    if os.path.isdir(data) or os.path.exists(data):
        raise CircuitError(
            f"cannot map {data}: what can be mapped are files named {kinds}, and folders of "
            "pictures"
        )
    raise CircuitError(
        f"there is no file or built-in set {data!r}; built in are {listed(sorted(DATASETS), 99)}, "
        f"and files are named {kinds}"
    )


# Sets --------------------------------------------------------------------------------------------


def _of_set(data: str, told: Told) -> Points:
    """The points of a built-in set."""
    told.refuse(f"{data} is a set of its own")
    loaded = load_dataset(data)
    if isinstance(loaded, TableDataset):
        (whole,) = loaded.split(1.0)
        return _of_dataset(whole)
    if isinstance(loaded, Dataset):
        return _of_dataset(loaded)
    raise CircuitError(
        f"{data} holds sequences, which are no points; make numbers of them first, such as word "
        "vectors by `pullback embed words`"
    )


def _of_dataset(data: Dataset) -> Points:
    labels, target = data.labels, data.preparation and data.preparation.target
    if data.classes:
        labels = label_array(data.classes)[data.labels]
    elif target:
        labels = data.labels.astype(np.float64) * target.scale + target.centre
    legend = target.column.name if target else ""
    x = data.inputs.reshape(len(data), -1)
    pictures = _drawn(data.features, x)
    notes = tuple(note for note in data.notes if not note.startswith("the task is "))
    return Points(data.name, data.source, x, labels, pictures=pictures, legend=legend, notes=notes)


def _drawn(features: Sequence[str], x: np.ndarray) -> np.ndarray | None:
    """Pictures (N, H, W), where the features are their pixels."""
    places = [_PIXEL.fullmatch(name) for name in features]
    if not places or not all(places):
        return None
    rows, columns = np.array([[int(n) for n in place.groups()] for place in places if place]).T
    pictures = np.zeros((len(x), rows.max() + 1, columns.max() + 1), np.uint8)
    pictures[:, rows, columns] = np.round(255.0 * x / (x.max() or 1.0))
    return pictures


# Pictures ----------------------------------------------------------------------------------------


def _of_pictures(data: str, told: Told) -> Points:
    """The pixels of pictures, of all parts that a set has."""
    told.refuse(f"{data} holds pictures", pictures=True)
    found = _without_classes(data, told) or pictures_of(data, told.size, told.skip_broken)
    parts = [part for part in (found, found.validation, found.test) if part is not None]
    images = np.concatenate([part.images for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    files = [file for part in parts for file in part.files]
    if images.dtype != np.uint8:
        images = np.round(255.0 * images).astype(np.uint8)
    notes = (*found.notes, *([f"its {len(parts)} parts are mapped together"] * (len(parts) > 1)))
    return Points(
        found.name,
        found.source or data,
        images.reshape(len(images), -1).astype(np.float32) / np.float32(255.0),
        label_array(found.classes)[labels] if len(found.classes) > 1 else None,
        [text_of(file.name) for file in files] or None,
        images,
        notes=notes,
    )


def _without_classes(data: str, told: Told) -> Pictures | None:
    """The pictures of a folder that holds them all itself; None where that is not so."""
    if data in DATASETS or not os.path.isdir(data):
        return None
    entries = sorted(Path(data).iterdir())
    files = [x for x in entries if x.suffix.lower() in PICTURES.suffixes and x.is_file()]
    if not files or any(x.is_dir() and not x.name.startswith(".") for x in entries):
        return None
    labels = np.zeros(len(files), np.int64)
    name, source = os.path.basename(os.path.abspath(data)), f"the folder {data}"
    listing = Listing(name, tuple(files), labels, ("picture",), Path(data), source)
    return listing.read(told.size, skip_broken=told.skip_broken)


# Tables ------------------------------------------------------------------------------------------


def _of_table(data: str, told: Told) -> Points:
    """The columns of a table, prepared as for training, but for those of labels and names."""
    told.refuse(f"{data} is a table", table=True)
    table = read_table(data, told.options)
    series = columns_of(table.frame)
    plane = "x" in {column.lower() for column in series}
    label = _column(series, told.label, [usual for usual in _LABELS if usual != "y" or not plane])
    name, guessed = _column(series, told.name, _NAMES), None
    kept: pd.DataFrame = table.frame.loc[:, [c not in (label, name) for c in series]]
    preparation = Preparation.fit(kept)
    if label is None:
        guessed = label = _classlike(preparation, series)
    if guessed is not None:
        kept = table.frame.loc[:, [c not in (label, name) for c in series]]
        preparation = Preparation.fit(kept)
    inputs, notes = preparation.transform(kept, table.habits)
    filled = (note.removesuffix(" as in training") for note in notes)  # nothing trains here
    used = [c.name for c in preparation.columns if c.kind != "ignore"]
    left = [c for c in preparation.columns if c.kind == "ignore"]
    said = [f"mapped by {counted(len(used), 'column')}: {listed(used, 8)}"]
    if told.unscaled:
        inputs = inputs * np.array([f.scale for f in preparation.features], np.float32)
    said.append(f"columns of numbers are {'not ' * told.unscaled}scaled to spread 1")
    said += [f"left out: {listed([_why(c) for c in left], 8)}"] if left else []
    for option, chosen, asked in (("label", label, told.label), ("name", name, told.name)):
        if option == "label" and guessed is not None:
            said.append(f"column {guessed!r} is taken as --label, the only one of few texts")
        elif chosen is not None and asked is None:
            said.append(f"column {chosen!r} is taken as --{option}, by its name")
    return Points(
        os.path.basename(data),
        f"the file {data}",
        inputs,
        None if label is None else _labels(series[label]),
        None if name is None else series[name].astype(str).tolist(),
        legend=label or "",
        notes=(*table.notes, *said, *filled),
    )


def _classlike(preparation: Preparation, series: Any) -> str | None:
    """The only column of texts, where these are few and others are left to map by."""
    used = [column for column in preparation.columns if column.kind != "ignore"]
    kinds = {column.name for column in used if column.kind in ("category", "boolean")}
    texts = [name for name in kinds if any(map(str.isalpha, str(series[name].iloc[0])))]
    if len(texts) != 1 or len(used) == 1:
        return None
    column = series[texts[0]]
    return texts[0] if column.nunique() <= min(_FEW, len(column) // 3) else None


def _why(column: Column) -> str:
    """A column that is left out, and why."""
    return f"{column.name} ({column.note.removeprefix('left out: ')})"


def _column(series: Any, asked: str | None, usual: Sequence[str]) -> str | None:
    """The column that was asked for, or that has one of the usual names."""
    if asked is not None:
        series[asked]  # an unknown one is refused with the names there are
        return asked
    by_name = {name.lower(): name for name in reversed(list(series))}
    return next((by_name[name] for name in usual if name in by_name), None)


def _labels(column: pd.Series) -> list[Any]:
    """Cells as labels: numbers where all are, else texts; None where there is none."""
    cells = [None if cell is None or cell != cell or cell == "" else cell for cell in column]
    try:
        return [None if cell is None else float(cell) for cell in cells]
    except (TypeError, ValueError):
        return [None if cell is None else str(cell) for cell in cells]


# Arrays ------------------------------------------------------------------------------------------


def _of_arrays(data: str, told: Told) -> Points:
    """An array (N, features), or pictures; in an .npz file labels and names beside it."""
    told.refuse(f"{data} holds arrays")
    try:
        loaded = np.load(data, allow_pickle=False)
        arrays = {"x": loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
    except FileNotFoundError:
        raise CircuitError(f"cannot read {data}: there is no such file") from None
    except (ValueError, OSError, EOFError) as error:
        raise CircuitError(
            f"cannot read {data}: {error}; save arrays of numbers with numpy.save or numpy.savez"
        ) from None
    chosen = next((k for k in arrays if k.lower() in _INPUTS), None)
    if chosen is None and len(arrays) == 1:
        chosen = next(iter(arrays))
    if chosen is None:
        raise CircuitError(f"{data} holds the arrays {listed(list(arrays))}; call the one to map x")
    x = arrays.pop(chosen)
    labels = next((arrays[k] for k in arrays if k.lower() in (*_LABELS, "labels", "targets")), None)
    names = next((arrays[k] for k in arrays if k.lower() in ("names", "words", "titles")), None)
    if x.dtype.kind not in "fiub" or x.ndim < 2 or not x.size:
        raise CircuitError(
            f"{data}: points are numbers of shape (N, features), got {x.dtype} of {x.shape}"
        )
    pictures = x if x.dtype == np.uint8 and (x.ndim == 3 or x.shape[3:] in ((1,), (3,))) else None
    return Points(
        os.path.basename(data),
        f"the file {data}",
        x.reshape(len(x), -1).astype(np.float32),
        labels,
        None if names is None else names.tolist(),
        pictures,
    )


def _of_vectors(data: str, told: Told) -> Points:
    """Word vectors, which lie near each other where the angle between them is small."""
    told.refuse(f"{data} holds word vectors")
    from pullback.words import WordVectors

    vectors = WordVectors.load(data)
    return Points(
        os.path.basename(data),
        f"the word vectors {data}",
        np.asarray(vectors.matrix),
        names=list(vectors.words),
        metric="cosine",
        first=True,
    )


def _holds_vectors(data: str) -> bool:
    """Whether a file holds word vectors: by its ending, and a text by its first line."""
    if data in DATASETS or not data.lower().endswith((*VECTORS, ".txt")):
        return False
    if not data.lower().endswith(".txt"):
        return True
    try:
        with open(data, "rb") as file:
            return re.fullmatch(rb"\d+ \d+", file.readline(60).strip()) is not None
    except OSError:
        return False


def _named(endings: Sequence[str]) -> Callable[[str], bool]:
    return lambda data: data not in DATASETS and data.lower().endswith(tuple(endings))


_READERS = (
    (_named(ARRAYS), _of_arrays),
    (_holds_vectors, _of_vectors),
    (holds_pictures, _of_pictures),
    (_named(TABLES), _of_table),
)
"""The data that are no tables of the library's own: how they are known, and what reads them."""
