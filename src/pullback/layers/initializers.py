"""In: the shape of a weight and a generator. Out: the random numbers that training starts from.

Each keeps the spread of what flows through a layer about the same, so that neither the values nor
the gradients of a deep network vanish or explode.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt

import numpy as np

from pullback.core.registry import Registry

Initializer = Callable[[tuple[int, ...], np.random.Generator], np.ndarray]

INITIALIZERS: Registry[Initializer] = Registry("initializer")


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs an output sums, and how many outputs an input reaches: (..., in, out)."""
    reach = prod(shape[:-2])
    return max(1, reach * shape[-2]), max(1, reach * shape[-1])


def he(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Normal with variance 2 / fan_in: for ReLU, which stops half of what flows.

    Source: He, Zhang, Ren, Sun, "Delving deep into rectifiers" (ICCV 2015).

    >>> he((100, 50), np.random.default_rng(0)).std().round(2).item()  # sqrt(2 / 100)
    0.14
    """
    return rng.normal(0.0, sqrt(2.0 / _fans(shape)[0]), shape)


def glorot(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform with variance 2 / (fan_in + fan_out): for tanh and for linear outputs.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks" (AISTATS 2010).

    >>> glorot((100, 50), np.random.default_rng(0)).std().round(2).item()  # sqrt(2 / 150)
    0.12
    """
    bound = sqrt(6.0 / sum(_fans(shape)))
    return rng.uniform(-bound, bound, shape)


def lecun(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Normal with variance 1 / fan_in: for SELU and for sigmoid.

    Source: LeCun, Bottou, Orr, Müller, "Efficient BackProp" (1998).

    >>> lecun((100, 50), np.random.default_rng(0)).std().round(2).item()  # sqrt(1 / 100)
    0.1
    """
    return rng.normal(0.0, sqrt(1.0 / _fans(shape)[0]), shape)


def uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform between -0.5 and 0.5, as the guide starts its 2-layer network.

    >>> bool(abs(uniform((3, 4), np.random.default_rng(0))).max() <= 0.5)
    True
    """
    return rng.uniform(-0.5, 0.5, shape)


for _initializer in (he, glorot, lecun, uniform):
    INITIALIZERS.add(_initializer.__name__, _initializer)
