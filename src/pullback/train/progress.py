"""A live line of training: how far it is, what was measured last, how long it will take."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from pullback.core.text import number


class TrainingProgress:
    """Shows epochs as they pass, on standard error; `show=None` means: where a person looks.

    >>> with TrainingProgress(2, show=False) as progress:
    ...     progress.epoch({"epoch": 1, "loss": 0.5})
    """

    def __init__(self, epochs: int, show: bool | None = None) -> None:
        console = Console(stderr=True)
        watched = console.is_terminal or "ipykernel" in sys.modules
        self._progress = Progress(
            TextColumn("training"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("epochs  {task.fields[measured]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not (watched if show is None else show),
        )
        self._task = self._progress.add_task("training", total=epochs, measured="")

    def __enter__(self) -> TrainingProgress:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def epoch(self, row: Mapping[str, float]) -> None:
        """An epoch is over, and these are its measurements."""
        hidden = ("epoch", "seconds")
        shown = "  ".join(f"{k} {number(v)}" for k, v in row.items() if k not in hidden)
        self._progress.update(self._task, advance=1, measured=shown)
