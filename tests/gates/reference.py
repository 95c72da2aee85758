"""What every gate computes, written a second time: in NumPy, SciPy or plain loops, never in gates.

A gate that is not in this table fails the tests: add its name and an independent formula.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy import signal, special


def _walked(x, walks):
    return x[np.ix_(*([start + k * step for k in range(n)] for start, n, step in walks))]


def _embed(x, *, shape, walks):
    y = np.zeros(shape)
    for at in itertools.product(*(range(n) for n in x.shape)):
        y[tuple(start + k * step for k, (start, _, step) in zip(at, walks, strict=True))] = x[at]
    return y


def _sum_to(x, *, shape):
    y = np.zeros(shape)
    for at in itertools.product(*(range(n) for n in x.shape)):
        tail = at[len(at) - len(shape) :]
        y[tuple(0 if n == 1 else k for k, n in zip(tail, shape, strict=True))] += x[at]
    return y


def _scatter_add(x, indices, updates, *, axis):
    y = np.moveaxis(np.array(x), axis, 0)
    rows = np.moveaxis(updates, range(axis, axis + indices.ndim), range(indices.ndim))
    for at in itertools.product(*(range(n) for n in indices.shape)):
        y[indices[at]] += rows[at]
    return np.moveaxis(y, 0, axis)


def _take(x, indices, *, axis):
    front = np.moveaxis(x, axis, 0)
    rows = [front[k] for k in indices.ravel()]
    picked = np.reshape(rows, indices.shape + front.shape[1:])
    return np.moveaxis(picked, range(indices.ndim), range(axis, axis + indices.ndim))


def _einsum(*xs, subscripts):
    left, result = subscripts.split("->")
    terms = left.split(",")
    size = {c: n for term, x in zip(terms, xs, strict=True) for c, n in zip(term, x.shape)}  # noqa: B905
    y = np.zeros([size[c] for c in result])
    for at in itertools.product(*(range(n) for n in size.values())):
        place = dict(zip(size, at, strict=True))
        factors = (x[tuple(place[c] for c in t)] for t, x in zip(terms, xs, strict=True))
        y[tuple(place[c] for c in result)] += math.prod(factors)
    return y


def _by_groups(convolution):
    """The same for groups of channels, one after another, with zeros between the taps."""

    def grouped(x, w, *, groups, dilation, **static):
        for axis, d in enumerate(dilation):
            w = np.insert(w, np.repeat(np.arange(1, w.shape[axis]), d - 1), 0.0, axis)
        parts = zip(np.split(x, groups, 3), np.split(w, groups, 3), strict=True)
        return np.concatenate([convolution(*part, **static) for part in parts], 3)

    return grouped


def _weights_by_groups(x, y, *, size, groups, dilation, **static):
    """The taps of the kernel, among those of one that has no room between its taps."""
    whole = tuple((k - 1) * d + 1 for k, d in zip(size, dilation, strict=True))
    parts = zip(np.split(x, groups, 3), np.split(y, groups, 3), strict=True)
    w = np.concatenate([_convolve_weights(*part, size=whole, **static) for part in parts], 3)
    return w[:: dilation[0], :: dilation[1]]


def _convolve(x, w, *, stride, padding):
    framed = np.pad(x, ((0, 0), *padding, (0, 0)))
    y = [
        [signal.correlate(image, kernel, "valid", "direct") for kernel in np.moveaxis(w, 3, 0)]
        for image in framed
    ]
    outputs = [(n - k) for n, k in zip(framed.shape[1:3], w.shape, strict=False)]
    full = np.reshape(y, (len(x), w.shape[3], outputs[0] + 1, outputs[1] + 1))
    return np.moveaxis(full[:, :, :: stride[0], :: stride[1]], 1, 3)


def _under(stride, i, j, size):
    """The part of a framed image that a kernel covers where it makes output (i, j)."""
    return np.s_[:, i * stride[0] :, j * stride[1] :], np.s_[:, : size[0], : size[1]]


def _convolve_input(y, w, *, size, stride, padding):
    (top, bottom), (left, right) = padding
    x = np.zeros((len(y), size[0] + top + bottom, size[1] + left + right, w.shape[2]))
    for i, j in np.ndindex(y.shape[1:3]):
        corner, window = _under(stride, i, j, w.shape)
        x[corner][window] += np.einsum("nf,abcf->nabc", y[:, i, j], w)
    return x[:, top : top + size[0], left : left + size[1]]


def _convolve_weights(x, y, *, size, stride, padding):
    framed = np.pad(x, ((0, 0), *padding, (0, 0)))
    w = np.zeros((*size, x.shape[3], y.shape[3]))
    for i, j in np.ndindex(y.shape[1:3]):
        corner, window = _under(stride, i, j, size)
        w += np.einsum("nabc,nf->abcf", framed[corner][window], y[:, i, j])
    return w


def _windows(x, size, stride, padding):
    """Each output's place, and the pixels of its window that lie inside, in reading order."""
    counts = [
        (n + sum(pads) - k) // step + 1
        for n, k, step, pads in zip(x.shape[1:3], size, stride, padding, strict=True)
    ]
    for i, j in np.ndindex(*counts):
        rows = (i * stride[0] + a - padding[0][0] for a in range(size[0]))
        columns = [j * stride[1] + b - padding[1][0] for b in range(size[1])]
        places = itertools.product(rows, columns)
        inside = [(h, v) for h, v in places if 0 <= h < x.shape[1] and 0 <= v < x.shape[2]]
        for n, c in np.ndindex(len(x), x.shape[3]):
            yield (n, i, j, c), [(n, h, v, c) for h, v in inside]


