"""Pruning: a smaller model gives the same answers, and says what went."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullback as pb
from pullback import models

RNG = np.random.default_rng(0)


def built(*layers, shape, seed=0):
    """A model in double precision, with biases and statistics that are not those of the start."""
    model = pb.Sequential(*layers, rng=seed)
    model(np.zeros((1, *shape)))
    rng = np.random.default_rng(seed)
    for name, unit in {**model.parameters, **model.state}.items():
        if not name.endswith("weight"):
            unit.value = rng.uniform(0.2, 1.5, unit.shape)
    return model


def dense(units, **how):
    return pb.Dense(units, dtype="float64", **how)


def conv(filters, kernel=3, **how):
    return pb.Conv2d(filters, kernel, dtype="float64", **how)


def norm():
    return pb.BatchNorm(dtype="float64")


def clear(model, name, incoming=(), outgoing=()):
    """Zeros for all that comes into these units, and that leaves those inputs."""
    unit = model.parameters[f"{name}.weight"]
    weight = unit.value.copy()
    weight[..., list(incoming)] = 0.0
    weight[..., list(outgoing), :] = 0.0
    unit.value = weight


def same(model, pruned, shape):
    x = np.random.default_rng(9).normal(size=(5, *shape))
    np.testing.assert_allclose(pruned.predict(x), model.predict(x), rtol=1e-12, atol=1e-12)


def units(pruned):
    return {row.name: row.units for row in pruned.rows}


@pytest.mark.parametrize("activation", [pb.ReLU, pb.Tanh, pb.Sigmoid, pb.ELU, pb.LeakyReLU])
@pytest.mark.parametrize("bias", [True, False])
def test_silent_and_unread_units_go(activation, bias):
    layers = dense(7), activation(), pb.Dropout(0.5), dense(5, bias=bias), activation(), dense(2)
    model = built(*layers, shape=(3,))
    clear(model, "dense1", incoming=[1, 4])
    clear(model, "dense2", outgoing=[6])
    pruned = pb.prune(model)
    assert units(pruned) == {"dense1": (7, 4), "dense2": (5, 5), "dense3": (2, 2)}
    same(model, pruned.model, (3,))
    assert model.parameters["dense1.weight"].shape == (3, 7)
    assert pruned.model.parameters["dense1.weight"].shape == (3, 4)


def test_what_goes_leaves_others_unread():
    model = built(dense(4), pb.ReLU(), dense(3), pb.ReLU(), dense(2), shape=(3,))
    clear(model, "dense3", outgoing=[0, 2])
    weight = model.parameters["dense2.weight"].value.copy()
    weight[1, 1] = weight[3, 1] = 0.0  # the unit that is left does not read these
    model.parameters["dense2.weight"].value = weight
    pruned = pb.prune(model)
    assert units(pruned) == {"dense1": (4, 2), "dense2": (3, 1), "dense3": (2, 2)}
    same(model, pruned.model, (3,))


def test_units_that_are_told_constants_alone_are_constant():
    model = built(dense(3), pb.ReLU(), dense(4), pb.Tanh(), dense(2), shape=(3,))
    clear(model, "dense1", incoming=[0, 2])
    weight = model.parameters["dense2.weight"].value.copy()
    weight[1, [1, 3]] = 0.0  # all that does not come from constants
    model.parameters["dense2.weight"].value = weight
    pruned = pb.prune(model)
    assert units(pruned) == {"dense1": (3, 1), "dense2": (4, 2), "dense3": (2, 2)}
    same(model, pruned.model, (3,))


@pytest.mark.parametrize("cleared", ["incoming", "outgoing"])
def test_one_unit_is_left_of_a_layer_that_does_nothing(cleared):
    model = built(dense(5), pb.ReLU(), dense(2), shape=(3,))
    name = "dense1" if cleared == "incoming" else "dense2"
    clear(model, name, **{cleared: range(5)})
    pruned = pb.prune(model)
    assert units(pruned)["dense1"] == (5, 1)
    same(model, pruned.model, (3,))
    assert str(pb.prune(pruned.model)).count("->") == 0


@pytest.mark.parametrize("pool", [pb.MaxPool2d(2), pb.AveragePool2d(2, padding="same"), None])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_filters_go_through_normalization_pooling_and_flatten(pool, padding):
    layers = (
        conv(7, bias=False),
        norm(),
        pb.ReLU(),
        *([pool] if pool else []),
        conv(5, padding=padding),
        pb.PReLU(dtype="float64"),
        pb.Flatten(),
        norm(),
        dense(3),
    )
    model = built(*layers, shape=(9, 8, 2))
    model.state["batchnorm1.mean"].value = np.zeros(7)  # so that a constant is above zero
    clear(model, "conv2d1", incoming=[0, 3])
    clear(model, "conv2d2", incoming=[1], outgoing=[5])
    rows = model.parameters["dense1.weight"]
    model.parameters["dense1.weight"].value = np.where(
        (np.arange(rows.shape[0]) % 5 == 4)[:, None], 0.0, rows.value
    )
    constant = 0 if padding == "valid" else 2  # which a padding would interrupt
    pruned = pb.prune(model)
    assert units(pruned)["conv2d1"] == (7, 4 + constant)
    assert units(pruned)["conv2d2"] == (5, 3)
    same(model, pruned.model, (9, 8, 2))


def test_a_silent_filter_that_ends_in_zeros_goes_where_it_is_padded_too():
    model = built(conv(4), pb.ReLU(), conv(3, padding="same"), shape=(6, 6, 2))
    clear(model, "conv2d1", incoming=[2])
    bias = model.parameters["conv2d1.bias"]
    bias.value = np.array([0.5, 0.5, -1.0, 0.5])
    pruned = pb.prune(model)
    assert units(pruned)["conv2d1"] == (4, 3)
    same(model, pruned.model, (6, 6, 2))


@pytest.mark.parametrize("flat", [False, True])
def test_a_scale_of_zero_makes_a_constant(flat):
    middle = (pb.Flatten(), norm(), pb.Tanh(), dense(2)) if flat else (norm(), pb.ReLU(), conv(2))
    model = built(conv(5), *middle, shape=(6, 5, 2))
    scale = model.parameters["batchnorm1.scale"]
    channel = np.arange(scale.size) % 5
    scale.value = np.where((channel == 1) | (channel == 4), 0.0, scale.value)
    pruned = pb.prune(model)
    assert units(pruned)["conv2d1"] == (5, 3)
    same(model, pruned.model, (6, 5, 2))
    scale.value = np.where(np.arange(scale.size) == 1, 0.0, 1.0)  # of one place alone, if flat
    assert units(pb.prune(model))["conv2d1"] == (5, 5 if flat else 4)


def test_sequences_and_global_pools():
    layers = (
        pb.Conv1d(6, 3, padding=1, dtype="float64"),
        pb.SiLU(),
        pb.MaxPool1d(2),
        pb.Conv1d(5, 2, stride=2, dtype="float64"),
        pb.GlobalMaxPool(),
        dense(2),
    )
    model = built(*layers, shape=(11, 3))
    clear(model, "conv1d1", incoming=[1, 2])
    clear(model, "conv1d2", incoming=[0])
    clear(model, "dense1", outgoing=[4])
    pruned = pb.prune(model)
    assert units(pruned) == {"conv1d1": (6, 4), "conv1d2": (5, 3), "dense1": (2, 2)}
    same(model, pruned.model, (11, 3))


def test_what_comes_together_keeps_its_shape_and_is_cut_inside():
    block = pb.Residual(dense(6), pb.ReLU(), dense(4), around=pb.Sequential(dense(5), dense(4)))
    branches = pb.Parallel(pb.Sequential(dense(3), pb.Tanh(), dense(2)), dense(2))
    model = built(dense(4), block, branches, dense(1), shape=(3,))
    for name, layer in {
        "dense1": (0,),
        "residual1.dense1": (2, 3),
        "residual1.dense2": (1,),
        "residual1.sequential1.dense1": (4,),
        "parallel1.sequential1.dense1": (0,),
        "parallel1.dense1": (1,),
    }.items():
        clear(model, name, incoming=layer)
    pruned = pb.prune(model)
    lost = {name: a - b for name, (a, b) in units(pruned).items() if a != b}
    assert lost == {
        "residual1.dense1": 2,
        "residual1.sequential1.dense1": 1,
        "parallel1.sequential1.dense1": 1,
    }
    same(model, pruned.model, (3,))


def test_layers_in_layers_are_one_line(tmp_path):
    body = pb.Sequential(dense(5), pb.ReLU(), name="body")
    model = built(body, pb.Sequential(pb.Dropout(0.1), dense(2), name="head"), shape=(3,))
    clear(model, "body.dense1", incoming=[0])
    clear(model, "head.dense1", outgoing=[3])
    smaller = pb.prune(model).model
    same(model, smaller, (3,))
    smaller.save(tmp_path / "all.safetensors")
    smaller["head"].save(tmp_path / "head.safetensors")
    same(model, pb.Sequential.load(tmp_path / "all.safetensors"), (3,))
    assert pb.Sequential.load(tmp_path / "head.safetensors").first_inputs[0][0][-1] == 3


class Own(pb.Layer):
    """A layer of one's own, of which nothing is known."""

    def build(self, shape, *, rng):
        self.factor = self.parameter("factor", shape[-1:], np.ones)

    def apply(self, x, *, training):
        return self.factor * x[:, ::-1]


