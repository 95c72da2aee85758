"""In: what happens while training runs. Out: what someone wants to do about it.

A callback is a function of an `Event`. It may look at everything the event holds, set the
trainer's learning rate, and end the training. One that remembers something from epoch to epoch is
`Resumable`, so that checkpoints keep that too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from pullback.core.errors import CircuitError
from pullback.core.registry import meant

if TYPE_CHECKING:
    from pullback.train.history import History
    from pullback.train.lbfgs import LBFGS
    from pullback.train.trainer import Trainer


@dataclass
class Event:
    """Something that happened in training: its "begin", the end of an "epoch", its "end".

    `trainer` is who trains: a `Trainer`, or an `LBFGS`. `epoch` counts from 1, over all calls of
    `fit`; `measured` is what the epoch measured, and `history` all epochs of this call. At the
    "end", both are those of the last epoch. At the "begin", `resumed` says in a sentence what
    training goes on from, where it was asked to resume.
    """

    kind: Literal["begin", "epoch", "end"]
    trainer: Trainer | LBFGS
    epoch: int
    measured: Mapping[str, float]
    history: History
    ended: str | None = None
    resumed: str = ""

    def stop(self, reason: str) -> None:
        """End the training after this event; `reason` becomes `history.ended`."""
        self.ended = reason


Callback = Callable[[Event], Any]


@runtime_checkable
class Resumable(Protocol):
    """A callback that remembers something, which a run that is resumed goes on with."""

    def __call__(self, event: Event, /) -> Any: ...

    def state(self) -> Mapping[str, Any]:
        """All that it remembers: numbers, texts, arrays, lists and mappings from texts."""
        ...

    def restore(self, state: Any, trainer: Trainer, /) -> None:
        """Go on with what `state` told, after the event "begin".

        Raises `CircuitError` where it is of another callback, or damaged.
        """
        ...


def watched(event: Event, monitor: str, who: str) -> float:
    """What an epoch measured under this name, which `who` watches.

    Raises `CircuitError` where nothing of that name is measured.
    """
    if monitor not in event.measured:
        known = [name for name in event.measured if name != "epoch"]
        unasked = "val" in monitor and not any(name.startswith("validation") for name in known)
        hint = f"there are: {', '.join(known)}" if unasked else meant(monitor, known)
        raise CircuitError(
            f"{who} watches {monitor!r}, which is not measured; {hint}"
            + (". Give fit a `validation`" if unasked else "")
        )
    return event.measured[monitor]


def tell(callbacks: Iterable[Callback], event: Event) -> None:
    """Let all callbacks know of an event, in order."""
    for callback in callbacks:
        callback(event)


def functions(callbacks: Any) -> list[Callback]:
    """Callbacks as a list: one alone, or several.

    Raises `CircuitError` for what is no function.
    """
    found = list(callbacks) if isinstance(callbacks, Iterable) else [callbacks]
    for callback in found:
        if not callable(callback):
            raise CircuitError(f"a callback is a function of an Event, got {callback!r}")
    return found
