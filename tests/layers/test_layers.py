"""Layers against NumPy, their inference of sizes, and what they refuse."""

import re

import numpy as np
import pytest

import pullback as pb
from pullback.layers import (
    LAYERS,
    SELU,
    BatchNorm,
    Dropout,
    Embedding,
    Flatten,
    GroupNorm,
    Identity,
    LayerNorm,
    LeakyReLU,
    Maxout,
    Model,
    Parallel,
    PReLU,
    Reshape,
    Residual,
)
from pullback.layers.activations import Activation


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (7, 3), (2, 5, 3)])
def test_dense_is_a_matrix_product_and_a_bias(shape):
    x = np.random.default_rng(0).normal(size=shape)
    layer = pb.Dense(4, dtype="float64", rng=1)
    y = layer(x)
    assert layer.weight is not None
    assert layer.bias is not None
    layer.bias.value = np.arange(4.0)
    np.testing.assert_allclose(y.forward(), x @ layer.weight.value + np.arange(4.0))


@pytest.mark.parametrize("engine", ["eager", "native"])
@pytest.mark.parametrize("mean", [1e4, -1e6])
@pytest.mark.parametrize("kind", [LayerNorm, BatchNorm, lambda: GroupNorm(1)])
def test_a_norm_keeps_its_digits_far_from_zero(kind, mean, engine):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(64, 8)) + mean).astype(np.float32)
    pull = rng.normal(size=x.shape)
    rows = kind is not BatchNorm
    wire = pb.Unit(x)
    y = kind()(wire, training=True)
    outputs = {"y": y, "dx": pb.gradient(y, wire, pull.astype(np.float32))}
    got = pb.prepare(engine, pb.Program({}, outputs, {}))()
    true = x.astype(float)
    axis = 1 if rows else 0
    scale = np.sqrt(true.var(axis=axis, keepdims=True) + 1e-5)
    normal = (true - true.mean(axis=axis, keepdims=True)) / scale
    along = (pull * normal).mean(axis=axis, keepdims=True)
    slope = (pull - pull.mean(axis=axis, keepdims=True) - normal * along) / scale
    np.testing.assert_allclose(got["y"], normal, atol=3e-6)
    np.testing.assert_allclose(got["dx"], slope, atol=3e-6)


@pytest.mark.parametrize("engine", ["eager", "native"])
@pytest.mark.parametrize("kind", [LayerNorm, BatchNorm, lambda: GroupNorm(8)])
def test_a_norm_of_numbers_that_left_their_range_says_so(kind, engine):
    x = np.random.default_rng(0).normal(size=(64, 5, 8)).astype(np.float32)
    for scale, finite in (1e18, True), (1e21, False):
        y = kind()(pb.Unit(x * np.float32(scale)), training=True)
        made = pb.prepare(engine, pb.Program({}, {"y": y}, {}))()["y"]
        assert np.isfinite(made).all() == finite
        assert np.isnan(made).all() != finite


def test_activations_are_finite_at_any_size_and_so_are_their_slopes():
    x = pb.Unit([[-1e6, -800.0, -30.0, -1e-8, 1e-8, 30.0, 800.0, 1e6]])
    for name in sorted(LAYERS):
        kind = LAYERS[name]
        if not (issubclass(kind, Activation) or kind is PReLU):
            continue
        for layer in [kind(), *([kind(approximate=True)] if name == "GELU" else [])]:
            y = layer(x)
            first = pb.gradient(y, x)
            second = pb.gradient(first, x)
            for unit in (y, first, second):
                assert np.isfinite(unit.value).all(), (name, unit)
            if name not in ("Softmax", "Sigmoid", "Tanh"):
                np.testing.assert_allclose(y.value[0, -1], 1e6 * first.value[0, -1])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "bool"])
def test_activations_of_whole_numbers_are_those_of_floats(dtype):
    x = np.arange(12).reshape(3, 4).astype(dtype)
    for name in sorted(LAYERS):
        kind = LAYERS[name]
        if issubclass(kind, Activation) or kind is PReLU:
            y = kind()(x).value
            np.testing.assert_allclose(y, kind()(x.astype(float)).value, rtol=1e-6, err_msg=name)
    assert Identity()(x).dtype == dtype


def test_selu_keeps_mean_and_variance():
    x = np.random.default_rng(0).normal(size=(4000, 1))
    y = SELU()(x).value
    assert y.mean() == pytest.approx(0.0, abs=0.03)
    assert y.var() == pytest.approx(1.0, abs=0.05)