@pytest.mark.parametrize(
    "between", [Own(dtype="float64"), pb.Softmax(), pb.LayerNorm(dtype="float64"), pb.GroupNorm(2)]
)
def test_nothing_goes_through_layers_that_may_mix_channels(between):
    model = built(dense(4), between, dense(2), shape=(3,))
    clear(model, "dense1", incoming=[1])
    clear(model, "dense2", outgoing=[1])
    pruned = pb.prune(model)
    assert units(pruned)["dense1"] == (4, 4)
    owns = bool(between.own_parameters)
    assert len(pruned.left_whole) == owns
    assert str(pruned).endswith(f"left whole: {between.name}") == owns


def test_layers_of_several_places_and_of_groups_are_left_whole():
    shared = dense(3)
    model = built(shared, pb.ReLU(), shared, pb.ReLU(), dense(2), shape=(3,))
    clear(model, "dense1", incoming=[0])
    assert units(pb.prune(model)) == {"dense1": (3, 3), "dense2": (2, 2)}

    model = built(conv(4, groups=2), pb.ReLU(), conv(4), shape=(7, 7, 2))
    clear(model, "conv2d1", incoming=[0])
    pruned = pb.prune(model)
    assert units(pruned)["conv2d1"] == (4, 4)
    assert pruned.left_whole == ("conv2d1",)


