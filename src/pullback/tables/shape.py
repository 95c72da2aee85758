"""In: the text of a file. Out: the names of its columns, its rows of cells, and their lines.

What stands between cells, which lines are a title or a comment, and whether the first of the others
names the columns: the whole file tells, unless a person does. Whatever was decided is noted.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pullback.core.errors import CircuitError
from pullback.tables.gaps import is_gap
from pullback.tables.numerals import is_number
from pullback.tables.options import SEPARATORS, ReadOptions
from pullback.tables.separator import (
    ALIKE,
    cells_of_any_length,
    find_separator,
    first_row,
    is_blank,
    reader_of,
    usual,
)
from pullback.tables.spelling import shown

_BELOW = 200  # rows that show what the cells under a name are
_COMMENTS = ("#", "%", "//")
ROW_NAMES = "rownames"


@dataclass(frozen=True)
class Grid:
    """A file as a grid: a name for each column, "" where it has none; `lines` (rows,) where each
    row begins; rows, of any lengths; and the separator, "" where none was found."""

    names: list[str]
    lines: np.ndarray
    rows: list[list[str]]
    separator: str


def read_grid(path: Path, text: str, options: ReadOptions, notes: list[str]) -> Grid:
    """The grid in a text, with what was decided added to the notes.

    Raises `CircuitError` where a quote is wrong or no row is left, naming the line.
    """
    comments, text = _without_comments(text)
    separator, found, text = find_separator(text, options.separator)
    if separator != ",":
        notes.append(f"cells are separated by {SEPARATORS[separator]}")
    lines, rows = _rows(path, text, separator)
    lines, rows = _filled(lines, rows, notes)
    if not rows:
        raise CircuitError(f"{path} is empty")
    width = usual([len(row) for row in rows])
    start = _start(rows, lines, width, separator, options)
    above = [*comments, *(separator.join(row) for row in rows[:start])]
    lines, rows = lines[start:], rows[start:]
    lines, rows = _without_remarks(lines, rows, width, notes)
    names = _named_by_comment(comments, rows, width, separator, options)
    if names is not None:
        above.remove(comments[-1])
        notes.append(f"the names of the columns are those in the comment {shown(comments[-1])}")
    if above:
        count = "1 line" if len(above) == 1 else f"{len(above)} lines"
        were = "was" if len(above) == 1 else "were"
        notes.append(f"{count} above the table {were} passed over: {shown(above[0].strip())}")
    if names is None:
        names, lines, rows = _header(lines, rows, width, options, notes)
    lines, rows = _without_repeated_header(names, lines, rows, notes)
    if not rows:
        raise CircuitError(f"{path} has a header and no rows")
    if not found and width == 1:
        separator = ""
        notes.append("no separator was found between cells: each line is one; --separator tells it")
    return Grid(_with_row_names(names, rows, notes), lines, rows, separator)


def _without_comments(text: str) -> tuple[list[str], str]:
    """The comments above all else, and the text with empty lines in their place."""
    comments, place = [], 0
    for line in text.splitlines(keepends=True):
        if line.strip() and not _is_comment(line.strip()):
            break
        place += len(line)
        comments.append(line.strip())
    if not any(comments):
        return [], text
    ends = re.sub(r"[^\r\n]", "", text[:place])
    if place == len(text):
        return [], text  # a table of cells that begin like comments
    return [comment for comment in comments if comment], ends + text[place:]


def _is_comment(line: str) -> bool:
    """Whether a line is a comment and not a row that begins with a gap such as #NA."""
    first = re.split(r"[,;\t| ]", line, maxsplit=1)[0]
    return line.startswith(_COMMENTS) and not (first.strip("#") and is_gap(first))


# Rows --------------------------------------------------------------------------------------------


def _rows(path: Path, text: str, separator: str) -> tuple[np.ndarray, list[list[str]]]:
    """The rows of a text, and the line on which each begins."""
    with cells_of_any_length(text):
        reader = reader_of(text, separator)
        try:
            rows = list(reader)
            if reader.line_num == len(rows):
                return np.arange(1, len(rows) + 1), rows
        except csv.Error:
            rows = []
        lines = [1]
        reader = reader_of(text, separator)
        try:
            lines.extend(reader.line_num + 1 for _ in reader)
        except csv.Error as error:
            reason = str(error)
            if "unexpected end" in reason:
                reason = 'a quote " is opened and not closed'
            elif "expected after" in reason:
                reason = 'text follows a closing quote "; inside a quoted cell, write it twice'
            raise CircuitError(
                f"cannot read {path}, at line {lines[-1]} or below: {reason}"
            ) from None
        return np.array(lines[:-1]), rows


