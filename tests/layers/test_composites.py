"""Layers of layers: free wiring, shared parameters, several inputs and outputs."""

import numpy as np
import pytest

import pullback as pb
from pullback.layers import Dropout, Identity, Model, Parallel, Residual, Training
from pullback.layers.description import construct, describe

F8 = {"dtype": "float64"}
X = np.random.default_rng(0).normal(size=(5, 3))


# The same layer in several places ----------------------------------------------------------------


def test_the_same_layer_twice_is_one_layer():
    layer = pb.Dense(3, **F8)
    model = pb.Sequential(layer, pb.Tanh(), layer, pb.Tanh())
    inputs = pb.Unit(X, "x")
    y = model(inputs)
    assert [layer.name for layer in model] == ["dense1", "tanh1", "dense1", "tanh2"]
    assert list(model.parameters) == ["dense1.weight", "dense1.bias"]
    w = model.parameters["dense1.weight"].value
    np.testing.assert_allclose(y.value, np.tanh(np.tanh(X @ w) @ w))
    pb.check_gradients(y)


def test_a_layer_is_shared_across_levels_and_in_a_file(tmp_path):
    layer = pb.Dense(3)
    model = pb.Sequential(pb.Dense(3), Residual(layer, pb.Tanh()), layer, Parallel(layer, layer))
    y = model(X)
    names = [layer.name for layer in model]
    assert len(set(names)) == 4
    assert len(model.parameters) == 4
    assert len({id(unit) for unit in model.parameters.values()}) == 4
    model.save(tmp_path / "m")
    again = pb.Sequential.load(tmp_path / "m")
    residual, twice, fork = again[1], again[2], again[3]
    assert residual.layers[0] is twice is fork.layers[0] is fork.layers[1]
    assert list(again.parameters) == list(model.parameters)
    np.testing.assert_array_equal(again(X).value, y.value)


def test_a_shared_layer_is_described_once():
    layer = pb.ReLU()
    told = describe(pb.Sequential(layer, pb.Sequential(layer)))
    assert told["layers"][1]["layers"] == [{"shared": "relu1"}]
    assert repr(construct(told)) == "Sequential(ReLU(), Sequential(ReLU()))"


@pytest.mark.parametrize("kind", [pb.Sequential, pb.Padded])
def test_a_part_of_layers_in_line_shares_them(kind):
    model = kind(pb.Dense(4), pb.Tanh(), pb.Dense(2), rng=5)
    part = model[1:]
    assert type(part) is kind
    assert part.layers == model.layers[1:]
    assert [layer.name for layer in part] == ["tanh1", "dense2"]
    x = np.ones((2, 3, 3))
    y = model(x).value
    np.testing.assert_array_equal(part(model[0](x)).value, y)
    assert list(part.parameters.values()) == list(model[2].parameters.values())
    np.testing.assert_array_equal(kind(pb.Dense(4), pb.Tanh(), pb.Dense(2), rng=5)[:](x).value, y)
    with pytest.raises(pb.CircuitError, match="needs at least one layer"):
        model[3:]


def test_a_residual_has_no_part_that_is_one():
    with pytest.raises(pb.CircuitError, match="a Residual has no part that is a Residual"):
        Residual(pb.Dense(3), pb.Tanh())[:1]


def test_layers_are_found_by_position_and_name():
    model = pb.Sequential(pb.Dense(3), pb.ReLU())
    assert model[0] is model["dense1"]
    assert model[-1] is model["relu1"]
    assert len(model) == 2
    with pytest.raises(pb.CircuitError, match="no layer 'dense3' inside; there are: dense1, relu1"):
        model["dense3"]


def test_paths_are_those_of_the_drawing():
    model = pb.Sequential(Residual(pb.Dense(3)), name="net")
    y = model(X)
    assert {unit.scope for unit in pb.Circuit(y).gates} == {
        "net/residual1/dense1",
        "net/residual1",
    }
    assert list(model.parameters) == ["net.residual1.dense1.weight", "net.residual1.dense1.bias"]


# Residual and Parallel ---------------------------------------------------------------------------


def test_a_residual_that_changes_the_shape_says_how_to_cure_it():
    model = pb.Sequential(Residual(pb.Dense(4)))
    with pytest.raises(pb.CircuitError, match=r"'residual1' adds .*\(5, 3\) to \(5, 4\).*project"):
        model(X)
    widened = Residual(pb.Dense(1))  # which would broadcast
    with pytest.raises(pb.CircuitError, match=r"adds its input"):
        widened(X)


def test_a_residual_adds_one_output():
    with pytest.raises(pb.CircuitError, match="make 2 outputs, not one"):
        Residual(Parallel(Identity(), Identity(), join="none"))(X)


def test_a_projection_is_a_weight_that_comes_from_the_seed():
    def made(rng):
        model = pb.Sequential(Residual(pb.Dense(4), project=True), rng=rng)
        model(X)
        return model

    first, same, other = made(1), made(1), made(2)
    assert "residual1.projection" in first.weights
    values = [m.parameters["residual1.projection"].value for m in (first, same, other)]
    np.testing.assert_array_equal(values[0], values[1])
    assert not np.array_equal(values[0], values[2])


def test_several_outputs_are_the_inputs_of_the_next_layer():
    model = pb.Sequential(
        Parallel(pb.Dense(2, **F8), pb.Dense(3, **F8), join="none"),
        Parallel(pb.Tanh(), pb.ReLU(), join="none"),
        Parallel(Identity(), pb.Dense(2, **F8), join="add"),
    )
    assert model(X).shape == (5, 2)
    a, b = pb.Sequential(*model.layers[:2])(X)
    assert (a.shape, b.shape) == ((5, 2), (5, 3))


