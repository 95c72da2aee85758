"""Learning rates are tried on a copy, and "find" is resolved before the first epoch."""

import copy
import pickle

import numpy as np
import pytest

import pullback as pb
import pullback.optim as po
from pullback.train.finder import LearningRates, find_learning_rate

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def make(optimizer, engine="eager", **told):
    model = pb.Sequential(
        pb.Dense(16), pb.BatchNorm(), pb.ReLU(), pb.Dropout(0.1), pb.Dense(2), rng=1
    )
    return pb.Trainer(model, pb.SoftmaxCrossEntropy(), optimizer, engine=engine, seed=3, **told)


def line(optimizer):
    return pb.Trainer(pb.Dense(1, rng=0), pb.SquaredError(), optimizer, engine="eager")


def fit(trainer, **told):
    return trainer.fit(X, Y, progress=False, **{"epochs": 2, **told})


def numbers(trainer):
    units = [*trainer.sources, *trainer._step.memory.wires, trainer._step._number]
    return [np.copy(unit.value) for unit in units]


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_the_trainer_stays_as_it_is_to_the_bit(engine):
    trainer = make(pb.Adam(0.01), engine)
    fit(trainer)
    twin, before = copy.deepcopy(trainer), numbers(trainer)
    find_learning_rate(trainer, X, Y)
    for was, now in zip(before, numbers(trainer), strict=True):
        np.testing.assert_array_equal(was, now, strict=True)
    assert trainer.learning_rate == 0.01
    assert fit(trainer)["loss"] == fit(twin)["loss"]


def test_the_losses_are_those_of_steps_at_these_rates():
    """Least squares of one weight, in plain NumPy."""
    x = np.arange(1.0, 9.0)[:, None]
    found = find_learning_rate(
        line(pb.SGD(0.5)), x, 3.0 * x, batch_size=8, lowest=1e-4, highest=1e-2, steps=12
    )
    np.testing.assert_allclose(found.rates, np.geomspace(1e-4, 1e-2, 12))
    dense = line(pb.SGD(0.5))
    dense.predict(x)
    w, b = (float(np.ravel(unit.value)[0]) for unit in dense.sources)
    for rate, loss in zip(found.rates, found.losses, strict=True):
        error = w * x + b - 3.0 * x
        assert loss == pytest.approx(np.mean(error**2), rel=1e-4)
        w, b = w - rate * np.mean(2 * error * x), b - rate * np.mean(2 * error)


def test_the_sweep_ends_where_the_loss_explodes():
    found = find_learning_rate(line(pb.SGD(0.5)), 10.0 * X, X[:, :1], highest=1e6)
    assert np.isfinite(found.losses).all()
    assert found.rates[-1] < 1.0
    assert found.rates[-1] / 1000 < found.suggestion < found.rates[-1]


def test_the_suggestion_follows_its_rule():
    rates = np.geomspace(1e-6, 10.0, 351)
    found = LearningRates(rates, 1.0 / (1.0 + (rates / 0.01) ** 2) + rates**2)
    assert found.steepest == pytest.approx(0.01, rel=0.1)  # the middle of the fall
    assert found.lowest == pytest.approx(0.1, rel=0.3)
    assert found.suggestion == pytest.approx((found.steepest * found.lowest / 10) ** 0.5, rel=0.05)
    noisy = LearningRates(rates, found.losses + RNG.normal(0.0, 0.05, 351))
    assert noisy.suggestion == pytest.approx(found.suggestion, rel=0.5)


def test_no_rate_is_suggested_where_none_lowers_the_loss():
    rates = np.geomspace(1e-6, 10.0, 100)
    for losses in (1.0 + rates, np.ones(100), 1.0 + RNG.normal(0.0, 0.3, 100)):
        found = LearningRates(rates, losses)
        assert found.suggestion is None
        assert str(found).endswith("no suggestion: at no rate did the loss fall")
    x = np.zeros((40, 1))
    with pytest.raises(pb.CircuitError, match="no learning rate from 1e-06 to 10 lowers the loss"):
        line(pb.SGD("find")).fit(x, x, progress=False)


@pytest.mark.parametrize("name", sorted(po.OPTIMIZERS))
def test_every_optimizer_takes_find(name):
    optimizer = po.OPTIMIZERS[name]("find")
    assert repr(optimizer).startswith(f"{name}('find'")
    twin = pickle.loads(pickle.dumps(optimizer))
    assert repr(twin) == repr(optimizer)
    assert repr(optimizer.settled(0.1)) == repr(po.OPTIMIZERS[name](0.1))
    with pytest.raises(pb.CircuitError, match="still to be found"):
        optimizer.update([pb.Unit(1.0)], optimizer.init([pb.Unit(1.0)]), [pb.Unit(1.0)])