def _filled(
    lines: np.ndarray, rows: list[list[str]], notes: list[str]
) -> tuple[np.ndarray, list[list[str]]]:
    """The rows that are not blank lines; those below the first row with cells are noted."""
    if min(map(len, rows), default=0) > 1:
        return lines, rows
    kept = np.array([not is_blank(row) for row in rows], bool)
    blank = int((~kept[int(kept.argmax()) :]).sum()) if kept.any() else 0
    if blank:
        were = "1 blank line was" if blank == 1 else f"{blank} blank lines were"
        notes.append(f"{were} passed over")
    return lines[kept], [row for row, keep in zip(rows, kept, strict=True) if keep]


def _start(
    rows: list[list[str]], lines: np.ndarray, width: int, separator: str, options: ReadOptions
) -> int:
    """The row with which the table begins; those above are titles."""
    if width < 2:
        return 0
    start = first_row([len(row) for row in rows], width, separator)
    for k in range(start, min(start + 3, len(rows) - 2)):
        title = sum(bool(cell.strip()) for cell in rows[k]) < 2 and bool(rows[k][0].strip())
        apart = lines[k + 1] > lines[k] + 1
        narrow = len(rows[k]) < width
        below = rows[k + 2 :]
        if options.header is False:
            values = apart and _is_data(rows[k + 1], below[:_BELOW])
            start = k + 1 if narrow or (values and not _is_data(rows[k], below[:_BELOW])) else start
            continue
        named = (
            _is_header(rows[k + 1], below, width)
            or _counts_columns(rows[k + 1], below)
            or (apart and not _is_data(rows[k + 1], below) and _is_data(below[0], below[1:_BELOW]))
        )
        padded = not narrow and all(cell.strip() for cell in rows[k + 1])  # by a spreadsheet
        alone = title and width > 2 and not is_number(rows[k][0])
        if (named and (title or apart or narrow)) or (alone and (apart or padded)):
            start = k + 1
    single = start == 1 and width == 2 and len(rows[0]) == 1 and lines[1] == lines[0] + 1
    if single and _is_data(rows[1], rows[2 : 2 + _BELOW]) and _names_rows(rows[1:]):
        return 0  # one column's name, above the names of rows and its cells
    return start


def _without_remarks(
    lines: np.ndarray, rows: list[list[str]], width: int, notes: list[str]
) -> tuple[np.ndarray, list[list[str]]]:
    """The rows that are no comments between them."""
    if width < 2:
        return lines, rows
    kept = np.array([len(row) == width or not row[0].startswith(_COMMENTS) for row in rows], bool)
    kept[0] = True
    if kept.all():
        return lines, rows
    count = int((~kept).sum())
    were = "1 comment was" if count == 1 else f"{count} comments were"
    notes.append(f"{were} passed over, the first on line {lines[~kept][0]}")
    return lines[kept], [row for row, keep in zip(rows, kept, strict=True) if keep]


# Header ------------------------------------------------------------------------------------------


def _named_by_comment(
    comments: list[str],
    rows: list[list[str]],
    width: int,
    separator: str,
    options: ReadOptions,
) -> list[str] | None:
    """The names that a comment right above the first row of values gives, as NumPy writes them."""
    if not comments or width < 2 or options.header is not None:
        return None
    below = rows[1 : 1 + _BELOW]
    data = _is_data(rows[0], below) or (not _is_header(rows[0], below, width) and _recurs(rows))
    if not data or _counts_columns(rows[0], rows[1:]):
        return None
    text = comments[-1]
    if re.match(r"#\s", text):
        text = text[1:].strip()
    names = next(iter(reader_of(text, separator, strict=False)))
    return names if len(names) == width and not any(map(is_number, names)) else None


def _recurs(rows: list[list[str]]) -> bool:
    """Whether a cell of the first row stands below it too, in its own column."""
    return any(
        not is_gap(cell) and any(row[k : k + 1] == [cell] for row in rows[1:])
        for k, cell in enumerate(rows[0])
    )


def _header(
    lines: np.ndarray, rows: list[list[str]], width: int, options: ReadOptions, notes: list[str]
) -> tuple[list[str], np.ndarray, list[list[str]]]:
    """The names of the columns, and the rows below them with their lines."""
    first, below = rows[0], rows[1 : 1 + _BELOW]
    line, is_header = f"line {lines[0]}", options.header
    if is_header is None:
        is_header = not _is_data(first, below)
        if _counts_columns(first, rows[1:]):
            is_header = True
            notes.append(f"{line} counts the columns, so it was read as their names; {_TELL_NO}")
        elif not is_header:
            notes.append(
                f"{line} holds values rather than names, so it was read as data and the columns "
                f"were named column1 to column{max(width, len(first))}; --header yes reads it as "
                "their names"
            )
        elif any(is_number(cell) for cell in first):
            number = next(cell for cell in first if is_number(cell))
            notes.append(f"{line} was read as names, though it has {shown(number)}; {_TELL_NO}")
    if is_header:
        return first, lines[1:], rows[1:]
    return [""] * max(width, len(first)), lines, rows


