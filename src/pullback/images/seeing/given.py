"""In: a model, pictures and names of classes as people have them. Out: what computes, or a refusal.

A picture is an array (H, W, C), or (H, W) of one channel. Its numbers are what the model takes, but
for bytes, 0 to 255, which are divided by 255.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import is_finite, refuse_not_finite
from pullback.core.values import plain_array
from pullback.layers.layer import Layer


def taken_by(model: Any) -> tuple[tuple[int, ...], np.dtype]:
    """The shape (H, W, C) of the pictures that a model was built for, and its floats' dtype.

    Raises `CircuitError` for what is no model, has not been called yet, is not finite, or takes
    something else than pictures.
    """
    if not isinstance(model, Layer):
        raise CircuitError(f"pictures are seen by a model, such as a Sequential, got {model!r}")
    if not model.built:
        raise CircuitError("the model has made no weights yet; train it first, or call it once")
    shapes = [shape for shape, _ in model.first_inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4:
        raise CircuitError(
            f"the model takes inputs of shape {', '.join(map(str, shapes))}; "
            "pictures are (N, H, W, C)"
        )
    refuse_not_finite({**model.parameters, **model.state})
    parameters = model.find_parameters(frozen=True).values()
    dtype = next((unit.dtype for unit in parameters), np.dtype(np.float32))
    return shapes[0][1:], dtype


def picture_for(model: Any, picture: Any) -> np.ndarray:
    """One picture as a batch, (1, H, W, C), of the model's dtype.

    Raises `CircuitError` as `taken_by` and `pictures_for`.
    """
    shape, _ = taken_by(model)
    array = plain_array(picture, "the picture")
    if array.ndim == 4 or (array.ndim == 3 and shape[2] == 1 and array.shape[2] != 1):
        raise CircuitError(
            f"one picture is wanted, of shape {_wanted(shape)}; got {array.shape}, several of "
            "them: give pictures[0]"
        )
    return pictures_for(model, array[None])


def pictures_for(model: Any, pictures: Any) -> np.ndarray:
    """Pictures as a batch, (N, H, W, C), of the model's dtype; bytes are divided by 255.

    Raises `CircuitError` where they are no pictures, have other channels than the model takes,
    are whole numbers but no bytes, or are not finite.
    """
    shape, dtype = taken_by(model)
    array = numbers_of(pictures, dtype)
    if array.ndim == 3 and shape[2] == 1:
        array = array[..., None]
    if array.ndim != 4 or array.shape[3] != shape[2] or 0 in array.shape:
        got = array.shape[1:] if array.ndim else ()
        raise CircuitError(f"the model takes pictures of shape {_wanted(shape)}, got {got}")
    return array


def numbers_of(pictures: Any, dtype: Any = np.float32) -> np.ndarray:
    """The numbers of pictures as floats.

    >>> numbers_of(np.array([[0, 255]], np.uint8))
    array([[0., 1.]], dtype=float32)
    """
    array = plain_array(pictures, "the pictures")
    if array.dtype == np.uint8:
        return array.astype(dtype) / np.asarray(255.0, dtype)
    if array.dtype.kind not in "fb":
        raise CircuitError(
            f"pictures are bytes (uint8), 0 to 255, or floats as the model takes them, got "
            f"{array.dtype}; use .astype('uint8')"
        )
    if not is_finite(array):
        raise CircuitError("the pictures hold nan or infinity; fill or drop such pictures first")
    return array.astype(dtype)


def _wanted(shape: tuple[int, ...]) -> str:
    height, width, channels = shape
    return f"({height}, {width}{f', {channels}' if channels > 1 else ''})"


def class_names(classes: Sequence[Any] | None, count: int) -> list[str]:
    """A text for each class: the names that are given, or numbers.

    >>> class_names(None, 3), class_names(["cat", "dog"], 2)
    (['0', '1', '2'], ['cat', 'dog'])
    """
    if classes is None:
        return [str(k) for k in range(count)]
    if isinstance(classes, str) or len(classes) != count:
        got = repr(classes) if isinstance(classes, str) else f"{len(classes)} names"
        raise CircuitError(f"the model tells {count} classes apart, which need names; got {got}")
    return [str(name) for name in classes]


def class_number(label: Any, count: int, classes: Sequence[Any] | None = None) -> int:
    """The number of a class, which may be given by its name where there are names.

    >>> class_number("dog", 2, ["cat", "dog"])
    1
    """
    if isinstance(label, str):
        classes = [] if classes is None else classes
        if label not in list(classes):
            known = ", ".join(map(str, classes)) or "none, as no names were given"
            raise CircuitError(f"there is no class named {label!r}; there are: {known}")
        return list(classes).index(label)
    try:
        number = index(label)
    except TypeError:
        raise CircuitError(f"a class is a number from 0 on, got {label!r}") from None
    if not 0 <= number < count:
        raise CircuitError(f"there is no class {number}; the model tells 0 to {count - 1} apart")
    return number
