"""A transformer that writes: a step of training on sequences of symbols.

Compared: forward, softmax and cross-entropy at every step of the sequences, backward, and the
update by Adam, in float32, of causal blocks with normalization before each part, without dropout,
against PyTorch's own modules with `scaled_dot_product_attention`, eager or compiled; the better of
the two counts. It is fair because both start from the same parameters, see the same symbols, and
end with the same parameters. The limit is the multiply-adds of the products by weights, forward and
both gradients, as fast as the cores do them in registers; attention's own are not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import Line, Work, compare, native, threads
from pullback import layers, models

RATE = 1e-3
CHECKED = 4  # steps after which everyone's parameters are compared
PEERS = {"PyTorch": False, "PyTorch, compiled": True}
BEST = " or ".join(PEERS)


class Size(NamedTuple):
    units: int
    blocks: int
    heads: int
    steps: int
    batch: int
    vocabulary: int


SMALL = Size(128, 4, 4, 64, 32, 65)
GOALS = {SMALL: 1.2}


def measure(quick: bool) -> list[Line]:
    lines = []
    for size, goal in GOALS.items():
        lines += compare(
            f"{size.blocks} blocks of {size.units}, {size.heads} heads, {size.steps} steps, "
            f"batch {size.batch}",
            partial(ours, size),
            {who: partial(pytorch, size, compiled) for who, compiled in PEERS.items()},
            {BEST: goal},
            limits={"multiply-adds": partial(limit, size)},
            quick=quick,
            tolerance=1e-2,
            seconds=0.5,
        )
    return lines


@cache
def data(size: Size) -> dict[str, np.ndarray]:
    """Symbols, and those that come next."""
    text = np.random.default_rng(0).integers(size.vocabulary, size=(size.batch, size.steps + 1))
    return {"x": text[:, :-1].copy(), "labels": text[:, 1:].copy()}


def model(size: Size) -> layers.Sequential:
    made = models.transformer(
        size.vocabulary, size.units, size.blocks, size.heads, size.steps, dropout=0.0
    )
    made(data(size)["x"][:1])
    return made


def program(size: Size, made: layers.Sequential) -> Any:
    """A step of training, which reads and writes nothing but state."""
    import pullback as pb

    given = {name: pb.Unit(value, name) for name, value in data(size).items()}
    scores = made(given["x"])
    rows = size.batch * size.steps
    labels = pb.reshape(given["labels"], rows)
    loss = pb.SoftmaxCrossEntropy()(pb.reshape(scores, (rows, size.vocabulary)), labels)
    parameters, adam = list(made.parameters.values()), pb.Adam(RATE)
    memory = adam.init(parameters)
    moved, news = adam.update(pb.gradient(loss, parameters), memory, parameters)
    updates = dict(zip([*parameters, *memory], [*moved, *news], strict=True))
    return pb.Program({}, {"loss": loss}, updates)


def ours(size: Size) -> Work:
    step = native(program(size, model(size)))

    def answer() -> np.ndarray:
        fresh = model(size)
        again = native(program(size, fresh))
        for _ in range(CHECKED):
            again()
        return flat([unit.value for unit in fresh.parameters.values()])

    return Work(step, 1, answer)


def flat(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(array) for array in arrays])


def pytorch(size: Size, compiled: bool) -> Work:
    import torch

    torch.set_num_threads(threads())
    given = {name: torch.from_numpy(value) for name, value in data(size).items()}

    def fresh() -> tuple[Any, Callable[[], Any]]:
        module = twin(size)
        adam = torch.optim.Adam(module.parameters(), RATE, fused=True)

        def forward() -> torch.Tensor:
            scores = module(given["x"]).flatten(0, 1)
            return torch.nn.functional.cross_entropy(scores, given["labels"].flatten())

        if compiled:
            forward = torch.compile(forward)

        def step() -> None:
            adam.zero_grad()
            forward().backward()
            adam.step()

        return module, step

    _, step = fresh()
    step()

    def answer() -> np.ndarray:
        module, step = fresh()
        for _ in range(CHECKED):
            step()
        return flat(module.ours())

    return Work(step, 1, answer)


def twin(size: Size) -> Any:
    """PyTorch's module with the parameters of ours."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            n = size.units
            self.norm1, self.norm2 = nn.LayerNorm(n), nn.LayerNorm(n)
            self.attention, self.output = nn.Linear(n, 3 * n), nn.Linear(n, n)
            self.up, self.down = nn.Linear(n, 4 * n), nn.Linear(4 * n, n)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            rows, steps, n = x.shape
            parts = self.attention(self.norm1(x)).view(rows, steps, 3, size.heads, -1)
            q, k, v = parts.permute(2, 0, 3, 1, 4).unbind(0)
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.output(y.transpose(1, 2).reshape(rows, steps, n))
            return x + self.down(functional.gelu(self.up(self.norm2(x))))

    class Twin(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(size.vocabulary, size.units)
            self.places = nn.Parameter(torch.zeros(size.steps, size.units))
            self.blocks = nn.Sequential(*(Block() for _ in range(size.blocks)))
            self.norm = nn.LayerNorm(size.units)
            self.last = nn.Linear(size.units, size.vocabulary)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.norm(self.blocks(self.table(x) + self.places)))

        def tensors(self) -> list[torch.Tensor]:
            """In the order of our parameters."""
            found = [self.table.weight, self.places]
            for block in self.blocks:
                assert isinstance(block, Block)
                a, o = block.attention, block.output
                found += [*block.up.parameters(), *block.down.parameters()]
                found += [*block.norm1.parameters(), a.weight, o.weight, a.bias, o.bias]
                found += block.norm2.parameters()
            return [*found, *self.norm.parameters(), *self.last.parameters()]

        def ours(self) -> list[np.ndarray]:
            arrays = [p.detach().numpy() for p in self.tensors()]
            return [turned(name, x) for name, x in zip(numbers, arrays, strict=True)]

    def turned(name: str, array: np.ndarray) -> np.ndarray:
        return array.T if name.endswith("weight") else array

    numbers = {name: unit.value for name, unit in model(size).parameters.items()}
    made = Twin()
    with torch.no_grad():
        for (name, value), p in zip(numbers.items(), made.tensors(), strict=True):
            p.copy_(torch.from_numpy(np.array(turned(name, value))))
    return made


def limit(size: Size) -> Work:
    from benchmarks.limits import multiply_adds

    n = size.units
    weights = size.blocks * 12 * n * n + n * size.vocabulary
    return multiply_adds("float32", 3 * 2 * size.batch * size.steps * weights)
