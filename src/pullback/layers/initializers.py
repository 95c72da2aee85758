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


def _normal(shape: tuple[int, ...], rng: np.random.Generator, variance: float) -> np.ndarray:
    return rng.normal(0.0, sqrt(variance), shape)


def _uniform(shape: tuple[int, ...], rng: np.random.Generator, variance: float) -> np.ndarray:
    bound = sqrt(3.0 * variance)
    return rng.uniform(-bound, bound, shape)


def he(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Normal with variance 2 / fan_in: for ReLU, which stops half of what flows.

    Source: He, Zhang, Ren, Sun, "Delving deep into rectifiers" (ICCV 2015).

    >>> he((100, 50), np.random.default_rng(0)).std().round(2).item()  # sqrt(2 / 100)
    0.14
    """
    return _normal(shape, rng, 2.0 / _fans(shape)[0])


def he_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform with the variance of `he`.

    >>> he_uniform((100, 50), np.random.default_rng(0)).std().round(2).item()
    0.14
    """
    return _uniform(shape, rng, 2.0 / _fans(shape)[0])


def glorot(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform with variance 2 / (fan_in + fan_out): for tanh and for linear outputs.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks" (AISTATS 2010).

    >>> glorot((100, 50), np.random.default_rng(0)).std().round(2).item()  # sqrt(2 / 150)
    0.12
    """
    return _uniform(shape, rng, 2.0 / sum(_fans(shape)))


def glorot_normal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Normal with the variance of `glorot`.

    >>> glorot_normal((100, 50), np.random.default_rng(0)).std().round(2).item()
    0.11
    """
    return _normal(shape, rng, 2.0 / sum(_fans(shape)))


def lecun(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Normal with variance 1 / fan_in: for SELU and for sigmoid.

    Source: LeCun, Bottou, Orr, Müller, "Efficient BackProp" (1998).

    >>> lecun((100, 50), np.random.default_rng(0)).std().round(2).item()  # sqrt(1 / 100)
    0.1
    """
    return _normal(shape, rng, 1.0 / _fans(shape)[0])


def orthogonal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """A random orthogonal matrix: columns, or rows where there are fewer, of length 1 at right
    angles. Axes before the last count as one. For recurrent and very deep networks.

    Source: Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning in
    deep linear neural networks" (ICLR 2014).

    >>> w = orthogonal((3, 2), np.random.default_rng(0))
    >>> bool(np.allclose(w.T @ w, np.eye(2)))
    True
    """
    rows, columns = prod(shape[:-1]), shape[-1]
    drawn = rng.normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(drawn)
    q = q * np.where(np.diag(r) < 0.0, -1.0, 1.0)  # without it, not all matrices are as likely
    return (q if rows >= columns else q.T).reshape(shape)


def uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform between -0.5 and 0.5, as the guide starts its 2-layer network.

    >>> bool(abs(uniform((3, 4), np.random.default_rng(0))).max() <= 0.5)
    True
    """
    return rng.uniform(-0.5, 0.5, shape)


def normal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Normal with a standard deviation of 0.02, whatever the shape: for transformers.

    Source: Radford, Narasimhan, Salimans, Sutskever, "Improving language understanding by
    generative pre-training" (2018).

    >>> normal((100, 50), np.random.default_rng(0)).std().round(3).item()
    0.02
    """
    return rng.normal(0.0, 0.02, shape)


def zeros(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Zeros, all the same: for a last layer that is to start by answering nothing.

    >>> zeros((1, 2), np.random.default_rng(0))
    array([[0., 0.]])
    """
    return np.zeros(shape)


for _initializer in (
    *(he, he_uniform, glorot, glorot_normal, lecun),
    *(orthogonal, uniform, normal, zeros),
):
    INITIALIZERS.add(_initializer.__name__, _initializer)
