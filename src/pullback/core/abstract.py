"""In: a shape and a dtype, in place of an array. Out: those of what functions of NumPy make of it.

An abstract value stands on a wire whose numbers nobody needs: that of a training step, say, which
an engine will run. A function whose sizes are all those of its inputs needs no rule to be evaluated
so: NumPy runs it on small arrays, in which other sizes stand for the real ones, each for one.
(Abstract evaluation is JAX's word; its `ShapeDtypeStruct` is such a value.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from pullback.core.errors import AbstractError

if TYPE_CHECKING:
    from pullback.core.unit import Unit


@dataclass(frozen=True, eq=False, repr=False)
class Abstract(NDArrayOperatorsMixin):
    """An array of which only shape and dtype are known; if it is `weak`, a number of Python.

    Operators and ufuncs make abstract values of it. Whatever else asks for numbers is refused.

    >>> Abstract((2, 1), np.dtype("f4")) * np.ones(3)
    Abstract((2, 3), float64)
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    weak: bool = False

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def number(self) -> float | bool:
        """Some number of Python of the kind of this one, which must be weak."""
        return self.dtype.type(1).item()

    def __array_ufunc__(self, function: Any, method: str, *xs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            self._refuse()
        return abstractly(function, *xs)

    def _refuse(self, *args: Any, **options: Any) -> NoReturn:
        raise AbstractError(
            f"numbers were asked for where only shape and dtype are known: {self!r}"
        )

    __array__ = __bool__ = __float__ = __int__ = __index__ = __len__ = __iter__ = __getitem__ = (
        _refuse
    )

    def __getattr__(self, name: str) -> Any:  # methods of an array
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()

    def __repr__(self) -> str:
        return f"Abstract({self.shape}, {self.dtype})"


def abstract_of(value: Any) -> Any:
    """The abstract value for a number or an array; of several together, a tuple of them."""
    if type(value) is tuple:
        return tuple(map(abstract_of, value))
    if type(value) in (float, bool):
        return Abstract((), np.dtype(type(value)), True)
    return value if type(value) is Abstract else Abstract(value.shape, value.dtype)


def refuse_abstract(unit: Unit) -> None:
    """Raise `AbstractError` for a wire whose numbers are asked for, and that has none."""
    if type(unit._value) is not Abstract:
        return
    cure = "give it a value" if unit.gate is None else "call its forward(), or run the Program"
    raise AbstractError(
        f"{unit.label} was recorded for its shape {unit.shape} and {unit.dtype} alone and carries "
        f"no numbers; {cure}"
    )


def blank(x: Any) -> Any:
    """An array for an abstract value, which takes no memory: all of its elements are one."""
    if type(x) is not Abstract:
        return x
    return x.number if x.weak else np.broadcast_to(np.ones((), x.dtype), x.shape)


def abstractly(function: Callable[..., Any], *xs: Any, **static: Any) -> Any:
    """The abstract value of what `function` makes of values of which some are abstract.

    All sizes of its output must be such of its inputs, or 0 or 1. Where it raises for the small
    arrays, it does so again for blank ones, whose sizes its message then names.
    """
    try:
        return by_small_arrays(function, *xs, **static)
    except AbstractError:
        raise
    except Exception:
        function(*map(blank, xs), **static)
        raise


def by_small_arrays(function: Callable[..., Any], *xs: Any, **static: Any) -> Any:
    """`abstractly`, but that it raises what `function` raises for small arrays."""
    sizes = {0: 0, 1: 1}  # the size that stands for each
    made = function(*[_small(x, sizes) for x in xs], **static)
    real = list(sizes)
    return tuple(_whole(y, real) for y in made) if type(made) is tuple else _whole(made, real)


def _small(x: Any, sizes: dict[int, int]) -> Any:
    """Ones in place of an array: each size that is new gets the next number to stand for it."""
    if type(x) is Abstract and x.weak:
        return x.number
    if type(x) is not Abstract and not isinstance(x, np.ndarray):
        return x
    return np.ones([sizes.setdefault(n, len(sizes)) for n in x.shape], x.dtype)


def _whole(y: Any, real: list[int]) -> Abstract:
    """The abstract value that a small one stands for."""
    if type(y) in (float, bool):
        return abstract_of(y)
    return Abstract(tuple([real[n] for n in y.shape]), y.dtype)
