"""In: a model of one step, or of a window. Out: what scores text number by number, compiled once.

Both kinds keep nothing themselves: the state that a step answers is what the next one is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.engines.engine import Engine
from pullback.engines.prepare import prepare, refuse_engine
from pullback.gates.indexing import take
from pullback.inspect.arguments import at_least_one
from pullback.layers.layer import Layer
from pullback.program.program import Program
from pullback.sequences.text.recurrent import step_of
from pullback.sequences.text.sampling import Sampling
from pullback.sequences.text.writer import LARGEST, Writer, answered

States = tuple[np.ndarray, ...]
_AT_ONCE = 64  # numbers that are written without a look at who reads them


class StepByStep:
    """A recurrent model, one number at a time, as a compiled step that is recorded once.

    `step` is a function of wires: whole numbers (rows,) and the state, (rows, size) for each of
    `state_sizes`; it answers the scores (rows, classes) of what follows, and the next state. The
    state is zero at first. It is a `StepModel`.

    Raises `CircuitError` where the function answers something else.

    >>> import pullback as pb
    >>> table, weight = pb.Unit(np.eye(3)), pb.Unit(np.ones((3, 3)))
    >>> def step(numbers, h):
    ...     h = pb.tanh(pb.take(table, numbers) + h @ weight)
    ...     return h, h
    >>> model = StepByStep(step, [3], dtype="float64", engine="eager")
    >>> scores, state = model.step(np.array([[1, 1]]), model.start(1))
    >>> scores.round(2)
    array([[0.64, 0.94, 0.64]])
    """

    def __init__(
        self,
        step: Callable[..., Any],
        state_sizes: Sequence[int],
        *,
        dtype: str = "float32",
        engine: str = "native",
    ) -> None:
        if not callable(step):
            raise CircuitError(f"a step is a function of wires, got {step!r}")
        refuse_engine(engine, None)
        self.state_sizes, self.dtype = tuple(state_sizes), np.dtype(dtype)
        self._step, self._engine = step, engine
        self._runs: dict[int, Engine] = {}
        self._writers: dict[bool, Writer] = {}

    @classmethod
    def of(cls, model: Layer, *, engine: str = "native") -> StepByStep:
        """The steps of a model of layers one after another, some of them recurrent.

        `model` is a `Sequential` or `Padded` that was trained on whole numbers (rows, steps). It
        is not copied: what it learns later, its steps know.

        Raises `CircuitError` for a model that has not been called yet, has no recurrent layer, or
        one that runs backwards or lies inside another layer.

        >>> from pullback.layers import LSTM, Dense, Embedding, Sequential
        >>> model = Sequential(Embedding(5, 3), LSTM(4, layers=2), Dense(5))
        >>> whole = model(np.array([[2, 0, 1]]))
        >>> steps = StepByStep.of(model, engine="eager")
        >>> scores, state = steps.step(np.array([[2, 0, 1]]), steps.start(1))
        >>> bool(np.allclose(scores, whole.value[:, -1])), len(state)
        (True, 4)
        """
        step, sizes, dtype = step_of(model)
        return cls(step, sizes, dtype=dtype.name, engine=engine)

    def start(self, rows: int) -> States:
        """The state before the first step, zeros."""
        at_least_one(rows=rows)
        return tuple(np.zeros((rows, size), self.dtype) for size in self.state_sizes)

    def step(self, numbers: np.ndarray, state: States) -> tuple[np.ndarray, States]:
        """The scores of what follows these numbers (rows, steps), and the state behind them."""
        if not numbers.shape[1]:
            raise CircuitError("a step is given a number of each sequence at least")
        run = self._run(len(numbers))
        made: Any = [None, *state]
        for column in numbers.T:
            given = {f"state{k}": x for k, x in enumerate(made[1:])}
            made = list(run(numbers=column, **given).values())
        return made[0], tuple(made[1:])

    def write(
        self, prompt: np.ndarray, sampling: Sampling, rng: np.random.Generator
    ) -> Iterator[int]:
        """Numbers that go on from a prompt (steps,), without end, as `Sampling.draw` draws them.

        What is drawn is drawn by the compiled step itself, which runs for many numbers without a
        return to Python: for one at first, for 64 at last.
        """
        state, number = self.start(1), prompt[-1:]
        if len(prompt) > 1:
            _, state = self.step(prompt[None, :-1], state)
        choosy = sampling.top_k is not None or sampling.top_p is not None
        if choosy and self._run(1).program.outputs["scores"].shape[1] > LARGEST:
            while True:
                scores, state = self.step(number[None], state)
                number = sampling.draw(scores, rng)
                yield int(number[0])
        if choosy not in self._writers:
            self._writers[choosy] = Writer(self._step, self.start(1), choosy, self._engine)
        writer, count = self._writers[choosy], 1
        while True:
            numbers, state = writer.write(number, state, count, sampling, rng)
            yield from numbers.tolist()
            number, count = numbers[-1:], min(2 * count, _AT_ONCE)

    def _run(self, rows: int) -> Engine:
        """The step of so many sequences, recorded when it is first asked for."""
        if rows not in self._runs:
            numbers = Unit(np.zeros(rows, np.int64), "numbers")
            states = [Unit(x, f"state{k}") for k, x in enumerate(self.start(rows))]
            scores, after = answered(self._step, numbers, states)
            outputs = {"scores": scores} | {f"state{k}": x for k, x in enumerate(after)}
            inputs = {"numbers": numbers} | {f"state{k}": x for k, x in enumerate(states)}
            self._runs[rows] = prepare(self._engine, Program(inputs, outputs, {}))
        return self._runs[rows]


class LastWindow:
    """A model that reads a window, as a transformer does: it is given the last `steps` numbers.

    `model` makes of whole numbers (rows, steps) the scores (rows, steps, classes) of what follows
    each, which must not depend on what comes behind it (`causal=True`): a window that is not full
    yet is filled up behind its end. It is a `StepModel`.

    Raises `CircuitError` where the model answers something else.

    >>> from pullback.layers import Embedding
    >>> model = LastWindow(Embedding(5, 5), 8, engine="eager")
    >>> scores, window = model.step(np.array([[3, 1]]), model.start(1))
    >>> scores.shape, window
    ((1, 5), array([[3, 1]]))
    """

    def __init__(self, model: Callable[..., Any], steps: int, *, engine: str = "native") -> None:
        if not callable(model):
            raise CircuitError(f"a model is a function of wires, such as a Layer, got {model!r}")
        at_least_one(steps=steps)
        refuse_engine(engine, None)
        self.steps = int(steps)
        self._model, self._engine = model, engine
        self._runs: dict[int, Engine] = {}

    def start(self, rows: int) -> np.ndarray:
        """The window before the first step, which is empty."""
        at_least_one(rows=rows)
        return np.zeros((rows, 0), np.int64)

    def step(self, numbers: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The scores of what follows these numbers (rows, steps), and the window behind them."""
        window = np.concatenate([state, numbers], axis=1)[:, -self.steps :]
        rows, count = window.shape
        if not count:
            raise CircuitError("a window that is empty scores nothing: give a number at least")
        if rows not in self._runs:
            self._runs[rows] = self._recorded(rows)
        given = np.zeros((rows, self.steps), np.int64)
        given[:, :count] = window
        return self._runs[rows](numbers=given, last=np.array(count - 1))["scores"], window

    def _recorded(self, rows: int) -> Engine:
        numbers = Unit(np.zeros((rows, self.steps), np.int64), "numbers")
        last = Unit(np.array(0, np.int64), "last")
        scores = self._model(numbers)
        shape = getattr(scores, "shape", None)
        if shape is None or len(shape) != 3 or shape[:2] != numbers.shape:
            raise CircuitError(
                f"a model of windows answers scores ({rows}, {self.steps}, classes), got "
                f"{shape or scores!r}"
            )
        scores = take(scores, last, axis=1)
        program = Program({"numbers": numbers, "last": last}, {"scores": scores}, {})
        return prepare(self._engine, program)
