"""LSUV: each weighted layer's output has variance 1 on the batch that a model was started with."""

import numpy as np
import pytest

import pullback as pb

X = np.random.default_rng(0).normal(3.0, 2.0, (61, 6, 6, 3))


def variances(model, *inputs):
    """The variance of what each layer makes, by its path, measured from outside."""
    from pullback.layers.calls import watch

    paths = {layer: path for path, layer in model.walk()}
    with watch() as calls:
        model(*inputs)
    return {paths[c.layer]: float(np.var(c.output.value)) for c in calls}


def picture_net():
    return pb.Sequential(
        pb.Conv2d(5, 3, padding="same"),
        pb.ReLU(),
        pb.Residual(pb.Conv2d(5, 3, padding="same"), pb.Tanh()),
        pb.Parallel(pb.Conv2d(2, 1), pb.DepthwiseConv2d(3, padding="same"), join="concatenate"),
        pb.Flatten(),
        pb.Dense(7, bias=False),
        pb.Sigmoid(),
        pb.Dense(1),
    )


WEIGHTED = ["conv2d1", "residual1.conv2d1", "parallel1.conv2d1", "dense1", "dense2"]


@pytest.mark.parametrize("zero_mean", [False, True])
def test_every_weighted_layer_gets_variance_one(zero_mean):
    model = picture_net()
    report = pb.initialize_lsuv(model, X, zero_mean=zero_mean)
    found = variances(model, X)
    for name in WEIGHTED:
        assert found[name] == pytest.approx(1.0, abs=0.011), name
        assert report[name].after == pytest.approx(found[name], rel=1e-4)
    assert [row.name for row in report.rows] == [
        path for path, layer in model.walk() if "weight" in layer.own_parameters
    ]
    if zero_mean:
        y = model[0](X).value
        np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0.0, atol=1e-4)
        assert not model["dense1"].bias


def test_weights_are_orthogonal_up_to_a_factor():
    model = pb.Sequential(pb.Dense(5), pb.ReLU(), pb.Dense(3, dtype="float64"))
    pb.initialize_lsuv(model, X[:, 0, 0])
    for layer in (model[0], model[2]):
        w = layer.weight.value
        product = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
        np.testing.assert_allclose(product / product[0, 0], np.eye(len(product)), atol=1e-5)


def test_a_hundred_layers_keep_the_spread():
    layers = [layer for _ in range(100) for layer in (pb.Dense(16), pb.Tanh())]
    model = pb.Sequential(*layers)
    pb.initialize_lsuv(model, X[:, 0, 0])
    found = variances(model, X[:, 0, 0])
    assert found["dense100"] == pytest.approx(1.0, abs=0.011)


def test_the_same_seed_gives_the_same_start_and_another_one_another():
    def start(rng):
        model = pb.Sequential(pb.Dense(4))
        pb.initialize_lsuv(model, X[:, 0, 0], rng=rng)
        return model[0].weight.value

    np.testing.assert_array_equal(start(None), start(0))
    assert not np.array_equal(start(0), start(1))


def test_a_shared_layer_is_set_once_by_its_first_call():
    shared = pb.Dense(3)
    model = pb.Sequential(shared, pb.Tanh(), shared)
    report = pb.initialize_lsuv(model, X[:, 0, 0])
    assert [row.name for row in report.rows] == ["dense1"]
    assert np.var(shared(X[:, 0, 0]).value) == pytest.approx(1.0, abs=0.011)


def test_what_is_left_says_why_and_keeps_its_weights():
    model = pb.Sequential(
        pb.Embedding(9, 4), pb.SelfAttention(2), pb.LSTM(5, last=True), pb.Dense(3), pb.Dense(2)
    )
    tokens = np.random.default_rng(0).integers(0, 9, (20, 7))
    model(tokens)
    model["dense1"].freeze()
    before = {name: unit.value for name, unit in model.find_parameters(frozen=True).items()}
    report = pb.initialize_lsuv(model, tokens)
    notes = {row.name: row.note for row in report.rows}
    assert notes["embedding1"] == "left: its weights are table"
    assert notes["selfattention1"] == "left: its weights are output_weight, weight"
    assert notes["lstm1.layer1.cell"] == "left: it runs inside a loop"
    assert notes["dense1"] == "left: it is frozen"
    assert not notes["dense2"]
    for name, unit in model.find_parameters(frozen=True).items():
        assert np.array_equal(unit.value, before[name]) == (name != "dense2.weight"), name
    assert "left: it is frozen" in str(report)


