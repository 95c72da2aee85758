"""Layers compute what PyTorch's do: values and gradients, in double precision, at random settings.

For each kind of layer, 30 settings of sizes, stride, padding, dilation and groups are drawn, and
all of them stand in one Program, so that the native engine compiles once. PyTorch's functions get
our arrays and turn the axes themselves, so that its gradients come back in our order of axes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

import pullback as pb

torch = pytest.importorskip("torch", reason="torch is not installed: it is in the extra `bench`")
F = torch.nn.functional

SETTINGS = 30
F8: Any = {"dtype": "float64"}


@dataclass(frozen=True)
class Setting:
    """A layer, an input, and the same in PyTorch: a function of the input and the parameters."""

    layer: pb.Layer
    x: np.ndarray
    theirs: Callable[..., Any]


def first(x):
    """Channels to the second axis."""
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


def crop(x, border):
    """Channels first; without (before, after) of each axis behind the channels."""
    for axis, (before, after) in enumerate(border, 2):
        x = x.narrow(axis, before, x.shape[axis] - before - after)
    return x


def frame(x, border):
    """Channels first; with zeros, (before, after), along each axis behind the channels."""
    return F.pad(x, [n for pads in reversed(border) for n in pads])


def draw(rng, low, high, axes):
    return tuple(int(n) for n in rng.integers(low, high + 1, axes))


def pairs(rng, high, axes):
    return tuple(draw(rng, 0, high, 2) for _ in range(axes))


def one_or_all(rng, values):
    """As users may write it: a number where all are the same."""
    alike = len(set(values)) == 1
    return values[0] if alike and (len(values) == 1 or rng.random() < 0.5) else values


# Convolution and pooling -------------------------------------------------------------------------


def convolution(rng, axes, depthwise=False):
    groups = int(rng.integers(1, 4))
    channels = groups * (1 if depthwise else int(rng.integers(1, 3)))
    each = int(rng.integers(1, 4))
    kernel, stride, dilation = (draw(rng, 1, high, axes) for high in (4, 3, 3))
    border = pairs(rng, 3, axes)
    span = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    least = [max(1, k - sum(pads)) for k, pads in zip(span, border, strict=True)]
    size = [n + int(rng.integers(0, 5)) for n in least]
    padding = border if axes == 2 else border[0]
    if rng.random() < 0.2:
        padding, stride = "same", (1,) * axes
        border = [((k - 1) // 2, k // 2) for k in span]
    told = {
        "stride": one_or_all(rng, stride),
        "dilation": one_or_all(rng, dilation),
        "padding": padding,
        "bias": bool(rng.random() < 0.7),
        **F8,
    }
    kernel = one_or_all(rng, kernel)
    if depthwise:
        layer = pb.DepthwiseConv2d(kernel, each, **told)
    elif axes == 2:
        layer = pb.Conv2d(groups * each, kernel, groups=groups, **told)
    else:
        layer = pb.Conv1d(groups * each, kernel, groups=groups, **told)
    function = F.conv2d if axes == 2 else F.conv1d
    windows = {"stride": stride, "dilation": dilation, "groups": groups}

    def theirs(x, weight, bias=None):
        weight = weight.movedim((-1, -2), (0, 1)).contiguous()
        return last(function(frame(first(x), border), weight, bias, **windows))

    return Setting(layer, rng.normal(size=(int(rng.integers(1, 4)), *size, channels)), theirs)


def transposed(rng):
    groups = int(rng.integers(1, 4))
    channels, filters = (groups * int(n) for n in rng.integers(1, 4, 2))
    kernel, stride, dilation = (draw(rng, 1, high, 2) for high in (4, 3, 3))
    size, border = draw(rng, 1, 4, 2), pairs(rng, 3, 2)
    extra = tuple(int(rng.integers(0, s)) for s in stride)
    whole = [
        (n - 1) * s + (k - 1) * d + 1 + e
        for n, s, k, d, e in zip(size, stride, kernel, dilation, extra, strict=True)
    ]
    border = tuple(pads if sum(pads) < n else (0, 0) for pads, n in zip(border, whole, strict=True))
    told = {"stride": stride, "dilation": dilation, "groups": groups}
    layer = pb.ConvTranspose2d(
        filters, kernel, padding=border, extra=extra, bias=bool(rng.random() < 0.7), **told, **F8
    )

    def theirs(x, weight, bias=None):
        weight = weight.movedim((-1, -2), (0, 1)).contiguous()
        y = F.conv_transpose2d(first(x), weight, bias, output_padding=extra, **told)
        return last(crop(y, border))

    return Setting(layer, rng.normal(size=(int(rng.integers(1, 4)), *size, channels)), theirs)


def distinct(rng, shape):
    """No two numbers alike: where some tie, PyTorch's gradient is another."""
    return rng.permutation(int(np.prod(shape))).reshape(shape) / 7.0


