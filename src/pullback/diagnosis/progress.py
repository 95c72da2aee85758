"""In: what a doctor is at. Out: a line that tells it to whoever looks on."""

from __future__ import annotations

from types import TracebackType

from rich.progress import SpinnerColumn, TextColumn

from pullback.progress.bars import Bars


class DoctorProgress:
    """A live line on standard error, by default where a person looks on."""

    def __init__(self, progress: bool | None) -> None:
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            show=progress,
            transient=True,
        )
        self._task = self._bars.add_task("the doctor comes", total=None)

    def __enter__(self) -> DoctorProgress:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._bars.update(self._task, description="the doctor is done")
        self._bars.stop()

    def tell(self, what: str, share: float) -> None:
        """What is done now, and which share of the time is gone."""
        self._bars.update(self._task, description=f"{share:4.0%}  the doctor {what}")