def test_the_smaller_model_trains_and_what_was_frozen_still_is():
    model = built(pb.Dense(6), pb.ReLU(), pb.Dense(2), shape=(3,))
    model["dense1"].freeze()
    unit = model.state["dense1.weight"]
    unit.value = unit.value * [1, 0, 1, 1, 0, 1]
    smaller = pb.prune(model).model
    assert list(smaller.parameters) == ["dense2.weight", "dense2.bias"]
    assert list(smaller.weights) == ["dense2.weight"]
    before = model.predict(np.ones((1, 3)))
    trainer = pb.Trainer(smaller, pb.SoftmaxCrossEntropy(), pb.SGD(0.1), engine="eager")
    trainer.fit(RNG.normal(size=(8, 3)), [0, 1] * 4, epochs=1, progress=False)
    np.testing.assert_array_equal(model.predict(np.ones((1, 3))), before)
    assert smaller.state["dense1.weight"].shape == (3, 4)


def test_a_trained_model_of_zero_groups_gets_smaller():
    """Of 8 features, one tells; of 16 units, few are needed."""
    x = RNG.normal(size=(64, 8)).astype("f4")
    model = pb.Sequential(pb.Dense(16), pb.ReLU(), pb.Dense(2), rng=0)
    penalties = [pb.GroupLasso(0.05)]
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.3), penalties=penalties)
    trainer.fit(x, (x[:, 5] > 0).astype(int), epochs=40, batch_size=32, progress=False)
    pruned = pb.prune(model)
    assert 5 not in pruned.unused_inputs
    assert len(pruned.unused_inputs) >= 4
    assert pruned.rows[0].units[1] < 16
    np.testing.assert_allclose(pruned.model.predict(x), model.predict(x), rtol=1e-5, atol=1e-5)


def test_the_table_says_what_went():
    layers = conv(4), pb.ReLU(), pb.Flatten(), dense(2)
    model = built(*layers, shape=(4, 4, 3))
    clear(model, "conv2d1", incoming=[0, 1], outgoing=[2])
    pruned = pb.prune(model)
    assert pruned.unused_inputs == (2,)
    assert str(pruned).splitlines() == [
        "name      units  parameters  products a row",
        "conv2d1  4 -> 2   112 -> 56      432 -> 216",
        "dense1        2    34 -> 18        32 -> 16",
        "in all            146 -> 74      464 -> 232",
        "inputs that nothing reads: 2 (1 of them)",
    ]


