"""In: a module of PyTorch and a batch. Out: what each part of it makes, in running order.

Modules are watched by forward hooks. What a `forward` computes by functions, such as
`torch.relu`, is watched too: a net without a module for it is not without it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.diagnosis.torch.library import torch
from pullback.inspect.activations import ActivationStatistics, measured, statistics_of

KINDS: Mapping[str, str] = {
    "Linear": "Dense",
    "BatchNorm1d": "BatchNorm",
    "BatchNorm2d": "BatchNorm",
    "BatchNorm3d": "BatchNorm",
    "AvgPool1d": "AveragePool1d",
    "AvgPool2d": "AveragePool2d",
    "Dropout1d": "SpatialDropout",
    "Dropout2d": "SpatialDropout",
    "MultiheadAttention": "SelfAttention",
    "Upsample": "Upsample2d",
}
"""What a module of PyTorch is called here, where that is not the same."""

_FUNCTIONS: Mapping[str, str] = {
    "relu": "ReLU",
    "relu_": "ReLU",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "softplus": "Softplus",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
}
_BENDS = {"Tanh": "tanh", "Sigmoid": "sigmoid"}
LINEAR = ("Dense", "Conv1d", "Conv2d", "Conv3d")
PASSING = ("Dropout", "SpatialDropout", "Flatten", "Identity", "BatchNorm", "Unflatten")


@dataclass(frozen=True)
class Made:
    """A tensor, what made it, and, of a linear layer, the linear one right before it, or ""."""

    name: str
    kind: str
    module: Any  # None of a function
    output: Any
    values: np.ndarray
    behind: str = ""


class Seen:
    """All that was made in a run, in order; `ran` are the names of the modules that had a part."""

    def __init__(self, model: Any) -> None:
        self.names = {module: name or "model" for name, module in model.named_modules()}
        self.made: list[Made] = []
        self.ran: set[str] = set()
        self._straight: dict[int, str] = {}  # by tensor, the linear layer that it comes right from
        self._kept: list[Any] = []  # so that no other tensor gets the same id

    def module(self, module: Any, inputs: Any, output: Any) -> None:
        """A forward hook."""
        name, kind = self.names[module], kind_of(module)
        self.ran.add(name)
        y = first_tensor(output)
        if y is None:
            return
        straight = next((self._source(x) for x in inputs if torch.is_tensor(x)), "")
        if kind in LINEAR:
            self._mark(y, name)
        elif kind in PASSING and straight:
            self._mark(y, straight)
        known = [k for k, made in enumerate(self.made) if made.output is y]
        if known and self.made[known[-1]].module is None and kind in _FUNCTIONS.values():
            self.made[known[-1]] = Made(name, kind, module, y, self.made[known[-1]].values)
        elif not known and not any(x is y for x in inputs):
            behind = straight if kind in LINEAR else ""
            self.made.append(Made(name, kind, module, y, array_of(y).copy(), behind))

    def function(self, name: str, output: Any) -> None:
        """What a function that bends has made."""
        y, kind = first_tensor(output), _FUNCTIONS[name]
        if y is not None:
            count = sum(made.kind == kind for made in self.made)
            called = f"{name.rstrip('_')} {count + 1}"
            self._straight.pop(id(y), None)  # where it was changed in its place
            self.made.append(Made(called, kind, None, y, array_of(y).copy()))

    def _mark(self, y: Any, name: str) -> None:
        self._straight[id(y)] = name
        self._kept.append(y)

    def _source(self, x: Any) -> str:
        """The linear layer that a tensor, or the one that it is a view of, comes right from."""
        base = getattr(x, "_base", None)
        return self._straight.get(id(x), "") or self._straight.get(id(base), "")


def kind_of(module: Any) -> str:
    """What kind of layer a module is, by the names of this library where it has it."""
    called = type(module).__name__
    return KINDS.get(called, called)


@contextmanager
def watched(model: Any) -> Iterator[Seen]:
    """All that a module makes while this is open."""
    seen = Seen(model)
    handles = [module.register_forward_hook(seen.module) for module in seen.names]

    class Functions(torch.overrides.TorchFunctionMode):
        def __torch_function__(
            self,
            function: Callable[..., Any],
            types: Any,
            args: Sequence[Any] = (),
            kwargs: Mapping[str, Any] | None = None,
        ) -> Any:
            output = function(*args, **(kwargs or {}))
            name = getattr(function, "__name__", "")
            if name in _FUNCTIONS and all(made.output is not output for made in seen.made[-1:]):
                seen.function(name, output)
            return output

    try:
        with Functions():
            yield seen
    finally:
        for handle in handles:
            handle.remove()


def run(model: Any, xs: Sequence[Any], what: str = "batch") -> tuple[Seen, Any]:
    """What a copy of a module makes of a batch, with what it answers.

    Raises `CircuitError` where it cannot take the batch.
    """
    copied = copy.deepcopy(model)
    for module in copied.modules():
        if getattr(module, "inplace", False) is True:
            module.inplace = False  # else what was before it could not be looked at
    with watched(copied) as seen:
        try:
            output = copied(*xs)
        except Exception as error:  # the code is its owner's, and may raise anything
            raise CircuitError(f"the module refuses the {what}: {line(error)}") from None
    return seen, output


def first_broken(model: Any, xs: Sequence[Any]) -> str | None:
    """The name of the first part of a module that makes of a batch what is no number."""
    seen, _ = run(model, xs)
    for made in seen.made:
        if not np.isfinite(made.values).all():
            return made.name
    return None


def looked(model: Any, xs: Sequence[Any], y: Any, criterion: Any) -> ActivationStatistics:
    """What each part of a module makes of a batch, and the gradients that arrive there."""
    seen, output = run(model, xs)
    for made in seen.made:
        if made.output.requires_grad:
            made.output.retain_grad()
    loss = criterion(output, y)
    if loss.requires_grad:
        loss.backward()
    rows = [measured(f"inputs{k or ''}", "", _units_last(x, made=None)) for k, x in _floats(xs)]
    for made in seen.made:
        slope = made.output.grad
        weights = _weights(made.module)
        rows.append(
            measured(
                made.name,
                made.kind,
                _units_last(made.values, made),
                bend=_BENDS.get(made.kind),
                gradient=None if slope is None else array_of(slope),
                weights=weights,
            )
        )
    return statistics_of(rows)


def _floats(xs: Sequence[Any]) -> list[tuple[int, np.ndarray]]:
    return [(k, array_of(x)) for k, x in enumerate(xs) if x.is_floating_point()]


def _weights(module: Any) -> list[np.ndarray]:
    own = [] if module is None else module.parameters(recurse=False)
    return [array_of(p) for p in own if p.ndim > 1]


def _units_last(y: np.ndarray, made: Made | None) -> np.ndarray:
    """Activations with the axis of units at the end, which pictures of PyTorch have as second."""
    pictures = y.ndim > 3 or (made is not None and made.kind == "Conv1d")
    return np.moveaxis(y, 1, -1) if pictures else y


def array_of(x: Any) -> np.ndarray:
    """A tensor as an array, of which NumPy knows no bfloat16."""
    x = x.detach().cpu()
    return (x.float() if x.dtype is torch.bfloat16 else x).numpy()


def first_tensor(output: Any) -> Any:
    """The first tensor of floats of what a module answers; None where there is none."""
    if isinstance(output, Mapping):
        output = tuple(output.values())
    if isinstance(output, tuple | list):
        return next((x for x in map(first_tensor, output) if x is not None), None)
    return output if torch.is_tensor(output) and output.is_floating_point() else None


def line(error: Exception) -> str:
    """What an error says, in a line, with its kind where its words alone would not tell."""
    told = (str(error).splitlines() or [""])[0]
    if isinstance(error, RuntimeError | TypeError | ValueError | IndexError) and told:
        return told
    return f"{type(error).__name__}: {told}".rstrip(": ")