def test_fit_finds_the_rate_once_and_says_so():
    trainer = make(pb.SGD("find", momentum=0.9))
    with pytest.raises(pb.CircuitError, match="the first fit does that"):
        _ = trainer.learning_rate
    history = fit(trainer)
    found = find_learning_rate(make(pb.SGD(0.1, momentum=0.9)), X, Y).suggestion
    assert trainer.learning_rate == found
    assert repr(trainer.optimizer) == f"SGD({found}, momentum=0.9)"
    assert history.notes == [f"learning rate {found:g}, found by trying"]
    assert fit(trainer).notes == []
    plain = make(pb.SGD(found, momentum=0.9))
    assert fit(plain)["loss"] == history["loss"]


def test_a_rate_inside_a_schedule_is_found():
    trainer = make(pb.SGD(po.LinearWarmup(po.CosineDecay("find", 9), 3)))
    fit(trainer)
    found = find_learning_rate(make(pb.SGD(0.1)), X, Y).suggestion
    assert trainer.optimizer.learning_rate == po.LinearWarmup(po.CosineDecay(found, 9), 3)
    again = find_learning_rate(trainer, X, Y)
    assert len(again.rates) > 10


def test_a_rate_that_is_set_is_not_looked_for():
    trainer = make(pb.SGD("find"))
    trainer.learning_rate = 0.05
    assert fit(trainer).notes == []
    assert trainer.learning_rate == 0.05


def test_batches_are_gone_through_again_and_again():
    batches = [(X[i : i + 50], Y[i : i + 50]) for i in range(0, 200, 50)]
    for data in (batches, lambda: iter(batches)):
        trainer = make(pb.Adam("find"))
        assert trainer.fit(data, epochs=1, progress=False).notes
    with pytest.raises(pb.CircuitError, match="an iterator can be gone through once"):
        make(pb.Adam("find")).fit(iter(batches), epochs=1, progress=False)


def test_a_copied_trainer_finds_the_same():
    trainer = make(pb.Adam("find"))
    twin = pickle.loads(pickle.dumps(trainer))
    assert fit(trainer).notes == fit(twin).notes


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"lowest": 0.1, "highest": 0.1}, "from a lower to a higher one"),
        ({"steps": 9}, "in at least 10 steps"),
        ({"lowest": -1.0}, "lowest must be positive"),
        ({"highest": np.nan}, "highest must be a finite number"),
    ],
)
def test_what_makes_no_sense_is_refused(told, message):
    with pytest.raises(pb.CircuitError, match=message):
        find_learning_rate(make(pb.SGD(0.1)), X, Y, **told)


def test_a_step_without_a_rate_is_refused():
    step = pb.TrainingStep(pb.Dense(1), pb.SquaredError(), pb.SGD("find"))
    with pytest.raises(pb.CircuitError, match="still to be found"):
        step.program(step.columns(X, X[:, :1]))
    for wrong in ("fast", "FIND"):
        with pytest.raises(pb.CircuitError, match='positive number or "find", got '):
            pb.SGD(wrong)


def test_the_plot_shows_every_step():
    pytest.importorskip("matplotlib")
    found = find_learning_rate(make(pb.SGD(0.1)), X, Y)
    axes = found.plot().axes[0]
    each, smoothed, suggestion = axes.lines
    np.testing.assert_array_equal(each.get_ydata(), found.losses)
    np.testing.assert_array_equal(smoothed.get_xdata(), found.rates)
    assert suggestion.get_xdata()[0] == found.suggestion


class Counted:
    """Batches in an order of each epoch, which they count; the last one has a single row."""

    def __init__(self):
        self.epoch = 0

    def __iter__(self):
        self.epoch += 1
        order = np.random.default_rng(self.epoch).permutation(49)
        return iter([(X[rows], Y[rows]) for rows in np.split(order, [16, 32, 48])])


def test_batches_that_count_their_epochs_begin_with_the_first():
    found, told = Counted(), Counted()
    trainer = make(pb.SGD("find"))
    history = trainer.fit(found, epochs=2, progress=False)
    other = make(pb.SGD(trainer.learning_rate))
    assert history["loss"] == other.fit(told, epochs=2, progress=False)["loss"]
    assert found.epoch == told.epoch == 2
