"""A call in training: what is random is drawn from the seed and step, and state is handed over."""

import numpy as np
import pytest
from scipy import stats

import pullback as pb
from pullback.layers import BatchNorm, Dropout, Embedding, Parallel, Training

X = np.random.default_rng(0).normal(2.0, 3.0, size=(7, 3))


def test_dropout_keeps_the_mean_and_drops_its_rate():
    y = Dropout(0.3)(np.ones((400, 100)), training=Training(seed=5)).value
    assert set(np.unique(y)) == {0.0, 1.0 / 0.7}
    dropped = int(np.sum(y == 0.0))
    assert stats.binomtest(dropped, y.size, 0.3).pvalue > 0.01
    for counts in ((y == 0).sum(axis=0), (y == 0).sum(axis=1)):  # nor is it by row or column
        assert stats.kstest((counts - counts.mean()) / counts.std(), "norm").pvalue > 0.001


def test_dropout_follows_from_seed_and_step_alone():
    model = pb.Sequential(Dropout(0.5), pb.Dense(4), Dropout(0.5), rng=1)

    def trained(seed, step):
        return model(X, training=Training(seed, step)).value

    np.testing.assert_array_equal(trained(3, 4), trained(3, 4))
    assert not np.array_equal(trained(3, 4), trained(3, 5))
    assert not np.array_equal(trained(3, 4), trained(4, 4))
    np.testing.assert_array_equal(model(X, training=True).value, trained(0, 0))


def test_each_draw_of_a_call_is_another_one():
    layer = Dropout(0.5)
    model = Parallel(layer, layer, Dropout(0.5), join="none")
    a, b, c = (y.value != 0.0 for y in model(np.ones((10, 10)), training=True))
    assert not np.array_equal(a, b)
    assert not np.array_equal(b, c)
    assert not np.array_equal(a, c)


def test_the_step_is_a_wire_and_the_circuit_draws_anew():
    training = Training(seed=1)
    y = Dropout(0.5)(np.ones((4, 5)), training=training)
    first = y.value
    training.step.value = 1
    second = y.forward()
    assert not np.array_equal(first, second)
    wanted = Dropout(0.5)(np.ones((4, 5)), training=Training(1, 1)).value
    np.testing.assert_array_equal(second, wanted)


def test_what_is_dropped_gets_no_gradient_and_hides_nan():
    x = pb.Unit(np.full((3, 50), np.nan))
    y = Dropout(0.5)(x, training=True)
    y.backward()
    np.testing.assert_array_equal(np.isnan(y.value), y.value != 0.0)
    np.testing.assert_array_equal(x.grad, np.where(np.isnan(y.value), 2.0, 0.0))


@pytest.mark.parametrize("bad", [-1, 2**32, 0.5, "1", None])
def test_seed_and_step_are_whole_numbers(bad):
    for arguments in ((bad, 0), (0, bad)):
        with pytest.raises(pb.CircuitError, match=r"must be a whole number from 0 to 2\*\*32 - 1"):
            Training(*arguments)


# State -------------------------------------------------------------------------------------------


def test_running_statistics_move_by_momentum_to_mean_and_unbiased_variance():
    layer, mean, variance = BatchNorm(0.8, dtype="float64"), np.zeros(3), np.ones(3)
    for step in range(4):
        x = X * (step + 1)
        training = Training(step=step)
        layer(x, training=training)
        before = layer.state["batchnorm.mean"].value
        np.testing.assert_array_equal(before, mean)  # nothing moves until it is committed
        training.commit()
        mean = 0.8 * mean + 0.2 * x.mean(axis=0)
        variance = 0.8 * variance + 0.2 * x.var(axis=0, ddof=1)
        np.testing.assert_allclose(layer.state["batchnorm.mean"].value, mean, rtol=1e-14)
        np.testing.assert_allclose(layer.state["batchnorm.variance"].value, variance, rtol=1e-14)
        mean = layer.state["batchnorm.mean"].value
        variance = layer.state["batchnorm.variance"].value


