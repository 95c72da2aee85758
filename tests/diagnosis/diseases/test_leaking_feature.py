"""A column that holds the label is found; one that is merely good is not."""

import numpy as np
from tests.diagnosis.small import findings, patient

import pullback as pb

RNG = np.random.default_rng(0)


def net(x, y, loss=None, outputs=2):
    loss = loss or pb.SoftmaxCrossEntropy()
    return patient(pb.Dense(outputs), loss, pb.SGD(0.01), x, y)


def hard(rows=180):
    """A label that four features say a little of."""
    x = RNG.normal(size=(rows, 5))
    return x, (x[:, 0] + x[:, 1] + 0.8 * RNG.normal(size=rows) > 0).astype(int)


def test_a_copy_of_the_label_is_severe():
    x, y = hard()
    x[:, 3] = 7.0 - 2.0 * y
    (found,) = findings("leaking feature", net(x, y))
    assert found.severity == "severe"
    assert found.where == "feature 3"
    assert found.numbers["alone"] > 0.99 > 0.9 > found.numbers["others"]
    assert "[3]" in found.cure.code
    assert found.cure.change is None
    assert found.certain


def test_a_quantity_that_was_made_of_the_label_is_found():
    x = RNG.normal(size=(180, 4))
    y = x[:, 0] + x[:, 1] + 0.5 * RNG.normal(size=180)
    x[:, 3] = 1.2 * y
    (found,) = findings("leaking feature", net(x, y, pb.SquaredError(), 1))
    assert found.severity == "severe"
    assert found.where == "feature 3"


def test_the_number_of_the_row_is_a_note():
    x, y = hard()
    x[:, 2] = 1000 + np.arange(180)
    (found,) = findings("leaking feature", net(x, y))
    assert found.severity == "note"
    assert "counts the rows" in found.evidence


def test_easy_data_whose_features_all_tell_are_let_be():
    y = np.arange(180) % 3
    x = y[:, None] + 0.1 * RNG.normal(size=(180, 4))  # as the petals of irises
    assert not findings("leaking feature", net(x, y, outputs=3))


def test_a_rule_of_one_feature_is_no_more_than_a_note():
    x = RNG.normal(size=(180, 4))
    found = findings("leaking feature", net(x, (x[:, 0] > 0).astype(int)))
    assert all(x.severity == "note" for x in found)


def test_what_is_no_table_or_has_no_others_is_let_be():
    _x, y = hard()
    assert not findings("leaking feature", net(y[:, None] + np.zeros((180, 1)), y))
    model = pb.Sequential(pb.Embedding(9, 2), pb.Flatten(), pb.Dense(2))
    tokens = RNG.integers(0, 9, size=(180, 4))
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.01), tokens, y)
    assert not findings("leaking feature", sick)