def test_each_branch_has_its_own_input_where_there_are_as_many():
    model = Parallel(pb.Dense(2), Identity(), join="none")
    a, b = model(np.ones((4, 3)), np.ones((4, 7)))
    assert (a.shape, b.shape) == ((4, 2), (4, 7))
    predicted = model.predict((np.ones((4, 3)), np.ones((4, 7))), batch_size=3)
    assert isinstance(predicted, tuple)
    for one, many in zip((a, b), predicted, strict=True):
        np.testing.assert_allclose(many, one.value, rtol=1e-6)
    with pytest.raises(pb.CircuitError, match="has 2 branches, and takes one input or 2, got 3"):
        model(X, X, X)


@pytest.mark.parametrize(
    ("branches", "join", "message"),
    [
        ((pb.Dense(2), pb.Dense(3)), "add", r"cannot add outputs of shapes \(5, 2\), \(5, 3\)"),
        ((pb.Dense(1), pb.Dense(3)), "add", "cannot add"),
        (
            (Model(lambda layers, x, training: x.T, a=Identity()), Identity()),
            "concatenate",
            "cannot concatenate",
        ),
        (
            (Parallel(Identity(), Identity(), join="none"), Identity()),
            "add",
            "a branch of '.*' has several outputs to add",
        ),
    ],
)
def test_outputs_that_cannot_be_joined_are_refused(branches, join, message):
    with pytest.raises(pb.CircuitError, match=message):
        Parallel(*branches, join=join)(X)


# Ensembles ---------------------------------------------------------------------------------------


def test_probabilities_of_an_ensemble_are_the_mean_of_its_members():
    members = [pb.Sequential(pb.Dense(3, rng=seed, **F8)) for seed in range(3)]
    of_each = [pb.softmax(member(X), axis=1).value for member in members]
    together = pb.Ensemble(*members, average="softmax")(X)
    np.testing.assert_allclose(pb.softmax(together, axis=1).value, np.mean(of_each, 0), rtol=1e-12)


def test_members_that_are_very_sure_leave_numbers_finite():
    for average in ("softmax", "sigmoid"):
        model = pb.Ensemble(Identity(), Identity(), average=average)
        assert np.isfinite(model(np.array([[1e4, -1e4], [-1e4, 1e4]])).value).all()


def test_what_cannot_be_averaged_is_refused():
    with pytest.raises(pb.CircuitError, match=r"average outputs of shapes \(5, 2\), \(5, 3\)"):
        pb.Ensemble(pb.Dense(2), pb.Dense(3))(X)
    with pytest.raises(pb.CircuitError, match="average is one of scores, softmax, sigmoid, got"):
        pb.Ensemble(pb.Dense(2), average="votes")
    with pytest.raises(pb.CircuitError, match="has several outputs to average"):
        pb.Ensemble(Parallel(Identity(), Identity(), join="none"))(X)


# Models ------------------------------------------------------------------------------------------


def test_a_model_is_any_function_of_layers_and_gates():
    def forward(layers, a, b, training):
        joined = pb.concatenate([layers.tower(a), layers.tower(b)], axis=1)
        return layers.head(joined), (a - b).sum()

    tower = pb.Dense(2, **F8)
    model = Model(forward, tower=tower, head=pb.Dense(1, **F8))
    a, b = X, X + 1.0
    y, distance = model(a, b)
    assert y.shape == (5, 1)
    assert distance.value == pytest.approx(-15.0)
    assert list(model.parameters) == ["tower.weight", "tower.bias", "head.weight", "head.bias"]
    assert list(model.weights) == ["tower.weight", "head.weight"]
    w, v = (model.weights[f"{name}.weight"].value for name in ("tower", "head"))
    np.testing.assert_allclose(y.value, np.hstack([a @ w, b @ w]) @ v)
    pb.check_gradients(y)
    assert repr(model) == (
        "Model(forward, tower=Dense(2, dtype='float64'), head=Dense(1, dtype='float64'))"
    )


def test_training_reaches_the_layers_of_a_model():
    def forward(layers, x, training):
        assert training is None or isinstance(training, Training)
        return layers.drop(x, training=training)

    model = Model(forward, drop=Dropout(0.5))
    x = np.ones((4, 50))
    np.testing.assert_array_equal(model(x).value, x)
    assert (model(x, training=True).value == 0.0).any()


def test_a_model_trains_with_the_trainer():
    def forward(layers, x, training):
        return layers.out(pb.tanh(layers.hidden(x)) + layers.skip(x))

    model = Model(forward, hidden=pb.Dense(8), skip=pb.Dense(8, bias=False), out=pb.Dense(2))
    labels = (X[:, 0] > 0).astype(int)
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.5))
    trainer.fit(X, labels, epochs=30, batch_size=5)
    assert trainer.evaluate(X, labels)["accuracy"] == 1.0
    assert model.predict(X).shape == (5, 2)


def test_a_layer_under_two_keywords_has_the_first_name():
    layer = pb.Dense(3)
    model = Model(lambda layers, x, training: layers.b(layers.a(x)), a=layer, b=layer)
    model(X)
    assert list(model.parameters) == ["a.weight", "a.bias"]


def test_keywords_name_layers_whatever_their_kind_or_name():
    def forward(layers, x, training):
        return layers.relu(layers.dense(x)) + layers.other(x)

    model = Model(forward, dense=pb.Dense(3), relu=pb.ReLU(), other=pb.Dense(3, name="dense"))
    model(X)
    assert list(model.weights) == ["dense.weight", "other.weight"]


@pytest.mark.parametrize("made", [None, 3.0, (), [], X])
def test_a_model_must_return_wires(made):
    def forward(layers, x, training):
        return made

    with pytest.raises(pb.CircuitError, match="'forward' must return wires, got "):
        Model(forward, a=Identity())(X)
