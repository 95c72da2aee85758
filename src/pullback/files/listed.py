"""In: a CSV file with a column of files and one of labels. Out: the files, with a class each."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.files.folder import F, natural, part_of
from pullback.files.listing import Kind
from pullback.files.words import about_names, listed

_LABELS = ("label", "labels", "class", "target", "category", "species", "y")
_NO, _YES = frozenset(("0", "0.0")), frozenset(("1", "1.0"))  # of columns that mark a class
_SEPARATORS = (",", ";", "\t", "|")
_MOST_CLASSES = 0.5  # of the rows, beyond which labels are no classes
_FIRST = 6  # rows that show whether there are files
_SHOWN = 200  # rows that show which column holds files


def lists_files(path: str | os.PathLike[str], kind: Kind) -> bool:
    """Whether one of the first rows of a CSV file names a file of a kind, and it is there."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            head = "".join(line for line, _ in zip(file, range(_FIRST), strict=False))
    except (OSError, UnicodeDecodeError):
        return False
    cells = {cell.strip().strip('"') for cell in re.split(r"[,;|\t\r\n]", head)}
    names = (cell for cell in cells if cell.lower().endswith(kind.suffixes))
    return any(os.path.isfile(_path(Path(path).parent, name)) for name in names)


def files_listed(
    path: str | os.PathLike[str],
    kind: Kind,
    make: type[F],
    *,
    file: str | None = None,
    label: str | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> F:
    """The files that a CSV file lists, with the label of each; rows keep their order.

    `file` and `label` name the columns; by default the one that holds files that exist, and the one
    named label, class, target, category, species or y, else the only other, else the names of those
    columns of which each row has a 1 in one and 0 in the others, else the one with the fewest
    labels. A column of nothing but train and test, or validation (valid, val), tells the parts, as
    folders of these names do in `files_in_classes`. What was guessed is said in the notes. Names of
    files are told from `folder`, by default that of the CSV file; they may lack their ending.

    Raises `CircuitError` where the columns cannot be found, files are missing, the labels are not
    at least two classes, or a class has nothing to train on.
    """
    root = Path(path).parent if folder is None else Path(folder)
    table = _table(Path(path), root, kind)
    notes: list[str] = []
    files, ending = _file_column(table, root, file, notes, kind)
    names = [name and name + ending for name in table.columns[files]]
    place = files
    if label is None and (marked := _marked(table, files, notes)):
        labels, texts = marked
    else:
        place = table.column(label) if label is not None else _label_column(table, files, notes)
        labels, texts = table.names[place], table.columns[place]
    kept = [k for k, text in enumerate(texts) if text and names[k]]
    if len(kept) < len(texts):
        left = len(texts) - len(kept)
        notes.append(f"{counted(left, 'row')} without a file or a label left out")
    paths = [_path(root, names[k]) for k in kept]
    missing = [names[k] for k, place in zip(kept, paths, strict=True) if not os.path.isfile(place)]
    if missing:
        raise CircuitError(
            f"{table.path} lists {counted(len(missing), 'file')} of {len(paths):,} that "
            f"{'is' if len(missing) == 1 else 'are'} not in {root}: {listed(missing)}; folder= "
            "tells where they are"
        )
    classes = sorted({texts[k] for k in kept}, key=natural)
    _refuse_no_classes(table.path, labels, classes, len(kept))
    numbers = {text: number for number, text in enumerate(classes)}
    found = np.array([numbers[texts[k]] for k in kept], np.int64)
    notes += about_names(classes) + _about_twice(paths, found)
    whole = make(
        table.path.stem,
        tuple(paths),
        found,
        tuple(classes),
        root,
        f"the {kind.noun}s that {table.path} lists",
        tuple(notes),
    )
    column = _part_column(table, {files, place}, kept)
    if column is None:
        return whole
    return _parted(whole, table.names[column], [table.columns[column][k] for k in kept])


@dataclass(frozen=True)
class _Table:
    """The cells of a CSV file, as text, by column."""

    path: Path
    names: list[str]
    columns: list[list[str]]

    def column(self, name: str) -> int:
        """The place of a column."""
        if name not in self.names:
            raise CircuitError(
                f"{self.path} has no column {name!r}; there are "
                f"{listed([repr(x) for x in self.names])}"
            )
        return self.names.index(name)


def _table(path: Path, root: Path, kind: Kind) -> _Table:
    """The cells of a file, whose first row names the columns, unless it names a file itself."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise CircuitError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CircuitError(f"cannot read {path}: it is no text in UTF-8; save it so") from None
    first = text.lstrip().partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    try:
        cells = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise CircuitError(f"cannot read {path}: it is no CSV file ({error})") from None
    rows = [row for row in ([cell.strip() for cell in row] for row in cells) if any(row)]
    if len(rows) < 2:
        raise CircuitError(f"{path} has no rows below the one that names the columns")
    if len(rows[0]) < 2:
        raise CircuitError(f"{path} has one column; a list has one of files and one of labels")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise CircuitError(
                f"row {number} of {path} has {counted(len(row), 'cell')}, and the first has "
                f"{len(rows[0])}"
            )
    endings = ("", *kind.suffixes)
    if any(os.path.isfile(_path(root, cell + end)) for cell in rows[0] if cell for end in endings):
        names = [f"column {k}" for k in range(1, len(rows[0]) + 1)]
        return _Table(path, names, [list(cells) for cells in zip(*rows, strict=True)])
    return _Table(path, rows[0], [list(cells) for cells in zip(*rows[1:], strict=True)])


def _path(root: Path, name: str) -> Path:
    """A file that a list names, be it in Windows' way."""
    path = root / name
    return path if "\\" not in name or os.path.isfile(path) else root / name.replace("\\", "/")


def _file_column(
    table: _Table, root: Path, told: str | None, notes: list[str], kind: Kind
) -> tuple[int, str]:
    """The column with the most files that exist, and what its names lack at their end."""
    columns = range(len(table.names)) if told is None else [table.column(told)]

    def there(column: int, ending: str) -> int:
        names = table.columns[column][:_SHOWN]
        return sum(bool(name) and os.path.isfile(_path(root, name + ending)) for name in names)

    for endings in ([""], kind.suffixes):
        found = {(k, ending): there(k, ending) for ending in endings for k in columns}
        best, ending = max(found, key=lambda pair: found[pair])
        if found[best, ending]:
            break
    else:
        first = listed([repr(table.columns[k][0]) for k in columns])
        raise CircuitError(
            f"no column of {table.path} names files in {root}: its first row is {first}; folder= "
            "tells where they are"
        )
    added = f", with {ending} added" if ending else ""
    if told is None or added:
        notes.append(f"files are in column {table.names[best]!r}{added}; file= names another")
    return best, ending


def _marked(table: _Table, files: int, notes: list[str]) -> tuple[str, list[str]] | None:
    """Of columns named by the classes, which a 1 marks: what they are called, and the labels."""
    if any(name.casefold() in _LABELS for name in table.names):
        return None
    marks = [
        k
        for k, cells in enumerate(table.columns)
        if k != files and set(cells) <= {*_NO, *_YES} and not set(cells) <= _NO
    ]
    rows = list(zip(*(table.columns[k] for k in marks), strict=True))
    if len(marks) < 2 or any(sum(cell in _YES for cell in row) != 1 for row in rows):
        return None
    names = [table.names[k] for k in marks]
    notes.append(f"labels are the names of the columns {listed(names)}; label= names another")
    at = [next(k for k, cell in enumerate(row) if cell in _YES) for row in rows]
    return ", ".join(names), [names[k] for k in at]


def _label_column(table: _Table, files: int, notes: list[str]) -> int:
    others = [k for k in range(len(table.names)) if k != files]
    named = [k for k in others if table.names[k].casefold() in _LABELS]
    fewest = min(others, key=lambda k: (len(set(table.columns[k])) < 2, len(set(table.columns[k]))))
    found = named[0] if named else fewest
    if len(others) > 1:
        notes.append(f"labels are in column {table.names[found]!r}; label= names another")
    return found


def _part_column(table: _Table, taken: set[int], rows: Sequence[int]) -> int | None:
    """The column that tells of these rows which are to train on, and which are not."""
    for k, cells in enumerate(table.columns):
        found = {part_of(cells[row]) for row in rows}
        if k not in taken and None not in found and "train" in found and len(found) > 1:
            return k
    return None


def _parted(whole: F, name: str, cells: Sequence[str]) -> F:
    """A listing in parts, by what stands in this column."""
    parts = np.array([part_of(cell) for cell in cells])
    rows = {part: np.flatnonzero(parts == part) for part in ("train", "validation", "test")}
    there = set(whole.labels[rows["train"]].tolist())
    lacking = [repr(text) for k, text in enumerate(whole.classes) if k not in there]
    if lacking:
        raise CircuitError(f"by column {name!r}, there is nothing to train on of {listed(lacking)}")

    def of(part: str) -> F | None:
        which = rows[part].tolist()
        files = tuple(whole.files[row] for row in which)
        return replace(whole, files=files, labels=whole.labels[which], notes=()) if which else None

    test, validation = of("test"), of("validation")
    if test is None:
        test, validation = validation, None
    train = of("train")
    assert train is not None
    told = f"parts are told by column {name!r}"
    return replace(train, notes=(*whole.notes, told), validation=validation, test=test)


def _refuse_no_classes(path: Path, name: str, classes: Sequence[str], rows: int) -> None:
    if len(classes) < 2:
        found = f"only one class, {classes[0]!r}" if classes else "no label"
        raise CircuitError(f"column {name!r} of {path} has {found}; label= names another")
    if len(classes) > max(2.0, _MOST_CLASSES * rows):
        raise CircuitError(
            f"column {name!r} of {path} has {len(classes):,} labels in {rows:,} rows, too "
            "many to be classes; label= names another column"
        )


def _about_twice(paths: Sequence[Path], labels: np.ndarray) -> list[str]:
    """What is to be said where a file is listed more than once."""
    times = Counter(paths)
    twice = sum(n > 1 for n in times.values())
    if not twice:
        return []
    different = len({*zip(paths, labels.tolist(), strict=True)}) - len(times)
    more = f", {different:,} with different labels" if different else ""
    return [f"{counted(twice, 'file')} {'is' if twice == 1 else 'are'} listed more than once{more}"]
