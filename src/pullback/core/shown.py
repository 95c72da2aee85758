"""In: what a result says, as sentences and tables. Out: its text and its HTML, whole or cut.

A result describes itself once. `str` has all of it, `repr` the lines that matter most, and a
notebook a plain table without colours, which reads on light and on dark.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from textwrap import wrap

from pullback.core.text import columns, printable

LINES, WIDTH = 20, 100
"""The most that `repr` answers."""
_ROWS = 60  # of a table in a notebook
_NARROW = 80  # columns of a terminal, for which long texts in cells are shortened
_LEAST = 12  # characters that stay of a text
_FEWEST = 5  # lines that a table has, however much else is said
_LEFT_OUT = "…"


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head; columns whose number is in `right` are set to the right.

    Where rows are left out, those that are `kept` stay, by their number, with a remark beside them.

    >>> rows = [(f"{k}", f"{9 - k}") for k in range(9)]
    >>> table = Table(("epoch", "loss"), rows, right=(0, 1), kept={4: "← here"})
    >>> print("\\n".join(table.cut(7).lines()))
    epoch  loss
        0     9
        1     8
        …     …
        4     5  ← here
        …     …
        7     2
        8     1
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Collection[int] = ()
    kept: Mapping[int, str] = field(default_factory=dict)

    def cut(self, room: int) -> Table:
        """The same in at most so many rows: the first, the last, and those that are kept."""
        n = len(self.rows)
        if n <= room:
            return self
        kept = dict(list(self.kept.items())[: room // 4])
        ends = max(2, room - 2 * len(kept) - 1)
        shown = sorted({*range(ends - ends // 2), *kept, *range(n - ends // 2, n)})
        rows: list[Sequence[str]] = []
        for before, k in zip([-1, *shown], shown, strict=False):
            if k > before + 1:
                rows.append([_LEFT_OUT for _ in self.head] + [""] * any(kept.values()))
            rows.append([*self.rows[k], *[kept.get(k, "")] * any(kept.values())])
        return Table([*self.head, *[""] * any(kept.values())], rows, self.right)

    def lines(self, width: int | None = None) -> list[str]:
        """The table as text; where it is wider than told, its middle columns are left out."""
        cells = [[printable(cell) for cell in row] for row in (self.head, *self.rows)]
        sizes = [max(map(len, column)) for column in zip(*cells, strict=True)]
        texts = [k for k in range(len(sizes)) if k not in self.right]
        for k in sorted(texts, key=lambda k: -sizes[k]):
            over = _width(sizes) - _NARROW
            sizes[k] = min(sizes[k], max(_LEAST, sizes[k] - max(0, over)))
        cells = [[_shortened(*cell) for cell in zip(row, sizes, strict=True)] for row in cells]
        right = {k for k in range(len(sizes)) if k in self.right}
        if width is not None and _width(sizes) > width:
            first, last = _ends(sizes, width)
            cells = [[*row[:first], _LEFT_OUT, *row[last:]] for row in cells]
            behind = {k - last + first + 1 for k in right if k >= last}
            right = {k for k in right if k < first} | behind
        return columns(cells, right)

    def html(self) -> str:
        """The table as HTML."""

        def line(cells: Sequence[str], tag: str) -> str:
            sides = ("right" if k in self.right else "left" for k in range(len(cells)))
            made = (
                f'<{tag} style="text-align:{side}">{escape(printable(cell))}</{tag}>'
                for side, cell in zip(sides, cells, strict=True)
            )
            return f"<tr>{''.join(made)}</tr>"

        body = "".join(line(row, "td") for row in self.rows)
        return f"<table><thead>{line(self.head, 'th')}</thead><tbody>{body}</tbody></table>"


class Shown(ABC):
    """A result that shows itself, by what it says: sentences, which may have lines, and tables."""

    __slots__ = ()

    @abstractmethod
    def _says(self) -> Iterable[str | Table]:
        """Its sentences and tables, in the order in which they are read."""

    def __str__(self) -> str:
        return "\n".join(
            line
            for part in self._says()
            for line in (_own_lines(part) if isinstance(part, str) else part.lines())
        )

    def __repr__(self) -> str:
        return "\n".join(in_few_lines(self._says()))

    def _repr_html_(self) -> str:
        return "".join(_in_html(part) for part in self._says())


def in_few_lines(parts: Iterable[str | Table]) -> list[str]:
    """What is said in at most `LINES` lines of at most `WIDTH` columns."""
    said = [_wrapped(part) if isinstance(part, str) else part for part in parts]
    tables = sum(isinstance(part, Table) for part in said)
    others = sum(len(part) for part in said if not isinstance(part, Table))
    room = max(_FEWEST, (LINES - others) // max(1, tables)) - 1  # without the head
    lines = [
        line
        for part in said
        for line in (part.cut(room).lines(WIDTH) if isinstance(part, Table) else part)
    ]
    lines = [_shortened(line, WIDTH) for line in lines]
    return lines if len(lines) <= LINES else [*lines[: LINES - 1], _LEFT_OUT]


def _in_html(part: str | Table) -> str:
    if isinstance(part, Table):
        return part.cut(_ROWS).html()
    lines = [escape(line) for line in _own_lines(part)]
    tag = "p" if len(lines) == 1 else "pre"  # what is set out in lines keeps its columns
    return "\n".join([f"<{tag}>{lines[0]}", *lines[1:]]) + f"</{tag}>"


def _own_lines(text: str) -> list[str]:
    return [printable(line) for line in text.split("\n")]


def _wrapped(text: str) -> list[str]:
    return [
        short
        for line in _own_lines(text)
        for short in wrap(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False) or [""]
    ]


def _width(sizes: Sequence[int]) -> int:
    return sum(sizes) + 2 * (len(sizes) - 1)


def _ends(sizes: Sequence[int], width: int) -> tuple[int, int]:
    """How many of the first columns, and from which of the last on, there is room for."""
    first, last = 1, len(sizes)
    while last - first > 1:
        take_last = len(sizes) - last < first
        more = (first, last - 1) if take_last else (first + 1, last)
        if _width([*sizes[: more[0]], len(_LEFT_OUT), *sizes[more[1] :]]) > width:
            break
        first, last = more
    return first, last


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}{_LEFT_OUT}"