def _outputs(x, size, stride, padding):
    """Zeros of the shape of what is pooled."""
    framed = np.pad(x, ((0, 0), *padding, (0, 0)))
    rows, columns = (range(framed.shape[a + 1] - size[a] + 1)[:: stride[a]] for a in (0, 1))
    return np.zeros((len(x), len(rows), len(columns), x.shape[3]))


def _winner(x, places):
    """The first place of the largest pixel, or of the first nan."""
    lost = [at for at in places if x[at] != x[at]]
    return lost[0] if lost else max(places, key=lambda at: x[at])


def _max_pool_pick(h, x, *, size, stride, padding):
    y = _outputs(x, size, stride, padding)
    for at, places in _windows(x, size, stride, padding):
        y[at] = h[_winner(x, places)]
    return y


def _max_pool_spread(g, x, *, size, stride, padding):
    z = np.zeros(x.shape)
    for at, places in _windows(x, size, stride, padding):
        z[_winner(x, places)] += g[at]
    return z


def _sum_pool(x, *, size, stride, padding):
    y = _outputs(x, size, stride, padding)
    for at, places in _windows(x, size, stride, padding):
        y[at] = math.fsum(x[place] for place in places)
    return y


def _sum_pool_spread(g, *, image, size, stride, padding):
    z = np.zeros((len(g), *image, g.shape[3]))
    for at, places in _windows(z, size, stride, padding):
        for place in places:
            z[place] += g[at]
    return z


def threefry(key: tuple[int, int], counter: tuple[int, int]) -> tuple[int, int]:
    """Threefry-2x32-20 in Python's whole numbers, one counter at a time."""
    word = 2**32
    keys = (*key, key[0] ^ key[1] ^ 0x1BD11BDA)
    a, b = (counter[0] + keys[0]) % word, (counter[1] + keys[1]) % word
    for r in range(20):
        turn = (13, 15, 26, 6, 17, 29, 16, 24)[r % 8]
        a = (a + b) % word
        b = ((b << turn | b >> (32 - turn)) % word) ^ a
        if r % 4 == 3:
            block = r // 4 + 1
            a, b = (a + keys[block % 3]) % word, (b + keys[(block + 1) % 3] + block) % word
    return a, b


