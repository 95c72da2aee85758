"""In: wires. Out: the wires of a layer's outputs, made of gates and of the layer's own sources.

A layer is a function of wires that owns sources: parameters, which training moves, and state,
which a call in training gives its next value (see `Training`). It makes them at its first call,
when it sees the shape of its input, so sizes are inferred. Layers compose: see `composite`.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from pullback.core.copying import Portable
from pullback.core.errors import CircuitError
from pullback.core.finite import refuse_not_finite, refuse_outputs
from pullback.core.unit import Unit, scope
from pullback.core.values import plain_array
from pullback.gates.shape import as_floats
from pullback.layers.calls import begun
from pullback.layers.description import LAYERS, join
from pullback.layers.saving import fill, load_model, save_model
from pullback.layers.start import drawn
from pullback.layers.summary import Summary, summarize
from pullback.layers.training import Training

if TYPE_CHECKING:
    from typing import Self

Shape = tuple[int, ...]
_OF_PICTURES = 4  # axes: rows, height, width, channels
Rng = np.random.Generator | int | None
L = TypeVar("L", bound="Layer")


class Layer(Portable, ABC):
    """What all layers share: a name, sources made at the first call, and a group in drawings.

    Layers pickle and copy, built or not: a copy has wires of its own. Of a class of yours, which a
    pickle imports, a file that `save` writes holds the numbers alone.

    A subclass is final. It hands `__init__` its arguments, as JSON can hold them; `build` makes its
    parameters and state for a shape of input, and `apply` wires the gates. Names have no "." or
    "/", which stand between the names of layers inside each other.

    >>> class Scale(Layer):
    ...     def build(self, shape, *, rng):
    ...         self.factor = self.parameter("factor", shape[-1:], np.ones, weight=True)
    ...
    ...     def apply(self, x, *, training):
    ...         return self.factor * x
    >>> Scale()([[1.0, 2.0]]).value
    array([[1., 2.]])
    """

    takes: int | None = 1  # the number of inputs of a call; None: any
    takes_integers = False  # row numbers, say, which stay integers
    takes_floats = False  # alone: whole numbers become floats before they come to `apply`
    takes_lengths = False  # of the sequences in its first input, as a second one
    takes_pieces = False  # whether a batch of training goes on where the one before it ended
    makes_layers = False  # whether its arguments say what stands inside, and not the layers
    layers: tuple[Layer, ...] = ()  # those inside

    def __init__(self, name: str = "", rng: Rng = None, **config: Any) -> None:
        if not isinstance(name, str) or "." in name or "/" in name:
            raise CircuitError(f"a layer's name is a text without '.' and '/', got {name!r}")
        self.name = name or type(self).__name__.lower()
        self.rng = rng
        self.config: Mapping[str, Any] = config
        self.built = False
        self.first_inputs: list[tuple[Shape, str]] = []  # shape and dtype of each, when built
        self.trainable = True
        self.stored: Mapping[str, np.ndarray] | None = None  # from a file, for `build` to take
        self.own_parameters: dict[str, Unit] = {}
        self.own_state: dict[str, Unit] = {}
        self._weights: set[str] = set()

    def __call__(self, x: Any, *others: Any, training: Training | bool | None = False) -> Any:
        """The layer's output, or a tuple of them, for inputs of shape (batch, ...).

        `training` is False to predict, a `Training` for a step of training, or True for a
        `Training()` of seed 0 and step 0. Raises `CircuitError` where the layer cannot take x.
        """
        context = Training() if training is True else training or None
        if not isinstance(context, Training | None):
            raise CircuitError(f"training is True, False or a Training, got {training!r}")
        given = (x, *others)
        if self.takes not in (None, len(given)):
            raise CircuitError(f"layer {self.called!r} takes {self.takes} input, got {len(given)}")
        wires = [x if isinstance(x, Unit) else Unit(x, "inputs") for x in given]
        self._refuse_bytes(wires)
        call = begun(self, wires)
        with scope(self.name):
            if not self.built:
                rng = np.random.default_rng(0 if self.rng is None else self.rng)
                self.build(*(x.shape for x in wires), rng=rng)
            taken = map(as_floats, wires) if self.takes_floats else wires
            call.output = self.apply(*taken, training=context)
            if not self.built:  # inputs that are refused leave nothing behind
                self.first_inputs = [(x.shape, x.dtype.name) for x in wires]
                self.built = True
        return call.output

    def _refuse_bytes(self, wires: Sequence[Unit]) -> None:
        """Refuse pictures of bytes where the first were of floats, 255 times smaller as a rule."""
        for x, (_, dtype) in zip(wires, self.first_inputs, strict=False):
            if x.dtype == np.uint8 and x.ndim == _OF_PICTURES and dtype.startswith("float"):
                raise CircuitError(
                    f"layer {self.called!r} was made for pictures of {dtype}, and these are bytes "
                    "from 0 to 255: give images / 255.0 if it learned from those, or else "
                    f"images.astype({dtype!r})"
                )

    @property
    def called(self) -> str:
        """What messages call it: by its name, or what has none, inside others, by its kind."""
        return self.name or type(self).__name__.lower()

    def __setattr__(self, name: str, value: Any) -> None:
        fields = vars(self)
        if name in fields.get("config", ()) and name in fields and not isinstance(value, Unit):
            raise AttributeError(
                f"the {name} of layer {self.called!r} is fixed when it is made, as what is "
                "recorded and saved of it would not follow; make another layer"
            )
        super().__setattr__(name, value)

    def build(self, *shapes: Any, **how: Any) -> None:
        """`build(shape, rng=rng)`: make the parameters for inputs of this shape; here, none.

        What is random is drawn from `rng`; of several inputs, all shapes are given.
        """

    @abstractmethod
    def apply(self, *inputs: Any, **how: Any) -> Any:
        """`apply(x, training=training)`: wire the layer's gates to x.

        `training` is a `Training`, or None to predict; a layer gives it to the layers inside.
        """

    def refuse(self, *inputs: Any) -> None:
        """Raise `CircuitError` for inputs whose numbers the layer cannot take; here, for none.

        Whoever records a model for shapes alone asks before, with all that it will be given: arrays
        of whole numbers, and of any other input an abstract value, which has a shape and a dtype.
        """

    def output_lengths(self, lengths: Any) -> Any:
        """How many steps of y count, of sequences x of which so many count: here, as many.

        `lengths` are a number, an array or a wire of whole numbers, and so is the answer.
        """
        return lengths

    # Sources -------------------------------------------------------------------------------------

    def parameter(
        self,
        name: str,
        shape: Shape,
        initial: Callable[[Shape], np.ndarray],
        *,
        weight: bool = False,
    ) -> Unit:
        """Make a parameter, for `build`; `weight` says that penalties pull it towards zero."""
        self.own_parameters[name] = unit = self._source(name, shape, initial)
        if weight:
            self._weights.add(name)
        return unit

    def variable(
        self,
        name: str,
        shape: Shape,
        initial: Callable[[Shape], np.ndarray],
        *,
        dtype: np.dtype | None = None,
    ) -> Unit:
        """Make a piece of state, for `build`: a source that no gradient moves."""
        self.own_state[name] = unit = self._source(name, shape, initial, dtype)
        return unit

    def _source(
        self,
        name: str,
        shape: Shape,
        initial: Callable[[Shape], np.ndarray],
        dtype: np.dtype | None = None,
    ) -> Unit:
        label = join(self.name, name)
        dtype = dtype or np.dtype(self.config.get("dtype", "float32"))
        if self.stored is None:
            return Unit(drawn(initial, shape, label).astype(dtype), label)
        if name not in self.stored:
            raise CircuitError(f"{label!r} is missing")
        value = self.stored[name]
        if value.shape != shape or value.dtype != dtype:
            raise CircuitError(
                f"{label!r} should be {dtype} of shape {shape}, got {value.dtype} of {value.shape}"
            )
        return Unit(value, label)

    def walk(self) -> Iterator[tuple[str, Layer]]:
        """This layer and those inside it, each once, by path: "residual1.dense1"."""
        seen: set[Layer] = set()
        pending: list[tuple[str, Layer]] = [("", self)]
        while pending:
            outer, layer = pending.pop()
            if layer not in seen:
                seen.add(layer)
                path = join(outer, layer.name)
                yield path, layer
                pending.extend((path, inner) for inner in reversed(layer.layers))

    @property
    def settings(self) -> tuple[tuple[str, str, Hashable], ...]:
        """What a layer, here or inside, remembers besides wires: recorded steps depend on it."""
        return tuple(
            (path, name, value)
            for path, layer in self.walk()
            for name, value in vars(layer).items()
            if _is_hashable(value)
        )

    @property
    def parameters(self) -> dict[str, Unit]:
        """The trainable sources by name, as "dense1.weight"; empty until the first call."""
        return self.find_parameters()

    @property
    def weights(self) -> dict[str, Unit]:
        """The parameters that multiply, which penalties pull towards zero: not the biases."""
        return self.find_parameters(weights=True)

    def find_parameters(self, *, weights: bool = False, frozen: bool = False) -> dict[str, Unit]:
        """The parameters by name: the weights alone, or the frozen ones too."""
        return {
            join(path, name): unit
            for path, layer in self.walk()
            if layer.trainable or frozen
            for name, unit in layer.own_parameters.items()
            if name in layer._weights or not weights
        }

    @property
    def state(self) -> dict[str, Unit]:
        """The sources by name that no gradient moves: running statistics, frozen parameters."""
        return {
            join(path, name): unit
            for path, layer in self.walk()
            for frozen in ({} if layer.trainable else layer.own_parameters,)
            for name, unit in {**frozen, **layer.own_state}.items()
        }

    def freeze(self) -> Self:
        """Count the parameters, of the layers inside too, as state that training leaves alone.

        A `Trainer` heeds it from its next epoch on, and keeps what the optimizer remembers of them;
        running statistics still move. Returns the layer.

        >>> from pullback.layers import Dense, Sequential
        >>> model = Sequential(Dense(8).freeze(), Dense(2))
        >>> y = model(np.ones((1, 3)))
        >>> list(model.parameters), list(model.state)
        (['dense2.weight', 'dense2.bias'], ['dense1.weight', 'dense1.bias'])
        """
        return self._set_trainable(False)

    def unfreeze(self) -> Self:
        """Undo `freeze`. Returns the layer."""
        return self._set_trainable(True)

    def _set_trainable(self, trainable: bool) -> Self:
        for _, layer in self.walk():
            layer.trainable = trainable
        return self

    # Use -----------------------------------------------------------------------------------------

    def predict(self, inputs: Any, *, batch_size: int = 1024) -> Any:
        """The outputs for many inputs, in batches, as an array; for several inputs give a tuple.

        A model of several outputs answers a tuple of arrays. Raises `CircuitError` where the inputs
        have not as many rows as each other, and where a parameter, or the answer to a row, is nan
        or infinite.
        """
        given = inputs if isinstance(inputs, tuple) else (inputs,)
        arrays = [plain_array(x, "the inputs") for x in given]
        rows = {x.shape[:1] for x in arrays}
        if len(rows) != 1 or rows == {()} or batch_size < 1:
            raise CircuitError(
                f"predict needs inputs of as many rows, and batches of at least 1; got inputs of "
                f"{', '.join(str(x.shape) for x in arrays)}, and batches of {batch_size}"
            )
        refuse_not_finite({**self.parameters, **self.state})
        starts = range(0, max(*rows.pop(), 1), batch_size)
        batches = [self(*(x[i : i + batch_size] for x in arrays)) for i in starts]
        several = isinstance(batches[0], tuple)
        columns = zip(*batches, strict=True) if several else [batches]
        outputs = tuple(np.concatenate([y.value for y in column]) for column in columns)
        refuse_outputs(outputs, arrays)
        return outputs if several else outputs[0]

    def summary(self, *shapes: int | Shape, dtype: str | None = None) -> Summary:
        """A table of the layers: each one's arguments, output shape and number of parameters.

        `shapes` are those of one row of each input; by default, those of the first call. The model
        runs once on zeros of one row, which changes no state; one that has not been called yet
        makes its parameters then. `dtype` is that of the zeros, by default int64
        where an Embedding is first, and else float32.

        >>> from pullback.layers import Dense, ReLU, Sequential
        >>> Sequential(Dense(8), ReLU(), Dense(2)).summary(4)
        name    layer     output  parameters
        dense1  Dense(8)  (n, 8)          40
        relu1   ReLU()    (n, 8)           0
        dense2  Dense(2)  (n, 2)          18
        58 parameters, 232 bytes
        """
        return summarize(self, shapes, dtype)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the layer to a safetensors file: its parameters and state, and as JSON what it is.

        Raises `CircuitError` where it has no parameters yet, one of them is nan or infinite, or
        the file cannot be written; what was there stays then.
        """
        save_model(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The layer that `save` wrote. Nothing in the file can run code.

        Raises `CircuitError` where the file is missing, damaged, no model of this library or of
        another kind than the class (`Layer.load` takes any), or holds what has its code elsewhere,
        such as a `Model`.
        """
        model = load_model(path)
        if not isinstance(model, cls):
            kind = type(model).__name__
            raise CircuitError(f"{path} holds a {kind}, not a {cls.__name__}; use {kind}.load")
        return model

    def load_parameters(self, path: str | os.PathLike[str]) -> None:
        """Take the parameters and state from a file that `save` of such a layer wrote: all or none.

        A layer that has not been called yet makes them first, for inputs as the file tells. Raises
        `CircuitError` where the file does not fit: other names, shapes or dtypes.
        """
        fill(self, path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.arguments())})"

    def arguments(self) -> list[str]:
        """The arguments as one would write them, where they are not the defaults."""
        known = signature(type(self)).parameters
        shown = []
        for name, value in self.config.items():
            default = known[name].default
            default = list(default) if isinstance(default, tuple) else default  # as JSON holds it
            if default is Parameter.empty:
                shown.append(f"{value!r}")
            elif value != default:
                shown.append(f"{name}={value!r}")
        return shown

    # What layers check ---------------------------------------------------------------------------

    def size_of_last_axis(self, shape: Shape) -> int:
        """The size that a layer takes its parameters' size from; inputs are batches."""
        if len(shape) < 2:
            got = "a number" if not shape else f"{shape}, with no axis for the rows"
            raise CircuitError(f"layer {self.called!r} expects inputs of shape (…, n), got {got}")
        return shape[-1]

    def check_last_axis(self, x: Unit, size: int) -> None:
        """Refuse an input of another size than the parameters are for."""
        if not x.shape or x.shape[-1] != size:
            raise CircuitError(
                f"layer {self.called!r} expects inputs of shape (…, {size}), got {x.shape}"
            )


def register(layer: type[L]) -> type[L]:
    """Decorate a layer so that saved models, which name it, find it."""
    LAYERS.add(layer.__name__, layer)
    return layer


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
