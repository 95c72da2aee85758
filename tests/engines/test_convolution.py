"""Convolutions and pooling in the native engine: whole networks, and any padding and stride."""

import numpy as np
import pytest
from tests.program.test_simplify import assert_same

import pullback as pb
from pullback.engines.eager import Eager
from pullback.engines.native.engine import Native


def network(batch=6, size=9, dtype="f8", padding="same", stride=1):
    """A training step: convolution, bias, ReLU, pooling, convolution, dense."""
    rng = np.random.default_rng(0)

    def state(name, *shape):
        return pb.Unit((rng.normal(size=shape) * 0.3).astype(dtype), name)

    x, labels = state("x", batch, size, size, 2), state("labels", batch, 3)
    first, bias, second = state("first", 3, 3, 2, 4), state("bias", 4), state("second", 2, 3, 4, 5)
    h = pb.relu(pb.convolve(x, first, stride=stride, padding=padding) + bias)
    h = pb.convolve(pb.max_pool(h, 2), second, padding=((1, 0), (0, 2)))
    dense = state("dense", int(np.prod(h.shape[1:])), 3)
    loss = pb.mean((pb.reshape(h, (batch, -1)) @ dense - labels) ** 2.0)
    parameters = [first, bias, second, dense]
    gradients = pb.gradient(loss, [*parameters, x])
    updates = {p: p - 0.05 * g for p, g in zip(parameters, gradients[:-1], strict=True)}
    return pb.Program({"x": x, "labels": labels}, {"loss": loss, "dx": gradients[-1]}, updates)


@pytest.mark.parametrize(("padding", "stride"), [("same", 1), (((0, 2), (1, 0)), (1, 2))])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_network_trains_as_eager_does_it(threads, padding, stride):
    ours = network(padding=padding, stride=stride)
    theirs = network(padding=padding, stride=stride)
    native, eager = Native(ours, threads=threads), Eager(theirs)
    for _ in range(3):
        assert_same(eager(), native())
        for state, twin in zip(ours.updates, theirs.updates, strict=True):
            np.testing.assert_allclose(state.value, twin.value, rtol=1e-10)


def test_views_and_mixed_dtypes():
    rng = np.random.default_rng(0)
    x = pb.Unit(rng.normal(size=(2, 3, 7, 6)).astype("f4"), "x")
    w = pb.Unit(rng.normal(size=(4, 3, 2, 2)), "w")
    image, kernels = pb.transpose(x, (0, 2, 3, 1)), pb.transpose(w, (2, 3, 1, 0))
    y = pb.convolve(image[:, ::2], kernels)
    program = pb.Program({}, {"y": y, "dw": pb.gradient(pb.sum(y), w)}, {})
    assert_same(Eager(program)(), Native(program)())


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(
    ("groups", "dilation", "stride"),
    [(6, 1, 1), (6, (2, 1), (1, 2)), (2, 1, 2), (3, (1, 2), 1), (1, 2, (2, 1))],
)
def test_groups_and_dilation_have_gradients_of_their_gradients(threads, groups, dilation, stride):
    rng = np.random.default_rng(0)
    x = pb.Unit(rng.normal(size=(3, 9, 8, 6)), "x")
    w = pb.Unit(rng.normal(size=(3, 2, 6 // groups, 6)), "w")
    told = {"stride": stride, "padding": "same", "groups": groups, "dilation": dilation}
    y = pb.convolve(x, w, **told)
    firsts = pb.gradient(pb.sum(y**3.0), [x, w])
    seconds = pb.gradient(sum(pb.sum(first**2.0) for first in firsts), [x, w])
    made = (y, *firsts, *seconds)
    program = pb.Program({}, {f"y{k}": unit for k, unit in enumerate(made)}, {})
    assert_same(Eager(program)(), Native(program, threads=threads)())


def test_whole_numbers_are_refused():
    x = pb.Unit(np.ones((2, 2, 2, 2), np.int64), "x")
    with pytest.raises(pb.CircuitError, match="make an input a float"):
        Native(pb.Program({}, {"y": pb.convolve(x, x)}, {}))


@pytest.mark.parametrize("threads", [1, 2])
def test_pooling_reads_views_and_has_gradients_of_its_gradients(threads):
    rng = np.random.default_rng(0)
    x = pb.Unit(rng.normal(size=(3, 2, 9, 7)).astype("f4"), "x")
    image = pb.transpose(x, (0, 2, 3, 1))[:, ::2]
    y = pb.average_pool(pb.max_pool(image, 2, 1, ((1, 0), (0, 1))), (3, 2), 2, 1)
    first = pb.gradient(pb.sum(y**3.0), x)
    second = pb.gradient(pb.sum(first**2.0), x)
    program = pb.Program({"x": x}, {"y": y, "first": first, "second": second}, {})
    expected, found = Eager(program)(), Native(program, threads=threads)()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-5)


def test_the_largest_of_whole_numbers_is_pooled_and_their_mean():
    x = pb.Unit(np.random.default_rng(0).integers(0, 250, (2, 5, 6, 3)), "x")
    outputs = {"max": pb.max_pool(x, 3, 2, 1), "mean": pb.average_pool(x, 2, 1, 1)}
    program = pb.Program({"x": x}, outputs, {})
    assert_same(Eager(program)(), Native(program)())
