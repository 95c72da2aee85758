"""Proximal steps in training: what they reach, on every engine, and that zeros are zeros."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, Lasso, Ridge

import pullback as pb
from pullback.engines.native.compile import compile
from pullback.engines.native.target import host

RNG = np.random.default_rng(0)
ROWS, FEATURES = 40, 7
X = RNG.normal(size=(ROWS, FEATURES))
Y = X @ np.array([2.0, -1.0, 0.5, 0.0, 0.0, 0.0, 0.02]) + 0.1 * RNG.normal(size=ROWS)
RATE = 0.1


def linear(units=1, **how):
    model = pb.Sequential(pb.Dense(units, bias=False, dtype="float64", **how), rng=0)
    model(X[:1])
    return model


def fitted(penalties, *, x=X, y=Y, units=1, steps=100, optimizer=None, engine="native"):
    """The weight of a linear model after steps on all rows at once."""
    model = linear(units)
    step = pb.TrainingStep(model, pb.SquaredError(), optimizer or pb.SGD(RATE), penalties)
    data = step.columns(x, y)
    run = pb.prepare(engine, step.program(data, metrics=False))
    run.epoch(data, np.tile(np.arange(len(x)), steps), lambda: False)
    return model.parameters["dense1.weight"].value


# Each step, a second time in NumPy ---------------------------------------------------------------


def soft(w, t):
    return np.sign(w) * np.maximum(np.abs(w) - t, 0.0)


def shorter(w, t, axis):
    t = t * np.sqrt(w.size / w.shape[1 - axis])
    length = np.linalg.norm(w, axis=axis, keepdims=True)
    return w * np.maximum(1.0 - t / np.maximum(length, 1e-300), 0.0)


def limited(w, limit, axis):
    return w * np.minimum(1.0, limit / np.linalg.norm(w, axis=axis, keepdims=True))


STEPS = {
    "L1": ([pb.L1(0.3, proximal=True)], lambda w, t: soft(w, 0.3 * t)),
    "L2": ([pb.L2(0.3, proximal=True)], lambda w, t: w / (1.0 + 0.6 * t)),
    "outgoing": ([pb.GroupLasso(0.2)], lambda w, t: shorter(w, 0.2 * t, 1)),
    "incoming": ([pb.GroupLasso(0.2, "incoming")], lambda w, t: shorter(w, 0.2 * t, 0)),
    "elastic net": (
        [pb.L1(0.3, proximal=True), pb.L2(0.2, proximal=True)],
        lambda w, t: soft(w, 0.3 * t) / (1.0 + 0.4 * t),
    ),
    "sparse groups": (
        [pb.L1(0.2, proximal=True), pb.GroupLasso(0.2)],
        lambda w, t: shorter(soft(w, 0.2 * t), 0.2 * t, 1),
    ),
    "MaxNorm": ([pb.MaxNorm(0.9)], lambda w, t: limited(w, 0.9, 0)),
    "MaxNorm of rows": ([pb.MaxNorm(0.9, "outgoing")], lambda w, t: limited(w, 0.9, 1)),
    "NonNegative": ([pb.NonNegative()], lambda w, t: np.maximum(w, 0.0)),
}
TARGETS = np.stack([Y, -0.7 * X[:, 2] + 0.1 * Y, 0.5 * X[:, 4]], axis=1)


@pytest.mark.parametrize(
    ("name", "engine"),
    [*itertools.product(STEPS, ["eager", "native"]), ("L1", "jax"), ("outgoing", "jax")],
)
def test_a_hundred_steps_are_those_of_proximal_gradient_descent(name, engine):
    """ISTA: Beck and Teboulle, "A fast iterative shrinkage-thresholding algorithm" (2009)."""
    penalties, step = STEPS[name]
    ours = fitted(penalties, y=TARGETS, units=3, engine=engine)
    w = linear(3).parameters["dense1.weight"].value
    for _ in range(100):
        w = step(w - RATE * 2.0 / TARGETS.size * X.T @ (X @ w - TARGETS), RATE)
    np.testing.assert_allclose(ours, w, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(ours == 0.0, w == 0.0)
    if name not in ("L2", "MaxNorm", "MaxNorm of rows"):
        assert (ours == 0.0).any()
        assert not np.signbit(ours[ours == 0.0]).any()


# What is known in closed form, or by a solver ----------------------------------------------------


def test_on_orthogonal_features_the_lasso_is_a_soft_threshold_of_least_squares():
    q = np.linalg.qr(X)[0] * np.sqrt(ROWS)
    least = q.T @ Y / ROWS
    found = fitted([pb.L1(0.2, proximal=True)], x=q, steps=400)
    np.testing.assert_allclose(found[:, 0], soft(least, 0.1), rtol=1e-12, atol=1e-15)
    assert (found[:, 0] == 0.0).sum() == (np.abs(least) <= 0.1).sum() > 0


@pytest.mark.parametrize(
    ("penalties", "peer"),
    [
        ([pb.L1(0.3, proximal=True)], Lasso(0.15)),
        ([pb.L2(0.3, proximal=True)], Ridge(0.3 * ROWS)),
        ([pb.L2(0.3)], Ridge(0.3 * ROWS)),
        (
            [pb.L1(0.3, proximal=True), pb.L2(0.2, proximal=True)],
            ElasticNet(0.35, l1_ratio=0.15 / 0.35),
        ),
        ([pb.L1(0.1, proximal=True), pb.NonNegative()], Lasso(0.05, positive=True)),
    ],
)
def test_training_ends_where_scikit_learn_does(penalties, peer):
    peer.set_params(fit_intercept=False, tol=1e-12)
    peer.fit(X, Y)
    found = fitted(penalties, steps=1500)[:, 0]
    np.testing.assert_allclose(found, np.ravel(peer.coef_), rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(found == 0.0, np.ravel(peer.coef_) == 0.0)


def test_a_gradient_step_of_l1_comes_near_zero_and_a_proximal_one_to_it():
    near, at = (fitted([pb.L1(0.3, proximal=p)])[3:, 0] for p in (False, True))
    assert (at == 0.0).all()
    assert (near != 0.0).all()
    assert np.abs(near).max() < 2 * RATE * 0.3


def test_a_proximal_step_of_l2_is_stable_at_any_strength():
    assert np.abs(fitted([pb.L2(1e6, proximal=True)])).max() < 1e-4
    model = linear()
    trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(RATE), penalties=pb.L2(1e6))
    with pytest.warns(UserWarning, match="training ended"):
        assert trainer.fit(X, Y, epochs=100, batch_size=ROWS, progress=False).diverged


def test_limits_hold_after_every_step():
    model = pb.Sequential(pb.Dense(5), pb.ReLU(), pb.Dense(1), rng=0)
    penalties = [pb.MaxNorm(0.7), pb.MaxNorm(0.1, on="*.bias", groups="incoming")]
    trainer = pb.Trainer(model, pb.SquaredError(), pb.Adam(0.1), penalties=penalties)
    seen = []

    def look(event):
        for name, unit in model.parameters.items():
            size = np.abs(unit.value) if name.endswith("bias") else np.linalg.norm(unit.value, 2, 0)
            seen.append(size.max() / (0.1 if name.endswith("bias") else 0.7))

    trainer.fit(X, 10.0 * Y, epochs=5, batch_size=ROWS, callbacks=look, progress=False)
    assert max(seen[4:]) <= 1.0 + 1e-6
    assert max(seen[4:]) > 0.99


# Beside the rest of training ---------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_the_rate_of_a_schedule_is_that_of_the_step(engine):
    schedule = pb.ExponentialDecay(0.2, factor=0.5, steps=10)
    found = fitted([pb.L1(0.3, proximal=True)], optimizer=pb.SGD(schedule), engine=engine)
    w = linear().parameters["dense1.weight"].value
    for k in range(100):
        rate = 0.2 * 0.5 ** (k / 10)
        w = soft(w - rate * 2.0 / ROWS * X.T @ (X @ w - Y[:, None]), 0.3 * rate)
    np.testing.assert_allclose(found, w, rtol=1e-9, atol=1e-12)


def test_a_rate_that_is_set_between_epochs_is_that_of_the_steps_behind_it():
    model = linear()
    trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(RATE), penalties=pb.GroupLasso(0.3))
    w = linear().parameters["dense1.weight"].value
    for rate in (0.3, 0.1, 0.02):
        trainer.learning_rate = rate
        trainer.fit(X, Y, epochs=1, batch_size=ROWS, progress=False)
        w = soft(w - rate * 2.0 / ROWS * X.T @ (X @ w - Y[:, None]), 0.3 * rate)
    np.testing.assert_allclose(model.parameters["dense1.weight"].value, w, rtol=1e-12)


@pytest.mark.parametrize("name", pb.optim.OPTIMIZERS)
def test_behind_any_optimizer_it_is_the_same_step(name):
    """One step, with the rate alone: whatever size the optimizer gives to each element's step."""
    free, held = (
        fitted(penalties, steps=1, optimizer=pb.optim.OPTIMIZERS[name](0.05), engine="eager")
        for penalties in ([], [pb.L1(3.0, proximal=True)])
    )
    np.testing.assert_allclose(held, soft(free, 0.15), rtol=1e-12, atol=1e-15)


