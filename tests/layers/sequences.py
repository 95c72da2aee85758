"""Recurrent layers in plain NumPy: one row after another, and of each row the steps that count."""

from __future__ import annotations

import numpy as np
from scipy.special import expit
from tests.layers import attending


def rnn(x, state, p, at, activation="tanh"):
    z = x @ p[f"{at}weight"] + state[0] @ p[f"{at}recurrent"] + p[f"{at}bias"]
    return (np.tanh(z) if activation == "tanh" else np.maximum(z, 0.0),)


def gru(x, state, p, at):
    (h,) = state
    a = x @ p[f"{at}weight"] + p[f"{at}bias"]
    b = h @ p[f"{at}recurrent"]
    (ar, az, an), (br, bz, bn) = np.split(a, 3, axis=-1), np.split(b, 3, axis=-1)
    z = expit(az + bz)
    new = np.tanh(an + expit(ar + br) * (bn + p[f"{at}recurrent_bias"]))
    return ((1 - z) * new + z * h,)


def lstm(x, state, p, at):
    h, c = state
    z = x @ p[f"{at}weight"] + h @ p[f"{at}recurrent"] + p[f"{at}bias"]
    i, f, o, g = np.split(z, 4, axis=-1)
    c = expit(f) * c + expit(i) * np.tanh(g)
    return expit(o) * np.tanh(c), c


def run(step, pieces, x, p, at, lengths=None, reverse=False, last=False):
    """What a `Recurrent` computes."""
    units = p[f"{at}recurrent"].shape[0]
    rows, steps = x.shape[:2]
    y, final = np.zeros((rows, steps, units)), np.zeros((rows, units))
    for r in range(rows):
        state = (np.zeros(units),) * pieces
        count = steps if lengths is None else lengths[r]
        for t in range(count)[:: -1 if reverse else 1]:
            state = step(x[r, t], state, p, at)
            y[r, t] = state[0]
        final[r] = state[0]
    return final if last else y


def stack(step, pieces, x, p, layers, lengths=None, bidirectional=False, last=False, at=""):
    """What an `RNN`, a `GRU` or an `LSTM` computes."""
    for k in range(1, layers + 1):
        ends = last and k == layers
        made = [run(step, pieces, x, p, f"{at}layer{k}.cell.", lengths, False, ends)]
        if bidirectional:
            made.append(run(step, pieces, x, p, f"{at}layer{k}_reverse.cell.", lengths, True, ends))
        x = np.concatenate(made, axis=-1)
    return x


def over_steps(x, lengths, function):
    """A function of the steps of each row that count; zeros of none."""
    counts = [x.shape[1]] * len(x) if lengths is None else lengths
    made = [function(v[:n]) if n else np.zeros(v.shape[1:]) for v, n in zip(x, counts, strict=True)]
    return np.reshape(made, (len(x), *x.shape[2:]))


def seq2seq(source, p, lengths, target, heads):
    """What a `Seq2Seq` computes."""

    def dense(x, name):
        return x @ p[f"{name}.weight"] + p[f"{name}.bias"]

    x = p["source.table"][source]
    memory = stack(gru, 1, x, p, 1, lengths, bidirectional=True, at="encoder.")
    rows, steps = target.shape
    mean = over_steps(memory, lengths, lambda v: v.mean(axis=0)).reshape(rows, memory.shape[2])
    h = np.tanh(dense(mean, "initial"))
    states = np.zeros((rows, steps, h.shape[1]))
    for t in range(steps):
        (h,) = gru(p["target.table"][target[:, t]], (h,), p, "cell.")
        states[:, t] = h
    seen = attending.cross_attention(states, memory, p, heads, lengths, name="attention")
    return dense(np.tanh(dense(np.concatenate([states, seen], axis=-1), "joined")), "scores")
