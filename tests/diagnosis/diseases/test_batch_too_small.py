"""A BatchNorm of a handful of rows is found; small batches without one are not."""

import pytest
from tests.diagnosis.small import findings, patient

import pullback as pb

NAME = "batch too small"


def sick(model, **told):
    return patient(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.01)).but(**told)


def normalized():
    return pb.Sequential(pb.Dense(8), pb.BatchNorm(), pb.ReLU(), pb.Dense(2))


@pytest.mark.parametrize("told", [{"batch_size": 2}, {"sizes": (2,) * 40}], ids=["rows", "batches"])
def test_batches_of_two_are_found_and_larger_ones_are_made(told):
    patient = sick(normalized(), **told)
    (found,) = findings(NAME, patient)
    assert found.where == "batchnorm1"
    cured = found.cure.change(patient)
    assert not findings(NAME, cured)
    assert sum(cured.sizes) == sum(patient.sizes)


def test_other_norms_and_larger_batches_are_well():
    assert not findings(NAME, sick(normalized(), batch_size=16))
    model = pb.Sequential(pb.Dense(8), pb.LayerNorm(), pb.ReLU(), pb.Dense(2))
    assert not findings(NAME, sick(model, batch_size=2))
