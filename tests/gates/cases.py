"""Inputs at which the gates are tested: from their domains at many shapes, or their samples."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

import pullback as pb

SHAPES = ((), (0,), (1,), (7,), (3, 5), (2, 0, 3), (2, 1, 3), (31,))
ELEMENTWISE = sorted(name for name, gate in pb.GATES.items() if gate.elementwise)
STRUCTURAL = sorted(name for name, gate in pb.GATES.items() if not gate.elementwise)

Case = tuple[tuple[Any, ...], dict[str, Any]]  # the inputs of a gate, and its static arguments


def generator(name: str) -> np.random.Generator:
    """The random numbers of one gate's tests: the same in every run and every process."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def draw(rng: np.random.Generator, span: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers from one interval of a gate's domain, or truth values."""
    if span is bool:
        return np.asarray(rng.integers(0, 2, shape).astype(bool))
    return np.asarray(rng.uniform(*span, shape))


def narrowed(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that broadcasts to `shape`: some axes of size 1, some leading axes gone."""
    kept = tuple(1 if rng.random() < 0.3 else n for n in shape)
    return kept[rng.integers(0, len(kept) + 1) :] if rng.random() < 0.5 else kept


def elementwise_cases(name: str) -> Iterator[Case]:
    """A gate's inputs at every shape: first all of that shape, then broadcast against another."""
    gate, rng = pb.GATES[name], generator(name)
    for shape in SHAPES:
        yield tuple(draw(rng, span, shape) for span in gate.domain), {}
        if len(gate.domain) > 1 and shape:
            shapes = [narrowed(rng, shape) for _ in gate.domain]
            shapes[rng.integers(len(shapes))] = shape
            yield tuple(draw(rng, s, n) for s, n in zip(gate.domain, shapes, strict=True)), {}


def structural_cases(name: str) -> list[Case]:
    """A gate's own samples."""
    samples = pb.GATES[name].samples
    assert samples is not None, f"gate {name!r} is structural and must declare samples"
    return samples(generator(name))


def cases(name: str) -> list[Case]:
    """All inputs at which a gate is tested, in double precision."""
    found = elementwise_cases(name) if pb.GATES[name].elementwise else structural_cases(name)
    return list(found)


def away_from_kinks(name: str, inputs: tuple[Any, ...], static: dict[str, Any]) -> bool:
    """Whether small steps from these inputs cross no kink that the gate declares."""
    kinks = pb.GATES[name].kinks
    return kinks is None or bool(np.all(np.abs(kinks(*inputs, **static)) > 1e-4))


def smooth_cases(name: str) -> list[Case]:
    """The cases of `cases` away from kinks; at least one element must remain."""
    found = [case for case in cases(name) if away_from_kinks(name, *case)]
    assert any(np.size(x) for inputs, _ in found for x in inputs), name
    return found
