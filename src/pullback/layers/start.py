"""In: what a layer is told of its start. Out: the function that draws it, and its plain form.

A layer takes an initializer by its name, by its name and its arguments, or as a function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.layers.initializers import INITIALIZERS, Initializer

InitializerLike = str | Mapping[str, Any] | Initializer

_FUNCTION = "function"  # what the plain form of a function that is not registered is called


def find_initializer(given: InitializerLike) -> Initializer:
    """The function that draws a weight: a name, a name with arguments, or any such function.

    `given` is the name of one of the `INITIALIZERS`; or a mapping of its "name" and its arguments;
    or a function of a shape and a generator, such as a `functools.partial` of one of these.

    Raises `CircuitError` for a name that is not registered, arguments that the initializer does not
    take, and what is neither.

    >>> rng = np.random.default_rng(0)
    >>> find_initializer({"name": "constant", "value": 0.5})((1, 2), rng)
    array([[0.5, 0.5]])
    >>> find_initializer({"name": "constant", "std": 0.5})
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: initializer 'constant' cannot take std=0.5: constant() got \
an unexpected keyword argument 'std'
    """
    if isinstance(given, str):
        return INITIALIZERS[given]
    if isinstance(given, Mapping) and set(given) == {_FUNCTION}:
        return partial(_missing, given[_FUNCTION])
    if isinstance(given, Mapping) and isinstance(given.get("name"), str):
        arguments = {str(key): value for key, value in given.items() if key != "name"}
        return _with(given["name"], arguments)
    if callable(given):
        plain = plain_initializer(given)
        return find_initializer(plain) if isinstance(plain, dict) and "name" in plain else given
    raise CircuitError(
        "an initializer is a name, such as 'he', a name with arguments, such as "
        f"{{'name': 'normal', 'std': 0.1}}, or a function of a shape and a generator; got {given!r}"
    )


def plain_initializer(given: InitializerLike) -> str | dict[str, Any]:
    """An initializer as JSON can hold it.

    Of a function that is not registered it holds the name alone: a model is saved and loaded, as
    its numbers are in the file, but what starts anew needs the function.

    >>> from pullback.layers.initializers import he, normal
    >>> plain_initializer(partial(normal, std=0.1))
    {'name': 'normal', 'std': 0.1}
    >>> plain_initializer(he)
    'he'
    """
    if isinstance(given, str):
        return given
    if isinstance(given, Mapping):
        return {str(key): _plain(value) for key, value in given.items()}
    code = given.func if isinstance(given, partial) else given
    name = next((name for name, known in INITIALIZERS.items() if known is code), None)
    if isinstance(given, partial) and name and not given.args:
        return {"name": name, **{key: _plain(value) for key, value in given.keywords.items()}}
    if name and code is given:
        return name
    return {_FUNCTION: getattr(code, "__qualname__", type(code).__qualname__)}


def drawn(
    initial: Callable[[tuple[int, ...]], np.ndarray], shape: tuple[int, ...], label: str
) -> np.ndarray:
    """The numbers that a source starts from.

    Raises `CircuitError` where they are none, or of another shape.
    """
    made = np.asarray(initial(shape))
    if made.shape != shape or made.dtype.kind not in "fiub":
        raise CircuitError(
            f"{label!r} starts as numbers of shape {shape}; what should make them answered "
            f"{made.dtype} of shape {made.shape}"
        )
    return made


def _with(name: str, arguments: Mapping[str, Any]) -> Initializer:
    """A registered initializer with some of its arguments, which a trial shows it to take."""
    function = INITIALIZERS[name]
    chosen = partial(function, **{key: _plain(value) for key, value in arguments.items()})
    try:
        chosen((1, 1), np.random.default_rng(0))
    except (TypeError, CircuitError) as error:
        told = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        raise CircuitError(f"initializer {name!r} cannot take {told}: {error}") from None
    return chosen if arguments else function


def _plain(value: Any) -> Any:
    """A number of NumPy as one of Python."""
    return value.item() if isinstance(value, np.generic) else value


def _missing(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    raise CircuitError(
        f"this layer was made with the initializer {name!r}, a function that no file holds, so it "
        "cannot start anew; make it in Python, with that function"
    )