def pooling(rng, kind, axes):
    window, stride = draw(rng, 1, 4, axes), draw(rng, 1, 4, axes)
    padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in window)
    least = [max(1, k - 2 * p) for k, p in zip(window, padding, strict=True)]
    shape = (
        *draw(rng, 1, 3, 1),
        *(n + int(rng.integers(0, 5)) for n in least),
        *draw(rng, 1, 5, 1),
    )
    layer = kind(
        one_or_all(rng, window), one_or_all(rng, stride), padding if axes == 2 else padding[0]
    )
    static = {"kernel_size": window, "stride": stride, "padding": padding}
    if kind in (pb.AveragePool1d, pb.AveragePool2d):
        function = F.avg_pool2d if axes == 2 else F.avg_pool1d
        static["count_include_pad"] = False
    else:
        function = F.max_pool2d if axes == 2 else F.max_pool1d
    return Setting(layer, distinct(rng, shape), lambda x: last(function(first(x), **static)))


def global_pooling(rng, kind):
    axes = int(rng.integers(1, 3))
    name = f"adaptive_{'avg' if kind is pb.GlobalAveragePool else 'max'}_pool{axes}d"
    pool = getattr(F, name)
    x = distinct(rng, draw(rng, 1, 5, axes + 2))
    return Setting(kind(), x, lambda x: pool(first(x), 1).flatten(1))


# Normalization, enlarging, and dense layers ------------------------------------------------------


def group_norm(rng):
    groups = int(rng.integers(1, 4))
    inner = draw(rng, 1, 4, int(rng.integers(0, 3)))
    channels = groups * int(rng.integers(1 if inner and max(inner) > 1 else 2, 4))
    x = rng.normal(1.0, 2.0, size=(*draw(rng, 1, 3, 1), *inner, channels))
    layer = pb.GroupNorm(groups, 1e-3, **F8)
    return Setting(
        layer, x, lambda x, scale, bias: last(F.group_norm(first(x), groups, scale, bias, 1e-3))
    )


def layer_norm(rng, axes):
    shape = (*draw(rng, 1, 3, 1), *draw(rng, 1, 3, int(rng.integers(0, 2))), *draw(rng, 2, 5, axes))
    layer = pb.LayerNorm(1e-3, axes, **F8)
    return Setting(
        layer,
        rng.normal(1.0, 2.0, size=shape),
        lambda x, scale, bias: F.layer_norm(x, shape[-axes:], scale, bias, 1e-3),
    )


def local_response_norm(rng):
    size, told = int(rng.integers(1, 8)), {"alpha": rng.uniform(0.1, 2.0), "k": rng.uniform(0.5, 2)}
    told["beta"] = float(rng.choice([0.75, 0.5, rng.uniform(0.2, 1.5)]))
    x = rng.normal(size=(*draw(rng, 1, 3, 3), *draw(rng, 1, 9, 1)))
    layer = pb.LocalResponseNorm(size, **told)
    return Setting(layer, x, lambda x: last(F.local_response_norm(first(x), size, **told)))


def upsampling(rng, method):
    factor = draw(rng, 1, 4, 2)
    x = rng.normal(size=(*draw(rng, 1, 2, 1), *draw(rng, 1, 5, 2), *draw(rng, 1, 4, 1)))
    told: dict[str, Any] = {"align_corners": False} if method == "bilinear" else {}

    def theirs(x):
        return last(F.interpolate(first(x), scale_factor=factor, mode=method, **told))

    return Setting(pb.Upsample2d(one_or_all(rng, factor), method), x, theirs)


def dense(rng):
    layer = pb.Dense(int(rng.integers(1, 6)), bias=bool(rng.random() < 0.7), **F8)

    def theirs(x, weight, bias=None):
        return F.linear(x, weight.T, bias)

    return Setting(layer, rng.normal(size=draw(rng, 1, 6, int(rng.integers(2, 4)))), theirs)


def embedding(rng):
    count, units = draw(rng, 1, 9, 2)
    rows = rng.integers(count, size=draw(rng, 1, 6, int(rng.integers(1, 3))))
    return Setting(pb.Embedding(count, units, **F8), rows, lambda x, table: F.embedding(x, table))


