"""Rows that are mixed: how much of each, what the mixtures cost, and what they count."""

import numpy as np
import pytest
from scipy import special, stats
from scipy.special import betaincinv

import pullback as pb
from pullback.layers import Training
from pullback.train.mixup import Mixing, beta

RNG = np.random.default_rng(0)
ROWS = 7
X = RNG.normal(size=(ROWS, 3))
CLASSES = RNG.integers(0, 4, ROWS)
SOFT = RNG.dirichlet(np.ones(4), ROWS)
WEIGHTS = np.array([0.5, 2.0, 0.0, 1.0, 3.0, 0.25, 1.0])
CLASS_WEIGHTS = (1.0, 2.0, 0.5, 3.0)
ALPHA, SEED = 0.4, 5
RATE = 0.1


def shares(step=0, rows=ROWS, alpha=ALPHA):
    """The shares of the rows themselves, by SciPy, of the numbers that the first stream has."""
    return betaincinv(alpha, alpha, pb.random((rows,), SEED, step))


def before(x):
    return np.roll(x, 1, axis=0)


# Shares ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.4, 1.0, 2.0, 8.0, 100.0])
def test_shares_have_the_beta_distribution(alpha):
    count = 2**20
    drawn = beta(pb.Unit((np.arange(count) + 0.5) / count), alpha).value
    ends = np.logspace(-12, -1, 200)
    places = np.concatenate([ends, np.linspace(0.1, 0.9, 500), 1.0 - ends[::-1]])
    found = np.searchsorted(np.sort(drawn), places, side="right") / count
    assert np.abs(found - stats.beta(alpha, alpha).cdf(places)).max() < 1e-4
    assert 0.0 <= drawn.min() <= drawn.max() <= 1.0


@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
def test_drawn_shares_pass_the_test_of_kolmogorov_and_smirnov(alpha):
    drawn = Mixing.of(alpha, 10_000, Training(SEED)).share.value
    assert stats.kstest(drawn, stats.beta(alpha, alpha).cdf).pvalue > 1e-3


def test_the_largest_number_that_is_drawn_has_a_share():
    last = np.nextafter(1.0, 0.0)
    assert beta(pb.Unit([0.0, last]), 0.5).value.tolist() == [0.0, 1.0]


# What mixtures cost ------------------------------------------------------------------------------


def softmax_costs(scores, labels):
    q = np.eye(scores.shape[1])[labels] if labels.ndim == 1 else labels
    return -(q * special.log_softmax(scores, axis=1)).sum(1)


def squared(scores, labels):
    return ((scores - labels) ** 2).mean(1)


def hinges(scores, labels):
    return np.maximum(0, 1 - labels * scores[:, 0])


def smoothed_costs(scores, labels):
    return softmax_costs(scores, 0.9 * np.eye(4)[labels] + 0.1 / 4)


def smoothed_logistic(scores, labels):
    y, z = 0.8 * labels + 0.1, scores[:, 0]
    return np.logaddexp(0.0, z) - y * z


JUDGED = {
    "classes": (pb.SoftmaxCrossEntropy(), softmax_costs, 4, CLASSES, None),
    "probabilities": (pb.SoftmaxCrossEntropy(), softmax_costs, 4, SOFT, None),
    "classes with weights": (
        pb.SoftmaxCrossEntropy(class_weights=CLASS_WEIGHTS), softmax_costs, 4, CLASSES,
        np.array(CLASS_WEIGHTS)[CLASSES],
    ),
    "classes, smoothed": (
        pb.SoftmaxCrossEntropy(label_smoothing=0.1), smoothed_costs, 4, CLASSES, None,
    ),
    "two classes, smoothed": (
        pb.BinaryCrossEntropy(label_smoothing=0.2), smoothed_logistic, 1, (X[:, 0] > 0.1) * 1, None,
    ),
    "quantities": (pb.SquaredError(), squared, 2, X[:, :2] * 2.0, None),
    "signs": (pb.Hinge(), hinges, 1, np.where(X[:, 0] > 0.1, 1, -1), None),
}  # fmt: skip


