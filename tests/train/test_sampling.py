"""Sampling: how often rows come in an epoch, by chance, and never in what is measured."""

import warnings

import numpy as np
import pytest

import pullback as pb

RARE = np.array([0] * 37 + [1] * 3)
X = np.arange(40.0)[:, None]


def drawn(sampling, labels, epoch=1, seed=0):
    return sampling.order(labels, np.random.default_rng([seed, epoch]))


def trainer(loss=None, **options):
    model = pb.Sequential(pb.Dense(2, rng=0))
    loss = pb.SoftmaxCrossEntropy() if loss is None else loss
    return pb.Trainer(model, loss, pb.SGD(0.01), engine="eager", **options)


def test_equal_weights_give_each_row_once():
    order = drawn(pb.Sampling(np.full(23, 0.1)), np.zeros(23))
    assert sorted(order) == list(range(23))
    assert list(order) != list(range(23))


@pytest.mark.parametrize("rows", [None, 1, 17, 40, 101])
def test_each_row_comes_as_often_as_its_weight_says_rounded_up_or_down(rows):
    weights = np.random.default_rng(0).gamma(0.5, size=40)
    weights[[0, 39]] = 0.0
    sampling = pb.Sampling(weights, rows)
    wanted = weights / weights.sum() * (rows or 40)
    np.testing.assert_allclose(sampling.times(np.zeros(40)), wanted)
    total = np.zeros(40)
    for epoch in range(300):
        counts = np.bincount(drawn(sampling, np.zeros(40), epoch), minlength=40)
        assert counts.sum() == (rows or 40)
        assert (np.floor(wanted - 1e-9) <= counts).all()
        assert (counts <= np.ceil(wanted + 1e-9)).all()
        total += counts
    spread = np.sqrt((wanted % 1) * (1 - wanted % 1) / 300)
    assert (abs(total / 300 - wanted) <= 4.5 * spread + 1e-9).all()


def test_balanced_classes_come_as_often_and_every_rare_row_does():
    for epoch in range(20):
        order = drawn(pb.Sampling(), RARE, epoch)
        assert (RARE[order] == 1).sum() == 20
        assert set(np.bincount(order, minlength=40)[37:]) <= {6, 7}  # 20 of three rows
    assert (drawn(pb.Sampling(), RARE, 1) != drawn(pb.Sampling(), RARE, 2)).any()
    np.testing.assert_array_equal(drawn(pb.Sampling(), RARE), drawn(pb.Sampling(), RARE))
    three = np.array([-1, -1, -1, -1, -1, -1, 5, 5, 7])  # any numbers
    assert np.bincount(three[drawn(pb.Sampling(), three)] + 1).tolist() == [
        3,
        0,
        0,
        0,
        0,
        0,
        3,
        0,
        3,
    ]


def test_one_class_alone_is_plain():
    assert sorted(drawn(pb.Sampling(), np.zeros(5))) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("size", [7, 64])
@pytest.mark.parametrize("rows", [None, 10, 90])
def test_an_epoch_has_as_many_rows_as_were_asked_for(size, rows):
    """More than there are, too, and batches of more rows than there are."""
    train = trainer()
    history = train.fit(X / 40, RARE, epochs=2, batch_size=size, sampling=pb.Sampling(rows=rows))
    assert len(history) == 2
    assert np.isfinite(history["loss"]).all()


def test_the_loss_of_an_epoch_is_that_of_the_rows_drawn():
    train = trainer()
    model = train.model
    model(X[:1] / 40)
    for unit in model.parameters.values():
        unit.value = np.random.default_rng(0).normal(size=unit.shape).astype(np.float32)
    frozen = {name: np.array(unit.value) for name, unit in model.parameters.items()}
    still = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.SGD(1e-30), engine="eager")
    weights = np.linspace(0.5, 2.0, 40)
    history = still.fit(X / 40, RARE, epochs=1, batch_size=8, sampling="balanced", weights=weights)
    for name, unit in model.parameters.items():
        np.testing.assert_array_equal(unit.value, frozen[name])
    order = drawn(pb.Sampling(), RARE)
    scores = model.predict(X / 40)
    costs = pb.SoftmaxCrossEntropy().cost(pb.Unit(scores), pb.Unit(RARE)).value
    share = pb.Sampling().times(RARE)
    wanted = (weights[order] * costs[order]).mean() / np.average(weights, weights=share)
    assert history["loss"][0] == pytest.approx(wanted, rel=1e-5)
    right = scores.argmax(axis=1) == RARE
    accuracy = np.average(right[order], weights=weights[order])
    assert history["accuracy"][0] == pytest.approx(accuracy, rel=1e-6)


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_engines_and_runs_draw_the_same_rows(engine):
    def losses():
        model = pb.Sequential(pb.Dense(2, rng=0))
        train = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1), engine=engine, seed=3)
        return train.fit(X / 40, RARE, epochs=3, batch_size=16, sampling="balanced")["loss"]

    first = losses()
    assert first == losses()
    model = pb.Sequential(pb.Dense(2, rng=0))
    wanted = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1), engine="eager", seed=3)
    other = wanted.fit(X / 40, RARE, epochs=3, batch_size=16, sampling="balanced")["loss"]
    np.testing.assert_allclose(first, other, rtol=1e-5)


