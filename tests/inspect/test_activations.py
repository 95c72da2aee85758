"""What each layer's activations look like, against NumPy's own forward and backward pass."""

import json

import numpy as np
import pytest

import pullback as pb

RNG = np.random.default_rng(0)
X = RNG.normal(size=(37, 5))
LABELS = RNG.integers(0, 3, 37)


def small():
    return pb.Sequential(pb.Dense(7), pb.ReLU(), pb.Dense(4), pb.Tanh(), pb.Dense(3), rng=0)


def test_numbers_are_those_of_a_pass_by_hand():
    model = small()
    got = pb.activation_statistics(model, X, LABELS, pb.SoftmaxCrossEntropy())
    model(X)
    w = {name: unit.value.astype(float) for name, unit in model.parameters.items()}
    z1 = X @ w["dense1.weight"]
    h1 = np.maximum(z1, 0.0)
    z2 = h1 @ w["dense2.weight"]
    h2 = np.tanh(z2)
    z3 = h2 @ w["dense3.weight"]
    shares = np.exp(z3 - z3.max(axis=1, keepdims=True))
    g3 = (shares / shares.sum(axis=1, keepdims=True) - np.eye(3)[LABELS]) / len(X)
    g2 = g3 @ w["dense3.weight"].T
    gz2 = g2 * (1 - h2**2)
    g1 = gz2 @ w["dense2.weight"].T
    gz1 = g1 * (z1 > 0)
    wanted = {
        "inputs": (X, None),
        "dense1": (z1, gz1),
        "relu1": (h1, g1),
        "dense2": (z2, gz2),
        "tanh1": (h2, g2),
        "dense3": (z3, g3),
    }
    assert [row.name for row in got.rows] == list(wanted)
    for name, (y, g) in wanted.items():
        row = got[name]
        assert row.shape == y.shape
        assert row.mean == pytest.approx(y.mean(), rel=1e-4, abs=1e-6)
        assert row.std == pytest.approx(y.std(), rel=1e-5)
        assert row.zeros == pytest.approx((y == 0).mean())
        assert sum(row.counts) == y.size
        assert (row.gradient is None) == (g is None)
        if g is not None:
            assert row.gradient == pytest.approx(np.sqrt((g**2).mean()), rel=1e-4)
    assert got["dense2"].weight == pytest.approx(w["dense2.weight"].std(), rel=1e-6)
    assert got["tanh1"].saturated == pytest.approx((np.abs(h2) > 0.97).mean())
    assert got["relu1"].saturated is None
    assert got["relu1"].weight is None


def test_the_start_is_that_of_training_and_nothing_is_touched():
    rng = np.random.default_rng(5)
    model = pb.Sequential(pb.Dense(4), pb.BatchNorm(), rng=rng)
    statistics = pb.activation_statistics(model, X)
    assert not model.built
    model(X)
    assert statistics["dense1"].weight == pytest.approx(model[0].weight.value.std(), rel=1e-6)
    pb.activation_statistics(model, X)
    assert model.state["batchnorm1.mean"].value.tolist() == [0.0] * 4


def test_training_shows_batch_statistics_and_dropout_and_prediction_none():
    model = pb.Sequential(pb.BatchNorm(), pb.Dropout(0.5), pb.Dense(2))
    x = 5.0 * X + 2.0
    learning, predicting = (
        pb.activation_statistics(model, x, training=training) for training in (True, False)
    )
    assert learning["batchnorm1"].std == pytest.approx(1.0, abs=1e-3)
    assert learning["dropout1"].zeros == pytest.approx(0.5, abs=0.15)
    assert predicting["batchnorm1"].std == pytest.approx(x.std(), rel=1e-3)
    with pytest.raises(KeyError, match="no layer 'dropout1'; there are: inputs, batchnorm1"):
        predicting["dropout1"]


def test_composites_and_recurrent_layers_have_rows_and_what_only_moves_has_none():
    model = pb.Sequential(
        pb.Reshape((3, 4)),
        pb.LSTM(4),
        pb.Residual(pb.Dense(4), pb.ReLU()),
        pb.Parallel(pb.Dense(2), pb.Dense(2), join="add"),
        pb.Flatten(),
        pb.Dense(2),
    )
    names = [row.name for row in pb.activation_statistics(model, RNG.normal(size=(5, 12))).rows]
    assert names == [
        "inputs",
        "lstm1.layer1",
        "residual1.dense1",
        "residual1.relu1",
        "residual1",
        "parallel1.dense1",
        "parallel1.dense2",
        "parallel1",
        "dense1",
    ]


