"""Labels that belong to the row beside theirs are found, and moving them helps."""

import numpy as np
import pytest
from tests.diagnosis.small import findings, patient

import pullback as pb
from pullback.diagnosis.patient import Origin

RNG = np.random.default_rng(0)


def net(x, y, outputs=3, loss=None, apart=True):
    model = pb.Sequential(pb.Dense(12, rng=0), pb.ReLU(), pb.Dense(outputs, rng=1))
    sick = patient(model, loss or pb.SoftmaxCrossEntropy(), pb.Adam(0.05), x, y)
    held = np.arange(len(sick.held_out))
    data = np.arange(len(sick.data)) if apart else len(held) + np.arange(len(sick.data))
    return sick.but(origin=Origin(data, held, apart))


def table(rows=180):
    x = RNG.normal(size=(rows, 3))
    return x, (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)


@pytest.mark.parametrize("by", [1, -1])
def test_labels_of_rows_beside_are_found_and_moving_them_helps(by):
    x, y = table()
    sick = net(x, np.roll(y, by), apart=False)
    (found,) = findings("shifted labels", sick)
    assert found.severity == "severe"
    cured = found.cure.change(sick)
    # Held out are the first 60 rows: at their end one has its neighbour among those to train on.
    assert len(cured.data) + len(cured.held_out) == 179
    for rows, numbers in (
        (cured.data, cured.origin.data),
        (cured.held_out, cured.origin.held_out),
    ):
        assert np.array_equal(rows.columns["labels"], y[numbers])
    assert not findings("shifted labels", cured)


def test_shifted_quantities_are_found():
    x, _ = table()
    y = x[:, 0] + x[:, 1]
    (found,) = findings("shifted labels", net(x, np.roll(y, 1), 1, pb.SquaredError()))
    assert found.numbers["skill_+1"] > found.numbers["skill"] + 0.3


def test_classes_that_count_from_1_where_they_are_judged_are_found():
    x, y = table()
    y[:60] += 1
    sick = net(x, y, outputs=4)
    found = [x for x in findings("shifted labels", sick) if x.where]
    assert len(found) == 1
    cured = found[0].cure.change(sick)
    assert np.array_equal(cured.held_out.columns["labels"], y[:60] - 1)


def test_what_is_right_random_or_a_forecast_is_let_be():
    x, y = table()
    assert not findings("shifted labels", net(x, y))
    assert not findings("shifted labels", net(x, RNG.permutation(y)))
    noise = RNG.normal(size=200)
    windows = np.stack([noise[k : k + 180] for k in range(4)], axis=1)
    rises = (noise[4:184] > 0).astype(int)  # which is what the next window holds
    assert not findings("shifted labels", net(windows, rises, outputs=2))


def test_tokens_that_are_their_own_labels_are_found():
    x = RNG.integers(0, 5, size=(40, 6))
    model = pb.Sequential(pb.Embedding(5, 4), pb.GRU(8), pb.Dense(5), rng=0)

    def told(labels):
        sick = patient(model, pb.SequenceCrossEntropy(), pb.Adam(0.01), x, labels, epochs=1)
        return [found.evidence for found in findings("shifted labels", sick)]

    assert "are their inputs" in told(x)[0]
    assert not told(np.roll(x, -1, axis=1))