def _without_repeated_header(
    names: list[str], lines: np.ndarray, rows: list[list[str]], notes: list[str]
) -> tuple[np.ndarray, list[list[str]]]:
    """The rows that are not the header again, as where files with one were joined.

    Rows that hold nothing which stands elsewhere in its column are that, and no values.
    """
    header = _as_names(names)
    if len(header) < 2 or all(not name or is_number(name) for name in header):
        return lines, rows
    kept = np.array([_as_names(row) != header for row in rows], bool)
    again = int((~kept).sum())
    columns = enumerate(names) if again else ()
    if not again or any(sum(row[k : k + 1] == [x] for row in rows) > again for k, x in columns):
        return lines, rows
    what = "1 line that repeats" if again == 1 else f"{again} lines that repeat"
    were = "was" if again == 1 else "were"
    notes.append(f"{what} the header {were} passed over, the first on line {lines[~kept][0]}")
    return lines[kept], [row for row, keep in zip(rows, kept, strict=True) if keep]


def _as_names(row: list[str]) -> list[str]:
    """A row as names of columns, one that a comment gives too."""
    cells = [cell.strip() for cell in row]
    return [re.sub(r"^#\s+", "", cells[0]), *cells[1:]]


_TELL_NO = "--header no reads it as data"


def _is_data(first: list[str], below: list[list[str]]) -> bool:
    """Whether the first row is no header: it has numbers or dates, and what else it has recurs.

    Where a number has decimals, which is no name, texts need not recur among those that seldom do.
    """
    columns = [[row[k] for row in below if len(row) > k] for k in range(len(first))]
    pairs = list(zip(first, columns, strict=True))
    telling = [is_number(cell) or _alike(cell, column) for cell, column in pairs]
    measured = any(is_number(cell) and re.search(r"\d[.,]", cell) for cell in first)
    return any(telling) and all(
        tells or is_gap(cell) or cell in column or (measured and 2 * len(set(column)) > len(column))
        for tells, (cell, column) in zip(telling, pairs, strict=True)
    )


def _alike(cell: str, column: list[str]) -> bool:
    """Whether a cell with digits is built as most of those below it, as a date is."""
    form = _form(cell)
    return "9" in form and 2 * sum(_form(other) == form for other in column) > len(column)


def _form(cell: str) -> str:
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d", "9", cell.strip()))


def _is_header(row: list[str], below: list[list[str]], width: int) -> bool:
    """Whether a row names the columns for sure: above numbers it has something else."""
    below = [other for other in below[:_BELOW] if len(other) == width]
    if not below or len(row) not in (width, width - 1):
        return False
    shift = width - len(row)
    for k, name in enumerate(row):
        filled = [other[k + shift] for other in below if not is_gap(other[k + shift])]
        numbers = sum(map(is_number, filled))
        if filled and numbers >= ALIKE * len(filled) and not (is_number(name) or is_gap(name)):
            return True
    return False


def _counts_columns(first: list[str], below: list[list[str]]) -> bool:
    """Whether a row is a header of pandas' own: 0, 1, 2, ..., behind an empty cell or none."""
    names = [cell.strip() for cell in first]
    indexed = names[:1] == [""]
    names = names[indexed:]
    if names != list(map(str, range(len(names)))) or len(names) < 2 - indexed:
        return False
    if indexed or len(names) > 2:
        return True
    counted = [row[0].strip() for row in below[:2] if row]
    return counted != ["1", "2"] and first not in below


def _names_rows(rows: list[list[str]]) -> bool:
    """Whether the first cells name rows, as R writes them: each is there, and they all differ."""
    names = [row[0].strip() for row in rows if row]
    return all(names) and len(set(names)) == len(names)


def _with_row_names(names: list[str], rows: list[list[str]], notes: list[str]) -> list[str]:
    """The names, with one for the rows' own names where the header has one name too few."""
    width = usual([len(row) for row in rows])
    if width != len(names) + 1 or max(map(len, rows)) > width or not _names_rows(rows):
        return names
    if not any(row[-1].strip() for row in rows if len(row) == width):
        return names  # each row ends with a separator
    notes.append(
        "the header has one name fewer than the rows have cells: the first cells were taken for "
        f"the rows' own names and called {shown(ROW_NAMES)}"
    )
    return [ROW_NAMES, *names]