def test_frozen_parameters_rest():
    model = pb.Sequential(pb.Dense(3).freeze(), pb.Dense(1), rng=0)
    model(X[:1])
    before = {name: unit.value.copy() for name, unit in model.find_parameters(frozen=True).items()}
    penalties = [pb.L1(100.0, on="*.weight", proximal=True)]
    trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(RATE), penalties=penalties)
    trainer.fit(X, Y, epochs=1, batch_size=ROWS, progress=False)
    after = model.find_parameters(frozen=True)
    np.testing.assert_array_equal(after["dense1.weight"].value, before["dense1.weight"])
    np.testing.assert_array_equal(after["dense2.weight"].value, 0.0)
    model["dense1"].unfreeze()
    trainer.fit(X, Y, epochs=1, batch_size=ROWS, progress=False)
    np.testing.assert_array_equal(after["dense1.weight"].value, 0.0)


def test_steps_follow_the_order_of_the_penalties():
    first = fitted([pb.MaxNorm(0.5), pb.L1(1.0, proximal=True)], steps=1)
    second = fitted([pb.L1(1.0, proximal=True), pb.MaxNorm(0.5)], steps=1)
    assert np.linalg.norm(first) < 0.45
    assert np.linalg.norm(second) == pytest.approx(0.5)


