"""Attention as it is defined, one head of one step of one row after another, in NumPy and SciPy."""

import numpy as np
from scipy import special

RATE = 0.25


def kept(shape, stream):
    """What dropout of a quarter multiplies by, at seed and step 0: the reference's generator's."""
    from tests.gates.reference import REFERENCES

    drawn = REFERENCES["random"](
        0, 0, shape=shape, stream=stream, kind="uniform", dtype=np.dtype("float32")
    )
    return np.where(drawn >= RATE, 1.0 / (1.0 - RATE), 0.0)


def attend(q, k, v, heads, causal=False, lengths=None, factors=None):
    """Each step's mean of the values that it looks at; weights are multiplied by `factors`."""
    (rows, steps, n), memory = q.shape, k.shape[1]
    y, size = np.zeros((rows, steps, n)), n // heads
    for row, head, step in np.ndindex(rows, heads, steps):
        some = slice(head * size, (head + 1) * size)
        seen = min(step + 1 if causal else memory, memory if lengths is None else lengths[row])
        if seen:
            scores = k[row, :seen, some] @ q[row, step, some] / np.sqrt(size)
            weights = special.softmax(scores)
            if factors is not None:
                weights = weights * factors[row, head, step, :seen]
            y[row, step, some] = weights @ v[row, :seen, some]
    return y


def without_padding(y, lengths):
    if lengths is None:
        return y
    return np.array([[v * (t < n) for t, v in enumerate(row)] for row, n in zip(y, lengths)])  # noqa: B905


def affine(x, p, name, what=""):
    y = x @ p[f"{name}.{what}weight"]
    return y + p[f"{name}.{what}bias"] if f"{name}.{what}bias" in p else y


def self_attention(x, p, heads, causal=False, lengths=None, drop=False, name="selfattention"):
    q, k, v = np.split(affine(x, p, name), 3, axis=-1)
    factors = kept((len(x), heads, x.shape[1], x.shape[1]), 0) if drop else None
    y = attend(q, k, v, heads, causal, lengths, factors)
    return without_padding(affine(y, p, name, "output_"), lengths)


def cross_attention(x, memory, p, heads, lengths=None, name="crossattention"):
    k, v = np.split(affine(memory, p, name, "memory_"), 2, axis=-1)
    y = attend(affine(x, p, name), k, v, heads, lengths=lengths)
    return affine(y, p, name, "output_")


def normalized(x, p, name):
    y = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return y * p[f"{name}.scale"] + p[f"{name}.bias"]


def block(x, p, heads, activation, causal=False, lengths=None, drop=False, name="transformerblock"):
    def dropped(y, stream):
        return y * kept(y.shape, stream) if drop else y

    told = causal, lengths, drop, f"{name}.attention"
    y = self_attention(normalized(x, p, f"{name}.norm1"), p, heads, *told)
    z = x + dropped(y, 1)
    inside = activation(affine(normalized(z, p, f"{name}.norm2"), p, name, "hidden_"))
    return without_padding(z + dropped(affine(inside, p, name, "output_"), 2), lengths)


def gelu(x):
    return x * special.ndtr(x)


def waves(x):
    y = x.copy()
    for t, i in np.ndindex(x.shape[1:]):
        angle = t / 10000 ** ((i - i % 2) / x.shape[2])
        y[:, t, i] += np.cos(angle) if i % 2 else np.sin(angle)
    return y
