"""In: numbers, texts and arrays, in lists and by name. Out: one JSON text and the arrays; and back.

An array stands in the text as {"$array": "its/path"}, a float that JSON has no number for as
{"$float": "nan"}. All else is JSON, so floats come back to the bit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError

_ARRAY, _FLOAT = "$array", "$float"
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def written(tree: Any) -> tuple[str, dict[str, np.ndarray]]:
    """The text, and the arrays by their paths.

    Raises `CircuitError`, with the path, for what is neither number, text, truth value, None,
    array, list nor mapping from texts.

    >>> written({"a": [1, np.zeros(2)], "b": float("nan")})
    ('{"a": [1, {"$array": "a/1"}], "b": {"$float": "nan"}}', {'a/1': array([0., 0.])})
    """
    arrays: dict[str, np.ndarray] = {}
    return json.dumps(_plain(tree, "", arrays), allow_nan=False), arrays


def _plain(tree: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(tree, np.generic):
        tree = tree.item()
    if isinstance(tree, np.ndarray) and tree.dtype.kind in "fiub":
        name, k = path, 1
        while name in arrays:  # a name may hold what stands between names
            name, k = f"{path} {k + 1}", k + 1
        arrays[name] = tree
        return {_ARRAY: name}
    if isinstance(tree, float) and not math.isfinite(tree):
        return {_FLOAT: str(float(tree))}
    if tree is None or isinstance(tree, str | int | float | bool):
        return tree
    if isinstance(tree, list | tuple):
        return [_plain(x, f"{path}/{k}".lstrip("/"), arrays) for k, x in enumerate(tree)]
    if isinstance(tree, Mapping) and all(isinstance(k, str) and k[:1] != "$" for k in tree):
        return {k: _plain(x, f"{path}/{k}".lstrip("/"), arrays) for k, x in tree.items()}
    raise CircuitError(
        f"{path or 'it'} cannot be written down: it is a {type(tree).__name__}, and neither "
        "number, text, array, list nor mapping from texts"
    )


def read(text: str, arrays: Mapping[str, np.ndarray]) -> Any:
    """The tree that `written` made these of.

    Raises `CircuitError` where the text is no such, or an array is missing or too much.

    >>> read('{"b": {"$float": "-inf"}, "c": [true]}', {})
    {'b': -inf, 'c': [True]}
    """
    left = dict(arrays)

    def revived(pairs: list[tuple[str, Any]]) -> Any:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise CircuitError("a name stands twice in it")
        if not any(name[:1] == "$" for name in found):
            return found
        ((mark, told),) = found.items() if len(found) == 1 else (("", ""),)
        if mark == _ARRAY and isinstance(told, str) and told in left:
            return left.pop(told)
        if mark == _FLOAT and isinstance(told, str) and told in _FLOATS:
            return _FLOATS[told]
        raise CircuitError(f"it holds what stands for nothing: {found!r:.80}")

    def refused(constant: str) -> float:
        raise CircuitError(f"it holds {constant}, which is no number of JSON")

    try:
        tree = json.loads(text, object_pairs_hook=revived, parse_constant=refused)
    except CircuitError:
        raise
    except (ValueError, RecursionError) as error:  # a number of too many digits is a ValueError
        raise CircuitError(f"its text cannot be read: {error!s:.120}") from None
    if left:
        raise CircuitError(f"its array {min(left)!r:.80} belongs nowhere")
    return tree