def test_maxout_shares_the_gradient_of_a_tie():
    layer = Maxout(1, pieces=2, initializer="zeros", dtype="float64")
    layer(np.ones((1, 1))).backward()
    assert layer.bias is not None
    np.testing.assert_array_equal(layer.bias.grad, [0.5, 0.5])


def test_embedding_refuses_what_is_no_row():
    layer = Embedding(4, 2)
    for bad, message in (
        (np.array([0, 4]), "rows 0 to 3, and was asked for 4"),
        (np.array([-1]), "rows 0 to 3, and was asked for -1"),
        (np.array([1.0]), "whole numbers, an array of integers, got float64"),
        (np.array([True]), "whole numbers"),
    ):
        with pytest.raises(pb.CircuitError, match=f"layer 'embedding' .*{message}"):
            layer(bad)
    assert layer(np.int64(3)).shape == (2,)


def test_embedding_adds_up_the_gradients_of_a_row_that_is_asked_for_twice():
    layer = Embedding(4, 2, dtype="float64")
    layer(np.array([[1, 3], [1, 1]])).backward()
    assert layer.table is not None
    np.testing.assert_array_equal(layer.table.grad, [[0, 0], [3, 3], [0, 0], [1, 1]])


def test_rows_that_do_not_fit_a_shape_are_refused():
    with pytest.raises(pb.CircuitError, match=r"layer 'reshape' makes rows of shape \(2, -1\)"):
        Reshape((2, -1))(np.ones((3, 5)))
    with pytest.raises(pb.CircuitError, match="layer 'reshape' makes rows"):
        Reshape((0, -1))(np.ones((3, 5)))
    with pytest.raises(pb.CircuitError, match="layer 'flatten' expects"):
        Flatten()(1.0)


def test_parameters_are_float32_and_stay_so():
    model = pb.Sequential(pb.Dense(4), pb.Tanh(), pb.Dense(1))
    y = model(np.ones((3, 2), np.float32))
    y.backward()
    assert y.dtype == np.float32
    assert {unit.grad.dtype for unit in model.parameters.values()} == {np.dtype(np.float32)}


def test_same_seed_gives_the_same_parameters_and_another_seed_others():
    def first(rng):
        model = pb.Sequential(pb.Dense(3), pb.Dense(3), rng=rng)
        model(np.ones((1, 3)))
        return [unit.value for unit in model.weights.values()]

    a, b, c = first(7), first(7), first(8)
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a[0], c[0])
    assert not np.array_equal(a[0], a[1])


def test_a_shared_layer_has_its_parameters_once():
    layer = pb.Dense(3)
    y = layer(layer(np.ones((2, 3), np.float32)))
    assert sum(unit.gate is None for unit in pb.Circuit(y).wires) == 3  # inputs, weight, bias


def test_layers_are_groups_of_the_circuit():
    model = pb.Sequential(pb.Dense(3), pb.ReLU(), name="net")
    scopes = {unit.scope for unit in pb.Circuit(model(np.ones((1, 2)))).gates}
    assert scopes == {"net/dense1", "net/relu1"}


def test_names_are_unique():
    model = pb.Sequential(pb.Dense(3), pb.ReLU(), pb.Dense(3, name="head"))
    assert [layer.name for layer in model] == ["dense1", "relu1", "head"]
    model(np.ones((1, 2)))
    assert list(model.parameters) == ["dense1.weight", "dense1.bias", "head.weight", "head.bias"]
    assert list(model.weights) == ["dense1.weight", "head.weight"]
    with pytest.raises(pb.CircuitError, match="two layers are named 'a'"):
        pb.Sequential(pb.Dense(1, name="a"), pb.Dense(1, name="a"))
    named_like_a_count = pb.Sequential(pb.Dense(3), pb.Dense(2, name="dense1"), pb.Dense(1))
    assert [layer.name for layer in named_like_a_count] == ["dense2", "dense1", "dense3"]


def test_layers_of_layers_without_a_name_are_called_by_their_kind():
    x = np.ones((2, 4))
    for layer, message in (
        (Residual(pb.Dense(3)), "layer 'residual' adds its input of shape (2, 4) to (2, 3)"),
        (Parallel(pb.Dense(3), pb.Dense(4), join="add"), "layer 'parallel' cannot add outputs of"),
    ):
        with pytest.raises(pb.CircuitError, match=f"^{re.escape(message)}"):
            layer(x)
    with pytest.raises(pb.CircuitError, match=r"^layer 'residual' takes 1 input, got 2"):
        Residual(pb.Dense(4))(x, x)


