"""Every layer of the registry: values, gradients, edge sizes, its way to a file and back."""

import json

import numpy as np
import pytest
from tests.layers.reference import CASES

import pullback as pb
from pullback import layers
from pullback.engines.eager import Eager
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
    layer(*case.given(case.inputs(rows)))
    rng = np.random.default_rng(1)
    for unit in {**layer.parameters, **layer.state}.values():
        unit.value = unit.value + rng.uniform(0.05, 0.3, unit.shape)
    return layer


def numbers(layer):
    return {name: unit.value.copy() for name, unit in {**layer.parameters, **layer.state}.items()}


def modes(case):
    return (False,) if case.trained is None else (False, True)


@each
def test_what_a_layer_says_of_its_channels_is_so(name, k):
    """`prune` counts on it: alone, each channel moves itself; summed up, the weights say which."""
    case = CASES[name][k]
    layer = built(case)
    if not case.row or not (layer.by_channel or layer.units_argument):
        return
    x = np.array(case.inputs(3))
    channels, before = x.shape[-1], layer(x).value
    if layer.units_argument:
        weight = layer.own_parameters["weight"]
        assert weight.shape[-1] == layer.config[layer.units_argument] == before.shape[-1]
        assert weight.shape[-2] * layer.config.get("groups", 1) == channels
        silent = np.zeros(weight.shape)
        silent[..., :-1, :] = weight.value[..., :-1, :]
        weight.value = silent
        before = layer(x).value
    for channel in range(channels):
        moved = x.copy()
        moved[..., channel] += 3.0
        changed = (layer(moved).value != before).reshape(-1, before.shape[-1]).any(axis=0)
        if layer.by_channel:
            assert not np.delete(changed.reshape(-1, channels), channel, axis=1).any()
        elif layer.config.get("groups", 1) == 1:
            assert changed.any() == (channel < channels - 1)
    if layer.by_channel:
        constant = np.broadcast_to(np.arange(float(channels)), x.shape)
        y = layer(constant).value
        apart = y.reshape(len(y), -1, channels)
        np.testing.assert_allclose(apart, np.broadcast_to(apart[:1, :1], apart.shape), rtol=1e-6)


@each
@pytest.mark.parametrize("rows", [0, 1, 2, 7])
def test_values_are_those_of_the_reference(name, k, rows):
    case = CASES[name][k]
    layer, x = built(case), case.inputs(rows, seed=2)
    for training in (False, True):
        if training and rows < case.least_rows:
            continue
        y = case.output(layer(*case.given(x), training=training))
        wanted = case.reference(case.given(x), numbers(layer), training)
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
        given = case.given(x)
        inputs = [pb.Unit(v, "x") for v in given]
        y = case.output(layer(*inputs, training=training))
        pull = np.random.default_rng(4).normal(size=y.shape)
        y.backward(pull)
        values = numbers(layer)

        def f():
            return np.sum(pull * case.reference(given, values, training))

        for unit, v in zip(inputs, given, strict=True):
            if v.dtype.kind == "f":
                np.testing.assert_allclose(
                    unit.grad, central_difference(f, v), rtol=1e-5, atol=1e-7
                )
        for label, unit in layer.parameters.items():
            wanted = central_difference(f, values[label])
            np.testing.assert_allclose(unit.grad, wanted, rtol=1e-5, atol=1e-7, err_msg=label)


@each
def test_second_derivatives_are_the_slopes_of_the_first(name, k):
    """All first derivatives, moved along a random direction, against its pull through them."""
    case = CASES[name][k]
    layer, x = built(case), case.inputs(3, seed=3)
    for training in modes(case):
        inputs = [pb.Unit(v, "x") for v in case.given(x)]
        y = case.output(layer(*inputs, training=training))
        sources = [u for u in (*inputs, *layer.parameters.values()) if u.dtype.kind == "f"]
        firsts = pb.gradient((y * y).sum(), sources)
        rng = np.random.default_rng(5)
        along = [rng.normal(size=unit.shape) for unit in sources]
        pulled = sum((first * v).sum() for first, v in zip(firsts, along, strict=True))
        seconds = [second.value for second in pb.gradient(pulled, sources)]
        starts, step = [unit.value for unit in sources], 1e-6
        run = Eager(pb.Program({}, {str(i): first for i, first in enumerate(firsts)}, {}))
        moved = []
        for s in (step, -step):
            for unit, start, v in zip(sources, starts, along, strict=True):
                unit.value = start + s * v
            moved.append(run().values())
        for unit, start in zip(sources, starts, strict=True):
            unit.value = start
        for unit, second, above, below in zip(sources, seconds, *moved, strict=True):
            wanted = (above - below) / (2 * step)
            atol = 1e-7 * max(1.0, np.max(np.abs(above), initial=0.0))
            np.testing.assert_allclose(second, wanted, 1e-6, atol, err_msg=unit.label)


