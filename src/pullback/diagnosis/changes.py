"""In: a patient, and what is to change. Out: cures: the same patient with that one thing changed.

These are the changes that several diseases ask for: of a layer's kind, of what stands before it, of
the weights that training starts from, of the optimizer.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from inspect import signature
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.diagnosis.finding import Cure
from pullback.diagnosis.patient import Patient, descriptions, rebuilt
from pullback.layers.description import join
from pullback.layers.initializers import INITIALIZERS
from pullback.layers.layer import Layer
from pullback.layers.start import find_initializer
from pullback.optim.optimizer import OPTIMIZERS, Optimizer

Edit = Callable[[dict[str, Any]], Any]

A_FUNCTION = "the model is a function, which only its owner can change"

BENDS = ("Tanh", "Sigmoid")  # kinds whose slope is nearly 0 at their ends

BATCH_NORM: Mapping[str, Any] = {
    "kind": "BatchNorm",
    "momentum": 0.9,
    "epsilon": 1e-5,
    "dtype": "float32",
}

_IN_LINE = ("Sequential", "Residual")  # kinds whose layers stand one after another


# The structure -----------------------------------------------------------------------------------


def rebuilding(text: str, code: str, edit: Edit, patient: Patient) -> Cure:
    """The cure that edits the description of the model; untried of one that has none."""
    try:
        rebuilt(patient.parts.model, edit)
    except (CircuitError, AttributeError):
        return Cure(text, code, untried=A_FUNCTION)
    return Cure(text, code, lambda x: x.but(model=rebuilt(x.parts.model, edit)))


def of_kind(kinds: Collection[str], new: Mapping[str, Any]) -> Edit:
    """The edit that puts another layer in the place of each of these kinds, under its name.

    >>> told = {"kind": "Sequential", "name": "", "layers": [{"kind": "ReLU", "name": "relu1"}]}
    >>> of_kind(["ReLU"], {"kind": "ELU", "alpha": 1.0})(told)
    >>> told["layers"]
    [{'kind': 'ELU', 'alpha': 1.0, 'name': 'relu1'}]
    """

    def edit(told: dict[str, Any]) -> None:
        for described in list(descriptions(told)):
            if described.get("kind") in kinds:
                name = described["name"]
                described.clear()
                described.update({**new, "name": name})

    return edit


def before(
    wanted: Callable[[Mapping[str, Any], Mapping[str, Any] | None], bool], new: Mapping[str, Any]
) -> Edit:
    """The edit that puts a layer before each layer in line that is wanted.

    `wanted` is asked with a description and that of the layer before it, None of the first one.

    >>> told = {"kind": "Sequential", "name": "", "layers": [{"kind": "Tanh", "name": "tanh1"}]}
    >>> before(lambda x, _: x["kind"] == "Tanh", {"kind": "LayerNorm"})(told)
    >>> told["layers"]
    [{'kind': 'LayerNorm', 'name': ''}, {'kind': 'Tanh', 'name': 'tanh1'}]
    """

    def edit(told: dict[str, Any]) -> None:
        for described in list(descriptions(told)):
            if described.get("kind") not in _IN_LINE or described.get("around"):
                continue
            line: list[dict[str, Any]] = []
            for inner in described["layers"]:
                if wanted(inner, line[-1] if line else None):
                    line.append({**new, "name": ""})
                line.append(inner)
            described["layers"] = line

    return edit


def in_pb(layer: Layer) -> str:
    """A layer as code to paste, where the library is `pb`.

    >>> from pullback.layers import Dense, ReLU, Sequential
    >>> in_pb(Sequential(Dense(8), ReLU()))
    'pb.Sequential(pb.Dense(8), pb.ReLU())'
    """
    return re.sub(r"\b([A-Z]\w*)\(", r"pb.\1(", repr(layer))


# The start ---------------------------------------------------------------------------------------


def redrawn(patient: Patient, names: Collection[str] | None = None) -> Patient:
    """The patient with weights drawn anew, by the initializer that is their layer's by default.

    Other parameters, such as biases, are as a new layer has them. `names` says which are meant;
    None means all. Of a function weights alone are drawn, by "he".
    """
    model = patient.built()
    rng = np.random.default_rng(patient.parts.seed)
    owners, new, weights = _owners(model), _new(patient), model.weights
    for name, unit in model.parameters.items():
        if names is not None and name not in names:
            continue
        if name in weights and unit.ndim > 1:
            unit.value = _drawn(unit, *owners.get(name, (None, "")), rng)
        elif name in new:
            unit.value = np.asarray(new[name].value)
    return patient.but(model=model)


def _new(patient: Patient) -> Mapping[str, Unit]:
    """The parameters of the same model as it is made; none of one that cannot be made anew."""
    try:
        return patient.but(model=rebuilt(patient.parts.model)).built().parameters
    except (CircuitError, AttributeError):
        return {}


def scaled_by_layer(patient: Patient) -> Patient:
    """The patient with weights by which what each layer makes has variance 1."""
    from pullback.layers.lsuv import initialize_lsuv

    model = copy.deepcopy(patient.parts.model)
    initialize_lsuv(model, *(x[:256] for x in patient.inputs))
    return patient.but(model=model)


def _owners(model: Any) -> dict[str, tuple[Layer | None, str]]:
    """The layer of each parameter, and what the layer calls it."""
    walked = model.walk() if isinstance(model, Layer) else ()
    return {
        join(path, name): (layer, name) for path, layer in walked for name in layer.own_parameters
    }


def _drawn(unit: Unit, layer: Layer | None, name: str, rng: np.random.Generator) -> np.ndarray:
    """New numbers for a weight; for a cell's, those of each gate by themselves."""
    argument = "recurrent_initializer" if name == "recurrent" else "initializer"
    known = None if layer is None else signature(type(layer)).parameters.get(argument)
    draw = INITIALIZERS["he"] if known is None else find_initializer(known.default)
    parts = getattr(layer, "gates", 1)
    shape = (*unit.shape[:-1], unit.shape[-1] // parts)
    return np.concatenate([draw(shape, rng) for _ in range(parts)], axis=-1)


# The optimizer -----------------------------------------------------------------------------------


def with_options(optimizer: Optimizer, **options: Any) -> Optimizer:
    """The optimizer with some arguments changed, and all that stands around it.

    >>> from pullback.optim import SGD
    >>> with_options(SGD(0.1, momentum=0.9), clip_norm=1.0)
    SGD(0.1, momentum=0.9, clip_norm=1.0)
    """
    made = OPTIMIZERS[optimizer.name](optimizer.learning_rate, **{**optimizer.options, **options})
    return replace(made, wrappers=optimizer.wrappers)


def clipped(patient: Patient, norm: float = 1.0) -> Cure | None:
    """The cure that limits the length of the gradients; None where they are limited already."""
    optimizer = patient.parts.optimizer
    if optimizer.name not in OPTIMIZERS or optimizer.options.get("clip_norm") is not None:
        return None
    if "clip_norm" not in signature(OPTIMIZERS[optimizer.name]).parameters:
        return None
    better = with_options(optimizer, clip_norm=norm)
    return Cure(
        f"limit the length of all gradients to {norm:g}",
        f"optimizer = pb.{better!r}",
        lambda x: x.but(optimizer=better),
    )
