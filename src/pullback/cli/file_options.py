"""In: what was told on the command line of how a file is to be read. Out: `ReadOptions`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from pullback.core.errors import CircuitError
from pullback.tables import KINDS, TASKS, ReadOptions
from pullback.train.settings import named

_READING, OF_PICTURES = "Reading the file", "Pictures"
_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "blanks": " "}
_DECIMALS = {"point": ".", "comma": ","}
_HEADERS = {"yes": True, "no": False}
CLASSES = ("text", "number")

Size = Annotated[
    str | None,
    typer.Option(
        metavar="PIXELS",
        rich_help_panel=OF_PICTURES,
        help="height and width that pictures are brought to, as 64 or 48x64; by default theirs",
    ),
]
Predicted = Annotated[
    str | None,
    typer.Option(
        "--target", metavar="COLUMN", help="what to predict; by default by its name, or the last"
    ),
]
TaskName = Annotated[
    str | None,
    typer.Option("--task", metavar="|".join(TASKS), help="by default what the target looks like"),
]
Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind",
        metavar="COLUMN=KIND",
        help=f"what a column is: {', '.join(KINDS)}, or date:FORMAT; for each again",
    ),
]
Separator = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        rich_help_panel=_READING,
        help=f"what stands between cells: {', '.join(_SEPARATORS)}; by default found out",
    ),
]
Header = Annotated[
    str | None,
    typer.Option(
        metavar="yes|no",
        rich_help_panel=_READING,
        help="whether the first line names the columns; by default found out",
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(
        metavar="point|comma",
        rich_help_panel=_READING,
        help="what marks decimals where a number has two readings; by default what the others show",
    ),
]
Gaps = Annotated[
    str | None,
    typer.Option(
        metavar="TEXTS",
        rich_help_panel=_READING,
        help="texts for no value, such as 'NA,-'; of categories and classes no others are then",
    ),
]
Classes = Annotated[
    str,
    typer.Option(
        metavar="|".join(CLASSES),
        rich_help_panel=_READING,
        help="classes are the texts of the file, or 07 and 7 are the same number and class",
    ),
]


@dataclass(frozen=True)
class Reading:
    """The options that say how a file is to be read."""

    separator: Separator = None
    header: Header = None
    decimal: Decimal = None
    gaps: Gaps = None
    classes: Classes = "text"

    @property
    def options(self) -> ReadOptions:
        """The options as the library takes them.

        Raises `CircuitError` where one is none that there is.

        >>> Reading("tab", "no", ",", "NA,-").options.gaps
        ('NA', '-')
        """
        header, gaps = self.header, self.gaps
        if header is not None and header not in _HEADERS:
            raise CircuitError(f"--header is yes or no, got {header!r}")
        return ReadOptions(
            separator=_mark("separator", self.separator, _SEPARATORS),
            header=None if header is None else _HEADERS[header],
            decimal=_mark("decimal", self.decimal, _DECIMALS),
            gaps=None if gaps is None else tuple(text for text in gaps.split(",") if text.strip()),
            classes=named("way to read classes", self.classes, CLASSES),
        )


def _mark(option: str, text: str | None, marks: dict[str, str]) -> str | None:
    """A mark, told by its name or as it is."""
    if text is None or text in marks.values():
        return text
    if text not in marks:
        raise CircuitError(f"--{option} is one of {', '.join(marks)}, got {text!r}")
    return marks[text]


def kinds_told(texts: Sequence[str]) -> dict[str, str]:
    """The kinds that were told, by column.

    >>> kinds_told(["zip=category", "a=b=ignore"])
    {'zip': 'category', 'a=b': 'ignore'}
    >>> kinds_told(["day=date:%d/%m/%Y"])
    {'day': 'date:%d/%m/%Y'}
    """
    kinds: dict[str, str] = {}
    for text in texts:
        column, sign, kind = text.rpartition("=")
        if not sign or not column:
            raise CircuitError(f"--kind is COLUMN=KIND, such as zip=category, got {text!r}")
        if column in kinds:
            raise CircuitError(f"column {column!r} is told two kinds; tell one")
        kind, colon, spelling = kind.partition(":")
        kinds[column] = named("kind of column", kind, KINDS) + colon + spelling
    return kinds
