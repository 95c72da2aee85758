"""In: a CSV or Parquet file. Out: a pandas table of its cells, and what was assumed to read it.

The cells of a text file stay text, exactly as they were written; `columns` finds out what they
are. Each row remembers the line it began on, so that a mistake further on can name it.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pullback.core.errors import CircuitError
from pullback.tables.gaps import is_gap
from pullback.tables.habits import Habits
from pullback.tables.options import ReadOptions
from pullback.tables.separator import BLANKS
from pullback.tables.shape import read_grid
from pullback.tables.spelling import shown

if TYPE_CHECKING:
    import pandas as pd

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
PARQUET_SUFFIXES = (".parquet", ".pq")
SUFFIXES = (*TEXT_SUFFIXES, *(s + ".gz" for s in TEXT_SUFFIXES), *PARQUET_SUFFIXES)

_BYTE_ORDER_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)
_OTHER_FORMATS = (
    (b"PK\x03\x04", "an Excel or zip file; save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an Excel file; save the sheet as CSV"),
    (b"PAR1", "a Parquet file; name it .parquet"),
    (b"\x1f\x8b", "a gzip file; name it .csv.gz"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Table:
    """A table as a file held it.

    `frame` has one row for each of the file's, whose index is the line (or, in Parquet, the row)
    it began on; `notes` say what was assumed, and `habits` how its numbers and gaps are written.
    `separator` stood between cells; it is "" where there was none.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    habits: Habits = field(default_factory=Habits)
    separator: str = ""


def read_table(path: str | os.PathLike[str], options: ReadOptions | None = None) -> Table:
    """The table in a .csv, .tsv or .txt file (also .gz) or in a .parquet file.

    A text file may be in UTF-8, or in UTF-16 with its mark, or else is read as Windows-1252; its
    cells may be separated by commas, semicolons, tabs, bars or runs of blanks, and quoted with ".
    Titles, comments and blank lines are passed over and short rows filled with gaps; that, and
    whatever else was assumed because `options` do not tell, is said in the notes.

    Raises `CircuitError` where the file cannot be read or holds no table, naming the line.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "pets.csv")
    >>> _ = path.write_text("name;weight\\nRex;31,5\\nTom;4\\n")
    >>> read_table(path).frame.to_dict("list")
    {'name': ['Rex', 'Tom'], 'weight': ['31,5', '4']}
    >>> read_table(path).notes
    ('cells are separated by semicolons',)
    """
    path, options = Path(path), options or ReadOptions()
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise CircuitError(f"cannot read {path}: tables are files named {', '.join(SUFFIXES)}")
    try:
        if path.is_dir():
            raise CircuitError(f"cannot read {path}: it is a folder, not a file")
        if name.endswith(PARQUET_SUFFIXES):
            return _read_parquet(path, options)
        return _read_text(path, _bytes(path), options)
    except OSError as error:
        raise CircuitError(f"cannot read {path}: {error.strerror or error}") from None


# Text --------------------------------------------------------------------------------------------


def _bytes(path: Path) -> bytes:
    """What is in a text file, unpacked."""
    if path.suffix.lower() != ".gz":
        return path.read_bytes()
    try:
        with gzip.open(path) as file:
            return file.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CircuitError(f"cannot unpack {path}: {error}") from None


def _read_text(path: Path, data: bytes, options: ReadOptions) -> Table:
    import pandas as pd

    text, notes = _decode(path, data)
    if not text.strip():
        raise CircuitError(f"{path} is empty")
    grid = read_grid(path, text, options, notes)
    header, lines = grid.names, grid.lines
    rows = _even(path, grid.separator, len(header), lines, grid.rows, notes)
    size = len(rows) * len(header)
    cells = np.fromiter(chain.from_iterable(rows), dtype=object, count=size)
    cells = np.asfortranarray(cells.reshape(len(rows), len(header)))
    if len(header) > 1 and not header[-1].strip() and all(map(is_gap, cells[:, -1])):
        notes.append("the last column has neither a name nor a value and was passed over")
        header, cells = header[:-1], cells[:, :-1]
    frame = pd.DataFrame(
        cells, index=pd.Index(lines, name="line"), columns=_names(header, notes), dtype=object
    )
    habits = Habits.of(frame, options, separator=grid.separator)
    return Table(frame, tuple(notes), habits, grid.separator)