def activation(rng, make, function):
    """Also far from zero; not at zero, where there are kinks."""
    shape = draw(rng, 1, 6, int(rng.integers(2, 5)))
    x = rng.normal(0.0, float(rng.choice([1.0, 30.0])), size=shape)
    slope = rng.uniform(0.1, 2.0)
    return Setting(make(slope), x, lambda x, **p: function(x, slope, **p))


ACTIVATIONS: dict[str, tuple[Callable[[float], pb.Layer], Callable[..., Any]]] = {
    "ELU": (pb.ELU, F.elu),
    "GELU": (lambda a: pb.GELU(), lambda x, a: F.gelu(x)),
    "GELU by tanh": (
        lambda a: pb.GELU(approximate=True),
        lambda x, a: F.gelu(x, approximate="tanh"),
    ),
    "Identity": (lambda a: pb.Identity(), lambda x, a: x * 1.0),
    "LeakyReLU": (pb.LeakyReLU, F.leaky_relu),
    "PReLU": (lambda a: pb.PReLU(**F8), lambda x, a, slope: last(F.prelu(first(x), slope))),
    "ReLU": (lambda a: pb.ReLU(), lambda x, a: F.relu(x)),
    "SELU": (lambda a: pb.SELU(), lambda x, a: F.selu(x)),
    "SiLU": (lambda a: pb.SiLU(), lambda x, a: F.silu(x)),
    "Sigmoid": (lambda a: pb.Sigmoid(), lambda x, a: torch.sigmoid(x)),
    "Softmax": (lambda a: pb.Softmax(), lambda x, a: F.softmax(x, dim=-1)),
    "Softplus": (lambda a: pb.Softplus(), lambda x, a: F.softplus(x, threshold=1e9)),
    "Tanh": (lambda a: pb.Tanh(), lambda x, a: torch.tanh(x)),
}
KINDS: dict[str, Callable[[np.random.Generator], Setting]] = {
    "Conv1d": lambda rng: convolution(rng, 1),
    "Conv2d": lambda rng: convolution(rng, 2),
    "DepthwiseConv2d": lambda rng: convolution(rng, 2, depthwise=True),
    "ConvTranspose2d": transposed,
    "MaxPool1d": lambda rng: pooling(rng, pb.MaxPool1d, 1),
    "MaxPool2d": lambda rng: pooling(rng, pb.MaxPool2d, 2),
    "AveragePool1d": lambda rng: pooling(rng, pb.AveragePool1d, 1),
    "AveragePool2d": lambda rng: pooling(rng, pb.AveragePool2d, 2),
    "GlobalAveragePool": lambda rng: global_pooling(rng, pb.GlobalAveragePool),
    "GlobalMaxPool": lambda rng: global_pooling(rng, pb.GlobalMaxPool),
    "GroupNorm": group_norm,
    "LayerNorm": lambda rng: layer_norm(rng, 1),
    "LayerNorm of images": lambda rng: layer_norm(rng, 3),
    "LocalResponseNorm": local_response_norm,
    "Upsample2d, nearest": lambda rng: upsampling(rng, "nearest"),
    "Upsample2d, bilinear": lambda rng: upsampling(rng, "bilinear"),
    "Dense": dense,
    "Embedding": embedding,
    **{
        name: lambda rng, make=make, function=function: activation(rng, make, function)
        for name, (make, function) in ACTIVATIONS.items()
    },
}


# The comparison ----------------------------------------------------------------------------------


@cache
def drawn(kind):
    """A Program of all settings, its inputs, and what PyTorch makes of them."""
    rng = np.random.default_rng(zlib.crc32(kind.encode()))
    inputs, outputs, values, wanted = {}, {}, {}, {}
    for k in range(SETTINGS):
        setting = KINDS[kind](rng)
        label = f"{k} {setting.layer} of {setting.x.shape}"
        x = pb.Unit(np.zeros_like(setting.x), "x")
        setting.layer(x)
        for unit in setting.layer.parameters.values():
            unit.value = rng.normal(size=unit.shape)
        y = setting.layer(x)
        sources = {name.rpartition(".")[2]: u for name, u in setting.layer.parameters.items()}
        theirs = {
            name: torch.tensor(unit.value, requires_grad=True) for name, unit in sources.items()
        }
        given = torch.tensor(setting.x, requires_grad=setting.x.dtype.kind == "f")
        made = setting.theirs(given, **theirs)
        pull = rng.normal(size=y.shape)
        made.backward(torch.tensor(pull))
        if setting.x.dtype.kind == "f":
            sources, theirs = {**sources, "x": x}, {**theirs, "x": given}
        inputs[f"x{k}"], values[f"x{k}"] = x, setting.x
        outputs[label], wanted[label] = y, made.detach().numpy()
        gradients = pb.gradient(y, list(sources.values()), pull)
        for name, g in zip(sources, gradients, strict=True):
            outputs[f"{label}, by {name}"] = g
            wanted[f"{label}, by {name}"] = theirs[name].grad.numpy()
    return pb.Program(inputs, outputs, {}), values, wanted


