"""In: functions that Numba begins and ends to compile. Out: a notice for the user who waits."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from numba.core.event import Event, Listener, register

from pullback.engines.native.cache import PREFIX
from pullback.engines.notice import notice


class _Compilations(Listener):
    """Follows generated functions; kernels are compiled as parts of them.

    Loops were announced by the step that runs them; a step and an epoch come on their own.
    """

    def __init__(self) -> None:
        self._open: dict[int, AbstractContextManager[None]] = {}

    def on_start(self, event: Event) -> None:
        function = _function(event)
        if function.__module__.startswith(PREFIX):
            self._open[id(event.data)] = notice.compiling(announced=function.__name__ == "run")
            self._open[id(event.data)].__enter__()

    def on_end(self, event: Event) -> None:
        scope = self._open.pop(id(event.data), None)
        if scope is not None:
            scope.__exit__(None, None, None)


def _function(event: Event) -> Any:
    return event.data["dispatcher"].py_func


register("numba:compile", _Compilations())
