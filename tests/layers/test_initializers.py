"""What weights start from: the moments that each initializer promises, and how layers take it."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
from scipy import stats

import pullback as pb
from pullback.layers import INITIALIZERS
from pullback.layers.initializers import (
    delta_orthogonal,
    gain,
    he,
    identity,
    normal,
    orthogonal,
    truncated_normal,
    uniform,
    variance_scaling,
)
from pullback.layers.start import find_initializer, plain_initializer

N_IN, N_OUT = 300, 200
VARIANCES = {
    "he": 2 / N_IN,
    "he_uniform": 2 / N_IN,
    "glorot": 2 / (N_IN + N_OUT),
    "glorot_normal": 2 / (N_IN + N_OUT),
    "lecun": 1 / N_IN,
    "lecun_uniform": 1 / N_IN,
    "variance_scaling": 1 / N_IN,
    "normal": 0.02**2,
    "orthogonal": 1 / N_IN,
    "uniform": 1 / 12,
    "zeros": 0.0,
    "constant": 0.0,
    "truncated_normal": (0.02 * stats.truncnorm(-2, 2).std()) ** 2,
    "delta_orthogonal": 1 / N_IN,
    "identity": (1 - 1 / N_IN) / N_IN,
}
KURTOSIS = {
    **dict.fromkeys(("he", "glorot_normal", "lecun", "normal", "variance_scaling"), 3.0),
    **dict.fromkeys(("orthogonal", "delta_orthogonal"), 3.0),
    **dict.fromkeys(("he_uniform", "glorot", "lecun_uniform", "uniform"), 1.8),
    "truncated_normal": 3.0 + float(stats.truncnorm(-2, 2).stats("k")),
    "identity": float(N_IN),
}


def test_every_initializer_is_tested():
    assert set(VARIANCES) == set(INITIALIZERS)


@pytest.mark.parametrize("name", sorted(VARIANCES))
def test_mean_variance_and_family(name):
    drawn = INITIALIZERS[name]((N_IN, N_OUT), np.random.default_rng(0))
    spread = VARIANCES[name] ** 0.5
    mean = 1 / N_IN if name == "identity" else 0.0
    assert drawn.mean() == pytest.approx(mean, abs=0.02 * spread + 1e-300)
    assert drawn.var() == pytest.approx(VARIANCES[name], rel=0.03)
    if spread:
        kurtosis = np.mean((drawn / spread) ** 4)
        assert kurtosis == pytest.approx(KURTOSIS[name], rel=0.05)


@pytest.mark.parametrize("name", ["he", "he_uniform", "lecun"])
def test_kernels_count_all_inputs_that_an_output_sums(name):
    drawn = INITIALIZERS[name]((3, 3, 40, 60), np.random.default_rng(0))
    assert drawn.var() == pytest.approx((1 if name == "lecun" else 2) / 360, rel=0.03)


@pytest.mark.parametrize("shape", [(7, 7), (7, 3), (3, 7), (1, 5), (2, 3, 4, 5), (0, 3)])
@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_orthogonal_matrices(shape, factor):
    w = orthogonal(shape, np.random.default_rng(0), gain=factor)
    assert w.shape == shape
    w = w.reshape(-1, shape[-1])
    short = w if len(w) <= shape[-1] else w.T
    np.testing.assert_allclose(short @ short.T, factor**2 * np.eye(len(short)), atol=1e-12)


def test_orthogonal_matrices_are_turned_in_every_direction():
    rng = np.random.default_rng(0)
    drawn = np.array([INITIALIZERS["orthogonal"]((2, 2), rng) for _ in range(2000)])
    np.testing.assert_allclose(drawn.mean(axis=0), 0.0, atol=0.06)
    assert np.mean(np.linalg.det(drawn)) == pytest.approx(0.0, abs=0.1)  # turns and mirrors alike


@pytest.mark.parametrize("name", sorted(VARIANCES))
@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (1, 1)])
def test_edge_sizes(name, shape):
    assert INITIALIZERS[name](shape, np.random.default_rng(0)).shape == shape


BOUNDED = {
    "he_uniform": (6 / 360) ** 0.5,
    "lecun_uniform": (3 / 360) ** 0.5,
    "glorot": (6 / (360 + 540)) ** 0.5,
    "uniform": 0.5,
    "truncated_normal": 0.04,
}


@pytest.mark.parametrize("name", sorted(BOUNDED))
def test_bounded_ones_end_where_they_should(name):
    drawn = INITIALIZERS[name]((3, 3, 40, 60), np.random.default_rng(0))
    assert BOUNDED[name] * 0.99 < np.abs(drawn).max() <= BOUNDED[name]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("he", {"scale": 2.0}),
        ("he_uniform", {"scale": 2.0, "distribution": "uniform"}),
        ("glorot", {"mode": "fan_avg", "distribution": "uniform"}),
        ("glorot_normal", {"mode": "fan_avg"}),
        ("lecun", {}),
        ("lecun_uniform", {"distribution": "uniform"}),
    ],
)
def test_the_usual_ones_are_cases_of_variance_scaling(name, arguments):
    drawn = [
        INITIALIZERS[name]((3, 5, 7), np.random.default_rng(0)),
        variance_scaling((3, 5, 7), np.random.default_rng(0), **arguments),
    ]
    np.testing.assert_allclose(drawn[0], drawn[1], rtol=1e-15)


@pytest.mark.parametrize("distribution", ["normal", "uniform", "truncated_normal"])
@pytest.mark.parametrize(("mode", "n"), [("fan_in", 360), ("fan_out", 540), ("fan_avg", 450)])
def test_variance_scaling_has_its_variance_in_every_distribution(distribution, mode, n):
    drawn = variance_scaling(
        (3, 3, 40, 60), np.random.default_rng(0), scale=3.0, mode=mode, distribution=distribution
    )
    assert drawn.var() == pytest.approx(3.0 / n, rel=0.03)
    if distribution == "truncated_normal":  # at two deviations of the normal before
        bound = 2.0 * (3.0 / n) ** 0.5 / stats.truncnorm(-2, 2).std()
        assert 0.99 * bound < np.abs(drawn).max() <= bound


def test_truncated_normal_numbers_are_distributed_as_scipys():
    drawn = truncated_normal((200, 100), np.random.default_rng(0), std=0.5)
    assert stats.kstest(drawn.ravel() / 0.5, stats.truncnorm(-2, 2).cdf).pvalue > 0.01


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_an_identity_kernel_hands_pictures_on(size):
    x = np.random.default_rng(0).normal(size=(2, 6, 5, 3))
    layer = pb.Conv2d(3, size, padding="same", initializer="identity", dtype="float64")
    np.testing.assert_array_equal(layer(x).value, x)


def test_delta_orthogonal_kernels_keep_the_length_of_every_pixel():
    x = np.random.default_rng(0).normal(size=(2, 6, 5, 3))
    start = partial(delta_orthogonal, gain=2.0)
    y = pb.Conv2d(3, 3, padding="same", initializer=start, dtype="float64")(x).value
    np.testing.assert_allclose(
        np.linalg.norm(y, axis=-1), 2.0 * np.linalg.norm(x, axis=-1), rtol=1e-12
    )


def test_a_recurrent_net_of_rectifiers_that_starts_by_the_identity_adds_up():
    layer = pb.RNN(
        2, activation="relu", initializer="identity", recurrent_initializer="identity", last=True
    )
    x = np.array([[[1.0, 0.0], [2.0, 5.0], [0.0, 1.0]]])
    assert layer(x).value.tolist() == [[3.0, 6.0]]


def test_gains_are_those_of_pytorch():
    torch = pytest.importorskip("torch", reason="torch is in the extra `bench`")
    for name in ("linear", "sigmoid", "tanh", "relu", "selu", "leaky_relu"):
        assert gain(name) == pytest.approx(torch.nn.init.calculate_gain(name), rel=1e-15)
    for slope in (0.0, 0.2, 1.0):
        theirs = torch.nn.init.calculate_gain("leaky_relu", slope)
        assert gain("leaky_relu", slope) == pytest.approx(theirs, rel=1e-15)


def test_moments_and_bounds_are_those_of_pytorch():
    """Its weights are (out, in, ...), and its own generator draws them: the laws are compared."""
    torch = pytest.importorskip("torch", reason="torch is in the extra `bench`")
    init = torch.nn.init
    torch.manual_seed(0)
    for name, fill in {
        "he": lambda w: init.kaiming_normal_(w, nonlinearity="relu"),
        "he_uniform": lambda w: init.kaiming_uniform_(w, nonlinearity="relu"),
        "glorot": init.xavier_uniform_,
        "glorot_normal": init.xavier_normal_,
        "truncated_normal": lambda w: init.trunc_normal_(w, std=0.02, a=-0.04, b=0.04),
    }.items():
        theirs = fill(torch.empty(60, 40, 3, 3, dtype=torch.float64)).numpy()
        ours = INITIALIZERS[name]((3, 3, 40, 60), np.random.default_rng(0))
        assert stats.ks_2samp(ours.ravel(), theirs.ravel()).statistic < 0.02, name


def test_the_gain_of_an_unknown_activation_is_refused():
    with pytest.raises(pb.CircuitError, match="no gain for the activation 'reul'; did you mean"):
        gain("reul")


# How layers take them ----------------------------------------------------------------------------


def mine(shape, rng):
    return rng.normal(size=shape) + 7.0


def two_layers(start):
    return pb.Sequential(
        pb.LSTM(4, initializer=start, recurrent_initializer="identity"),
        pb.Dense(3, initializer=start),
        rng=0,
    )


GIVEN = {
    "name": ("glorot_normal", "glorot_normal"),
    "function": (he, "he"),
    "arguments": ({"name": "normal", "std": 0.1}, {"name": "normal", "std": 0.1}),
    "partial": (partial(normal, std=np.float32(0.5)), {"name": "normal", "std": 0.5}),
    "own": (mine, {"function": "mine"}),
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_layers_take_a_name_or_a_function_and_are_saved(given, tmp_path):
    start, plain = given
    model = two_layers(start)
    x = np.ones((2, 3, 5))
    y = model(x).value
    assert model[1].config["initializer"] == model[0].config["initializer"] == plain
    model.save(tmp_path / "model.safetensors")
    again = pb.Layer.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again(x).value, y)
    assert again[1].config == model[1].config
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(copied(x).value, y)


def test_a_function_of_ones_own_draws_the_weights():
    model = two_layers(mine)
    model(np.ones((2, 3, 5)))
    for name in ("lstm1.layer1.cell.weight", "dense1.weight"):
        assert model.parameters[name].value.mean() == pytest.approx(7.0, abs=1.0)


def test_a_loaded_layer_of_such_a_function_says_why_it_cannot_start_anew():
    layer = pb.Dense(3, initializer=plain_initializer(mine))
    with pytest.raises(pb.CircuitError, match="'mine', a function that no file holds"):
        layer(np.ones((2, 4)))


def test_arguments_count():
    layer = pb.Dense(50, initializer={"name": "uniform", "low": 1.0, "high": 2.0})
    layer(np.ones((2, 40)))
    assert 1.0 <= layer.weight.value.min() < layer.weight.value.max() <= 2.0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("hee", "there is no initializer 'hee'; did you mean 'he'"),
        (5, "or a function of a shape and a generator; got 5"),
        ({"std": 0.1}, "or a function of a shape"),
        ({"name": "normal", "sd": 0.1}, "'normal' cannot take sd=0.1"),
        ({"name": "normal", "std": -1}, "std must be a finite number of at least 0, got -1"),
        ({"name": "normal", "std": "1"}, "std must be a finite number"),
        ({"name": "uniform", "low": 1, "high": 0}, "high must be a finite number of at least 1"),
        ({"name": "constant", "value": float("nan")}, "value must be a finite number, got nan"),
        ({"name": "variance_scaling", "mode": "in"}, "mode must be one of fan_in, fan_out"),
        ({"name": "variance_scaling", "distribution": "t"}, "distribution must be one of normal"),
        (partial(orthogonal, gain=float("inf")), "gain must be a finite number, got inf"),
    ],
)
def test_what_no_layer_takes_is_refused_when_it_is_made(given, words):
    with pytest.raises(pb.CircuitError, match=words):
        pb.Dense(3, initializer=given)
    with pytest.raises(pb.CircuitError, match=words):
        pb.LSTM(3, recurrent_initializer=given)


@pytest.mark.parametrize("made", [np.zeros(3), None, "text", np.zeros((3, 4))])
def test_an_initializer_that_makes_other_numbers_is_refused_and_leaves_nothing_behind(made):
    layer = pb.Dense(3, initializer=lambda shape, rng: made)
    with pytest.raises(
        pb.CircuitError, match=r"'dense.weight' starts as numbers of shape \(4, 3\)"
    ):
        layer(np.ones((2, 4)))
    assert not layer.built
    assert not layer.parameters


def test_a_scale_of_inputs_is_asked_only_of_weights_that_have_some():
    with pytest.raises(pb.CircuitError, match=r"for weights of shape \(…, in, out\), got \(3,\)"):
        he((3,), np.random.default_rng(0))
    assert uniform((3,), np.random.default_rng(0)).shape == (3,)


def test_names_and_functions_lead_to_one_another():
    for name, function in INITIALIZERS.items():
        assert find_initializer(function) is find_initializer(name) is function
        assert plain_initializer(function) == name
    assert identity((2, 2), np.random.default_rng(0), gain=3.0).tolist() == [[3.0, 0.0], [0.0, 3.0]]