def test_a_wrong_size_names_the_layer():
    model = pb.Sequential(pb.Dense(3), pb.Dense(2, name="h1"))
    model(np.ones((1, 64)))
    with pytest.raises(pb.CircuitError, match=r"layer 'dense1' expects .* \(…, 64\), got \(1, 32"):
        model(np.ones((1, 32)))
    with pytest.raises(pb.CircuitError, match="got a number"):
        pb.Dense(3)(1.0)
    with pytest.raises(pb.CircuitError, match=r"got \(5,\), with no axis for the rows"):
        pb.Dense(3)(np.ones(5))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pb.Dense(0), "at least one unit"),
        (lambda: pb.Dense(2, initializer="hee"), "did you mean 'he'"),
        (lambda: pb.Sequential(), "at least one layer"),
        (lambda: pb.Sequential(pb.relu), "made of layers"),
        (lambda: pb.Dense(2.5), "a whole number of units"),
        (lambda: pb.Dense(2, dtype="int32"), "a dtype of floats"),
        (lambda: pb.Dense(2, dtype="float23"), "a dtype of floats"),
        (lambda: pb.Dense(2, name=3), "a layer's name is a text"),
        (lambda: Maxout(2, 0), "at least one piece"),
        (lambda: Embedding(0, 2), "at least one row"),
        (lambda: Dropout(1.0), "a rate from 0 to below 1, got 1"),
        (lambda: Dropout(-0.1), "a rate from 0"),
        (lambda: Dropout("0.5"), "a rate from 0"),
        (lambda: BatchNorm(1.5), "a momentum from 0 to 1"),
        (lambda: LayerNorm(float("nan")), "an? epsilon from 0"),
        (lambda: LeakyReLU(-1.0), "a slope from 0"),
        (lambda: Reshape((2, -1, -1)), "one of them -1"),
        (lambda: Reshape((2, 1.5)), "whole numbers"),
        (lambda: Reshape(3), "whole numbers"),
        (lambda: Parallel(pb.ReLU(), join="sum"), "join is one of concatenate, add, none"),
        (lambda: Parallel(), "at least one layer"),
        (lambda: Residual(), "at least one layer"),
        (lambda: Model(pb.Dense(3), a=pb.Dense(3)), "needs a function"),
        (lambda: Model(lambda layers, x, training: x), "at least one layer"),
    ],
)
def test_bad_arguments_are_refused_at_once(make, message):
    with pytest.raises(pb.CircuitError, match=message):
        make()


def test_predict_in_batches_is_one_call():
    model = pb.Sequential(pb.Dense(3), pb.ReLU(), pb.Dense(2))
    x = np.random.default_rng(0).normal(size=(11, 4)).astype(np.float32)
    np.testing.assert_allclose(model.predict(x, batch_size=4), model(x).value, rtol=1e-6)
    assert model.predict(x[:0]).shape == (0, 2)


def test_predict_refuses_a_number():
    with pytest.raises(pb.CircuitError, match=r"predict needs inputs of as many rows.* got .*\(\)"):
        pb.Dense(2).predict(3.0)


def test_predict_refuses_inputs_of_different_lengths_and_empty_batches():
    model = Parallel(pb.Dense(2), pb.Dense(2))
    with pytest.raises(pb.CircuitError, match=r"as many rows.* \(3, 2\), \(4, 2\)"):
        model.predict((np.ones((3, 2)), np.ones((4, 2))))
    with pytest.raises(pb.CircuitError, match="batches of 0"):
        model.predict(np.ones((3, 2)), batch_size=0)


def test_a_frozen_layer_keeps_its_numbers_as_state():
    base = pb.Sequential(pb.Dense(3), BatchNorm()).freeze()
    model = pb.Sequential(base, pb.Dense(2))
    model(np.ones((2, 3)))
    assert list(model.parameters) == ["dense1.weight", "dense1.bias"]
    assert list(model.weights) == ["dense1.weight"]
    assert len(model.state) == 6
    assert base.unfreeze() is base
    assert len(model.parameters) == 6
    assert list(model.state) == [
        "sequential1.batchnorm1.mean",
        "sequential1.batchnorm1.variance",
    ]


def test_a_repr_tells_what_is_not_the_default():
    assert repr(pb.Dense(3)) == "Dense(3)"
    assert repr(pb.Dense(3, bias=False)) == "Dense(3, bias=False)"
    assert repr(Residual(pb.Dense(3), project=True)) == "Residual(Dense(3), project=True)"
    assert repr(LeakyReLU()) == "LeakyReLU()"
