"""A loss that asks for something else than the labels say is found; ordered ones are not."""

import numpy as np
from tests.diagnosis.small import findings, patient

import pullback as pb

RNG = np.random.default_rng(0)


def net(model, loss, x, y, epochs=3):
    return patient(model, loss, pb.Adam(0.03), x, y, epochs=epochs)


def mlp(outputs, *end):
    return pb.Sequential(pb.Dense(16, rng=0), pb.ReLU(), pb.Dense(outputs, rng=1), *end)


def groups(rows=180):
    """Six classes whose numbers say nothing of which are near."""
    y = RNG.integers(0, 6, rows)
    centres = np.array([[0, 0], [3, 3], [0, 3], [3, 0], [-3, 0], [0, -3]])
    return centres[y] + 0.8 * RNG.normal(size=(rows, 2)), y


def test_class_numbers_as_quantities_are_found_and_scores_for_each_help():
    x, y = groups()
    sick = net(mlp(1), pb.SquaredError(), x, y.astype(float), epochs=6)
    (found,) = findings("wrong loss", sick)
    assert found.severity == "severe"
    assert found.measure == "validation_accuracy"
    before = sick.train(monitor=False).final("validation_accuracy")
    cured = found.cure.change(sick)
    assert cured.parts.model.layers[-1].config["units"] == 6
    assert cured.train(monitor=False).final("validation_accuracy") > before + 0.2


def test_ratings_and_counts_are_quantities():
    x = RNG.normal(size=(180, 3))
    ratings = np.clip(np.rint(x[:, 0] + 0.4 * RNG.normal(size=180) + 3), 1, 5)
    assert not findings("wrong loss", net(mlp(1), pb.SquaredError(), x, ratings))
    ratings = np.clip(np.rint(x[:, 0] + 3), 1, 5)  # which are told without an error
    assert not findings("wrong loss", net(mlp(1), pb.SquaredError(), x, ratings))
    assert not findings("wrong loss", net(mlp(1), pb.SquaredError(), x, (x[:, 0] > 0) * 1.0))


def test_one_hot_rows_of_a_function_are_found_and_its_loss_is_changed():
    x, y = groups()
    sick = net(mlp(6, pb.Softmax()), pb.SquaredError(), x, np.eye(6)[y])
    found = findings("wrong loss", sick)
    assert [x.severity for x in found] == ["mild"]
    cured = found[0].cure.change(sick)
    assert type(cured.parts.model.layers[-1]).__name__ == "Dense"
    assert cured.parts.losses == (pb.SoftmaxCrossEntropy(),)
    cured.train(monitor=False)


def test_labels_beyond_the_end_of_a_sigmoid_are_found_and_its_absence_helps():
    x = RNG.normal(size=(120, 3))
    y = 10.0 + 3.0 * x[:, 0]
    sick = net(mlp(1, pb.Sigmoid()), pb.SquaredError(), x, y)
    (found,) = findings("wrong loss", sick)
    assert found.where == "the last layer"
    assert found.numbers["beyond"] > 0.9
    before, after = (
        p.train(monitor=False).final("validation_loss") for p in (sick, found.cure.change(sick))
    )
    assert after < 0.9 * before
    assert not findings("wrong loss", net(mlp(1, pb.Sigmoid()), pb.SquaredError(), x, y / 40))
    assert not findings("wrong loss", net(mlp(1, pb.ReLU()), pb.SquaredError(), x, y))


def test_amounts_as_classes_are_told():
    x = RNG.normal(size=(190, 2))
    y = np.clip(np.rint(8 * x[:, 0] + 20 + 2 * RNG.normal(size=190)), 0, 39).astype(int)
    (found,) = findings("wrong loss", net(mlp(40), pb.SoftmaxCrossEntropy(), x, y))
    assert found.severity == "mild"
    assert found.cure.change is None
    x, y = groups()
    assert not findings("wrong loss", net(mlp(6), pb.SoftmaxCrossEntropy(), x, y))
