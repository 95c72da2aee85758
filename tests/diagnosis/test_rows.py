"""Rows keep their numbers, their neighbours and their batches on the way into a patient."""

import numpy as np
from tests.diagnosis.small import patient

import pullback as pb
from pullback.diagnosis.admission import admitted
from pullback.diagnosis.answers import answered, class_numbers
from pullback.diagnosis.finding import Finding
from pullback.train.data import Rows

RNG = np.random.default_rng(0)


def taken(x, y=None, validation=0.2, loss=None, outputs=2):
    loss = loss or pb.SoftmaxCrossEntropy()
    trainer = pb.Trainer(pb.Dense(outputs), loss, pb.SGD(0.1), engine="eager")
    return admitted(trainer, x, y, validation, 1, 8, ())[0]


def test_rows_that_are_held_out_by_chance_keep_their_numbers():
    x = np.arange(100.0)[:, None]
    found = taken(x, np.arange(100) % 2)
    assert not found.origin.apart
    for rows, numbers in ((found.data, found.numbers), (found.held_out, found.origin.held_out)):
        assert np.array_equal(rows.columns["inputs"][:, 0], numbers)
        assert set(rows.columns) == {"inputs", "labels"}


def test_of_many_rows_runs_are_drawn_so_that_most_keep_their_neighbours():
    x = np.arange(12_000.0)[:, None]
    found = taken(x, np.arange(12_000) % 2)
    assert 3000 < len(found.data) < 5000
    assert np.array_equal(found.data.columns["inputs"][:, 0], found.numbers)
    numbers = np.sort(found.numbers)
    assert np.isin(numbers + 1, numbers).mean() > 0.7
    assert numbers.max() > 11_000
    assert numbers.min() < 1000


def test_rows_to_judge_by_that_are_given_have_numbers_of_their_own():
    x = np.arange(60.0)[:, None]
    y = np.arange(60) % 2
    found = taken(x[:40], y[:40], validation=(x[40:], y[40:]))
    assert found.origin.apart
    assert np.array_equal(found.origin.held_out, np.arange(20))


def test_fewer_rows_keep_their_batches():
    x = np.arange(40.0)[:, None]
    batches = [(x[k : k + 8], np.arange(8) % 2) for k in range(0, 40, 8)]
    found = taken(batches)
    kept = found.keeping(np.flatnonzero(found.numbers >= 16))
    assert len(kept.sizes) == 3
    assert sum(kept.sizes) == len(kept.data) == len(kept.numbers)
    assert np.array_equal(kept.data.columns["inputs"][:, 0], kept.numbers)


def test_class_numbers_are_those_of_any_loss():
    def of(loss, labels):
        return class_numbers((loss,), Rows({"inputs": np.zeros(3), "labels": np.array(labels)}))

    assert of(pb.SoftmaxCrossEntropy(), [2, 0, 1]).tolist() == [2, 0, 1]
    assert of(pb.SoftmaxCrossEntropy(), [[0.2, 0.8], [0.9, 0.1], [0.5, 0.5]]).tolist() == [1, 0, 0]
    assert of(pb.Hinge(), [-1, 1, 1]).tolist() == [0, 1, 1]
    assert of(pb.BinaryCrossEntropy(), [0.0, 1.0, 1.0]).tolist() == [0, 1, 1]
    assert of(pb.BinaryCrossEntropy(), [0.5, 1.0, 1.0]) is None
    assert of(pb.SquaredError(), [1.0, 2.0, 7.0]).tolist() == [1, 2, 7]
    assert of(pb.SquaredError(), [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]).tolist() == [1, 0, 1]
    assert of(pb.SquaredError(), [1.5, 2.0, 7.0]) is None
    assert of(pb.SquaredError(), [1000.0, 2000.0, 1500.0]) is None
    assert of(pb.Cosine(), [[0.0, 1.0]] * 3) is None


def test_answers_are_read_as_the_loss_has_them():
    assert answered(pb.Hinge(), np.array([[-2.0], [0.5]])).tolist() == [0, 1]
    assert answered(pb.SquaredError(), np.array([[2.4], [0.6]])).tolist() == [2, 1]
    assert answered(pb.SoftmaxCrossEntropy(), np.array([[1.0, 3.0, 2.0]])).tolist() == [1]


def test_balanced_accuracy_is_the_mean_over_classes_after_each_epoch():
    x = RNG.normal(size=(90, 2))
    y = (np.arange(90) % 9 == 0).astype(int)
    sick = patient(pb.Dense(2, rng=0), pb.SoftmaxCrossEntropy(), pb.SGD(0.01), x, y, epochs=2)
    trained = sick.train(monitor=False)
    scores = trained.trainer.predict(sick.held_out.columns["inputs"])
    right = scores.argmax(axis=1) == sick.held_out.columns["labels"]
    truth = sick.held_out.columns["labels"]
    wanted = (right[truth == 0].mean() + right[truth == 1].mean()) / 2
    assert np.isclose(trained.final("validation_balanced_accuracy"), wanted)
    assert np.isclose(trained.final("validation_accuracy"), right.mean())
    assert all("validation_balanced_accuracy" in row for row in trained.history.rows)


def test_findings_tell_their_rows_to_programs():
    finding = Finding("label noise", "mild", "some", "so", rows=(7, 3))
    assert finding.to_json_dict()["rows"] == [7, 3]