@pytest.fixture(autouse=True)
def native_code_is_watched(monkeypatch):
    """Native code lies between bytes that must not change, and is the same in every run."""
    monkeypatch.setenv("PULLBACK_GUARD", "1")
    monkeypatch.setenv("PULLBACK_TUNE", "0")


engines = pytest.mark.parametrize(
    ("engine", "threads"), [("eager", None), ("native", 1), ("native", 2)]
)


@engines
@pytest.mark.parametrize("kind", KINDS)
def test_values_and_gradients_are_pytorchs(kind, engine, threads):
    program, values, wanted = drawn(kind)
    got = pb.prepare(engine, program, threads=threads)(**values)
    assert set(got) == set(wanted)
    for label, value in wanted.items():
        assert np.shape(got[label]) == value.shape, label
        np.testing.assert_allclose(got[label], value, rtol=1e-10, atol=1e-11, err_msg=label)


@engines
def test_batch_norm_is_pytorchs_in_training_and_evaluation(engine, threads):
    rng = np.random.default_rng(8)
    inputs, outputs, updates, wanted = {}, {}, {}, []
    batches = [{} for _ in range(4)]
    for k in range(SETTINGS):
        axes = int(rng.integers(1, 3))
        shape = (*draw(rng, 2, 5, 1), *draw(rng, 1, 4, axes), *draw(rng, 1, 4, 1))
        momentum, epsilon = rng.uniform(0.0, 1.0), rng.uniform(1e-5, 1e-2)
        ours = pb.BatchNorm(momentum, epsilon, **F8)
        module = torch.nn.BatchNorm2d if axes == 2 else torch.nn.BatchNorm1d
        theirs = module(shape[-1], epsilon, 1.0 - momentum, dtype=torch.float64)
        x, training = pb.Unit(np.zeros(shape), "x"), pb.Training()
        ours(x)
        sources = ours.scale, ours.bias
        for unit, parameter in zip(sources, (theirs.weight, theirs.bias), strict=True):
            unit.value = rng.normal(size=unit.shape)
            with torch.no_grad():
                parameter.copy_(torch.tensor(unit.value))
        pull = rng.normal(size=shape)
        inputs[f"x{k}"] = x
        for mode, how in (("trained", training), ("evaluated", None)):
            y = ours(x, training=how)
            gradients = pb.gradient(y, [x, *sources], pull)
            outputs |= zip(
                [f"{k} {mode}{by}" for by in ("", ", by x", ", by scale", ", by bias")],
                [y, *gradients],
                strict=True,
            )
        updates |= training.updates
        for step, batch in enumerate(batches):
            batch[f"x{k}"] = rng.normal(3.0, 2.0, size=shape)
            wanted += [{}] if k == 0 else []
            for mode in ("evaluated", "trained"):  # the state moves after the step
                theirs.train(mode == "trained")
                theirs.zero_grad()
                given = torch.tensor(batch[f"x{k}"], requires_grad=True)
                made = last(theirs(first(given)))
                made.backward(torch.tensor(pull))
                wanted[step] |= {
                    f"{k} {mode}": made.detach(),
                    f"{k} {mode}, by x": given.grad,
                    f"{k} {mode}, by scale": theirs.weight.grad.clone(),
                    f"{k} {mode}, by bias": theirs.bias.grad.clone(),
                }
            wanted[step][f"{k} mean"] = theirs.running_mean.clone()
            wanted[step][f"{k} variance"] = theirs.running_var.clone()
    program = pb.Program(inputs, outputs, updates)
    run = pb.prepare(engine, program, threads=threads)
    for batch, expected in zip(batches, wanted, strict=True):
        got = run(**batch)
        for k, state in enumerate(updates):
            got[f"{k // 2} {('mean', 'variance')[k % 2]}"] = np.copy(state.value)
        assert set(got) == set(expected)
        for label, value in expected.items():
            np.testing.assert_allclose(
                got[label], value.numpy(), rtol=1e-9, atol=1e-10, err_msg=label
            )
