"""Columns that never change are told; pictures with a blank rim are let be."""

import numpy as np
from tests.diagnosis.small import findings, patient

import pullback as pb

RNG = np.random.default_rng(0)


def net(x, y):
    return patient(pb.Dense(2), pb.SoftmaxCrossEntropy(), pb.SGD(0.1), x, y)


def test_a_constant_column_is_a_note():
    x = RNG.normal(size=(90, 4))
    x[:, 1] = 3.0
    (found,) = findings("constant features", net(x, np.arange(90) % 2).but(columns=tuple("abcd")))
    assert found.severity == "note"
    assert found.evidence.startswith("b:")


def test_one_that_changes_in_rows_to_judge_by_costs_something():
    x = RNG.normal(size=(90, 4))
    x[30:, 1] = 3.0  # the first third is held out
    (found,) = findings("constant features", net(x, np.arange(90) % 2))
    assert found.severity == "mild"


def test_one_that_hardly_changes_there_is_a_note():
    x = RNG.normal(size=(90, 4))
    x[:, 1] = 3.0
    x[5, 1] = 4.0
    (found,) = findings("constant features", net(x, np.arange(90) % 2))
    assert found.severity == "note"


def test_inputs_that_are_all_the_same_are_severe():
    (found,) = findings("constant features", net(np.ones((90, 4)), np.arange(90) % 2))
    assert found.severity == "severe"


def test_other_columns_and_pictures_with_a_rim_are_let_be():
    assert not findings("constant features", net(RNG.normal(size=(90, 4)), np.arange(90) % 2))
    pictures = np.zeros((90, 6, 6, 1))
    pictures[:, 2:4, 2:4] = RNG.normal(size=(90, 2, 2, 1))
    model = pb.Sequential(pb.Flatten(), pb.Dense(2))
    sick = patient(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1), pictures, np.arange(90) % 2)
    assert not findings("constant features", sick)