def test_a_layer_behind_a_dead_one_is_left_and_named():
    model = pb.Sequential(pb.Dense(4), pb.ReLU(), pb.Dense(2))
    x = X[:, 0, 0]
    model(x)
    model[0].bias.value = np.full(4, -1e6)
    start = model[2].weight.value
    row = pb.initialize_lsuv(model, x, max_iterations=1).rows[1]
    assert "its output is the same everywhere" in row.note
    np.testing.assert_array_equal(model[2].weight.value, start)


@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_inputs_of_any_size_are_scaled(size):
    model = pb.Sequential(pb.Dense(4), pb.Tanh(), pb.Dense(2))
    x = X[:, 0, 0] * size
    pb.initialize_lsuv(model, x)
    assert [variances(model, x)[name] for name in ("dense1", "dense2")] == pytest.approx(
        [1.0, 1.0], abs=0.01
    )


def test_what_differs_by_rounding_is_the_same_everywhere():
    model = pb.Sequential(pb.Dense(1), pb.Tanh())
    x = np.full((50, 3), 1e9) * (1.0 + 1e-16 * np.arange(50)[:, None])
    with pytest.raises(pb.CircuitError, match="its output is the same everywhere"):
        pb.initialize_lsuv(model, x)


def test_iterations_end():
    model = pb.Sequential(pb.Dense(4), pb.Dense(2))
    model(X[:, 0, 0])
    model[0].bias.value = [0.0, 0.0, 0.0, 50.0]  # a spread that no weight makes smaller
    assert "3 iterations bring no variance of 1" in str(
        pb.initialize_lsuv(model, X[:, 0, 0], max_iterations=3)
    )


def test_running_statistics_and_generators_of_dropout_stay():
    model = pb.Sequential(pb.Dense(4), pb.BatchNorm(), pb.Dropout(0.5), pb.Dense(2))
    pb.initialize_lsuv(model, X[:, 0, 0])
    assert model.state["batchnorm1.mean"].value.tolist() == [0.0] * 4


@pytest.mark.parametrize(
    ("model", "inputs", "how", "words"),
    [
        (lambda: np.tanh, (X,), {}, "model made of layers, got"),
        (lambda: pb.Dense(2), (), {}, "needs the inputs of a call with some rows"),
        (lambda: pb.Dense(2), (X[:0, 0, 0],), {}, "with some rows"),
        (lambda: pb.Dense(2), (X[:1, 0, 0],), {}, "one row does not tell how far"),
        (lambda: pb.Dense(2), (X[:, 0, 0],), {"tolerance": -1}, "LSUV needs a tolerance"),
        (lambda: pb.Dense(2), (X[:, 0, 0],), {"max_iterations": 0}, "at least one iteration"),
        (lambda: pb.Sequential(pb.ReLU()), (X,), {}, "no layer to scale"),
        (lambda: pb.Dense(2), (np.full((3, 2), np.inf),), {}, "'dense' is not finite"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_bad_input_is_refused(model, inputs, how, words):
    with pytest.raises(pb.CircuitError, match=words):
        pb.initialize_lsuv(model(), *inputs, **how)


def test_a_failure_leaves_the_model_as_it_was():
    model = pb.Sequential(pb.Dense(2), pb.Dense(2))
    model(np.ones((2, 2)))
    before = model[0].weight.value
    with pytest.raises(pb.CircuitError), np.errstate(all="ignore"):
        pb.initialize_lsuv(model, np.array([[1.0, 2.0], [np.nan, 1.0]]))
    np.testing.assert_array_equal(model[0].weight.value, before)