def test_gradient_and_proximal_penalties_go_together():
    model = linear()
    penalties = [pb.L2(0.1), pb.L1(0.3, proximal=True)]
    trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(RATE), penalties=penalties)
    w = model.parameters["dense1.weight"].value
    w = soft(w - RATE * (2.0 / ROWS * X.T @ (X @ w - Y[:, None]) + 0.2 * w), 0.3 * RATE)
    trainer.fit(X, Y, epochs=1, batch_size=ROWS, progress=False)
    np.testing.assert_allclose(model.parameters["dense1.weight"].value, w, rtol=1e-12)


@pytest.mark.parametrize("engine", ["eager", "native"])
@pytest.mark.parametrize("groups", ["incoming", "outgoing"])
def test_filters_and_channels_become_zero_as_a_whole(engine, groups):
    model = pb.Sequential(pb.Conv2d(7, 3), pb.ReLU(), pb.Conv2d(5, 3), pb.Flatten(), pb.Dense(2))
    images = np.random.default_rng(1).normal(size=(6, 7, 7, 3)).astype("f4")
    penalty = pb.GroupLasso(0.2, groups, on="conv2d*.weight")
    trainer = pb.Trainer(
        model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1), penalties=penalty, engine=engine
    )
    trainer.fit(images, [0, 1, 0, 1, 1, 0], epochs=12, batch_size=6, progress=False)
    zeros = []
    for name in ("conv2d1.weight", "conv2d2.weight"):
        zero = model.parameters[name].value == 0.0
        axes = (0, 1, 2) if groups == "incoming" else (0, 1, 3)
        np.testing.assert_array_equal(zero.any(axis=axes), zero.all(axis=axes))
        zeros += zero.all(axis=axes).tolist()
    assert 0 < sum(zeros) < len(zeros)


def test_elementwise_steps_are_done_in_the_loop_of_the_update():
    def loops(penalties):
        step = pb.TrainingStep(linear(3), pb.SquaredError(), pb.SGD(RATE), penalties)
        program = step.program(step.columns(X, TARGETS), metrics=False)
        return str(compile(program, host()).step).count("loop over")

    springs = [pb.L1(0.1, proximal=True), pb.L2(0.1, proximal=True), pb.NonNegative()]
    assert loops(springs) <= loops([]) + 1  # of single numbers, such as rate * strength


def test_what_is_not_finite_is_not_hidden_by_a_threshold():
    for penalty in (pb.L1(1.0, proximal=True), pb.GroupLasso(1.0), pb.MaxNorm(1.0)):
        stepped = penalty.proximal_step(pb.Unit([[np.nan], [0.0]], "w"), 1.0).value
        assert np.isnan(stepped[0, 0])


def test_a_trainer_with_proximal_penalties_is_copied_and_pickled():
    penalties = [pb.L1(0.1, proximal=True), pb.GroupLasso(0.1), pb.MaxNorm(2.0), pb.NonNegative()]
    trainer = pb.Trainer(linear(), pb.SquaredError(), pb.SGD(RATE), penalties=penalties)
    copies = copy.deepcopy(trainer), pickle.loads(pickle.dumps(trainer))
    for each in (trainer, *copies):
        assert each.penalties == tuple(penalties)
        each.fit(X, Y, epochs=3, batch_size=8, progress=False)
    for each in copies:
        np.testing.assert_array_equal(
            each.model.parameters["dense1.weight"].value,
            trainer.model.parameters["dense1.weight"].value,
        )


class Spring(pb.Penalty):
    """A penalty of one's own that has no proximal step."""

    def __call__(self, parameters, weights):
        return sum(w.sum() for w in weights.values())


def test_a_penalty_of_ones_own_is_a_part_of_the_loss_unless_it_has_a_step():
    start = linear().parameters["dense1.weight"].value
    plain = fitted([], steps=1)
    np.testing.assert_allclose(fitted([Spring()], steps=1), plain - RATE, rtol=1e-12)
    assert not np.array_equal(plain, start)
    spring = Spring()
    spring.proximal = True
    with pytest.raises(pb.CircuitError, match="has no proximal step; let it be a part of the loss"):
        fitted([spring], steps=1)
