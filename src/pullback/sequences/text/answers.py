"""In: pairs of sequences, and a `Seq2Seq` that learns from them. Out: what it answers to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import refuse_not_finite
from pullback.core.unit import Unit
from pullback.engines.engine import Engine
from pullback.engines.prepare import prepare, refuse_engine
from pullback.gates.shape import expand_dims
from pullback.inspect.arguments import at_least_one
from pullback.models import Seq2Seq
from pullback.program.program import Program
from pullback.sequences.padding import padded
from pullback.sequences.text.beam import Found, beam_search

Inputs = tuple[np.ndarray, np.ndarray, np.ndarray]
State = dict[str, np.ndarray]
_MULTIPLE = 8  # of the steps of sources, so that few shapes are compiled
_ROWS = 256  # of sources that are answered together


def paired(sources: Sequence[Any], answers: Sequence[Any], mark: int) -> tuple[Inputs, np.ndarray]:
    """Inputs (source, lengths, target) and labels, on which a `Seq2Seq` is trained.

    `sources` and `answers` are rows of whole numbers, of any lengths; `mark` is that of the model,
    which no answer holds. The target is the right answer behind a mark: of each step, the model is
    told what was right before it ("teacher forcing"). The labels are the answer before a mark.

    Raises `CircuitError` where there are not as many answers as sources, and for what is no row of
    whole numbers, or holds the mark.

    >>> (source, lengths, target), labels = paired([[5, 6], [7]], [[1], [2, 0]], mark=3)
    >>> source.tolist(), lengths.tolist()
    ([[5, 6], [7, 0]], [2, 1])
    >>> target.tolist(), labels.tolist()
    ([[3, 1, 0], [3, 2, 0]], [[1, 3, -1], [2, 0, 3]])
    """
    if len(sources) != len(answers):
        raise CircuitError(f"{len(sources)} sources need as many answers, got {len(answers)}")
    source, lengths = _in_rows("sources", sources)
    inside, ends = _in_rows("answers", answers, fill=-1)
    rows, steps = inside.shape
    marked = np.argwhere(inside == mark)
    if len(marked):
        raise CircuitError(
            f"answer {marked[0][0]} holds the mark {mark}, which stands for its end; give the "
            "model one target more"
        )
    target = np.zeros((rows, steps + 1), np.int64)
    target[:, 0] = mark
    target[:, 1:] = np.maximum(inside, 0)
    labels = np.full((rows, steps + 1), -1, np.int64)
    labels[:, :-1] = inside
    labels[np.arange(rows), ends] = mark
    return (source, lengths, target), labels


class Answers:
    """What a `Seq2Seq` answers by itself: each step is told of its own steps before.

    An answer ends with the model's `mark`, or is `longest` numbers long. A batch of sources is read
    once, and answered by a step that is compiled once for its shape. The model is not copied: what
    it learns later, its answers show.

    Raises `CircuitError` for a model that is no `Seq2Seq`, or has not been called yet.

    >>> model = Seq2Seq(5, 4, units=8)
    >>> inputs, labels = paired([[0, 4, 2], [3]], [[0, 1], [2]], model.mark)
    >>> scores = model(*inputs)
    >>> answers = Answers(model, longest=6, engine="eager")
    >>> len(answers.greedy([[0, 4, 2], [3], [1, 1]]))
    3
    """

    def __init__(self, model: Seq2Seq, *, longest: int = 100, engine: str = "native") -> None:
        if not isinstance(model, Seq2Seq) or not model.built:
            raise CircuitError(
                f"answers are of a Seq2Seq that has made its parameters; train it first, got "
                f"{model!r}"
            )
        at_least_one(longest=longest)
        refuse_engine(engine, None)
        self.model, self.longest, self.engine = model, int(longest), engine
        self._runs: dict[tuple[Any, ...], Engine] = {}

    def greedy(self, sources: Sequence[Any]) -> list[list[int]]:
        """The answer to each source, a row of whole numbers: of each step the likeliest number.

        Raises `CircuitError` for a source that the model cannot take, and where a parameter is nan
        or infinite.
        """
        found: list[list[int]] = []
        for first in range(0, len(sources), _ROWS):
            state = self._read(sources[first : first + _ROWS])
            numbers = np.full(len(state["h"]), self.model.mark)
            on = np.ones(len(numbers), bool)
            rows: list[list[int]] = [[] for _ in numbers]
            for _ in range(self.longest):
                scores, state = self._step(numbers, state)
                numbers = scores.argmax(axis=1)
                on &= numbers != self.model.mark
                if not on.any():
                    break
                for k in np.flatnonzero(on):
                    rows[k].append(int(numbers[k]))
            found += rows
        return found

    def beam(self, source: Any, *, width: int = 4, length_power: float = 0.0) -> list[Found]:
        """The `width` best answers to a source that a beam finds, the best first.

        See `beam_search`: the numbers of those that ended have the mark at their end.

        Raises `CircuitError` as `greedy` and `beam_search` do.
        """
        at_least_one(width=width)
        state = self._read([source] * width)  # always as many rows, for one compiled step

        def scores(prefixes: np.ndarray) -> np.ndarray:
            made: Any = None, state
            for column in np.resize(prefixes, (width, prefixes.shape[1])).T:
                made = self._step(column, made[1])
            return made[0][: len(prefixes)]

        return beam_search(
            scores,
            [self.model.mark],
            width=width,
            longest=self.longest,
            end=self.model.mark,
            length_power=length_power,
        )

    def _read(self, sources: Sequence[Any]) -> State:
        """What the decoder is told of sources, and its state before the first step."""
        refuse_not_finite(self.model.find_parameters(frozen=True))
        source, lengths = _in_rows("sources", sources)
        blocks = max(1, -(-source.shape[1] // _MULTIPLE))
        source = np.pad(source, ((0, 0), (0, blocks * _MULTIPLE - source.shape[1])))
        self.model.source.refuse(source)
        given = {"source": source, "lengths": lengths}
        key = "read", *source.shape
        if key not in self._runs:
            inputs = {name: Unit(x, name) for name, x in given.items()}
            memory, h = self.model.read(*inputs.values())
            self._runs[key] = prepare(self.engine, Program(inputs, {"memory": memory, "h": h}, {}))
        return {**self._runs[key](**given), "lengths": lengths}

    def _step(self, numbers: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """The scores (rows, targets) of what follows these numbers (rows,), and the next state."""
        key = "step", *state["memory"].shape
        if key not in self._runs:
            wires = {name: Unit(x, name) for name, x in {**state, "numbers": numbers}.items()}
            told = (wires[name] for name in ("h", "memory", "lengths"))
            scores, h = self.model.write(expand_dims(wires["numbers"], 1), *told)
            program = Program(wires, {"scores": scores[:, 0], "h": h}, {})
            self._runs[key] = prepare(self.engine, program)
        made = self._runs[key](**state, numbers=numbers)
        return made["scores"], {**state, "h": made["h"]}


def _in_rows(what: str, sequences: Sequence[Any], fill: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of one whole number a step, padded, and their lengths."""
    array, lengths = padded(sequences, fill=fill)
    if array.ndim != 2 or array.dtype.kind != "i":
        raise CircuitError(
            f"{what} are of one whole number a step, got {array.dtype} of shape {array.shape}"
        )
    return array, lengths