def sick(*layers, x=X, **how):
    return pb.activation_statistics(pb.Sequential(*layers), x, **how).notes


def deep(std, kind=pb.Tanh):
    start = {"name": "normal", "std": std}
    return [layer for _ in range(20) for layer in (pb.Dense(20, initializer=start), kind())]


def test_a_healthy_net_has_no_notes():
    assert sick(pb.Dense(20), pb.ReLU(), pb.Dense(20), pb.ReLU(), pb.Dense(3)) == ()


@pytest.mark.parametrize(
    ("layers", "x", "words"),
    [
        (deep(0.05), X, "what flows shrinks from a deviation of"),
        (deep(2.0, pb.ReLU), X, "what flows grows from a deviation of"),
        (deep(2.0), X, "is saturated"),
        ([pb.Dense(3)], X * 255.0 + 128.0, "the inputs have mean 1"),
        ([pb.Dense(3)], X * 1e-3, "bring each column to mean 0"),
        (deep(1e20, pb.ReLU), X, "is not finite"),
    ],
)
def test_notes_say_what_is_amiss(layers, x, words):
    notes = sick(*layers, pb.Dense(2), x=x)
    assert any(words in note for note in notes), notes


def test_dead_units_are_counted_and_named():
    model = pb.Sequential(pb.Dense(8), pb.ReLU(), pb.Dense(2))
    model(X)
    model[0].bias.value = np.repeat([0.0, -100.0], 4)
    statistics = pb.activation_statistics(model, X)
    assert statistics["relu1"].dead == 0.5
    assert "50% of the units of relu1 are 0 for every row" in statistics.notes[0]


def test_gradients_that_vanish_are_named():
    notes = sick(*deep(0.1, pb.Sigmoid), pb.Dense(3), labels=LABELS, loss=pb.SoftmaxCrossEntropy())
    assert any("the gradient is" in note for note in notes)


def test_the_table_fits_a_terminal_and_of_what_is_deep_the_ends_are_shown():
    model = pb.Sequential(pb.Residual(*deep(0.3), name="a_block_with_a_long_name"), *deep(0.3))
    model = pb.Sequential(pb.Dense(20), model, pb.Dense(3))
    statistics = pb.activation_statistics(model, X, LABELS, pb.SoftmaxCrossEntropy())
    assert max(map(len, str(statistics).splitlines())) <= 80
    lines = repr(statistics).splitlines()
    assert len(lines) <= 20
    assert lines[1].startswith("inputs")
    assert any(line.startswith("…  ") for line in lines)
    assert any(line.startswith("dense2 ") for line in lines)


@pytest.mark.parametrize("rows", [1, 2])
def test_few_rows_will_do(rows):
    assert len(pb.activation_statistics(small(), X[:rows]).rows) == 6


def test_all_of_it_is_json():
    broken = pb.activation_statistics(pb.Sequential(*deep(1e20, pb.ReLU)), X)
    for statistics in (pb.activation_statistics(small(), X), broken):
        data = json.loads(json.dumps(statistics.as_dict(), allow_nan=False))
        assert [row["name"] for row in data["rows"]] == [row.name for row in statistics.rows]
        assert data["notes"] == list(statistics.notes)


@pytest.mark.parametrize(
    "layers", [deep(0.3), deep(1e20, pb.ReLU), [pb.Dense(2, initializer="zeros")]]
)
def test_the_figure_is_drawn(layers, tmp_path):
    pytest.importorskip("matplotlib")
    model = pb.Sequential(*layers, pb.Dense(3))
    sheet = pb.activation_statistics(model, X, LABELS, pb.SoftmaxCrossEntropy()).figure()
    sheet.save(tmp_path / "figure.png")
    histograms = len(sheet.axes) - 1
    assert histograms == min(24, 1 + len(layers) + 1)


@pytest.mark.parametrize(
    ("model", "given", "words"),
    [
        (np.tanh, (X,), "model made of layers"),
        (small(), (X, LABELS), "labels and their loss"),
        (small(), (X, None, pb.SoftmaxCrossEntropy()), "labels and their loss"),
        (small(), (X[:0],), "there are no statistics rows"),
        (small(), (X, LABELS[:3], pb.SoftmaxCrossEntropy()), "as many labels"),
        (small(), ([["a"]],), "numbers"),
    ],
)
def test_bad_input_is_refused(model, given, words):
    with pytest.raises(pb.CircuitError, match=words):
        pb.activation_statistics(model, *given)
