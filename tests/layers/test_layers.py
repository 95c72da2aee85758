"""Layers against NumPy, their inference of sizes, and what they refuse."""

import numpy as np
import pytest

import pullback as pb
from pullback.layers import LAYERS


def numerical(f, w, eps=1e-6):
    gradient = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        keep = w[i]
        w[i] = keep + eps
        high = f()
        w[i] = keep - eps
        gradient[i] = (high - f()) / (2 * eps)
        w[i] = keep
    return gradient


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (7, 3), (2, 5, 3)])
def test_dense_is_a_matrix_product_and_a_bias(shape):
    x = np.random.default_rng(0).normal(size=shape)
    layer = pb.Dense(4, dtype="float64", rng=1)
    y = layer(x)
    assert layer.weight is not None
    assert layer.bias is not None
    layer.bias.value = np.arange(4.0)
    np.testing.assert_allclose(y.forward(), x @ layer.weight.value + np.arange(4.0))


@pytest.mark.parametrize("activation", ["ReLU", "Tanh", "Sigmoid"])
def test_gradients_of_a_network_are_the_numerical_ones(activation):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 3))
    model = pb.Sequential(
        pb.Dense(4, dtype="float64"), LAYERS[activation](), pb.Dense(2, dtype="float64"), rng=3
    )
    loss = pb.SoftmaxCrossEntropy()(model(x), [0, 1, 1, 0, 1])
    loss.backward()
    for unit in model.parameters.values():
        analytic = unit.grad
        expected = numerical(loss.forward, unit.value)
        np.testing.assert_allclose(analytic, expected, rtol=1e-6, atol=1e-8)


def test_activations_agree_with_numpy():
    x = np.linspace(-3, 3, 11)
    np.testing.assert_array_equal(pb.ReLU()(x).value, np.maximum(x, 0))
    np.testing.assert_allclose(pb.Tanh()(x).value, np.tanh(x))
    np.testing.assert_allclose(pb.Sigmoid()(x).value, 1 / (1 + np.exp(-x)))


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


def test_a_wrong_size_names_the_layer():
    model = pb.Sequential(pb.Dense(3), pb.Dense(2, name="h1"))
    model(np.ones((1, 64)))
    with pytest.raises(pb.CircuitError, match=r"layer 'dense1' expects .* \(…, 64\), got \(1, 32"):
        model(np.ones((1, 32)))
    with pytest.raises(pb.CircuitError, match="got a number"):
        pb.Dense(3)(1.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pb.Dense(0), "at least one unit"),
        (lambda: pb.Dense(2, initializer="hee"), "did you mean 'he'"),
        (lambda: pb.Sequential(), "at least one layer"),
        (lambda: pb.Sequential(pb.relu), "made of layers"),
    ],
)
def test_bad_arguments_are_refused_at_once(make, message):
    with pytest.raises((pb.CircuitError, KeyError), match=message):
        make()


def test_predict_in_batches_is_one_call():
    model = pb.Sequential(pb.Dense(3), pb.ReLU(), pb.Dense(2))
    x = np.random.default_rng(0).normal(size=(11, 4)).astype(np.float32)
    np.testing.assert_allclose(model.predict(x, batch_size=4), model(x).value, rtol=1e-6)
    assert model.predict(x[:0]).shape == (0, 2)


@pytest.mark.parametrize(
    ("name", "variance"), [("he", 2 / 300), ("glorot", 2 / 500), ("lecun", 1 / 300)]
)
def test_initializers_have_their_variance(name, variance):
    from pullback.layers.initializers import INITIALIZERS

    drawn = INITIALIZERS[name]((300, 200), np.random.default_rng(0))
    assert drawn.mean() == pytest.approx(0.0, abs=1e-3)
    assert drawn.var() == pytest.approx(variance, rel=0.03)
