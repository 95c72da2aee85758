"""Every layer of the registry: values, gradients, edge sizes, its way to a file and back."""

import json

import numpy as np
import pytest
from tests.layers.reference import CASES

import pullback as pb
from pullback import layers
from pullback.layers import LAYERS, Layer, Training
from pullback.layers.composite import Composite
from pullback.layers.description import construct, describe

TABLE = [(name, k) for name in sorted(CASES) for k in range(len(CASES[name]))]
each = pytest.mark.parametrize(("name", "k"), TABLE)


def finals(kind):
    for inner in kind.__subclasses__():
        yield from finals(inner) if inner.__subclasses__() else [inner]


def test_every_layer_has_a_reference_and_no_reference_lacks_a_layer():
    assert set(CASES) == set(LAYERS)


def test_every_layer_is_registered_but_the_one_that_holds_code():
    ours = {kind.__name__ for kind in finals(Layer) if hasattr(layers, kind.__name__)}
    defined = {name for name, thing in vars(layers).items() if isinstance(thing, type)}
    assert defined - {"Layer", "Training"} == ours
    assert ours - set(LAYERS) == {"Model"}


def built(case, rows=5):
    """The layer, with parameters and state that are not where they start."""
    layer = case.make()
    layer(case.inputs(rows))
    rng = np.random.default_rng(1)
    for unit in {**layer.parameters, **layer.state}.values():
        unit.value = unit.value + rng.uniform(0.05, 0.3, unit.shape)
    return layer


def numbers(layer):
    return {name: unit.value.copy() for name, unit in {**layer.parameters, **layer.state}.items()}


def modes(case):
    return (False,) if case.trained is None else (False, True)


@each
@pytest.mark.parametrize("rows", [0, 1, 2, 7])
def test_values_are_those_of_the_reference(name, k, rows):
    case = CASES[name][k]
    layer, x = built(case), case.inputs(rows, seed=2)
    for training in (False, True):
        if training and rows < case.least_rows:
            continue
        y = layer(x, training=training)
        wanted = case.reference(x, numbers(layer), training)
        assert y.shape == wanted.shape
        np.testing.assert_allclose(y.value, wanted, rtol=1e-12, atol=1e-14)


def central_difference(f, x, step=1e-6):
    slopes = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        kept = x[at]
        x[at] = kept + step
        above = f()
        x[at] = kept - step
        slopes[at] = (above - f()) / (2 * step)
        x[at] = kept
    return slopes


@each
def test_gradients_are_the_slopes_of_the_reference(name, k):
    case = CASES[name][k]
    layer, x = built(case), case.inputs(3, seed=3)
    for training in modes(case):
        inputs = pb.Unit(x, "x")
        y = layer(inputs, training=training)
        pull = np.random.default_rng(4).normal(size=y.shape)
        y.backward(pull)
        values = numbers(layer)

        def f():
            return np.sum(pull * case.reference(x, values, training))

        if not case.integers:
            np.testing.assert_allclose(inputs.grad, central_difference(f, x), rtol=1e-5, atol=1e-7)
        for label, unit in layer.parameters.items():
            wanted = central_difference(f, values[label])
            np.testing.assert_allclose(unit.grad, wanted, rtol=1e-5, atol=1e-7, err_msg=label)


@each
def test_second_derivatives_are_the_slopes_of_the_first(name, k):
    case = CASES[name][k]
    layer, x = built(case), case.inputs(3, seed=3)
    for training in modes(case):
        inputs = pb.Unit(x, "x")
        y = layer(inputs, training=training)
        sources = [u for u in (inputs, *layer.parameters.values()) if u.dtype.kind == "f"]
        pb.check_gradients(pb.gradient((y * y).sum(), sources))


@each
def test_float32_stays_float32(name, k):
    case = CASES[name][k]
    single = construct(json.loads(json.dumps(describe(case.make())).replace("float64", "float32")))
    x = case.inputs(3)
    x = x if case.integers else x.astype(np.float32)
    for training in (False, True):
        y = single(x, training=training)
        if y.gate is None:  # the input came through as it was
            continue
        y.backward()
        assert y.dtype == np.float32
        assert {unit.grad.dtype for unit in single.parameters.values()} <= {np.dtype(np.float32)}
    np.testing.assert_allclose(
        single(x).value, case.reference(x.astype(x.dtype), numbers(single), False), atol=1e-5
    )


@each
def test_a_description_makes_the_same_layer(name, k):
    layer = CASES[name][k].make()
    again = construct(json.loads(json.dumps(describe(layer))))
    assert type(again) is type(layer)
    assert repr(again) == repr(layer)
    assert describe(again) == describe(layer)
    assert again.config == layer.config


@each
def test_what_is_saved_comes_back_bit_for_bit(name, k, tmp_path):
    case = CASES[name][k]
    layer, x = built(case), case.inputs(5, seed=6)
    layer.save(tmp_path / "m")
    again = type(layer).load(tmp_path / "m")
    assert isinstance(again, type(layer))
    assert list(again.parameters) == list(layer.parameters)
    assert list(again.weights) == list(layer.weights)
    assert list(again.state) == list(layer.state)
    for label, value in numbers(layer).items():
        np.testing.assert_array_equal(numbers(again)[label], value)
    for training in (False, True):
        first, second = layer(x, training=training), again(x, training=training)
        np.testing.assert_array_equal(first.value, second.value)
    fresh = case.make()
    fresh.load_parameters(tmp_path / "m")
    np.testing.assert_array_equal(fresh(x).value, layer(x).value)


@each
def test_training_without_state_or_chance_is_prediction(name, k):
    case = CASES[name][k]
    layer, x = built(case), case.inputs(4)
    if case.trained is None:
        training = Training()
        np.testing.assert_array_equal(layer(x, training=training).value, layer(x).value)
        assert not training.updates


@each
def test_another_size_of_the_last_axis_is_refused_by_name(name, k):
    case = CASES[name][k]
    layer = case.make()
    y = layer(case.inputs(2))
    if case.integers or not case.row or not layer.parameters:
        return
    other = np.ones((2, *case.row[:-1], case.row[-1] + 1))
    path = next(iter(layer.parameters)).rpartition(".")[0] or "dense1"
    with pytest.raises(pb.CircuitError, match=rf"layer '{path.rpartition('.')[2]}' expects"):
        layer(other)
    assert layer(case.inputs(2)).shape == y.shape


@each
def test_one_row_by_itself_is_predicted_as_in_a_batch(name, k):
    case = CASES[name][k]
    layer, x = built(case), case.inputs(7, seed=8)
    together = layer(x).value
    apart = np.concatenate([layer(x[i : i + 1]).value for i in range(7)])
    np.testing.assert_allclose(apart, together, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(layer.predict(x, batch_size=3), together, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", sorted(name for name in CASES if LAYERS[name].takes == 1))
def test_a_layer_of_one_input_refuses_two(name):
    x = CASES[name][0].inputs(2)
    with pytest.raises(pb.CircuitError, match="takes 1 input, got 2"):
        CASES[name][0].make()(x, x)


@pytest.mark.parametrize("name", sorted(CASES))
def test_training_must_be_a_training(name):
    with pytest.raises(pb.CircuitError, match="training is True, False or a Training"):
        CASES[name][0].make()(CASES[name][0].inputs(2), training=7)


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_name_has_no_dots(name):
    layer = CASES[name][0].make()
    inner = layer.layers if isinstance(layer, Composite) else ()
    with pytest.raises(pb.CircuitError, match=r"a layer's name is a text without '\.'"):
        type(layer)(*inner, name="a.b", **layer.config)
