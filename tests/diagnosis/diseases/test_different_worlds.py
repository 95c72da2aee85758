"""Rows to judge by that come from elsewhere are told apart; others are not."""

import numpy as np
from tests.diagnosis.small import findings, patient

import pullback as pb
from pullback.diagnosis.patient import Origin

RNG = np.random.default_rng(0)


def net(x, y, apart=True, outputs=3):
    sick = patient(pb.Dense(outputs), pb.SoftmaxCrossEntropy(), pb.SGD(0.1), x, y)
    data, held_out = np.arange(len(sick.data)), np.arange(len(sick.held_out))
    return sick.but(origin=Origin(data, held_out, apart))


def table(rows=180):
    x = RNG.normal(size=(rows, 4))
    return x, (x[:, 0] > 0).astype(int) + (x[:, 0] > 1)


def test_a_column_in_another_unit_is_found_by_name_and_is_severe_where_it_costs():
    x, y = table()
    x[:60, 0] = 5.0 * x[:60, 0] + 4.0  # those to judge by
    (found,) = findings("different worlds", net(x, y).but(columns=("price", "b", "c", "d")))
    assert found.severity == "severe"
    assert "price" in found.evidence
    assert found.numbers["area"] > 0.8
    assert found.numbers["cost"] > 0.1


def test_a_column_that_does_not_matter_is_mild():
    x, y = table()
    x[:60, 3] += 4.0
    (found,) = findings("different worlds", net(x, y))
    assert found.severity == "mild"


def test_a_class_that_is_not_trained_on_is_severe():
    x, y = table()
    y[60:] = np.minimum(y[60:], 1)
    (found,) = findings("different worlds", net(x, y))
    assert found.severity == "severe"
    assert "(2)" in found.evidence


def test_rows_of_one_world_and_rows_that_were_held_out_by_chance_are_let_be():
    x, y = table()
    assert not findings("different worlds", net(x, y))
    x[:60] += 9.0
    assert not findings("different worlds", net(x, y, apart=False))