def test_prediction_leaves_state_alone():
    layer = BatchNorm()
    layer(X)
    before = [unit.value for unit in layer.state.values()]
    layer.predict(X)
    layer(X, training=True)
    for old, unit in zip(before, layer.state.values(), strict=True):
        np.testing.assert_array_equal(unit.value, old)


def test_images_are_normalized_by_channel():
    x = np.random.default_rng(1).normal(5.0, 2.0, size=(4, 3, 5, 2))
    y = BatchNorm(epsilon=0.0, dtype="float64")(x, training=True).value
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0.0, atol=1e-13)
    np.testing.assert_allclose(y.var(axis=(0, 1, 2)), 1.0, rtol=1e-12)


def test_a_shared_layer_moves_its_state_once_for_each_call():
    layer = BatchNorm(0.5, dtype="float64")
    model = Parallel(layer, layer)
    training = Training()
    model(X, X + 8.0, training=training)
    assert len(training.updates) == 2
    training.commit()
    wanted = 0.5 * (0.5 * X.mean(axis=0)) + 0.5 * (X.mean(axis=0) + 8.0)
    assert layer.mean is not None
    np.testing.assert_allclose(layer.mean.value, wanted, rtol=1e-13)


@pytest.mark.parametrize("x", [np.ones((1, 3)), np.ones((0, 3)), np.ones((1, 1, 3))])
def test_a_batch_without_a_variance_is_refused_in_training(x):
    model = pb.Sequential(BatchNorm(), pb.Dense(1))
    assert model(x).shape == (*x.shape[:-1], 1)
    with pytest.raises(pb.CircuitError, match=r"layer 'batchnorm1' cannot .* at least 2"):
        model(x, training=True)


def test_state_keeps_its_dtype_whatever_the_batch_has():
    layer, training = BatchNorm(), Training()
    layer(X, training=training)
    assert X.dtype == np.float64
    assert {new.dtype for new in training.updates.values()} == {np.dtype(np.float32)}


def test_a_next_value_of_another_shape_is_refused():
    with pytest.raises(pb.CircuitError, match="'s' has shape"):
        Training().update(pb.Unit(np.ones(3), "s"), pb.Unit(np.ones(2)))


def test_a_training_step_is_one_program():
    """State, step and randomness run in the Program as in eager calls, one after another."""
    from pullback.engines.prepare import prepare

    def model():
        return pb.Sequential(pb.Dense(4), BatchNorm(), Dropout(0.5), pb.Dense(2), rng=1)

    recorded, called = model(), model()
    inputs, training = pb.Unit(X, "inputs"), Training(seed=9)
    loss = (recorded(inputs, training=training) ** 2).sum()
    step = {training.step: pb.astype(training.step + 1, training.step.dtype)}
    run = prepare(
        "eager", pb.Program({"inputs": inputs}, {"loss": loss}, {**training.updates, **step})
    )
    for k in range(3):
        x = X * (k + 1)
        values = run(inputs=x)
        again = Training(seed=9, step=k)
        wanted = (called(x, training=again) ** 2).sum()
        again.commit()
        np.testing.assert_allclose(values["loss"], wanted.value, rtol=1e-12)
    for name, unit in called.state.items():
        np.testing.assert_allclose(recorded.state[name].value, unit.value, rtol=1e-6)


def test_a_trainer_takes_layers_that_are_random_or_have_state():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4)).astype(np.float32)
    labels = (x[:, 0] * x[:, 1] > 0).astype(int)
    model = pb.Sequential(pb.Dense(16), BatchNorm(), pb.ReLU(), Dropout(0.1), pb.Dense(2))
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1, momentum=0.9))
    history = trainer.fit(x, labels, epochs=15, batch_size=20)
    losses = [row["loss"] for row in history.rows]
    assert losses[-1] < 0.7 * losses[0]


def test_embeddings_train_by_hand():
    table = Embedding(5, 3, rng=0, dtype="float64")
    rows = np.array([0, 1, 4])
    before = ((table(rows) - 1.0) ** 2).sum()
    before.backward()
    unit = table.parameters["embedding.table"]
    unit.value = unit.value - 0.1 * unit.grad
    assert ((table(rows) - 1.0) ** 2).sum().value < before.value
