"""In: things made of wires and of code. Out: the parts that `pickle` and `copy.deepcopy` ask for.

Both walk from a thing to what it holds, by recursion, and remember what they have met. A wire holds
its inputs, so they would go as deep as a circuit is long. Therefore the wire that they meet first
answers with a list of all wires below it, oldest first, and itself at the end: each is then taken
apart when those it is made from are there already, and the list is as deep as anything gets.

Code is never in a pickle: classes, functions and gates travel by the name that imports them.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar

from pullback.core import walk
from pullback.core.errors import CircuitError
from pullback.core.walk import age, inside, lift

if TYPE_CHECKING:
    from typing import Self

    from pullback.core.unit import Unit

T = TypeVar("T")
_BY_VALUE = ("cloudpickle", "dill")  # picklers that write down the code that nobody can import


# Wires -------------------------------------------------------------------------------------------


def parts_of_wire(unit: Unit, state: Callable[[], Any]) -> tuple[Any, ...]:
    """What a wire is made again from: its own `state` in its turn, else a list that ends with it.

    Raises `CircuitError` where a wire of the list changes while it is written.
    """
    run = _Run.present()
    if run is not None and unit in run.due:
        run.due.discard(unit)
        return blank, (type(unit),), state()
    listed = _Listed(unit)
    return _last, (_RUN, listed, _Unchanged(listed))


class _Run:
    """What one run of a pickler, or of `deepcopy`, has met. It lives as long as that remembers it.

    `listed` are the wires that stand in a list, `due` those of them whose turn has yet to come.
    """

    def __init__(self) -> None:
        self.began = walk.tick()
        self.listed: set[Unit] = set()
        self.due: set[Unit] = set()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return int, ()

    @classmethod
    def begin(cls) -> _Run:
        run = cls()
        _open.runs.append(weakref.ref(run))
        return run

    @classmethod
    def present(cls) -> _Run | None:
        """The run that began last, of those of this thread that have not ended."""
        runs = _open.runs
        while runs and runs[-1]() is None:
            runs.pop()
        return runs[-1]() if runs else None


class _Open(threading.local):
    """The runs of each thread that have begun."""

    def __init__(self) -> None:
        self.runs: list[weakref.ref[_Run]] = []


_open = _Open()


class _EachRun:
    """What every run meets before its first wire and, as it remembers, never again."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return int, (_Run.begin(),)


_RUN = _EachRun()


class _Listed:
    """The wires below one, itself at the end, but for those that stand in an earlier list."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.run: _Run | None = None
        self.wires: list[Unit] = []

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (), None, self._in_turn()

    def _in_turn(self) -> Iterator[Unit]:
        self.run = run = _Run.present() or _Run.begin()
        self.wires = _below(self.unit, run.listed)
        run.listed.update(self.wires)
        for unit in self.wires:
            run.due.add(unit)
            yield unit


class _Unchanged:
    """Stands after a list, and sees to it that its wires were one state of the circuit."""

    def __init__(self, listed: _Listed) -> None:
        self.listed = listed

    def __reduce_ex__(self, protocol: Any) -> Any:
        run = self.listed.run
        for unit in self.listed.wires:
            if run is not None and unit.time > run.began:
                raise CircuitError(
                    f"{unit.label} was changed while it was copied, by another thread or by what "
                    "the copy called; copy a circuit between its runs, such as in a callback"
                )
        return int, ()


def _below(unit: Unit, known: set[Unit]) -> list[Unit]:
    """The wires that `unit` is made from and are not known, oldest first; itself in any case."""
    found = {unit: None}
    pending = [unit]
    while pending:
        unit = pending.pop()
        for x in (*unit.inputs, *inside(unit)):
            if x not in found and x not in known:
                found[x] = None
                pending.append(x)
    return sorted(found, key=age)


def _last(run: Any, wires: list[Unit], unchanged: Any) -> Unit:
    """The wire at the end of a list. What is made from now on is younger than all of them."""
    lift(max(max(unit.index, unit.time) for unit in wires))
    return wires[-1]


# Code --------------------------------------------------------------------------------------------


class Code:
    """A class or a function inside of what is copied: a pickle imports it, `deepcopy` shares it.

    `what` says in a refusal what it is.
    """

    def __init__(self, thing: Any, what: str) -> None:
        self.thing = thing
        self.what = what

    def __deepcopy__(self, memo: Any) -> Any:
        return self.thing

    def __reduce_ex__(self, protocol: Any) -> Any:
        if not is_importable(self.thing) and not writes_code():
            raise CircuitError(
                f"{self.what} cannot be pickled: a pickle holds no code, and "
                f"{self.thing.__module__}.{self.thing.__qualname__} is nothing that can be "
                "imported; define it by name at the top level of a module (copy.deepcopy works)"
            )
        return _itself, (self.thing,)


class Portable:
    """What is copied and pickled by its attributes: its class, and functions in them, as `Code`."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        kind = type(self)
        state: Any = self.__getstate__()
        if isinstance(state, dict):
            state = {k: coded(v, f"the {k} of {kind.__name__}") for k, v in state.items()}
        return blank, (Code(kind, f"the class {kind.__name__}"),), state

    def __copy__(self) -> Self:
        twin = blank(type(self))
        vars(twin).update(vars(self))
        return twin


def coded(thing: Any, what: str) -> Any:
    """`Code` of a function or a class; anything else as it is."""
    return Code(thing, what) if isinstance(thing, FunctionType | type) else thing


def blank(kind: type[T]) -> T:
    """An object of a class without its attributes."""
    return kind.__new__(kind)


def is_importable(thing: Any) -> bool:
    """Whether a class or function is what its module has under its name."""
    found: Any = sys.modules.get(thing.__module__)
    for name in thing.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is thing


def writes_code() -> bool:
    """Whether a pickler is at work that writes code down, as that of joblib's workers does."""
    frame = sys._getframe(1)
    while frame is not None:
        if any(name in frame.f_globals.get("__name__", "") for name in _BY_VALUE):
            return True
        frame = frame.f_back
    return False


def _itself(thing: Any) -> Any:
    return thing
