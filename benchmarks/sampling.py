"""Text from an LSTM, one character at a time: each is drawn, and is what the next one follows.

Compared: the seconds of a character, drawn from softmax(scores / 0.8) by an embedding, an LSTM and
a dense layer, of one sequence. Before, both write the likeliest characters, which must be the same.
It is fair because both have the same parameters, and both draw for themselves: PyTorch by its
`multinomial`, in its inference mode. `LSTMCell` is what PyTorch has for single steps. The limit is
the multiply-adds of the three products, as fast as the cores do them in registers, which these
weights, larger than the nearest cache, are not in.
"""

from __future__ import annotations

from functools import cache, partial
from itertools import islice
from typing import Any

import numpy as np

from benchmarks.measure import Line, Work, compare, threads

HIDDEN, CLASSES, COUNT = 128, 65, 256
TEMPERATURE = 0.8
LIKELIEST = 100  # characters by which the sides are compared
GATES = (0, 1, 3, 2)  # i, f, o, g; PyTorch has i, f, g, o


def measure(quick: bool) -> list[Line]:
    return compare(
        f"LSTM of {HIDDEN}, {CLASSES} characters",
        ours,
        {"PyTorch LSTM": partial(pytorch, True), "PyTorch LSTMCell": partial(pytorch, False)},
        {"PyTorch LSTM": 10.0, "PyTorch LSTMCell": 5.0},
        limits={"multiply-adds": limit},
        quick=quick,
    )


@cache
def data() -> dict[str, np.ndarray]:
    """The parameters, gates in our order."""
    rng = np.random.default_rng(0)

    def some(*shape: int) -> np.ndarray:
        return (rng.normal(size=shape) / np.sqrt(shape[0])).astype(np.float32)

    return {
        "table": some(CLASSES, HIDDEN) * 8,
        "weight": some(HIDDEN, 4 * HIDDEN),
        "recurrent": some(HIDDEN, 4 * HIDDEN),
        "bias": some(4 * HIDDEN),
        "dense": some(HIDDEN, CLASSES) * 4,
    }


def ours() -> Work:
    import pullback as pb
    from pullback.sequences.text import Sampling, StepByStep, generate_numbers

    model = pb.Sequential(
        pb.Embedding(CLASSES, HIDDEN), pb.LSTM(HIDDEN), pb.Dense(CLASSES, bias=False)
    )
    model(np.zeros((1, 1), np.int64))
    for unit, value in zip(model.parameters.values(), data().values(), strict=True):
        unit.value = value  # of the table, the cell, the dense layer
    steps = StepByStep.of(model)
    writing = generate_numbers(steps, [0], sampling=Sampling(TEMPERATURE))

    def answer() -> np.ndarray:
        return np.array(list(generate_numbers(steps, [0], LIKELIEST, sampling=Sampling(0.0))))

    return Work(lambda: list(islice(writing, COUNT)), COUNT, answer)


def pytorch(whole: bool) -> Work:
    import torch

    torch.set_num_threads(threads())
    given = {name: torch.from_numpy(value) for name, value in data().items()}
    kind: Any = torch.nn.LSTM if whole else torch.nn.LSTMCell
    lstm = kind(HIDDEN, HIDDEN)
    end = "_l0" if whole else ""

    def theirs(v: torch.Tensor) -> torch.Tensor:
        return torch.cat([v.chunk(4, dim=-1)[k] for k in GATES], dim=-1)

    with torch.no_grad():
        getattr(lstm, f"weight_ih{end}").copy_(theirs(given["weight"]).T)
        getattr(lstm, f"weight_hh{end}").copy_(theirs(given["recurrent"]).T)
        getattr(lstm, f"bias_ih{end}").copy_(theirs(given["bias"]))
        getattr(lstm, f"bias_hh{end}").zero_()
    shape = (1, 1, HIDDEN) if whole else (1, HIDDEN)

    def write(number: torch.Tensor, state: Any, count: int, likeliest: bool) -> Any:
        numbers = []
        for _ in range(count):
            x = given["table"][number].view(shape)
            if whole:
                y, state = lstm(x, state)
            else:
                state = lstm(x, state)
                y = state[0]
            scores = y.view(1, HIDDEN) @ given["dense"]
            if likeliest:
                number = scores.argmax(dim=1)
            else:
                number = torch.multinomial(torch.softmax(scores / TEMPERATURE, 1), 1)[0]
            numbers.append(number.item())
        return numbers, number, state

    def start() -> Any:
        return torch.zeros(1, dtype=torch.int64), (torch.zeros(shape), torch.zeros(shape))

    going = [start()]

    def run() -> None:
        with torch.inference_mode():
            _, *going[0] = write(*going[0], COUNT, False)

    def answer() -> np.ndarray:
        with torch.inference_mode():
            return np.array(write(*start(), LIKELIEST, True)[0])

    return Work(run, COUNT, answer)


def limit() -> Work:
    from benchmarks.limits import multiply_adds

    return multiply_adds("float32", 2.0 * HIDDEN * (8 * HIDDEN + CLASSES))
