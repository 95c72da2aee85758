"""In: files with a class each, none of them read. Out: their names, and which cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np

from pullback.core.errors import CircuitError
from pullback.files.threads import Broken
from pullback.files.words import listed


@dataclass(frozen=True)
class Kind:
    """What files hold: the noun for one, the endings of their names, and the formats in words."""

    noun: str
    suffixes: tuple[str, ...]
    readable: str


@dataclass(frozen=True, eq=False)
class Files:
    """Files and the class number of each, from 0, which `classes` names.

    `folder` is what their names are told from; `notes` say what was assumed, and `validation` and
    `test` are what the set brings of its own to judge by, in the same classes.
    """

    name: str
    files: tuple[Path, ...] = field(repr=False)
    labels: np.ndarray = field(repr=False)
    classes: tuple[Any, ...]
    folder: Path
    source: str = ""
    notes: tuple[str, ...] = ()
    validation: Self | None = None
    test: Self | None = None

    def __len__(self) -> int:
        return len(self.files)

    def all_files(self) -> list[Path]:
        """Its own, those of `validation`, and those of `test`."""
        parts = [part for part in (self, self.validation, self.test) if part is not None]
        return [path for part in parts for path in part.files]

    def refuse(self, broken: Broken, cure: str = "") -> NoReturn:
        """Raise `CircuitError` for files that cannot be read, by their number among all files."""
        if len(broken) == 1:
            (error,) = broken.values()
            raise CircuitError(f"{error}{cure.replace('them', 'it')}") from None
        raise CircuitError(f"{self.told(broken)}; mend or remove them{cure}")

    def told(self, broken: Broken) -> str:
        """Which files cannot be read, and why."""
        files = self.all_files()
        names = []
        for k, error in broken.items():
            reason = str(error).removeprefix(f"cannot read {files[k]}: ").partition(";")[0]
            names.append(f"{short_name(files[k], self.folder)} ({reason})")
        return f"{len(broken):,} of {len(files):,} files cannot be read: {listed(names)}"

    def refuse_lost(self, labels: np.ndarray, broken: Broken, noun: str) -> None:
        """Raise `CircuitError` where a class has no file among the labels of those read."""
        lost = np.flatnonzero(np.bincount(labels, minlength=len(self.classes)) == 0)
        if len(lost):
            names = listed([repr(self.classes[k]) for k in lost])
            raise CircuitError(f"no {noun} can be read of {names}; {self.told(broken)}")


def all_known(found: Sequence[Any], files: Files, broken: Broken) -> list[Any]:
    """What is known of files; refused where it is of none."""
    known = [one for one in found if one is not None]
    if not known:
        files.refuse(broken)
    return known


def short_name(path: Path, folder: Path) -> Path:
    """A file's name from a folder on, where it is in there."""
    return path.relative_to(folder) if path.is_relative_to(folder) else path
