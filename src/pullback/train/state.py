"""In: a call of `fit` on its way. Out: all that it goes on with, in one record; and back.

Whatever training remembers stands here: a new thing of that kind is one more field of `State`, one
line in `State.of` and one in `State.restore`. Callbacks keep theirs themselves, see `Resumable`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.plain import from_plain, to_plain
from pullback.core.tensorfile import digest_of
from pullback.core.unit import Unit
from pullback.core.values import is_number
from pullback.layers.description import describe
from pullback.layers.layer import Layer
from pullback.layers.saving import constructed, fill_with, inputs_of
from pullback.optim.checks import positive
from pullback.optim.memory import Piece
from pullback.train.callbacks import Callback, Resumable
from pullback.train.data import Batches, Rows
from pullback.train.history import History
from pullback.train.monitors import LayerRow
from pullback.train.passes import Place
from pullback.train.step import TrainingStep

if TYPE_CHECKING:
    from pullback.train.trainer import Trainer


@dataclass
class Run:
    """A call of `fit` on its way: what it was given, how far it is, and what it has seen.

    `done` are the epochs that are finished, over all calls of `fit`, and `first` those before this
    one, which ends when `last` are. `ended` says why no other follows; `place` is where the epoch
    in hand was left, if it was.
    """

    data: Rows | Batches
    held_out: Rows | None
    batch_size: int
    callbacks: Sequence[Callback]
    first: int
    last: int
    done: int = field(init=False)
    ended: str | None = None
    place: Place | None = None
    history: History = field(default_factory=History)

    def __post_init__(self) -> None:
        self.done = self.first

    @property
    def is_over(self) -> bool:
        """Whether no epoch is left to run."""
        return self.ended is not None or self.done >= self.last


@dataclass(frozen=True)
class State:
    """All that a run goes on with, as numbers, texts and arrays.

    `asked` is what it was asked to do, by name, which is the same when it goes on.
    """

    asked: Mapping[str, str]
    first: int
    done: int
    ended: str | None
    place: Place | None
    begun: int | None  # epochs of batches that count them
    model: object  # its description, where it has one
    inputs: object
    frozen: tuple[str, ...]
    sources: Mapping[str, np.ndarray]
    averages: Mapping[str, np.ndarray]
    memory: tuple[Piece, ...]
    rate: float | None
    steps: int
    rows: tuple[Mapping[str, object], ...]
    layers: tuple[LayerRow, ...]
    callbacks: tuple[object, ...]

    @classmethod
    def of(cls, step: TrainingStep, run: Run, asked: Mapping[str, str]) -> State:
        """The state of a run between two of its steps."""
        layer = step.model if isinstance(step.model, Layer) else None
        begun = run.data.epoch if isinstance(run.data, Batches) else None
        if begun is not None and run.place is not None:
            begun -= 1  # the epoch in hand begins again, and its first batches are passed over
        return cls(
            asked=asked,
            first=run.first,
            done=run.done,
            ended=run.ended,
            place=run.place,
            begun=begun,
            model=_description(step.model),
            inputs=None if layer is None else inputs_of(layer),
            frozen=() if layer is None else tuple(p for p, x in layer.walk() if not x.trainable),
            sources={k: np.asarray(x.value) for k, x in step.sources.items()},
            averages=(
                {k: np.asarray(x.value) for k, x in step.averaging.sources.items()}
                if step.averaging
                else {}
            ),
            memory=step.memory.pieces(_parameters(step.model)),
            rate=None if step.rate is None else float(step.rate.value),
            steps=int(step.number.value),
            rows=tuple(run.history.rows),
            layers=tuple(run.history.of_layers),
            callbacks=tuple(x.state() for x in run.callbacks if isinstance(x, Resumable)),
        )

    def restore(self, step: TrainingStep, run: Run) -> None:
        """Bring a run, with the model and what its step remembers, to where this one was.

        Callbacks are brought there by `restore_callbacks`, once they have heard of the beginning.

        Raises `CircuitError` where the numbers are not of this model and optimizer.
        """
        rows: list[dict[str, Any]] = [dict(row) for row in self.rows]
        if not 0 <= self.first <= self.done or len(rows) != self.done - self.first:
            raise CircuitError("its epochs do not add up")
        if (self.rate is None) != (step.rate is None) or not 0 <= self.steps < 2**32:
            raise CircuitError("its learning rate or its count of steps is none")
        if self.begun is not None and self.begun < 0:
            raise CircuitError("its epochs do not add up")
        if self.place is not None:
            _refuse_odd(self.place)
        rate = None if self.rate is None else positive("the learning rate", self.rate)
        self._fill(step)
        if step.averaging is not None:
            _fill_named(step.averaging.sources, self.averages)
        step.memory.restore(self.memory, _parameters(step.model))
        if step.rate is not None:
            step.rate.value = rate
        step.number.value = np.array(self.steps)
        if isinstance(run.data, Batches):
            within = self.place is not None
            run.data.go_on_after(self.begun, self.done - self.first, within=within)
        run.history.rows[:] = rows
        run.history.of_layers[:] = self.layers
        run.last += self.first - run.first
        run.first, run.done, run.ended, run.place = self.first, self.done, self.ended, self.place

    def _fill(self, step: TrainingStep) -> None:
        model, sources = step.model, step.sources
        if isinstance(model, Layer):
            try:
                fill_with(model, self.inputs, self.sources)  # pyright: ignore[reportArgumentType]
            except CircuitError:
                raise
            except Exception as error:  # what arbitrary JSON leads to cannot be foreseen
                raise CircuitError(f"its inputs are not described: {error!r:.80}") from None
            for path, layer in model.walk():
                layer.trainable = path not in self.frozen
            return
        _fill_named(sources, self.sources)

    def restore_callbacks(self, callbacks: Sequence[Callback], trainer: Trainer) -> None:
        """Bring the callbacks that remember something to where those of the run were.

        Raises `CircuitError` where there are more or fewer, or they are of other kinds.
        """
        resumable = [x for x in callbacks if isinstance(x, Resumable)]
        if len(resumable) != len(self.callbacks):
            raise CircuitError(
                f"the run had {len(self.callbacks)} callbacks that remember something, and now "
                f"there are {len(resumable)}; give the same ones"
            )
        for callback, state in zip(resumable, self.callbacks, strict=True):
            callback.restore(state, trainer)

    def layer(self, path: Any) -> Layer:
        """The model as it was, made anew.

        Raises `CircuitError` where it cannot be described; `path` is its file's.
        """
        if self.model is None:
            raise CircuitError(f"{path} does not describe its model, which is in Python: resume it")
        config: dict[str, Any] = {"model": self.model, "inputs": self.inputs}
        return constructed(config, self.sources, path)

    def to_tree(self) -> Any:
        """The state as `core.tree` writes it."""
        return to_plain(self)

    @classmethod
    def from_tree(cls, tree: Any) -> State:
        """The state that `to_tree` made this of. Raises `CircuitError` where it is of none."""
        return from_plain(cls, tree)


def asked_of(
    step: TrainingStep, engine: str, run: Run, others: Mapping[str, str]
) -> dict[str, str]:
    """What a run was asked to do, by name; what differs in it makes another run.

    The number of epochs is not in it, so that a run can be prolonged.
    """
    described = _description(step.model)
    return {
        **others,
        "the seed": repr(step.seed),  # by which data are divided
        "the loss": ", ".join(map(_told, step.losses)),  # and by which labels are prepared
        "the training data": _data(run.data),
        "the model": _told(step.model),
        "the model's description": "none" if described is None else json.dumps(described),
        "the optimizer": _told(step.optimizer),
        "the schedule": _code(step.optimizer.learning_rate),
        "the penalties": ", ".join(map(_told, step.penalties)) or "none",
        "mixup": repr(step.mixup),
        "the monitor": repr(step.monitor),
        "the average": "none" if step.averaging is None else _told(step.averaging.average),
        "the engine": engine,
        "the batch size": str(run.batch_size) if isinstance(run.data, Rows) else "that of batches",
        "the sampling": _sampling(run.data),
        "the validation data": "none" if run.held_out is None else _data(run.held_out),
    }


def refuse_other(asked: Mapping[str, str], before: Mapping[str, str], where: Any) -> None:
    """Raise `CircuitError` for the first thing that a run was asked for and is not any more.

    >>> refuse_other({"the seed": "1"}, {"the seed": "0"}, "runs/a")
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: the seed of the run in runs/a was 0, and is now 1; ...
    """
    for name in [*asked, *(name for name in before if name not in asked)]:
        new, old = asked.get(name, "not told"), before.get(name, "not told")
        if new != old:
            raise CircuitError(
                f"{name} of the run in {where} was {_around(old, new)}, and is now "
                f"{_around(new, old)}; go on with it as it was, or name another folder"
            )


def _around(text: str, other: str) -> str:
    """The part of a long text where it is not as the other."""
    same = next((k for k, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), 0)
    start = max(0, same - 40) if len(text) > 100 else 0
    part = text[start : start + 100]
    return f"{'…' if start else ''}{part}{'…' if start + 100 < len(text) else ''}"


def _data(data: Rows | Batches) -> str:
    if isinstance(data, Batches):
        count = "batches" if data.count is None else f"{data.count} batches"
        first = data.first()
        return count if first is None else f"{count}, hash {_hash(first)}"
    shapes = ", ".join(f"{name} {x.shape} {x.dtype}" for name, x in data.columns.items())
    return f"{shapes}, hash {_hash(data.columns)}"


def _sampling(data: Rows | Batches) -> str:
    sampling = data.sampling if isinstance(data, Rows) else None
    if sampling is None:
        return "none"
    how = "balanced" if sampling.balanced else f"weights, hash {_hash({'': sampling.weights})}"
    return how if sampling.rows is None else f"{how}, {sampling.rows} rows"


def _hash(arrays: Mapping[str, np.ndarray]) -> str:
    return digest_of({}, arrays)[:12]


def _fill_named(sources: Mapping[str, Unit], values: Mapping[str, np.ndarray]) -> None:
    """Put values on sources of these names; a number of Python stays one."""
    if sources.keys() != values.keys():
        raise CircuitError("its parameters have other names than those of the model")
    for name, unit in sources.items():
        value = values[name]
        if value.shape != unit.shape or value.dtype != unit.dtype:
            raise CircuitError(f"{name!r} has another shape or dtype than that of the model")
        unit.value = value.item() if is_number(unit.value) else value


def _told(thing: Any) -> str:
    """What a thing prints as, but for where it lies in memory."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing))