def test_unused_inputs_are_known_behind_what_mixes_nothing():
    model = built(pb.Dropout(0.1), pb.Flatten(), dense(2), shape=(12,))
    clear(model, "dense1", outgoing=range(1, 12))
    pruned = pb.prune(model)
    assert pruned.unused_inputs == tuple(range(1, 12))
    assert "1, 2, 3, 4, 5, 6, 7, 8, … (11 of them)" in str(pruned)
    assert pb.prune(built(pb.Softmax(), dense(2), shape=(3,))).unused_inputs == ()


def test_a_model_of_no_features_answers_by_its_biases():
    model = built(dense(3), pb.ReLU(), dense(2), shape=(0,))
    pruned = pb.prune(model)
    assert units(pruned) == {"dense1": (3, 1), "dense2": (2, 2)}
    assert pruned.unused_inputs == ()
    same(model, pruned.model, (0,))


def test_what_cannot_be_pruned_is_refused():
    with pytest.raises(pb.CircuitError, match="there are no parameters to prune yet"):
        pb.prune(pb.Sequential(pb.Dense(2)))
    with pytest.raises(pb.CircuitError, match="prune takes a model made of layers, got 'model'"):
        pb.prune("model")
    model = built(dense(2), shape=(3,))
    model.parameters["dense1.weight"].value = np.full((3, 2), np.nan)
    with pytest.raises(pb.CircuitError, match="nan"):
        pb.prune(model)


def test_a_shape_that_looked_odd_is_spoken_of_once():
    model = built(conv(9, 1), pb.ReLU(), conv(2, 1), shape=(1, 8, 3))
    clear(model, "conv2d1", incoming=[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert units(pb.prune(model))["conv2d1"] == (9, 8)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (models.lenet5, (28, 28, 1)),
        (models.resnet, (16, 16, 3)),
        (lambda: models.vgg(widths=(8, 16), convolutions=1, hidden=17), (8, 8, 3)),
    ],
)
def test_networks_of_pictures_answer_as_before(make, shape):
    model = make()
    x = RNG.normal(size=(3, *shape)).astype("f4")
    model(x)
    for name, unit in model.parameters.items():
        if name.endswith("weight"):
            zero = RNG.random(unit.shape[-2:]) < 0.1
            zero[:, RNG.random(unit.shape[-1]) < 0.3] = True
            unit.value = np.where(zero, 0.0, unit.value)
        else:
            unit.value = RNG.normal(size=unit.shape) * (RNG.random(unit.shape) < 0.8)
    pruned = pb.prune(model)
    assert sum(row.parameters[1] for row in pruned.rows) < 0.9 * sum(
        row.parameters[0] for row in pruned.rows
    )
    wanted = model.predict(x)
    np.testing.assert_allclose(
        pruned.model.predict(x), wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max()
    )


LAYERS = st.sampled_from(["relu", "tanh", "norm", "prelu", "dropout", "leaky"])
MADE = {
    "relu": pb.ReLU,
    "tanh": pb.Tanh,
    "norm": norm,
    "prelu": lambda: pb.PReLU(dtype="float64"),
    "dropout": pb.Dropout,
    "leaky": pb.LeakyReLU,
}


@settings(max_examples=25, deadline=None)
@given(
    widths=st.lists(st.sampled_from([1, 2, 3, 5, 7, 11]), min_size=2, max_size=4),
    between=st.lists(st.lists(LAYERS, max_size=2), min_size=4, max_size=4),
    images=st.booleans(),
    bias=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_any_net_answers_as_before(widths, between, images, bias, seed):
    rng = np.random.default_rng(seed)
    layers = []
    for width, names in zip(widths, between, strict=False):
        kernel, padding = int(rng.integers(1, 4)), ["valid", "same"][rng.integers(2)]
        if images:
            layers.append(conv(width, kernel, padding=padding, bias=bias))
        else:
            layers.append(dense(width, bias=bias))
        layers += [MADE[name]() for name in names]
    shape = (10, 9, 2) if images else (3,)
    model = built(*layers, *[pb.Flatten()] * images, dense(3), shape=shape, seed=seed)
    for name, unit in model.weights.items():
        weight = unit.value * (rng.random(unit.shape[-1]) < 0.7)
        unit.value = weight * (rng.random(unit.shape[-2]) < 0.8)[:, None]
        assert name.endswith("weight")
    pruned = pb.prune(model)
    same(model, pruned.model, shape)
    assert str(pb.prune(pruned.model)).count("->") == 0
    assert sum(row.parameters[1] for row in pruned.rows) == sum(
        unit.size for unit in pruned.model.parameters.values()
    )
