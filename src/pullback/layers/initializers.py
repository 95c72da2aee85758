"""In: the shape of a weight and a generator. Out: the random numbers that training starts from.

Each keeps the spread of what flows through a layer about the same, so that neither the values nor
the gradients of a deep network vanish or explode.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, prod, sqrt

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.registry import Registry

Initializer = Callable[[tuple[int, ...], np.random.Generator], np.ndarray]

INITIALIZERS: Registry[Initializer] = Registry("initializer")

_BEYOND = 2.0  # standard deviations, where a truncated normal ends
_KEPT = 0.87962566103423978  # the deviation of a standard normal that ends there


# What they have in common ------------------------------------------------------------------------


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs an output sums, and how many outputs an input reaches: (..., in, out)."""
    if len(shape) < 2:
        raise CircuitError(f"this initializer is for weights of shape (…, in, out), got {shape}")
    reach = prod(shape[:-2])
    return max(1, reach * shape[-2]), max(1, reach * shape[-1])


def _number(what: str, value: float, low: float = -np.inf) -> float:
    if not isinstance(value, int | float | np.number) or not isfinite(value) or value < low:
        bound = "" if low == -np.inf else f" of at least {low:g}"
        raise CircuitError(f"{what} must be a finite number{bound}, got {value!r}")
    return float(value)


def _normal(shape: tuple[int, ...], rng: np.random.Generator, variance: float) -> np.ndarray:
    return rng.normal(0.0, sqrt(variance), shape)


def _uniform(shape: tuple[int, ...], rng: np.random.Generator, variance: float) -> np.ndarray:
    bound = sqrt(3.0 * variance)
    return rng.uniform(-bound, bound, shape)


def _truncated(shape: tuple[int, ...], rng: np.random.Generator, variance: float) -> np.ndarray:
    return truncated_normal(shape, rng, std=sqrt(variance) / _KEPT)


_DISTRIBUTIONS = {"normal": _normal, "uniform": _uniform, "truncated_normal": _truncated}


