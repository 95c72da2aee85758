"""In: a layer and a file. Out: the file written, or the layer as the file tells it.

To load is to construct the layers that the file describes and call them once on inputs of no rows,
so that they make their parameters, of the numbers in the file. No size that a file claims is
believed: what it does not hold is not allocated.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import is_finite, refuse_not_finite
from pullback.core.unit import set_together
from pullback.layers.description import construct, describe
from pullback.layers.storage import read_file, write_file

if TYPE_CHECKING:
    from pullback.layers.layer import Layer


def save_model(
    model: Layer, path: str | os.PathLike[str], about: Mapping[str, Any] | None = None
) -> None:
    """Write the description, parameters and state of a layer to a file.

    `about` is whatever else shall be kept with it, as JSON can hold it: `read_about` gives it back.
    """
    if not model.built:
        raise CircuitError("the model has no parameters yet; call it on a batch, or train it")
    sources = {**model.parameters, **model.state}
    refuse_not_finite(sources)
    tensors = {name: unit.value for name, unit in sources.items()}
    write_file(path, {"model": describe(model), "inputs": inputs_of(model)}, tensors, about)


def inputs_of(model: Layer) -> list[dict[str, Any]]:
    """Shape and dtype of a row of each input, by which the parameters were made."""
    return [{"shape": list(shape[1:]), "dtype": dtype} for shape, dtype in model.first_inputs]


def load_model(path: str | os.PathLike[str]) -> Layer:
    """The layer in a file, with its parameters and state.

    Raises `CircuitError` where the file is missing, damaged or foreign, or a number is not finite.
    """
    config, tensors = read_file(path)
    return constructed(config, tensors, path)


def constructed(
    config: Mapping[str, Any], tensors: Mapping[str, np.ndarray], path: str | os.PathLike[str]
) -> Layer:
    """The layer of this description, with these numbers, which are those of a file."""
    try:
        model = construct(config["model"])
        fill_with(model, config["inputs"], tensors)
    except CircuitError as error:
        raise CircuitError(f"{path} is damaged: {error}") from None
    except Exception as error:  # what a constructor makes of arbitrary JSON cannot be foreseen
        raise CircuitError(f"{path} does not describe a model: {error!r}") from None
    return model


def fill(model: Layer, path: str | os.PathLike[str]) -> None:
    """Put the parameters and state in a file into a layer that is there."""
    config, tensors = read_file(path)
    try:
        fill_with(model, config["inputs"], tensors)
    except (CircuitError, KeyError, TypeError) as error:
        raise CircuitError(f"{path} does not fit the model: {error}") from None


def fill_with(model: Layer, inputs: Sequence[Any], tensors: Mapping[str, np.ndarray]) -> None:
    """Put these numbers into a layer's parameters and state, which it makes if it has none yet.

    `inputs` are what `inputs_of` told of it. Raises `CircuitError` where they are not of the
    layer; other errors where `inputs` are not of their form.
    """
    if not model.built:
        stored: defaultdict[str, dict[str, np.ndarray]] = defaultdict(dict)
        for name, value in tensors.items():
            path, _, last = name.rpartition(".")
            stored[path][last] = value
        walked = [(path, layer) for path, layer in model.walk() if not layer.built]
        try:
            for path, layer in walked:
                layer.stored = stored[path]
            model(*(np.zeros((0, *given["shape"]), given["dtype"]) for given in inputs))
        finally:
            for _, layer in walked:
                layer.stored = None
    sources = {**model.parameters, **model.state}
    odd = sorted(set(sources) ^ set(tensors))
    if odd:
        raise CircuitError(f"{odd[0]!r} is missing, or is too much")
    for name, unit in sources.items():
        value = tensors[name]
        if value.dtype != unit.dtype or value.shape != unit.shape:
            raise CircuitError(
                f"{name!r} should be {unit.dtype} of shape {unit.shape}, "
                f"got {value.dtype} of {value.shape}"
            )
        if not is_finite(value):
            raise CircuitError(f"{name!r} has values that are not finite")
    set_together({unit: tensors[name] for name, unit in sources.items()})
