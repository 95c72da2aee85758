"""In: frozen dataclasses of texts, numbers and each other. Out: the same as JSON, and back.

Arrays stay what they are, for `core.tree` to write.

Nothing is imported or called by name: what comes back is checked field by field against the types
that the dataclass declares.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from pullback.core.errors import CircuitError

T = TypeVar("T")


def to_plain(thing: Any) -> Any:
    """Dataclasses as dictionaries and tuples as lists, all the way down."""
    if dataclasses.is_dataclass(thing):
        return {f.name: to_plain(getattr(thing, f.name)) for f in dataclasses.fields(thing)}
    if isinstance(thing, Mapping):
        return {name: to_plain(item) for name, item in thing.items()}
    return [to_plain(item) for item in thing] if isinstance(thing, tuple) else thing


def finite(thing: Any) -> Any:
    """Plain data as JSON has them: None for what is no finite number, Python's for NumPy's numbers.

    >>> finite({"loss": [0.5, float("nan")], "rows": np.int64(3)})
    {'loss': [0.5, None], 'rows': 3}
    """
    if isinstance(thing, Mapping):
        return {name: finite(item) for name, item in thing.items()}
    if isinstance(thing, list | tuple):
        return [finite(item) for item in thing]
    if isinstance(thing, np.generic | np.ndarray):
        return finite(thing.tolist())
    return None if isinstance(thing, float) and not math.isfinite(thing) else thing


def from_plain(kind: type[T], data: Any) -> T:
    """The `kind` that `to_plain` made `data` of.

    Raises `CircuitError` where a field is missing, too much, or not of its type.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Point:
    ...     x: float
    ...     tags: tuple[str, ...] = ()
    >>> from_plain(Point, {"x": 1, "tags": ["a"]})
    Point(x=1.0, tags=('a',))
    """
    return _read(kind, data, kind.__name__)


def _read(kind: Any, data: Any, where: str) -> Any:
    """`data` as the type `kind`; `where` says in messages what it is."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        if not isinstance(data, Mapping) or set(data) != set(hints):
            raise CircuitError(f"{where} needs exactly the fields {', '.join(hints)}")
        return kind(**{k: _read(hint, data[k], f"{where}.{k}") for k, hint in hints.items()})
    if isinstance(kind, types.UnionType):  # of a type and None
        return None if data is None else _read(typing.get_args(kind)[0], data, where)
    if typing.get_origin(kind) is tuple:
        if not isinstance(data, list):
            raise CircuitError(f"{where} needs a list, got {type(data).__name__}")
        return tuple(_read(typing.get_args(kind)[0], item, where) for item in data)
    if typing.get_origin(kind) is Mapping:
        if not isinstance(data, Mapping) or not all(isinstance(name, str) for name in data):
            raise CircuitError(f"{where} needs values by name, got {type(data).__name__}")
        of = typing.get_args(kind)[1]
        return {name: _read(of, item, f"{where}.{name}") for name, item in data.items()}
    if kind is object:  # whoever takes it looks at it
        return data
    if kind is np.ndarray and isinstance(data, np.ndarray):
        return data
    if type(data) is float and not math.isfinite(data):
        raise CircuitError(f"{where} is not finite")
    if kind is float and type(data) in (int, float):
        try:
            return float(data)
        except OverflowError:
            raise CircuitError(f"{where} is not finite") from None
    if kind in (str, int, bool) and type(data) is kind:
        return data
    if kind is Any and type(data) in (str, int, float, bool):
        return data
    raise CircuitError(f"{where} is not of its type: it is {type(data).__name__}")