def test_a_second_fit_goes_on_as_one():
    def run(*epochs):
        train = trainer()
        for count in epochs:
            history = train.fit(X / 40, RARE, epochs=count, sampling="balanced")
        return history["loss"][-1]

    assert run(4) == run(1, 3)


def test_weights_follow_their_rows_when_some_are_held_out():
    """Rows of weight 0 are never drawn, be there a validation share or not."""
    weights = np.where(X[:, 0] < 20, 0.0, 1.0)
    inputs = np.where(X < 20, 1e30, 0.0)  # the loss of which would not be finite
    history = trainer().fit(
        inputs, RARE, epochs=3, batch_size=8, sampling=weights, validation=(X / 40, RARE)
    )
    assert np.isfinite(history["loss"]).all()
    history = trainer().fit(inputs, RARE, epochs=3, batch_size=8, sampling=weights, validation=0.2)
    assert np.isfinite(history["loss"]).all()


def test_validation_is_measured_as_it_is():
    """The same rows whether training samples or not: with a rate of nearly 0, the same loss."""
    found = []
    for sampling in (None, "balanced"):
        model = pb.Sequential(pb.Dense(2, rng=0))
        still = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.SGD(1e-30), engine="eager")
        found.append(still.fit(X / 40, RARE, epochs=1, validation=0.25, sampling=sampling))
    assert found[0]["validation_loss"] == found[1]["validation_loss"]
    assert found[0]["loss"] != found[1]["loss"]


def test_class_weights_and_balanced_sampling_count_twice():
    twice = pb.SoftmaxCrossEntropy(class_weights={1: 5.0})
    with pytest.warns(UserWarning, match="together they do so twice: leave one out"):
        trainer(twice).fit(X, RARE, epochs=1, sampling="balanced")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer(twice).fit(X, RARE, epochs=1, sampling=np.ones(40))
        trainer().fit(X, RARE, epochs=1, sampling="balanced")


def test_class_weights_of_rows_drawn_have_their_mean():
    """The mean weight of an epoch's rows, not of all rows, is what each counts beside."""
    train = trainer(pb.SoftmaxCrossEntropy(class_weights={1: 5.0}))
    train.fit(X / 40, RARE, epochs=1, sampling=np.where(RARE == 1, 37.0, 3.0))
    assert float(train._step.mean_weights[0].value) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("sampling", "words"),
    [
        ("balance", 'sampling is "balanced", or a weight for each row'),
        (np.ones(39), "40 rows need weights of shape"),
        (np.zeros(40), "all weights are 0"),
        (np.full(40, -1.0), "is not a finite number of at least 0"),
        (np.full(40, np.nan), "is not a finite number of at least 0"),
    ],
)
def test_what_is_no_sampling_is_refused_before_work(sampling, words):
    with pytest.raises(pb.CircuitError, match=words):
        trainer().fit(X, RARE, sampling=sampling)


@pytest.mark.parametrize("rows", [0, -1, 1.5, "all"])
def test_an_epoch_needs_rows(rows):
    with pytest.raises(pb.CircuitError, match="an epoch has a whole number of rows"):
        pb.Sampling(rows=rows)


def test_what_has_no_classes_is_not_balanced():
    regression = pb.Trainer(
        pb.Sequential(pb.Dense(1)), pb.SquaredError(), pb.SGD(0.1), engine="eager"
    )
    with pytest.raises(pb.CircuitError, match="balanced sampling is for one loss of classes"):
        regression.fit(X, X[:, 0], sampling="balanced")
    soft = np.full((40, 2), 0.5)
    with pytest.raises(pb.CircuitError, match="needs one class for each row"):
        trainer().fit(X, soft, sampling="balanced")
    with pytest.raises(pb.CircuitError, match="batches have an order of their own"):
        trainer().fit([(X, RARE)], sampling="balanced")