def _code(thing: Any) -> str:
    """What tells a function of one's own from another: its code, and what it took from around."""
    code = getattr(thing, "__code__", None)
    if code is None:
        return "none of one's own"
    around = [cell.cell_contents for cell in getattr(thing, "__closure__", None) or ()]
    parts = code.co_code.hex(), code.co_names, *map(_told, (*code.co_consts, *around))
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()
    return f"{thing.__qualname__}, hash {digest[:12]}"


def _parameters(model: Any) -> dict[str, Any]:
    """The parameters, frozen ones too."""
    return model.find_parameters(frozen=True) if isinstance(model, Layer) else model.parameters


def _description(model: Any) -> dict[str, Any] | None:
    """What a model can be made of again; None of one that JSON cannot hold, as with functions."""
    try:
        found = describe(model) if isinstance(model, Layer) else None
        json.dumps(found)
    except (CircuitError, TypeError, ValueError):
        return None
    return found


def _refuse_odd(place: Place) -> None:
    """Raise `CircuitError` where what was measured is not a line of numbers for each name."""
    numbers, shares = place.numbers or {}, place.shares or {}
    lines = [*numbers.values(), *shares.values()]
    alike = {x.shape for x in lines}
    if (
        place.batches < 1
        or place.rows < 0
        or numbers.keys() != shares.keys()
        or (numbers and "loss" not in numbers)
        or len(alike) > 1
        or any(x.ndim != 1 or x.dtype.kind not in "fiu" for x in lines)
        or any(len(x) > place.batches for x in lines)
    ):
        raise CircuitError("what it measured of the epoch in hand is not in order")