def _decode(path: Path, data: bytes) -> tuple[str, list[str]]:
    """The text that the bytes spell, and a note where that is a guess."""
    for start, what in _OTHER_FORMATS:
        if data.startswith(start):
            raise CircuitError(f"cannot read {path} as text: it is {what}")
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    notes = []
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        if encoding not in ("utf-8", "utf-8-sig"):
            raise CircuitError(f"{path} begins as {encoding} text and breaks off as such") from None
        data = data.removeprefix(b"\xef\xbb\xbf")
        try:
            text, encoding = data.decode("cp1252"), "Windows-1252"
        except UnicodeDecodeError:
            text, encoding = data.decode("latin-1"), "Latin-1"
        notes.append(f"line {line} is not UTF-8, so the file was read as {encoding}")
    text = text.removeprefix("\ufeff").rstrip("\x1a")  # DOS ended files with the latter
    odd = _CONTROL.search(text)
    if odd:
        line = text.count("\n", 0, odd.start()) + 1
        raise CircuitError(
            f"{path} is not a text file: line {line} holds the control character {odd[0]!r}"
        )
    return text, notes


def _even(
    path: Path,
    separator: str,
    width: int,
    lines: np.ndarray,
    rows: list[list[str]],
    notes: list[str],
) -> list[list[str]]:
    """The rows, each with as many cells as the header."""
    widths = np.fromiter(map(len, rows), int, count=len(rows))
    if separator == BLANKS and (widths != width).any():  # which cell is the gap, nobody can see
        k = int(np.argmax(widths != width))
        raise CircuitError(
            f"cannot read {path}: cells are separated by blanks, and line {lines[k]} has "
            f"{widths[k]} where the header has {width}; --separator tells another separator"
        )
    for k in np.flatnonzero(widths > width):
        if any(cell.strip() for cell in rows[k][width:]):
            raise CircuitError(
                f"cannot read {path}: line {lines[k]} has {widths[k]} cells and the header has "
                f"{width}; cells that contain {separator!r} need quotes"
            )
    for odd, what in (
        (widths < width, "too few cells and were filled with gaps"),
        (widths > width, "empty cells beyond the last column, which were passed over"),
    ):
        if odd.any():
            first = f"{odd.sum()} of {len(rows)} rows, the first on line {lines[odd][0]},"
            notes.append(f"{first} have {what}")
    if (widths == width).all():
        return rows
    return [(row + [""] * (width - len(row)))[:width] for row in rows]


def _names(header: list[str], notes: list[str]) -> list[str]:
    """A name for each column: its own on one line, counted where two are alike or it has none."""
    names: dict[str, None] = {}
    wanted = {" ".join(name.split()) for name in header}
    for k, raw in enumerate(header, start=1):
        own = " ".join(raw.split())
        name, copy = own or f"column{k}", 1
        while name in names or ((copy > 1 or not own) and name in wanted):
            copy += 1
            name = f"{own or f'column{k}'} ({copy})"
        if own and name != own:
            notes.append(f"column {k} is called {shown(own)} again and was named {shown(name)}")
        elif not own and len(wanted) > 1:
            notes.append(f"column {k} has no name and was named {shown(name)}")
        names[name] = None
    return list(names)


# Parquet -----------------------------------------------------------------------------------------


def _read_parquet(path: Path, options: ReadOptions) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            frame = file.read().to_pandas(ignore_metadata=True)
    except (pa.ArrowException, ValueError, TypeError, NotImplementedError, KeyError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise CircuitError(f"{path} is not a Parquet file, or is damaged: {reason}") from None
    if not len(frame.columns):
        raise CircuitError(f"{path} has no columns")
    if not len(frame):
        raise CircuitError(f"{path} has columns and no rows")
    notes: list[str] = []
    frame.columns = _names([str(name) for name in frame.columns], notes)
    frame.index = row_numbers(len(frame))
    return Table(frame, tuple(notes), Habits.of(frame, options, typed=True))


def row_numbers(count: int) -> pd.RangeIndex:
    """The index of a table whose rows have no lines: its rows, counted from 1."""
    import pandas as pd

    return pd.RangeIndex(1, count + 1, name="row")