@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", JUDGED)
def test_loss_and_step_are_those_of_both_labels_by_their_shares(engine, weighted, name):
    loss, costs, outputs, labels, by_class = JUDGED[name]
    model = pb.Sequential(pb.Dense(outputs, dtype="float64"), rng=0)
    step = pb.TrainingStep(model, loss, pb.SGD(RATE), seed=SEED, mixup=ALPHA)
    data = step.columns(X, labels, WEIGHTS if weighted else None)
    step.weigh(data)
    run = pb.prepare(engine, step.program(data))
    weight, bias = model.parameters.values()
    start = weight.value.copy(), bias.value.copy()

    w = np.ones(ROWS) if by_class is None else by_class
    w = w * WEIGHTS if weighted else w
    share = shares()
    mixed = share[:, None] * X + (1 - share[:, None]) * before(X)

    def wanted(weight, bias):
        scores = mixed @ weight + bias
        own, other = costs(scores, labels), costs(scores, before(labels))
        return (share * w * own + (1 - share) * before(w) * other).mean() / w.mean()

    found = run(**data)["loss"]
    assert found == pytest.approx(wanted(*start), rel=1e-6)
    for k, unit in enumerate((weight, bias)):
        for at in np.ndindex(unit.shape):
            moved = [[x.copy() for x in start] for _ in range(2)]
            moved[0][k][at] += 1e-6
            moved[1][k][at] -= 1e-6
            slope = (wanted(*moved[0]) - wanted(*moved[1])) / 2e-6
            assert unit.value[at] == pytest.approx(start[k][at] - RATE * slope, abs=1e-7)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_accuracy_counts_both_labels_by_their_shares(weights):
    model = pb.Sequential(pb.Dense(4, dtype="float64"), rng=0)
    step = pb.TrainingStep(model, pb.SoftmaxCrossEntropy(), pb.SGD(RATE), seed=SEED, mixup=ALPHA)
    data = step.columns(X, CLASSES, weights)
    found = pb.prepare("eager", step.program(data))(**data)["accuracy"]
    model = pb.Sequential(pb.Dense(4, dtype="float64"), rng=0)
    w, share = np.ones(ROWS) if weights is None else weights, shares()
    mixed = share[:, None] * X + (1 - share[:, None]) * before(X)
    answers = model(mixed).value.argmax(1)
    counts = share * w, (1 - share) * before(w)
    right = counts[0] @ (answers == CLASSES) + counts[1] @ (answers == before(CLASSES))
    assert found == pytest.approx(right / sum(counts).sum(), rel=1e-6)


def test_without_metrics_and_without_mixing_nothing_is_added():
    def gates(**how):
        model = pb.Sequential(pb.Dense(4), rng=0)
        step = pb.TrainingStep(model, pb.SoftmaxCrossEntropy(), pb.SGD(RATE), **how)
        return [unit.label for unit in step.program(step.columns(X, CLASSES)).wires]

    assert gates(mixup=0.0) == gates()
    assert len(gates(mixup=0.2)) > len(gates())


# Training ----------------------------------------------------------------------------------------


def image_parts():
    rng = np.random.default_rng(1)
    model = pb.Sequential(
        pb.RandomShift(1, 1), pb.Conv2d(3, 3), pb.ReLU(), pb.Flatten(), pb.Dense(2), rng=0
    )
    x = rng.normal(size=(13, 6, 5, 2)).astype("f4")
    return model, pb.SoftmaxCrossEntropy(), x, rng.integers(0, 2, 13)


def two_heads(layers, a, b, training):
    flat = pb.reshape(b, (-1, 4))
    return layers.first(pb.concatenate([a, flat], axis=1)), layers.second(a)


