"""In: a CSV or Parquet file. Out: a pandas table of its cells, and what was assumed to read it.

The cells of a text file stay text, exactly as they were written; `columns` finds out what they
are. Each row remembers the line it began on, so that a mistake further on can name it.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import zlib
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.datasets.spelling import has_decimal_comma, is_gap, is_number, shown

if TYPE_CHECKING:
    import pandas as pd

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
PARQUET_SUFFIXES = (".parquet", ".pq")
SUFFIXES = (*TEXT_SUFFIXES, *(s + ".gz" for s in TEXT_SUFFIXES), *PARQUET_SUFFIXES)

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
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
_SAMPLE = 65536  # characters that show the separator
_TRIED = 1000  # cells of a column that show the decimal sign
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Table:
    """A table as a file held it.

    `frame` has one row for each of the file's, whose index is the line (or, in Parquet, the row)
    it began on; `notes` say what was assumed. `decimal_comma` is set where the numbers of the file
    have decimal commas, so that "1.034" is more than a thousand; `separator` stood between cells.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    decimal_comma: bool = False
    separator: str = ""


def read_table(path: str | os.PathLike[str]) -> Table:
    """The table in a .csv, .tsv or .txt file (also .gz) or in a .parquet file.

    A text file may be in UTF-8, or in UTF-16 with its mark, or else is read as Windows-1252; its
    cells may be separated by commas, semicolons, tabs or bars, and quoted with ". Blank lines are
    passed over and short rows filled with gaps; both are said in the notes.

    Raises `CircuitError` where the file cannot be read or holds no table, naming the line.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "pets.csv")
    >>> _ = path.write_text("name;weight\\nRex;31,5\\nTom;4\\n")
    >>> read_table(path).frame.to_dict("list")
    {'name': ['Rex', 'Tom'], 'weight': ['31,5', '4']}
    >>> read_table(path).notes
    ('cells are separated by semicolons',)
    """
    path = Path(path)
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise CircuitError(f"cannot read {path}: tables are files named {', '.join(SUFFIXES)}")
    try:
        if path.is_dir():
            raise CircuitError(f"cannot read {path}: it is a folder, not a file")
        if name.endswith(PARQUET_SUFFIXES):
            return _read_parquet(path)
        return _read_text(path, _bytes(path))
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


def _read_text(path: Path, data: bytes) -> Table:
    import pandas as pd

    text, notes = _decode(path, data)
    if not text.strip():
        raise CircuitError(f"{path} is empty")
    separator, told = _separator(text)
    if separator != ",":
        notes.append(f"cells are separated by {_SEPARATORS[separator]}")
    lines, rows = _rows(path, text[told:], separator)
    lines = lines + bool(told)
    lines, rows = _filled(lines, rows, notes)
    if not rows:
        raise CircuitError(f"{path} is empty")
    header = rows[0]
    if _is_data(header, rows[1:201]):
        notes.append(
            f"line {lines[0]} holds values rather than names, so it was read as data and the "
            f"columns were named column1 to column{len(header)}; write their names above it"
        )
        header = [""] * len(header)
    else:
        lines, rows = lines[1:], rows[1:]
    if not rows:
        raise CircuitError(f"{path} has a header and no rows")
    rows = _even(path, separator, len(header), lines, rows, notes)
    size = len(rows) * len(header)
    cells = np.fromiter(chain.from_iterable(rows), dtype=object, count=size)
    cells = np.asfortranarray(cells.reshape(len(rows), len(header)))
    if len(header) > 1 and not header[-1].strip() and all(map(is_gap, cells[:, -1])):
        notes.append("the last column has neither a name nor a value and was passed over")
        header, cells = header[:-1], cells[:, :-1]
    frame = pd.DataFrame(
        cells, index=pd.Index(lines, name="line"), columns=_names(header, notes), dtype=object
    )
    decimal_comma = separator == ";" and any(map(_has_decimal_commas, cells.T))
    return Table(frame, tuple(notes), decimal_comma, separator)


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


def _separator(text: str) -> tuple[str, int]:
    """What separates the cells, and the length of a first line that says so, as Excel writes it."""
    said = re.match(r"sep=([,;\t|])\r?\n", text)
    if said:
        return said[1], said.end()
    sample = text[:_SAMPLE]
    if len(sample) < len(text):  # up to the last whole line
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample
    best, score = ",", (False, 0.0)
    for separator in _SEPARATORS:
        try:
            widths = [len(r) for r in _reader(sample, separator, strict=False) if not _blank(r)]
        except csv.Error:
            continue
        if widths and widths[0] > 1:
            alike = widths.count(widths[0]) / len(widths)
            found = (alike >= 0.8, alike * widths[0])
            if found > score:
                best, score = separator, found
    return best, 0


def _reader(text: str, separator: str, strict: bool = True) -> Any:
    """The rows of a text."""
    lines = io.StringIO(text, newline="")
    return csv.reader(lines, delimiter=separator, strict=strict, skipinitialspace=True)


def _blank(row: list[str]) -> bool:
    return len(row) < 2 and not "".join(row).strip()


def _rows(path: Path, text: str, separator: str) -> tuple[np.ndarray, list[list[str]]]:
    """The rows of a text, and the line on which each begins."""
    reader = _reader(text, separator)
    try:
        rows = list(reader)
        if reader.line_num == len(rows):
            return np.arange(1, len(rows) + 1), rows
    except csv.Error:
        rows = []
    lines = [1]
    reader = _reader(text, separator)
    try:
        lines.extend(reader.line_num + 1 for _ in reader)
    except csv.Error as error:
        reason = str(error)
        if "unexpected end" in reason or "field limit" in reason:
            reason = 'a quote " is opened and not closed'
        elif "expected after" in reason:
            reason = 'text follows a closing quote "; inside a quoted cell, write the quote twice'
        raise CircuitError(f"cannot read {path}, at line {lines[-1]} or below: {reason}") from None
    return np.array(lines[:-1]), rows


def _filled(
    lines: np.ndarray, rows: list[list[str]], notes: list[str]
) -> tuple[np.ndarray, list[list[str]]]:
    """The rows that are not blank lines."""
    if min(map(len, rows), default=0) > 1:
        return lines, rows
    kept = np.array([not _blank(row) for row in rows], bool)
    blank = int((~kept).sum())
    if blank:
        notes.append("1 blank line was" if blank == 1 else f"{blank} blank lines were")
        notes[-1] += " passed over"
    return lines[kept], [row for row, keep in zip(rows, kept, strict=True) if keep]


def _is_data(header: list[str], rows: list[list[str]]) -> bool:
    """Whether the first row is no header: it holds numbers, and any text in it recurs below."""
    if not any(map(is_number, header)):
        return False
    return all(
        is_gap(cell) or is_number(cell) or any(len(r) > k and r[k] == cell for r in rows)
        for k, cell in enumerate(header)
    )


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


def _has_decimal_commas(cells: np.ndarray) -> bool:
    """Whether a column, by some of its cells, holds numbers with decimal commas."""
    some = [cell for cell in cells[:: max(1, len(cells) // _TRIED)] if not is_gap(cell)]
    commas = sum(map(has_decimal_comma, some))
    return commas > 0 and sum(map(is_number, some)) >= 0.9 * len(some)


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


def _read_parquet(path: Path) -> Table:
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
    return Table(frame, tuple(notes))


def row_numbers(count: int) -> pd.RangeIndex:
    """The index of a table whose rows have no lines: its rows, counted from 1."""
    import pandas as pd

    return pd.RangeIndex(1, count + 1, name="row")
