"""What a trained model said of files: a table, and how right it is where that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answers:
    """Columns of a table, all of the same length, by their names.

    `classes` are those that it tells apart; `measured` is how right it is, of what it was `judged`.
    """

    columns: Mapping[str, Any]
    classes: tuple[Any, ...] = ()
    measured: Mapping[str, float] = field(default_factory=dict)
    judged: str = ""
    notes: tuple[str, ...] = ()
