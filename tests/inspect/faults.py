"""Gates with a planted fault each, for the gradient checks to find."""

from __future__ import annotations

import inspect

import numpy as np

import pullback as pb
from pullback.core.gate import gate


def elementwise(value, *partials, **declared):
    """A gate of these partials that no registry knows."""
    return gate(partials=partials, name="planted", registry=None, **declared)(value)


def structural(value, *pullback, **declared):
    return gate(pullback=pullback, name="planted", registry=None, **declared)(value)


def cube(m, x):
    return m.multiply(x, m.multiply(x, x))


def product(m, a, b):
    return m.multiply(a, b)


def matmul(m, a, b):
    return m.matmul(a, b)


def total(m, x):
    return m.sum(x, axis=(0,))


def square_samples(rng):
    return [((rng.normal(size=(3, 3)), rng.normal(size=(3, 3))), {})]


def array_samples(rng):
    return [((rng.normal(size=(3, 3)),), {})]


def broadcast(g, x):
    return pb.broadcast_to(g, x.shape)


WRONG = {
    "sign flipped": elementwise(cube, lambda y, x: -3.0 * x * x),
    "factor 2": elementwise(cube, lambda y, x: 6.0 * x * x),
    "factor 1.01": elementwise(cube, lambda y, x: 3.03 * x * x),
    "a term is missing": elementwise(lambda m, x: m.add(m.multiply(x, x), x), lambda y, x: 2.0 * x),
    "None": elementwise(cube, None),
    "one input None": elementwise(product, lambda y, a, b: b, None),
    "inputs exchanged": elementwise(product, lambda y, a, b: a, lambda y, a, b: b),
    "infinite": elementwise(cube, lambda y, x: 3.0 * x * x * np.inf),
    "infinite below 0": elementwise(cube, lambda y, x: pb.where(x > 0.0, 3.0 * x * x, np.inf)),
    "wrong below 0": elementwise(cube, lambda y, x: 3.0 * x * pb.abs(x)),
    "nan": elementwise(cube, lambda y, x: 3.0 * x * x * np.nan),
    "raises": elementwise(cube, lambda y, x: 1.0 + "x"),
    "sums where it must not": elementwise(cube, lambda y, x: pb.sum(3.0 * x * x)),
    "broadcasts too far": elementwise(cube, lambda y, x: 3.0 * x * x + np.zeros((2, 1))),
    "factor 2 beyond a kink": elementwise(
        lambda m, x: m.maximum(x, 0.0), lambda y, x: 2.0 * pb.greater(x, 0.0), kinks=lambda x: x
    ),
    "transposed left": structural(
        matmul,
        lambda g, y, a, b: g @ b,
        lambda g, y, a, b: pb.transpose(a) @ g,
        samples=square_samples,
    ),
    "transposed right": structural(
        matmul,
        lambda g, y, a, b: g @ pb.transpose(b),
        lambda g, y, a, b: a @ g,
        samples=square_samples,
    ),
    "matmul without its right": structural(
        matmul, lambda g, y, a, b: g @ pb.transpose(b), None, samples=square_samples
    ),
    "wrong axis": structural(
        total, lambda g, y, x: broadcast(pb.reshape(g, (-1, 1)), x), samples=array_samples
    ),
    "wrong shape": structural(total, lambda g, y, x: pb.stack([g, g]), samples=array_samples),
    "a constant too many": structural(
        total, lambda g, y, x: broadcast(g, x) * 3.0, samples=array_samples
    ),
}


def relu_of_slope(slope_at_zero):
    """A relu whose rule answers this slope at its kink; right from 0 to 1."""
    return elementwise(
        lambda m, x: m.maximum(x, 0.0),
        lambda y, x: pb.greater(x, 0.0) + slope_at_zero * pb.equal(x, 0.0),
        kinks=lambda x: x,
    )


def takes(function):
    """How many inputs a gate has."""
    return len(inspect.signature(function).parameters)