def _random(seed, step, *, shape, stream, kind, dtype):
    def one(index):
        a, b = threefry((int(seed), int(step)), (index, stream))
        if kind == "normal":
            return math.sqrt(-2 * math.log((a + 1) / 2**32)) * math.cos(2 * math.pi * b / 2**32)
        return ((a >> 5) * 2**26 + (b >> 6)) / 2**53 if dtype == np.float64 else (a >> 8) / 2**24

    return np.reshape([one(k) for k in range(math.prod(shape))], shape)


def _loop(*inputs, body, length, reverse):
    """Step by step in lists, with the references of the gates inside."""
    n, s = len(body.carries), len(body.elements)
    carries, sequences, parameters = list(inputs[:n]), inputs[n : n + s], inputs[n + s :]
    stacks = [[np.array(x)] for x in carries] + [[] for _ in body.outputs]
    sums = [np.zeros(unit.shape) for unit in body.sums]
    for t in sorted(range(length), reverse=reverse):
        made = dict(zip(body.carries, carries, strict=True))
        made.update((unit, x[t]) for unit, x in zip(body.elements, sequences, strict=True))
        made.update(zip(body.parameters, parameters, strict=True))
        for unit in body.wires:
            if unit not in made:
                xs = [np.asarray(made[x]) for x in unit.inputs]
                value = REFERENCES[unit.gate.name](*xs, **unit.static) if xs else unit.value
                made[unit] = np.asarray(value)
        carries = [made[unit] for unit in body.nexts]
        for stack, x in zip(stacks, [*carries, *(made[u] for u in body.outputs)], strict=True):
            stack.append(x)
        sums = [a + made[unit] for a, unit in zip(sums, body.sums, strict=True)]
    shapes = [unit.shape for unit in (*body.nexts, *body.outputs)]
    rows = [np.array(stack[::-1] if reverse else stack) for stack in stacks]
    rows = [x.reshape(-1, *shape) for x, shape in zip(rows, shapes, strict=True)]
    return *rows, *sums


def _mean(x, *, axis, keepdims):
    count = math.prod(x.shape[a] for a in axis)
    return np.add.reduce(x, axis=axis, keepdims=keepdims) / count


def _argsort(x, *, axis, descending):
    """Python's sort is stable, and of numbers with their sign turned it is from the largest on."""

    def order(lane):
        return sorted(range(len(lane)), key=lambda k: -lane[k] if descending else lane[k])

    return np.apply_along_axis(order, axis, x)


def _cumsum(x, *, axis, reverse):
    n = x.shape[axis]
    before = np.triu(np.ones((n, n))).T if not reverse else np.triu(np.ones((n, n)))
    return np.moveaxis(np.tensordot(before, x, (1, axis)), 0, axis)


def _det(a):
    """Over all orders of the columns: Leibniz' formula."""
    n, total = a.shape[-1], 0.0
    for order in itertools.permutations(range(n)):
        turns = sum(p > q for p, q in itertools.combinations(order, 2))
        total = total + (-1) ** turns * np.prod([a[..., i, j] for i, j in enumerate(order)], axis=0)
    return total


def _cholesky(a):
    """By the LDLᵀ of elimination without exchanges."""
    left, rest = np.zeros_like(a), (a + np.swapaxes(a, -1, -2)) / 2
    for j in range(a.shape[-1]):
        column = rest[..., :, j] / np.sqrt(rest[..., j, j])[..., None]
        left[..., :, j] = column
        rest = rest - column[..., :, None] * column[..., None, :]
    return left