def several_parts():
    rng = np.random.default_rng(2)
    model = pb.Model(two_heads, first=pb.Dense(3, rng=0), second=pb.Dense(1, rng=1))
    x = rng.normal(size=(13, 2)).astype("f4"), rng.normal(size=(13, 2, 2)).astype("f4")
    labels = rng.integers(0, 3, 13), rng.normal(size=13)
    return model, (pb.SoftmaxCrossEntropy(), pb.SquaredError()), x, labels


def table_parts():
    rng = np.random.default_rng(3)
    model = pb.Sequential(pb.Dense(5), pb.BatchNorm(), pb.ReLU(), pb.Dense(3), rng=0)
    x = rng.normal(size=(13, 4)).astype("f4")
    return model, pb.SoftmaxCrossEntropy(), x, rng.integers(0, 3, 13)


def trained(parts, engine, mixup=0.3, seed=3):
    model, loss, x, labels = parts()
    trainer = pb.Trainer(model, loss, pb.SGD(0.05), engine=engine, seed=seed, mixup=mixup)
    weights = np.linspace(0.5, 2.0, 13)
    history = trainer.fit(x, labels, weights=weights, epochs=3, batch_size=4)  # and one row left
    measured = trainer.evaluate(x, labels)
    numbers = [unit.value.copy() for unit in model.parameters.values()]
    return history, numbers, measured


@pytest.mark.parametrize("parts", [image_parts, several_parts, table_parts])
def test_every_engine_trains_alike_and_a_seed_repeats_it(parts):
    expected, numbers, measured = trained(parts, "eager")
    for engine in ("native", "jax"):
        found, others, also = trained(parts, engine)
        for name in measured:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, err_msg=name)
            np.testing.assert_allclose(also[name], measured[name], rtol=1e-4, err_msg=name)
        for a, b in zip(others, numbers, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    first, second = trained(parts, "native"), trained(parts, "native")
    assert first[0]["loss"] == second[0]["loss"]
    for a, b in zip(first[1], second[1], strict=True):
        np.testing.assert_array_equal(a, b)
    for other in (trained(parts, "eager", mixup=0.0), trained(parts, "eager", seed=4)):
        assert other[0]["loss"] != expected["loss"]


def test_batches_that_come_one_by_one_are_mixed_too():
    batches = [(X.astype("f4"), CLASSES), (X[:1].astype("f4"), CLASSES[:1])]
    for mixup in (0.0, 0.5):
        model = pb.Sequential(pb.Dense(4), rng=0)
        trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1), mixup=mixup)
        history = trainer.fit(batches, epochs=2)
        assert np.isfinite(history["loss"]).all()
        assert trainer.mixup == mixup


def test_a_row_alone_is_mixed_with_itself():
    training = Training(SEED)
    mixing = Mixing.of(ALPHA, 1, training)
    np.testing.assert_allclose(mixing.inputs(pb.Unit(X[:1])).value, X[:1], rtol=1e-15)


def test_draws_differ_from_step_to_step():
    steps = [Mixing.of(ALPHA, ROWS, Training(SEED, k)).share.value for k in range(3)]
    for k, share in enumerate(steps):
        np.testing.assert_allclose(share, shares(k), atol=1e-6)
        assert len(np.unique(share)) == ROWS


# What is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mixup", [-0.1, np.nan, np.inf, "yes", None])
def test_an_alpha_that_is_none_is_refused(mixup):
    with pytest.raises(pb.CircuitError, match="training needs a mixup from 0, got"):
        pb.Trainer(pb.Dense(1), pb.SquaredError(), pb.SGD(0.1), mixup=mixup)


def test_numbers_of_rows_are_not_mixed():
    model = pb.Sequential(pb.Embedding(5, 2), pb.Flatten(), pb.Dense(3))
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1), mixup=0.2)
    with pytest.raises(pb.CircuitError, match="mixup adds inputs up, which 'inputs' of int64 are"):
        trainer.fit(np.ones((4, 2), int), [0, 1, 2, 0])
