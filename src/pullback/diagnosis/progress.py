"""In: what a doctor is at. Out: a line that tells it to whoever looks on."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.status import Status


class DoctorProgress:
    """A live line on standard error, by default where a person looks on."""

    def __init__(self, seconds: float, progress: bool | None) -> None:
        console = Console(stderr=True)
        shown = console.is_terminal if progress is None else progress
        self._status = Status("the doctor comes", console=console) if shown else None

    def __enter__(self) -> DoctorProgress:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def tell(self, what: str, share: float) -> None:
        """What is done now, and which share of the time is gone."""
        if self._status is not None:
            self._status.update(f"{share:4.0%}  the doctor {what}")