REFERENCES = {
    "abs": np.abs,
    "add": np.add,
    "arccos": np.arccos,
    "arcsin": np.arcsin,
    "arctan": np.arctan,
    "arctan2": np.arctan2,
    "argmax": lambda x, *, axis: np.argsort(-x, axis=axis, kind="stable").take(0, axis=axis),
    "argmin": lambda x, *, axis: np.argsort(x, axis=axis, kind="stable").take(0, axis=axis),
    "argsort": _argsort,
    "astype": lambda x, *, dtype: np.array(x, dtype),
    "broadcast_to": lambda x, *, shape: np.zeros(shape) + x,
    "centre": lambda x, *, axis: x - _mean(x, axis=axis, keepdims=True),
    "cholesky": _cholesky,
    "clip": np.clip,
    "concatenate": lambda *xs, axis: np.concatenate(xs, axis),
    "convolve": _by_groups(_convolve),
    "convolve_input": _by_groups(_convolve_input),
    "convolve_weights": _weights_by_groups,
    "cos": np.cos,
    "cosh": np.cosh,
    "cumsum": _cumsum,
    "det": _det,
    "divide": np.divide,
    "einsum": _einsum,
    "embed": _embed,
    "equal": np.equal,
    "erf": special.erf,
    "exp": np.exp,
    "expm1": np.expm1,
    "floor": np.floor,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "log": np.log,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "log_softmax": lambda x, *, axis: special.log_softmax(x, axis),
    "logical_and": np.logical_and,
    "logical_not": np.logical_not,
    "logical_or": np.logical_or,
    "logsumexp": lambda x, *, axis, keepdims: special.logsumexp(x, axis, keepdims=keepdims),
    "loop": _loop,
    "matmul": lambda a, b: np.einsum("...ij,...jk->...ik", a, b),
    "max": lambda x, *, axis, keepdims: np.maximum.reduce(x, axis=axis, keepdims=keepdims),
    "max_pool": lambda x, **windows: _max_pool_pick(x, x, **windows),
    "max_pool_pick": _max_pool_pick,
    "max_pool_spread": _max_pool_spread,
    "maximum": np.maximum,
    "mean": _mean,
    "min": lambda x, *, axis, keepdims: np.minimum.reduce(x, axis=axis, keepdims=keepdims),
    "minimum": np.minimum,
    "mod": np.mod,
    "multiply": np.multiply,
    "negative": np.negative,
    "norm": lambda x, *, axis, keepdims: np.sqrt(np.add.reduce(x**2, axis, keepdims=keepdims)),
    "not_equal": np.not_equal,
    "power": np.power,
    "prod": lambda x, *, axis, keepdims: np.multiply.reduce(x, axis=axis, keepdims=keepdims),
    "random": _random,
    "relu": lambda x: np.where(x <= 0, 0.0, x),
    "reshape": lambda x, *, shape: np.array(x.ravel().tolist()).reshape(shape),
    "scatter_add": _scatter_add,
    "sigmoid": special.expit,
    "sign": np.sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "slice": lambda x, *, walks: _walked(x, walks),
    "slogdet": lambda a: np.stack([np.sign(_det(a)), np.log(abs(_det(a)))], -1),
    "softmax": lambda x, *, axis: special.softmax(x, axis),
    "softplus": lambda x: np.logaddexp(0.0, x),
    "solve": lambda a, b: np.linalg.inv(a) @ b,
    "sqrt": np.sqrt,
    "square": lambda x: x**2,
    "stack": lambda *xs, axis: np.concatenate([np.expand_dims(x, axis) for x in xs], axis),
    "stop_gradient": lambda x: x,
    "subtract": np.subtract,
    "sum": lambda x, *, axis, keepdims: np.add.reduce(x, axis=axis, keepdims=keepdims),
    "sum_pool": _sum_pool,
    "sum_pool_spread": _sum_pool_spread,
    "sum_to": _sum_to,
    "take": _take,
    "tanh": np.tanh,
    "transpose": lambda x, *, axes: np.moveaxis(x, axes, range(x.ndim)),
    "var": lambda x, *, axis, keepdims: np.var(x, axis, keepdims=keepdims),
    "where": np.where,
}
