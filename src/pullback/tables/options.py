"""In: what a person knows of a file. Out: the same, checked, for whoever reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pullback.core.errors import CircuitError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "runs of blanks"}


@dataclass(frozen=True)
class ReadOptions:
    """How a file is to be read; what is None is found out from the whole of it.

    `separator` is what stands between cells: "," ";" "|", a tab, or " " for runs of blanks.
    `header` tells whether the first line names the columns, `decimal` whether "." or "," marks
    decimals, where a number could be read both ways. `gaps` are the texts that stand for no value:
    in categories and classes they alone, and empty cells; among numbers the known ones too.
    `classes` is "text" where classes are the texts of the file, "number" where texts that spell the
    same number are one class.

    Raises `CircuitError` where an option is none of these.

    >>> ReadOptions(decimal=",", gaps=("NA",)).header is None
    True
    """

    separator: str | None = None
    header: bool | None = None
    decimal: str | None = None
    gaps: tuple[str, ...] | None = None
    classes: str = "text"

    def __post_init__(self) -> None:
        _one_of("separator", self.separator, SEPARATORS)
        _one_of("decimal", self.decimal, (".", ","))
        _one_of("classes", self.classes, ("text", "number"))
        if self.header is not None and not isinstance(self.header, bool):
            raise CircuitError(f"header is True, False or None, got {self.header!r}")
        if self.gaps is not None:
            if isinstance(self.gaps, str) or not all(isinstance(x, str) for x in self.gaps):
                raise CircuitError(f"gaps are texts, such as ('NA', '-'), got {self.gaps!r}")
            object.__setattr__(self, "gaps", tuple(text.strip() for text in self.gaps))


def _one_of(name: str, value: str | None, allowed: Iterable[str] | Mapping[str, str]) -> None:
    if value is not None and value not in list(allowed):
        choices = ", ".join(map(repr, allowed))
        raise CircuitError(f"{name} is one of {choices}, got {value!r}")