@each
def test_float32_stays_float32(name, k):
    case = CASES[name][k]
    single = construct(json.loads(json.dumps(describe(case.make())).replace("float64", "float32")))
    x = case.inputs(3)
    x = x if case.integers else x.astype(np.float32)
    for training in (False, True):
        y = case.output(single(*case.given(x), training=training))
        if y.gate is None:  # the input came through as it was
            continue
        y.backward()
        assert y.dtype == np.float32
        assert {unit.grad.dtype for unit in single.parameters.values()} <= {np.dtype(np.float32)}
    np.testing.assert_allclose(
        case.output(single(*case.given(x))).value,
        case.reference(case.given(x), numbers(single), False),
        atol=1e-5,
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
        given = case.given(x)
        first, second = (case.output(m(*given, training=training)) for m in (layer, again))
        np.testing.assert_array_equal(first.value, second.value)
    fresh = case.make()
    fresh.load_parameters(tmp_path / "m")
    first, second = (case.output(m(*case.given(x))) for m in (fresh, layer))
    np.testing.assert_array_equal(first.value, second.value)


@each
def test_training_without_state_or_chance_is_prediction(name, k):
    case = CASES[name][k]
    layer, x = built(case), case.inputs(4)
    if case.trained is None:
        training, given = Training(), case.given(x)
        first, second = (case.output(layer(*given, training=how)) for how in (training, None))
        np.testing.assert_array_equal(first.value, second.value)
        assert not training.updates


@each
def test_another_size_of_the_last_axis_is_refused_by_name(name, k):
    case = CASES[name][k]
    layer = case.make()
    y = case.output(layer(*case.given(case.inputs(2))))
    if case.integers or not case.row or not layer.parameters:
        return
    other = np.ones((2, *case.row[:-1], case.row[-1] + 1))
    path = next(iter(layer.parameters)).rpartition(".")[0] or "dense1"
    with pytest.raises(pb.CircuitError, match=rf"layer '{path.rpartition('.')[2]}' expects"):
        layer(*case.given(other))
    assert case.output(layer(*case.given(case.inputs(2)))).shape == y.shape


@each
def test_one_row_by_itself_is_predicted_as_in_a_batch(name, k):
    case = CASES[name][k]
    layer, x = built(case), case.inputs(7, seed=8)
    given = case.given(x)
    together = case.output(layer(*given)).value
    rows = [case.output(layer(*(v[i : i + 1] for v in given))).value for i in range(7)]
    np.testing.assert_allclose(np.concatenate(rows), together, rtol=1e-13, atol=1e-15)
    predicted = case.output(layer.predict(given if len(given) > 1 else x, batch_size=3))
    np.testing.assert_allclose(predicted, together, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", sorted(n for n in CASES if LAYERS[n].takes == 1))
def test_a_layer_of_one_input_refuses_two(name):
    x = CASES[name][0].inputs(2)
    with pytest.raises(pb.CircuitError, match="takes 1 input, got 2"):
        CASES[name][0].make()(x, x)


@pytest.mark.parametrize("name", sorted(CASES))
def test_training_must_be_a_training(name):
    with pytest.raises(pb.CircuitError, match="training is True, False or a Training"):
        CASES[name][0].make()(*CASES[name][0].given(CASES[name][0].inputs(2)), training=7)


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_name_has_no_dots(name):
    layer = CASES[name][0].make()
    inner = layer.layers if isinstance(layer, Composite) and not layer.makes_layers else ()
    with pytest.raises(pb.CircuitError, match=r"a layer's name is a text without '\.'"):
        type(layer)(*inner, name="a.b", **layer.config)