def _matrix(
    shape: tuple[int, ...],
    rng: np.random.Generator,
    draw: Callable[[tuple[int, ...], np.random.Generator], np.ndarray],
) -> np.ndarray:
    """A matrix (in, out) as the middle of a kernel (..., in, out) that is zero elsewhere."""
    _fans(shape)
    weight = np.zeros(shape)
    if weight.size:
        weight[tuple((size - 1) // 2 for size in shape[:-2])] = draw(shape[-2:], rng)
    return weight


def gain(activation: str, slope: float = 0.01) -> float:
    """By how much weights before an activation are larger, as it takes some of the spread away.

    1 for "linear" and "sigmoid", 5/3 for "tanh", sqrt(2) for "relu", 3/4 for "selu", and for
    "leaky_relu" sqrt(2 / (1 + slope^2)): the factors that PyTorch's `calculate_gain` gives. That of
    tanh is larger than what keeps the spread of one layer, 1.59, and that of SELU smaller, 1.

    Raises `CircuitError` for other activations.

    >>> round(gain("relu"), 4)
    1.4142
    >>> layer = {"name": "orthogonal", "gain": gain("tanh")}  # the `initializer` of a layer
    """
    gains = Registry[float]("gain for the activation")
    gains.update(linear=1.0, sigmoid=1.0, tanh=5.0 / 3.0, relu=sqrt(2.0), selu=0.75)
    gains["leaky_relu"] = sqrt(2.0 / (1.0 + slope * slope))
    return gains[activation]


# One by one --------------------------------------------------------------------------------------


def variance_scaling(
    shape: tuple[int, ...],
    rng: np.random.Generator,
    *,
    scale: float = 1.0,
    mode: str = "fan_in",
    distribution: str = "normal",
) -> np.ndarray:
    """Random with mean 0 and variance scale / n: what most others are cases of.

    n is "fan_in", the inputs that an output sums; "fan_out", the outputs that an input reaches; or
    "fan_avg", the mean of both. The distribution is "normal", "uniform", or "truncated_normal",
    which ends at two standard deviations and has that variance all the same. What PyTorch starts
    its layers with is scale=1/3 and "uniform".

    Raises `CircuitError` for any other word, and for a scale that is negative.
    Source: He, Zhang, Ren, Sun, "Delving deep into rectifiers" (ICCV 2015), and Keras.

    >>> w = variance_scaling((100, 50), np.random.default_rng(0), scale=3.0, distribution="uniform")
    >>> float(abs(w).max().round(2))  # the bound is sqrt(3 * 3 / 100)
    0.3
    """
    fan_in, fan_out = _fans(shape)
    counts = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}
    for what, name, known in (
        ("mode", mode, counts),
        ("distribution", distribution, _DISTRIBUTIONS),
    ):
        if name not in known:
            raise CircuitError(f"{what} must be one of {', '.join(known)}, got {name!r}")
    return _DISTRIBUTIONS[distribution](shape, rng, _number("scale", scale, 0.0) / counts[mode])


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

    That is a standard normal over the square root of the inputs, as many write it by hand.

    Source: LeCun, Bottou, Orr, Müller, "Efficient BackProp" (1998).

    >>> lecun((100, 50), np.random.default_rng(0)).std().round(2).item()  # sqrt(1 / 100)
    0.1
    """
    return _normal(shape, rng, 1.0 / _fans(shape)[0])


def lecun_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform with the variance of `lecun`.

    >>> lecun_uniform((100, 50), np.random.default_rng(0)).std().round(2).item()
    0.1
    """
    return _uniform(shape, rng, 1.0 / _fans(shape)[0])


def orthogonal(
    shape: tuple[int, ...], rng: np.random.Generator, *, gain: float = 1.0
) -> np.ndarray:
    """A random orthogonal matrix, times `gain`: columns, or rows where there are fewer, of length 1
    at right angles. Axes before the last count as one. For recurrent and very deep networks.

    Source: Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning in
    deep linear neural networks" (ICLR 2014).

    >>> w = orthogonal((3, 2), np.random.default_rng(0))
    >>> bool(np.allclose(w.T @ w, np.eye(2)))
    True
    """
    factor = _number("gain", gain)
    rows, columns = prod(shape[:-1]), shape[-1]
    drawn = rng.normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(drawn)
    q = q * np.where(np.diag(r) < 0.0, -1.0, 1.0)  # without it, not all matrices are as likely
    return factor * (q if rows >= columns else q.T).reshape(shape)


def delta_orthogonal(
    shape: tuple[int, ...], rng: np.random.Generator, *, gain: float = 1.0
) -> np.ndarray:
    """An orthogonal matrix in the middle of a kernel, times `gain`, and zeros around it.

    A convolution of stride 1 with padding "same" starts by turning the channels of each pixel. For
    very deep convolutional networks without normalization.

    Source: Xiao, Bahri, Sohl-Dickstein, Schoenholz, Pennington, "Dynamical isometry and a mean
    field theory of CNNs" (ICML 2018).

    >>> w = delta_orthogonal((3, 3, 2, 2), np.random.default_rng(0))
    >>> bool(np.allclose(w[1, 1] @ w[1, 1].T, np.eye(2))), w[0].any().item()
    (True, False)
    """
    return _number("gain", gain) * _matrix(shape, rng, orthogonal)


def identity(shape: tuple[int, ...], rng: np.random.Generator, *, gain: float = 1.0) -> np.ndarray:
    """Ones on the diagonal, times `gain`: what comes in goes out. In a kernel, in its middle.

    As `recurrent_initializer` of an `RNN` with `activation="relu"`, whose state then stays as it is
    until training moves it: an IRNN.

    Source: Le, Jaitly, Hinton, "A simple way to initialize recurrent networks of rectified linear
    units" (2015).

    >>> identity((2, 3), np.random.default_rng(0))
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """
    return _number("gain", gain) * _matrix(shape, rng, lambda shape, _: np.eye(shape[0], shape[1]))


def uniform(
    shape: tuple[int, ...], rng: np.random.Generator, *, low: float = -0.5, high: float = 0.5
) -> np.ndarray:
    """Uniform from `low` to `high`, by default as the guide starts its 2-layer network.

    >>> bool(abs(uniform((3, 4), np.random.default_rng(0))).max() <= 0.5)
    True
    """
    low = _number("low", low)
    return rng.uniform(low, _number("high", high, low), shape)


def normal(shape: tuple[int, ...], rng: np.random.Generator, *, std: float = 0.02) -> np.ndarray:
    """Normal with a standard deviation of `std`, whatever the shape; 0.02 is for transformers.

    Source: Radford, Narasimhan, Salimans, Sutskever, "Improving language understanding by
    generative pre-training" (2018).

    >>> normal((100, 50), np.random.default_rng(0)).std().round(3).item()
    0.02
    """
    return rng.normal(0.0, _number("std", std, 0.0), shape)


def truncated_normal(
    shape: tuple[int, ...], rng: np.random.Generator, *, std: float = 0.02
) -> np.ndarray:
    """Normal numbers, of which none is farther from 0 than 2 `std`: others are drawn again.

    `std` is that of the normal before, as in Keras; what is left has 0.88 of it.

    >>> w = truncated_normal((100, 50), np.random.default_rng(0), std=1.0)
    >>> bool(abs(w).max() <= 2.0), w.std().round(1).item()
    (True, 0.9)
    """
    drawn = rng.standard_normal(shape)
    while (far := np.abs(drawn) > _BEYOND).any():
        drawn[far] = rng.standard_normal(np.count_nonzero(far))
    return _number("std", std, 0.0) * drawn


def zeros(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Zeros, all the same: for a last layer that is to start by answering nothing.

    >>> zeros((1, 2), np.random.default_rng(0))
    array([[0., 0.]])
    """
    return np.zeros(shape)


def constant(shape: tuple[int, ...], rng: np.random.Generator, *, value: float = 0.0) -> np.ndarray:
    """One number everywhere. Units of a hidden layer that start alike stay alike for good.

    >>> constant((1, 2), np.random.default_rng(0), value=0.5)
    array([[0.5, 0.5]])
    """
    return np.full(shape, _number("value", value))


for _initializer in (
    *(variance_scaling, he, he_uniform, glorot, glorot_normal, lecun, lecun_uniform),
    *(orthogonal, delta_orthogonal, identity),
    *(uniform, normal, truncated_normal, zeros, constant),
):
    INITIALIZERS.add(_initializer.__name__, _initializer)
