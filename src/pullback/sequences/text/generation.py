"""In: a model that scores what comes next, and a prompt. Out: text that goes on, as it is made.

A model that writes is anything with `start` and `step`, see `StepModel`: `StepByStep` makes one of
a recurrent cell, `LastWindow` of a model that reads a window.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from numbers import Integral
from typing import Any, Protocol, TypeVar

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.values import plain_array
from pullback.layers.layer import Rng
from pullback.sequences.text.sampling import Sampling
from pullback.sequences.text.steps import StepByStep
from pullback.sequences.text.tokenizer import Tokenizer

State = TypeVar("State")
_PLAIN = Sampling()


class StepModel(Protocol[State]):
    """What scores the next number of sequences, step by step, and remembers what came before."""

    def start(self, rows: int) -> State:
        """What is remembered before the first step of so many sequences."""
        ...

    def step(self, numbers: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """The scores (rows, classes) of what follows these numbers (rows, steps), and the state."""
        ...


def generate(
    model: StepModel[Any],
    tokenizer: Tokenizer,
    prompt: str,
    count: int | None = None,
    *,
    end: str | None = None,
    sampling: Sampling = _PLAIN,
    rng: Rng = None,
) -> Iterator[str]:
    """Text that goes on from a prompt, piece by piece as the model makes it.

    `count` is how many numbers are drawn; None goes on as long as someone asks. `end` is an entry
    of the vocabulary after which nothing comes, and which is not given out. The prompt, of one
    entry at least, is not either. `rng` is a generator of NumPy's or its seed, by default 0.

    Raises `CircuitError` where an argument is not what it should be, before any work.

    >>> from pullback.sequences.text import Characters
    >>> class Alphabet:  # scores the letter that follows the last
    ...     def start(self, rows):
    ...         return None
    ...
    ...     def step(self, numbers, state):
    ...         return np.eye(26)[(numbers[:, -1] + 1) % 26], None
    >>> letters = Characters.of("abcdefghijklmnopqrstuvwxyz")
    >>> "".join(generate(Alphabet(), letters, "x", 5, sampling=Sampling(temperature=0.0)))
    'yzabc'
    """
    given = tokenizer.encode(prompt)
    numbers = generate_numbers(
        model, given, count, end=_end(tokenizer, end), sampling=sampling, rng=rng
    )
    ends = prompt[-1:].isspace()  # and so needs no space before what comes
    return tokenizer.stream(numbers, () if ends else given.tolist())


def generate_numbers(
    model: StepModel[Any],
    prompt: Any,
    count: int | None = None,
    *,
    end: int | None = None,
    sampling: Sampling = _PLAIN,
    rng: Rng = None,
) -> Iterator[int]:
    """What `generate` makes text of, for a prompt of numbers (steps,)."""
    numbers = plain_array(prompt, "a prompt")
    if numbers.ndim != 1 or not numbers.size or numbers.dtype.kind not in "iu":
        raise CircuitError("a prompt has one entry at least, which the model goes on from")
    if count is not None and (not isinstance(count, Integral) or count < 0):
        raise CircuitError(f"count is a whole number from 0 on, or None, got {count!r}")
    if not hasattr(model, "step"):
        raise CircuitError(
            f"to write, a {type(model).__name__} needs steps: StepByStep.of(model) of a recurrent "
            "one, LastWindow(model, steps) of one that reads a window"
        )
    generator = np.random.default_rng(0 if rng is None else rng)
    if isinstance(model, StepByStep):
        drawn = model.write(numbers, sampling, generator)
    else:
        drawn = _drawn(model, numbers, sampling, generator)
    return itertools.takewhile(lambda number: number != end, itertools.islice(drawn, count))


def _drawn(
    model: StepModel[Any], prompt: np.ndarray, sampling: Sampling, rng: np.random.Generator
) -> Iterator[int]:
    """Numbers without end, each drawn from the scores of a step."""
    state, numbers = model.start(1), prompt[None]
    while True:
        scores, state = model.step(numbers, state)
        numbers = sampling.draw(scores, rng)[:, None]
        yield int(numbers[0, 0])


def _end(tokenizer: Tokenizer, end: str | None) -> int | None:
    if end is None:
        return None
    if end not in tokenizer.vocabulary:
        raise CircuitError(f"the end {end!r} is no entry of the vocabulary")
    return tokenizer.vocabulary.index(end)
