"""A net trained by CTC that has not come past the blank is found, and one that has is not."""

import numpy as np
from tests.diagnosis.small import findings, patient

import pullback as pb
from pullback.diagnosis.examination import Clock, Examination
from pullback.losses.sequences import ctc_labels

NAME = "only blanks"
ROWS, STEPS, CLASSES, EPOCHS = 60, 6, 3, 4


def spoken(seed=0, labels=2):
    """Rows of one or two labels, each heard in a feature of its own, at any step."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0.0, 0.2, (ROWS, STEPS, CLASSES)).astype(np.float32)
    y = np.full((ROWS, 2), -1)
    for row in range(ROWS):
        steps = np.sort(rng.choice(np.arange(0, STEPS, 3), rng.integers(1, labels + 1), False))
        for k, step in enumerate(steps):
            y[row, k] = rng.integers(1, CLASSES + 1)
            x[row, step, y[row, k] - 1] += 2.0
    return x, y


def listener(rate, x, y):
    """A net in the state in which most nets are after a few epochs: the blank is likeliest."""
    model = pb.Sequential(pb.Dense(16), pb.ReLU(), pb.Dense(CLASSES + 1), rng=0)
    model(x[:1])
    weight = model.parameters["dense2.weight"]
    weight.value = 0.1 * weight.value
    model.parameters["dense2.bias"].value = [2.0, 0.0, 0.0, 0.0]
    return patient(model, pb.CTC(), pb.Adam(rate), x=x, y=y, epochs=EPOCHS)


def test_a_net_that_learns_too_slowly():
    sick = listener(1e-3, *spoken())
    (finding,) = findings(NAME, sick)
    assert finding.certain
    assert finding.numbers["empty"] > 0.95
    assert finding.numbers["truly empty"] == 0.0
    rate, longer, easier = finding.cures
    assert "Adam(0.01" in rate.code
    before, after = (x.train().best("validation_loss") for x in (sick, rate.change(sick)))
    assert after < 0.9 * before
    assert longer.change(sick).epochs == 3 * EPOCHS
    assert easier.change is None


def test_a_net_that_has_learned():
    assert findings(NAME, listener(0.2, *spoken())) == []


def test_rows_that_truly_have_no_label():
    x, y = spoken()
    silent = np.arange(ROWS) % 4 > 0
    y[silent], x[silent] = -1, 0.0
    assert findings(NAME, listener(1e-3, x, y)) == []


def test_steps_behind_the_end_of_a_row_do_not_count():
    """There any class may be the likeliest."""
    x, y = spoken(labels=1)
    x = np.concatenate([x, np.full((ROWS, 4, CLASSES), 9.0, np.float32)], axis=1)
    sick = listener(1e-3, x, ctc_labels(y, np.full(ROWS, STEPS)))
    (finding,) = findings(NAME, sick)
    assert finding.numbers["empty"] > 0.95


def test_other_losses_and_lost_trainings_are_left_alone():
    assert findings(NAME, patient(pb.Dense(2), pb.SoftmaxCrossEntropy(), pb.SGD(0.1))) == []
    x, y = spoken()
    lost = patient(pb.Dense(CLASSES + 1), pb.CTC(), pb.SGD(1e30), x=1e5 * x, y=y, epochs=2)
    examination = Examination(lost, Clock(60.0))
    assert examination.trained.history.diverged
    assert findings(NAME, lost) == []
