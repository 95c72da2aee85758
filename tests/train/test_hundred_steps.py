"""A hundred steps of training, with every layer and every loss, end where JAX ends.

A small net around each layer, or before each loss, is trained by a Trainer in double precision. The
same nets are written here in JAX, and its own gradients take the same steps. The optimizers' steps
are compared with Optax in tests/optim.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax, nn
from tests.gates.reference import REFERENCES
from tests.losses.reference import CASES as LOSS_CASES

import pullback as pb
from pullback.layers import LAYERS, augmentation
from pullback.losses import LOSSES

ROWS, STEPS, RATE = 6, 100, 0.1
F8: Any = {"dtype": "float64"}

Arrays = dict[str, Any]


# The layers in JAX -------------------------------------------------------------------------------


def dense(p, x, name=""):
    return x @ p[f"{name}weight"] + p[f"{name}bias"]


def normal(x, axes):
    mean = jnp.mean(x, axes, keepdims=True)
    return (x - mean) / jnp.sqrt(jnp.mean((x - mean) ** 2, axes, keepdims=True) + 1e-5)


def convolved(p, x, padding, dims=2, **windows):
    """A convolution, along one axis or two; JAX pads as "SAME" and "VALID" say."""
    layout = ("NWC", "WIO", "NWC") if dims == 1 else ("NHWC", "HWIO", "NHWC")
    windows = {"window_strides": (1,) * dims, "padding": padding, **windows}
    return lax.conv_general_dilated(x, p["weight"], dimension_numbers=layout, **windows) + p["bias"]


def convolved_back(p, x):
    """Where pixels lie two apart, kernels upside down are what they stamp."""
    flipped = jnp.swapaxes(p["weight"], 2, 3)[::-1, ::-1]
    return convolved(p | {"weight": flipped}, x, [(2, 2), (2, 2)], lhs_dilation=(2, 2))


def pooled(x, start, join, size, stride, padding):
    windows = ((1, *size, 1), (1, *stride, 1))
    return lax.reduce_window(x, start, join, *windows, padding)


def averaged(x, *windows):
    total, pixels = (pooled(z, 0.0, lax.add, *windows) for z in (x, jnp.ones_like(x)))
    return total / pixels


def grouped(p, x, groups):
    parts = x.reshape(len(x), -1, groups, x.shape[-1] // groups)
    return p["scale"] * normal(parts, (1, 3)).reshape(x.shape) + p["bias"]


def damped(x):
    """By the sum of squares of three channels, as a band of a matrix."""
    near = np.tri(4, k=1) - np.tri(4, k=-2)
    return x / (1.0 + 0.5 / 3 * (x * x) @ near) ** 0.75


def whole_channels(drawn, x):
    """The first of the numbers drawn: one for each channel of a row."""
    return drawn.ravel()[: ROWS * 4].reshape(ROWS, *[1] * (x.ndim - 2), 4)


def inner(x):
    return tuple(range(1, x.ndim - 1))


def chained(p, x):
    """The scores of a chain of four tags: where it begins, of its moves, and where it ends."""
    begin, end = jnp.tile(p["start"], (4, 1)), jnp.tile(p["end"][:, None], (1, 4))
    table = jnp.stack([begin, *[p["transition"]] * (x.shape[1] - 1), end])
    return table + jnp.pad(x, ((0, 0), (0, 1), (0, 0)))[:, :, None, :]


def maxout(p, x):
    sums = dense(p, x)
    return jnp.max(sums.reshape(*sums.shape[:-1], -1, 2), axis=-1)


def attended(q, k, v, causal=False):
    """By two heads."""
    q, k, v = (z.reshape(*z.shape[:2], 2, -1) for z in (q, k, v))
    scores = jnp.einsum("bthd,bshd->bhts", q, k) / q.shape[-1] ** 0.5
    if causal:
        scores = jnp.where(np.tri(*scores.shape[-2:]) > 0.0, scores, -jnp.inf)
    y = jnp.einsum("bhts,bshd->bthd", nn.softmax(scores), v)
    return y.reshape(*y.shape[:2], -1)


def self_attended(p, x, name=""):
    q, k, v = jnp.split(dense(p, x, name), 3, axis=-1)
    return dense(p, attended(q, k, v, causal=True), f"{name}output_")


def block(p, x):
    def normed(x, name):
        return p[f"{name}.scale"] * normal(x, (-1,)) + p[f"{name}.bias"]

    z = x + self_attended(p, normed(x, "norm1"), "attention.")
    inside = nn.gelu(dense(p, normed(z, "norm2"), "hidden_"), approximate=False)
    return z + dense(p, inside, "output_")


def recurred(cell, p, x, at, carries=1, reverse=False):
    """The outputs of a cell that steps over a sequence."""
    weight, recurrent, bias = (p[f"{at}cell.{name}"] for name in ("weight", "recurrent", "bias"))
    more = p.get(f"{at}cell.recurrent_bias")

    def step(state, element):
        state = cell(element @ weight + bias, state[0] @ recurrent, state, more)
        return state, state[0]

    first = (jnp.zeros((len(x), recurrent.shape[0])),) * carries
    return lax.scan(step, first, x.swapaxes(0, 1), reverse=reverse)[1].swapaxes(0, 1)


def plain_cell(a, b, state, more):
    return (jnp.tanh(a + b),)


def gru_cell(a, b, state, more):
    (ar, az, an), (br, bz, bn) = jnp.split(a, 3, axis=-1), jnp.split(b, 3, axis=-1)
    z = nn.sigmoid(az + bz)
    return (z * state[0] + (1 - z) * jnp.tanh(an + nn.sigmoid(ar + br) * (bn + more)),)


def lstm_cell(a, b, state, more):
    i, f, o, new = jnp.split(a + b, 4, axis=-1)
    c = nn.sigmoid(f) * state[1] + nn.sigmoid(i) * jnp.tanh(new)
    return nn.sigmoid(o) * jnp.tanh(c), c


def both_ways(p, x):
    """Two layers of an LSTM, in both directions."""
    for k in (1, 2):
        ways = ((f"layer{k}.", False), (f"layer{k}_reverse.", True))
        x = jnp.concatenate([recurred(lstm_cell, p, x, at, 2, way) for at, way in ways], axis=-1)
    return x


# Each layer as it is made, and what it computes of its parameters and x, and its draw of numbers.
KINDS: dict[str, tuple[Callable[[], pb.Layer], Callable[..., Any]]] = {
    "AveragePool1d": (
        lambda: pb.AveragePool1d(2, 1, (1, 0)),
        lambda p, x, _: averaged(x, (2,), (1,), ((0, 0), (1, 0), (0, 0))),
    ),
    "AveragePool2d": (
        lambda: pb.AveragePool2d((3, 2), 2, "same"),
        lambda p, x, _: averaged(x, (3, 2), (2, 2), "SAME"),
    ),
    "BatchNorm": (
        lambda: pb.BatchNorm(**F8),
        lambda p, x, _: p["scale"] * normal(x, tuple(range(x.ndim - 1))) + p["bias"],
    ),
    "CRF": (lambda: pb.CRF(**F8), lambda p, x, _: chained(p, x)),
    "CentreOverSteps": (pb.CentreOverSteps, lambda p, x, _: x - x.mean(axis=1, keepdims=True)),
    "Conv1d": (
        lambda: pb.Conv1d(4, 3, padding="same", **F8),
        lambda p, x, _: convolved(p, x, "SAME", dims=1),
    ),
    "Conv2d": (
        lambda: pb.Conv2d(4, (3, 2), stride=2, padding="same", groups=2, **F8),
        lambda p, x, _: convolved(p, x, "SAME", window_strides=(2, 2), feature_group_count=2),
    ),
    "ConvTranspose2d": (
        lambda: pb.ConvTranspose2d(3, 3, stride=2, **F8),
        lambda p, x, _: convolved_back(p, x),
    ),
    "Dense": (lambda: pb.Dense(4, **F8), lambda p, x, _: dense(p, x)),
    "DepthwiseConv2d": (
        lambda: pb.DepthwiseConv2d(2, multiplier=2, dilation=2, **F8),
        lambda p, x, _: convolved(p, x, "VALID", rhs_dilation=(2, 2), feature_group_count=4),
    ),
    "Dropout": (
        lambda: pb.Dropout(0.25),
        lambda p, x, drawn: jnp.where(drawn < 0.25, 0.0, x / 0.75),
    ),
    "DynamicRange": (
        lambda: pb.DynamicRange(6.0),
        lambda p, x, _: jnp.maximum(
            x, x.max(axis=(1, 2), keepdims=True) - np.float64(6.0) * np.log(10.0) / 10.0
        ),
    ),
    "ELU": (lambda: pb.ELU(0.7), lambda p, x, _: nn.elu(x, 0.7)),
    "Embedding": (lambda: pb.Embedding(7, 4, **F8), lambda p, x, _: p["table"][x]),
    "Flatten": (pb.Flatten, lambda p, x, _: x.reshape(len(x), -1)),
    "GELU": (pb.GELU, lambda p, x, _: nn.gelu(x, approximate=False)),
    "GRU": (lambda: pb.GRU(3, **F8), lambda p, x, _: recurred(gru_cell, p, x, "layer1.")),
    "GlobalAveragePool": (pb.GlobalAveragePool, lambda p, x, _: x.mean(inner(x))),
    "GlobalMaxPool": (pb.GlobalMaxPool, lambda p, x, _: x.max(inner(x))),
    "GroupNorm": (lambda: pb.GroupNorm(2, **F8), lambda p, x, _: grouped(p, x, 2)),
    "Identity": (pb.Identity, lambda p, x, _: x),
    "LSTM": (
        lambda: pb.LSTM(3, 2, bidirectional=True, **F8),
        lambda p, x, _: both_ways(p, x),
    ),
    "LastStep": (pb.LastStep, lambda p, x, _: x[:, -1]),
    "LayerNorm": (
        lambda: pb.LayerNorm(**F8),
        lambda p, x, _: p["scale"] * normal(x, -1) + p["bias"],
    ),
    "LeakyReLU": (lambda: pb.LeakyReLU(0.2), lambda p, x, _: nn.leaky_relu(x, 0.2)),
    "LocalResponseNorm": (
        lambda: pb.LocalResponseNorm(3, alpha=0.5, k=1.0),
        lambda p, x, _: damped(x),
    ),
    "MaxPool1d": (
        lambda: pb.MaxPool1d(2, 1, "same"),
        lambda p, x, _: pooled(x, -jnp.inf, lax.max, (2,), (1,), "SAME"),
    ),
    "MaxPool2d": (
        lambda: pb.MaxPool2d(2, 1),
        lambda p, x, _: pooled(x, -jnp.inf, lax.max, (2, 2), (1, 1), "VALID"),
    ),
    "Maxout": (lambda: pb.Maxout(4, **F8), lambda p, x, _: maxout(p, x)),
    "PReLU": (
        lambda: pb.PReLU(**F8),
        lambda p, x, _: jnp.where(x > 0.0, x, p["slope"] * x),
    ),
    "Parallel": (
        lambda: pb.Parallel(pb.Dense(2, **F8), pb.Tanh()),
        lambda p, x, _: jnp.concatenate([dense(p, x, "dense1."), jnp.tanh(x)], axis=-1),
    ),
    "PositionEmbedding": (
        lambda: pb.PositionEmbedding(3, **F8),
        lambda p, x, _: x + p["table"][: x.shape[1]],
    ),
    "PositionalEncoding": (
        pb.PositionalEncoding,
        lambda p, x, _: (
            x + np.sin([[0, np.pi / 2] * 2, [1, 1 + np.pi / 2, 0.01, 0.01 + np.pi / 2]])
        ),
    ),
    "ReLU": (pb.ReLU, lambda p, x, _: nn.relu(x)),
    "Reshape": (lambda: pb.Reshape((4, -1)), lambda p, x, _: x.reshape(len(x), 4, 2)),
    "Residual": (
        lambda: pb.Residual(pb.Dense(4, **F8), pb.Tanh()),
        lambda p, x, _: x + jnp.tanh(dense(p, x, "dense1.")),
    ),
    "SELU": (pb.SELU, lambda p, x, _: nn.selu(x)),
    "SelfAttention": (
        lambda: pb.SelfAttention(2, causal=True, initializer="normal", **F8),
        lambda p, x, _: self_attended(p, x),
    ),
    "MaxOverSteps": (pb.MaxOverSteps, lambda p, x, _: x.max(axis=1)),
    "MeanOverSteps": (pb.MeanOverSteps, lambda p, x, _: x.mean(axis=1)),
    "Padded": (
        lambda: pb.Padded(pb.RNN(3, **F8), pb.LastStep()),
        lambda p, x, _: recurred(plain_cell, p, x, "rnn1.layer1.")[:, -1],
    ),
    "RNN": (lambda: pb.RNN(3, **F8), lambda p, x, _: recurred(plain_cell, p, x, "layer1.")),
    "Recurrent": (
        lambda: pb.Recurrent(pb.GRUCell(3, **F8), reverse=True),
        lambda p, x, _: recurred(gru_cell, p, x, "", reverse=True),
    ),
    "Sequential": (
        lambda: pb.Sequential(pb.Sigmoid(), pb.Dense(4, **F8)),
        lambda p, x, _: dense(p, nn.sigmoid(x), "dense1."),
    ),
    "SiLU": (pb.SiLU, lambda p, x, _: nn.silu(x)),
    "Sigmoid": (pb.Sigmoid, lambda p, x, _: nn.sigmoid(x)),
    "Softmax": (pb.Softmax, lambda p, x, _: nn.softmax(x)),
    "Softplus": (pb.Softplus, lambda p, x, _: nn.softplus(x)),
    "SpatialDropout": (
        lambda: pb.SpatialDropout(0.25),
        lambda p, x, drawn: jnp.where(whole_channels(drawn, x) < 0.25, 0.0, x / 0.75),
    ),
    "Standardize": (lambda: pb.Standardize(0.5, 2.0), lambda p, x, _: (x - 0.5) / 2.0),
    "Tanh": (pb.Tanh, lambda p, x, _: jnp.tanh(x)),
    "TransformerBlock": (
        lambda: pb.TransformerBlock(2, 5, causal=True, **F8),
        lambda p, x, _: block(p, x),
    ),
    "Upsample2d": (
        lambda: pb.Upsample2d(2),
        lambda p, x, _: jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2),
    ),
}
NETS = {
    **{kind: (kind,) for kind in KINDS},
    "mixed": ("Dense", "BatchNorm", "GELU", "Dropout", "Residual", "LayerNorm", "PReLU"),
    "sequences": ("Conv1d", "BatchNorm", "MaxPool1d", "ReLU", "AveragePool1d", "GlobalMaxPool"),
    "images": (
        *("Conv2d", "BatchNorm", "ReLU", "SpatialDropout", "LocalResponseNorm", "Upsample2d"),
        *("MaxPool2d", "GroupNorm", "DepthwiseConv2d", "AveragePool2d", "ConvTranspose2d"),
        "GlobalAveragePool",
    ),
}


def net(name: str) -> pb.Sequential:
    """The layers of this name, between two that fit them to inputs and labels."""
    first = [] if name == "Embedding" else [pb.Dense(4, **F8, name="first")]
    layers = [KINDS[kind][0]() for kind in NETS[name]]
    model = pb.Sequential(*first, *layers, pb.Dense(2, **F8, name="last"), rng=3)
    model(inputs_of(name)[0])
    return model


def inputs_of(name: str) -> np.ndarray:
    """The inputs of all steps."""
    rng = np.random.default_rng(0)
    if name == "Embedding":
        return rng.integers(7, size=(STEPS, ROWS, 2))
    images = name == "images" or name.endswith("2d")
    return rng.normal(size=(STEPS, ROWS, *((5, 4) if images else (2,)), 3))


def labels_of(name: str) -> np.ndarray:
    """The labels of all steps."""
    shape = net(name)(inputs_of(name)[0]).shape
    return np.random.default_rng(1).normal(size=(STEPS, *shape))


def forward(model: pb.Sequential, p: Arrays, x: Any, drawn: Any) -> tuple[Any, Arrays]:
    """The scores of a net, and what its state moves towards."""
    measured = {}
    for layer in model:
        kind, inside = type(layer).__name__, f"{layer.name}."
        own = {name.removeprefix(inside): p[name] for name in p if name.startswith(inside)}
        if kind == "BatchNorm":
            rows = tuple(range(x.ndim - 1))
            measured[f"{inside}mean"] = x.mean(rows)
            measured[f"{inside}variance"] = x.var(rows, ddof=1)
        x = KINDS[kind][1](own, x, drawn)
    return x, measured


# Training ----------------------------------------------------------------------------------------


def carried(units: dict[str, pb.Unit]) -> Arrays:
    return {name: unit.value for name, unit in units.items()}


def descended(cost: Callable[..., Any], p: Any, state: Any, steps: Any) -> tuple[Any, Any, Any]:
    """Parameters, state and mean costs after descent by JAX.

    cost(p, step) gives the costs of separate nets by name, and what the state moves towards.
    """

    def total(p, step):
        costs, measured = cost(p, step)
        return sum(costs.values()), (costs, measured)

    def descend(now, step):
        p, state = now
        slopes, (costs, measured) = jax.grad(total, has_aux=True)(p, step)
        p = jax.tree.map(lambda x, g: x - RATE * g, p, slopes)
        return (p, jax.tree.map(lambda s, new: 0.9 * s + 0.1 * new, state, measured)), costs

    with jax.enable_x64(True):
        run = jax.jit(lambda now, steps: jax.lax.scan(descend, now, steps))
        (p, state), costs = run((p, state), steps)
    p, state, costs = jax.tree.map(np.asarray, (p, state, costs))
    return p, state, {name: each.mean() for name, each in costs.items()}


@cache
def nets_by_jax() -> tuple[Any, Any, Any]:
    """All nets around layers, trained at once."""
    models = {name: net(name) for name in NETS}
    draw, dtype = REFERENCES["random"], np.dtype("float32")
    shape = (ROWS, 2, 4)
    drawn = [draw(0, k, shape=shape, stream=0, kind="uniform", dtype=dtype) for k in range(STEPS)]
    steps = {name: (inputs_of(name), labels_of(name)) for name in NETS}

    def cost(p, step):
        drawn, batches = step
        costs, measured = {}, {}
        for name, (x, labels) in batches.items():
            y, measured[name] = forward(models[name], p[name], x, drawn)
            costs[name] = jnp.mean((y - labels) ** 2)
        return costs, measured

    parameters = {name: carried(model.parameters) for name, model in models.items()}
    state = {name: carried(model.state) for name, model in models.items()}
    return descended(cost, parameters, state, (np.stack(drawn), steps))


@cache
def losses_by_jax() -> tuple[Any, Any, Any]:
    """A layer before each loss, all trained at once."""
    inputs = scored_inputs()

    def cost(p, x):
        costs = {}
        for name, case in LOSS_CASES.items():
            y = dense(p[name], x, "scores.")
            y = y.reshape(case.scores.shape)
            costs[name] = jnp.mean(case.cost(jnp, y, case.labels))
        return costs, {}

    parameters = {name: carried(scorer(name).parameters) for name in LOSS_CASES}
    return descended(cost, parameters, {}, inputs)


def scored_inputs() -> np.ndarray:
    rows = len(next(iter(LOSS_CASES.values())).labels)
    return np.random.default_rng(2).normal(size=(STEPS, rows, 3))


def scorer(name: str) -> pb.Sequential:
    """A layer whose outputs, in the shape that this loss takes, are its scores."""
    row = LOSS_CASES[name].scores.shape[1:]
    model = pb.Sequential(pb.Dense(int(np.prod(row)), **F8, name="scores"), pb.Reshape(row))
    model(scored_inputs()[0])
    return model


def check(
    name: str, model: pb.Layer, loss: pb.Loss, steps: Any, found: tuple, engine: str = "eager"
) -> None:
    """Train, and compare parameters, state and the mean of the losses."""
    trainer = pb.Trainer(model, loss, pb.SGD(RATE), engine=engine)
    history = trainer.fit(list(zip(*steps, strict=True)), epochs=1, progress=False)
    parameters, state, costs = found
    theirs = {**parameters[name], **state.get(name, {})}
    ours = carried({**model.parameters, **model.state})
    assert ours.keys() == theirs.keys()
    for label, value in ours.items():
        np.testing.assert_allclose(value, theirs[label], rtol=1e-9, atol=1e-9, err_msg=label)
    assert history["loss"] == [pytest.approx(costs[name], rel=1e-9)]


def test_every_layer_and_loss_is_trained():
    drawn = set(augmentation.__all__)  # at each step anew: see tests/layers/test_augmentation.py
    cells = {"GRUCell", "LSTMCell", "RNNCell"}  # inside recurrent layers
    several = {"CrossAttention"}  # takes two inputs: see tests/layers/attention
    several |= {"Ensemble"}  # of networks: see tests/layers/test_composites.py
    fixed = {"LogMel", "MFCC"}  # features of sound, without parameters: see tests/layers/sound
    known = {name for name, kind in LAYERS.items() if "pullback.layers" in kind.__module__}
    assert set(KINDS) | drawn | cells | several | fixed == known  # those of models: their own tests
    assert {type(case.loss).__name__ for case in LOSS_CASES.values()} == set(LOSSES)


@pytest.mark.parametrize("name", NETS)
def test_a_net_ends_where_jax_ends(name):
    steps = inputs_of(name), labels_of(name)
    check(name, net(name), pb.SquaredError(), steps, nets_by_jax())


@pytest.mark.parametrize("name", LOSS_CASES)
def test_a_loss_ends_where_jax_ends(name):
    case, inputs = LOSS_CASES[name], scored_inputs()
    steps = inputs, [case.labels] * STEPS
    check(name, scorer(name), case.loss, steps, losses_by_jax())


@pytest.mark.parametrize("name", ["mixed", "sequences", "images"])
def test_native_code_ends_where_jax_ends(name):
    steps = inputs_of(name), labels_of(name)
    check(name, net(name), pb.SquaredError(), steps, nets_by_jax(), "native")
