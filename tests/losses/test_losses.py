"""Every loss: its value, its gradients, its means, at every size and at extreme scores."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special
from sklearn import metrics as sklearn_metrics
from tests.losses.reference import (
    BINARY,
    CASES,
    COLUMN,
    COUNTS,
    NUMBERS,
    ONE_HOT,
    ROWS,
    SIGNS,
    SOFT_BINARY,
    SOFT_ROWS,
    TABLE,
    TARGET,
    TARGETS,
)

import pullback as pb
from pullback import losses
from pullback.losses import LOSSES

NAMES = sorted(CASES)
WEIGHTS = np.array([2, 0, 1, 3, 1, 0, 5])


def test_every_loss_has_a_reference_and_no_reference_lacks_a_loss():
    assert {type(case.loss).__name__ for case in CASES.values()} == set(LOSSES)
    assert set(LOSSES) <= set(losses.__all__)


def theirs(case, weights=None):
    """The mean cost as a function of scores, by the reference in JAX."""

    def mean(scores):
        return jnp.average(case.cost(jnp, scores, case.labels), weights=weights)

    return mean


@pytest.mark.parametrize("name", NAMES)
def test_value_is_that_of_the_reference(name):
    case = CASES[name]
    wanted = case.cost(np, case.scores, case.labels)
    assert wanted.shape == (ROWS,)
    labels = pb.Unit(case.loss.prepare(case.labels, case.scores.shape))
    np.testing.assert_allclose(case.loss.cost(pb.Unit(case.scores), labels).value, wanted, 1e-13)
    mean = float(case.loss(case.scores, case.labels).value)
    assert mean == pytest.approx(wanted.mean(), rel=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_float32_scores_stay_float32(name):
    case = CASES[name]
    scores = pb.Unit(case.scores.astype(np.float32))
    loss = case.loss(scores, case.labels, WEIGHTS)
    loss.backward()
    assert loss.dtype == scores.grad.dtype == np.float32
    wanted = np.average(case.cost(np, case.scores, case.labels), weights=WEIGHTS)
    assert float(loss.value) == pytest.approx(wanted, rel=5e-6)


def test_smoothing_of_two_classes_is_the_same_by_one_score_and_by_two():
    scores, labels = pb.Unit(COLUMN), BINARY
    one = losses.BinaryCrossEntropy(label_smoothing=0.3)(scores, labels)
    both = pb.stack([0.0 * scores, scores], axis=1)
    two = losses.SoftmaxCrossEntropy(label_smoothing=0.3)(both, labels)
    assert float(one.value) == pytest.approx(float(two.value), rel=1e-14)
    np.testing.assert_allclose(
        pb.gradient(one, scores).value, pb.gradient(two, scores).value, rtol=1e-12
    )


@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
@pytest.mark.parametrize("shift", [0.0, 1e4, -1e6])
def test_softmax_in_single_precision_is_of_differences(engine, shift):
    exact = np.array([[2.0, 1.0, 0.0], [0.0, 0.5, -9.0]])
    scores = pb.Unit((exact + shift).astype(np.float32))
    for loss in losses.SoftmaxCrossEntropy(), losses.SoftmaxCrossEntropy(label_smoothing=0.1):
        y = loss(scores, [0, 2])
        outputs = {"loss": y, "slope": pb.gradient(y, scores)}
        got = pb.prepare(engine, pb.Program({}, outputs, {}))()
        true = pb.Unit(exact)
        wanted = loss(true, [0, 2])
        np.testing.assert_allclose(got["loss"], wanted.value, rtol=1e-6)
        np.testing.assert_allclose(got["slope"], pb.gradient(wanted, true).value, rtol=3e-6)
    first = losses.SoftmaxCrossEntropy()(np.float32([[10002, 10001, 10000]]), [0]).value
    assert first == pytest.approx(0.407606, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_minibatches_share_the_mean_weight_of_all_rows(name, size):
    case = CASES[name]
    labels = case.loss.prepare(case.labels, case.scores.shape)
    mean = pb.Unit(case.loss.mean_weight(labels, case.scores.shape, WEIGHTS))
    parts = [slice(k, k + size) for k in range(0, ROWS, size)]
    values = [
        case.loss(pb.Unit(case.scores[p]), pb.Unit(labels[p]), pb.Unit(WEIGHTS[p]), mean).value
        for p in parts
    ]
    rows = [len(labels[p]) for p in parts]
    whole = case.loss(case.scores, case.labels, WEIGHTS).value
    assert np.average(values, weights=rows) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_jaxs_to_second_order(name):
    case = CASES[name]
    along = np.random.default_rng(1).normal(size=case.scores.shape)

    def slopes(scores, weights):
        return jax.jvp(jax.grad(theirs(case, weights)), (scores,), (along,))

    compiled = jax.jit(slopes)
    for weights in (None, WEIGHTS):
        scores = pb.Unit(case.scores)
        loss = case.loss(scores, case.labels, weights)
        with jax.enable_x64(True):
            wanted, bent = compiled(
                case.scores, np.ones(ROWS) if weights is None else 1.0 * weights
            )
        np.testing.assert_allclose(pb.gradient(loss, scores).value, wanted, rtol=1e-10, atol=1e-13)
        got = pb.hessian_vector_product(loss, scores, along).value
        np.testing.assert_allclose(got, bent, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_the_slopes(name):
    case = CASES[name]
    scores = pb.Unit(case.scores, "scores")
    loss = case.loss(scores, case.labels)
    assert pb.check_gradients(loss)
    force = np.random.default_rng(2).normal(size=case.scores.shape)
    slope = (pb.gradient(loss, scores) * force).sum()
    assert slope.is_constant or pb.check_gradients(slope)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_extreme_scores_give_finite_values_and_gradients(name, dtype):
    case = CASES[name]
    for extreme in (1e4, -1e4, 0.0, 1e-30):
        signs = np.where(np.arange(case.scores.size) % 2, 1.0, -1.0).reshape(case.scores.shape)
        for values in (extreme * signs, np.full(case.scores.shape, extreme)):
            scores = pb.Unit(values.astype(dtype))
            loss = case.loss(scores, case.labels)
            loss.backward()
            assert np.isfinite(loss.value), (extreme, loss)
            assert np.isfinite(scores.grad).all(), (extreme, scores.grad)


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("name", NAMES)
def test_the_loss_is_the_mean_of_its_rows(name, rows):
    case = CASES[name]
    parts = (slice(k, k + 1) for k in range(rows))
    each = [float(case.loss(case.scores[k], case.labels[k]).value) for k in parts]
    got = float(case.loss(case.scores[:rows], case.labels[:rows]).value)
    assert got == pytest.approx(np.mean(each), rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_counts_as_repeating_the_row(name):
    case = CASES[name]
    weighted = float(case.loss(case.scores, case.labels, WEIGHTS).value)
    scores, labels = (np.repeat(x, WEIGHTS, axis=0) for x in (case.scores, case.labels))
    assert weighted == pytest.approx(float(case.loss(scores, labels).value), rel=1e-12)
    scaled = float(case.loss(case.scores, case.labels, 0.25 * WEIGHTS).value)
    assert weighted == pytest.approx(scaled, rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_that_weighs_nothing_costs_and_pulls_nothing(name):
    case = CASES[name]
    scores = pb.Unit(case.scores)
    loss = case.loss(scores, case.labels, pb.Unit(np.zeros(ROWS)))
    loss.backward()
    assert loss.value == 0.0
    np.testing.assert_array_equal(scores.grad, np.zeros_like(case.scores))


@pytest.mark.parametrize("name", [name for name in NAMES if CASES[name].scores.ndim == 1])
def test_a_column_of_scores_is_one_score_a_row(name):
    case = CASES[name]
    scores = pb.Unit(case.scores[:, None])
    loss = case.loss(scores, case.labels[:, None])
    loss.backward()
    flat = pb.Unit(case.scores)
    case.loss(flat, case.labels).backward()
    assert float(loss.value) == float(case.loss(case.scores, case.labels).value)
    np.testing.assert_array_equal(scores.grad[:, 0], flat.grad)
    for metric in case.loss.metrics(scores, loss_labels(case)).values():
        assert np.isfinite(metric.value)


def loss_labels(case, rows=slice(None)):
    return pb.Unit(case.loss.prepare(case.labels[rows], case.scores[rows].shape))


@pytest.mark.parametrize("name", NAMES)
def test_metrics_add_up_over_batches(name):
    case = CASES[name]
    whole = case.loss.metrics(pb.Unit(case.scores), loss_labels(case))
    assert whole
    for metric, wire in whole.items():
        total = 0.0
        for rows in (slice(0, 3), slice(3, 7)):
            part = case.loss.metrics(pb.Unit(case.scores[rows]), loss_labels(case, rows))
            total += len(case.scores[rows]) * float(part[metric].value)
        assert float(wire.value) == pytest.approx(total / ROWS, rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_prepared_labels_pass_through(name):
    case = CASES[name]
    once = case.loss.prepare(case.labels, case.scores.shape)
    twice = case.loss.prepare(once, case.scores.shape)
    assert once.dtype == twice.dtype
    np.testing.assert_array_equal(once, twice)


@pytest.mark.parametrize("name", NAMES)
def test_a_loss_prints_as_what_makes_it(name):
    loss = CASES[name].loss
    assert eval(repr(loss), vars(losses)) == loss


def test_a_loss_prints_its_arguments():
    assert repr(losses.Huber(0.5)) == "Huber(delta=0.5)"
    assert repr(losses.Quantile([0.1, 0.9])) == "Quantile(q=(0.1, 0.9))"
    assert repr(losses.Hinge(class_weights={1: 3})) == "Hinge(class_weights={1: 3.0})"


# Against libraries -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "scores", "labels", "wanted"),
    [
        (losses.Hinge(), COLUMN, SIGNS, sklearn_metrics.hinge_loss(SIGNS, COLUMN)),
        (
            losses.MulticlassHinge("maximum"),
            TABLE,
            NUMBERS,
            sklearn_metrics.hinge_loss(NUMBERS, TABLE),
        ),
        (
            losses.BinaryCrossEntropy(),
            COLUMN,
            BINARY,
            sklearn_metrics.log_loss(BINARY, special.expit(COLUMN)),
        ),
        (
            losses.SoftmaxCrossEntropy(),
            TABLE,
            NUMBERS,
            sklearn_metrics.log_loss(NUMBERS, special.softmax(TABLE, axis=1)),
        ),
        (
            losses.SoftmaxCrossEntropy(),
            TABLE,
            SOFT_ROWS,
            (special.entr(SOFT_ROWS) + special.rel_entr(SOFT_ROWS, special.softmax(TABLE, 1)))
            .sum(axis=1)
            .mean(),
        ),
        (
            losses.SquaredError(),
            TABLE,
            TARGETS,
            sklearn_metrics.mean_squared_error(TARGETS, TABLE),
        ),
        (
            losses.AbsoluteError(),
            TABLE,
            TARGETS,
            sklearn_metrics.mean_absolute_error(TARGETS, TABLE),
        ),
        (losses.Huber(0.3), COLUMN, TARGET, special.huber(0.3, COLUMN - TARGET).mean()),
        (
            losses.Quantile(0.2),
            COLUMN,
            TARGET,
            sklearn_metrics.mean_pinball_loss(TARGET, COLUMN, alpha=0.2),
        ),
        (
            losses.Cosine(),
            TABLE,
            TARGETS,
            sklearn_metrics.pairwise.paired_cosine_distances(TABLE, TARGETS).mean(),
        ),
    ],
)
def test_value_is_that_of_the_library(loss, scores, labels, wanted):
    assert float(loss(scores, labels).value) == pytest.approx(wanted, rel=1e-12)


def test_poisson_differs_from_half_the_deviance_by_what_no_score_changes():
    deviance = sklearn_metrics.mean_poisson_deviance(COUNTS, np.exp(COLUMN))
    saturated = (COUNTS - special.xlogy(COUNTS, COUNTS)).mean()
    got = float(losses.Poisson()(COLUMN, COUNTS).value)
    assert got - saturated == pytest.approx(deviance / 2, rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "scores", "labels", "metric", "wanted"),
    [
        (losses.Hinge(), COLUMN, SIGNS, "accuracy", ((COLUMN > 0) == (SIGNS > 0)).mean()),
        (losses.SquaredHinge(), COLUMN, SIGNS, "accuracy", ((COLUMN > 0) == (SIGNS > 0)).mean()),
        (
            losses.BinaryCrossEntropy(),
            COLUMN,
            SOFT_BINARY,
            "accuracy",
            ((COLUMN > 0) == (SOFT_BINARY > 0.5)).mean(),
        ),
        *(
            (
                loss,
                TABLE,
                labels,
                "accuracy",
                sklearn_metrics.accuracy_score(NUMBERS, TABLE.argmax(axis=1)),
            )
            for loss in (losses.SoftmaxCrossEntropy(), losses.MulticlassHinge())
            for labels in (NUMBERS, ONE_HOT)
        ),
        (
            losses.SoftmaxCrossEntropy(),
            TABLE,
            SOFT_ROWS,
            "accuracy",
            (SOFT_ROWS.argmax(axis=1) == TABLE.argmax(axis=1)).mean(),
        ),
        *(
            (
                loss,
                TABLE,
                TARGETS,
                "mean_absolute_error",
                sklearn_metrics.mean_absolute_error(TARGETS, TABLE),
            )
            for loss in (losses.SquaredError(), losses.AbsoluteError(), losses.Huber())
        ),
        (
            losses.Poisson(),
            COLUMN,
            COUNTS,
            "mean_absolute_error",
            abs(np.exp(COLUMN) - COUNTS).mean(),
        ),
        (losses.Quantile(0.9), COLUMN, TARGET, "share_below_0.9", (TARGET <= COLUMN).mean()),
        (
            losses.Quantile([0.1, 0.5, 0.9]),
            TABLE,
            TARGET,
            "share_below_0.5",
            (TABLE[:, 1] >= TARGET).mean(),
        ),
    ],
)
def test_metrics(loss, scores, labels, metric, wanted):
    labels = pb.Unit(loss.prepare(labels, scores.shape))
    found = loss.metrics(pb.Unit(scores), labels)[metric]
    assert float(found.value) == pytest.approx(wanted, rel=1e-12)


# What the best score is --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "best"),
    [
        (losses.SquaredError(), np.mean),
        (losses.AbsoluteError(), np.median),
        (losses.Quantile(0.8), lambda y: np.quantile(y, 0.8, method="inverted_cdf")),
        (losses.Poisson(), lambda y: np.log(np.mean(y))),
        (losses.BinaryCrossEntropy(), lambda y: special.logit(np.mean(y))),
    ],
)
def test_the_best_constant_score_is_the_statistic_that_it_is_known_for(loss, best):
    labels = np.random.default_rng(5).uniform(0.1, 0.9, size=11)
    found = best(labels)
    costs = [float(loss(np.full(11, found + d), labels).value) for d in (-1e-3, 0.0, 1e-3)]
    assert costs[1] < min(costs[0], costs[2])


# Kinks and corners -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loss", [losses.AbsoluteError(), losses.Huber(), losses.Quantile(0.9), losses.SquaredError()]
)
def test_nothing_pulls_where_score_and_label_are_equal(loss):
    scores = pb.Unit(TARGET)
    value = loss(scores, TARGET)
    value.backward()
    assert value.value == 0.0
    np.testing.assert_array_equal(scores.grad, np.zeros(ROWS))


def test_a_score_on_the_margin_is_not_pulled():
    scores = pb.Unit([1.0, -1.0])
    losses.Hinge()(scores, [1, -1]).backward()
    np.testing.assert_array_equal(scores.grad, [0.0, 0.0])


def test_scores_without_a_direction_are_pulled_towards_their_label():
    scores = pb.Unit(np.zeros((1, 2)))
    loss = losses.Cosine()(scores, [[3.0, 4.0]])
    loss.backward()
    assert loss.value == 1.0
    np.testing.assert_allclose(scores.grad, [[-0.6, -0.8]], rtol=1e-15)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_cosine_knows_the_direction_of_rows_of_any_size(size):
    loss = losses.Cosine()(TABLE * size, TARGETS / size)
    wanted = sklearn_metrics.pairwise.paired_cosine_distances(TABLE, TARGETS).mean()
    assert float(loss.value) == pytest.approx(wanted, rel=1e-12)


def test_cross_entropy_stays_exact_where_the_model_is_sure():
    wanted = pytest.approx(np.exp(-40.0), rel=1e-12, abs=0.0)  # log(1 + exp(-40)) in doubles
    assert float(losses.BinaryCrossEntropy()([40.0], [1]).value) == wanted
    assert float(losses.BinaryCrossEntropy()([-40.0], [0]).value) == wanted


def test_softmax_cross_entropy_for_large_scores():
    scores = pb.Unit([[1e4, -1e4], [-1e4, 1e4]])
    loss = losses.SoftmaxCrossEntropy()(scores, [0, 0])
    loss.backward()
    assert loss.value == 1e4
    np.testing.assert_allclose(scores.grad, [[0, 0], [-0.5, 0.5]])


def test_poissons_exponential_goes_on_as_its_tangent():
    scores = pb.Unit([74.0, 76.0])
    costs = losses.Poisson().cost(scores, pb.Unit([0.0, 0.0]))
    np.testing.assert_allclose(costs.value, [np.exp(74.0), 2 * np.exp(75.0)], rtol=1e-13)
    costs.backward()
    np.testing.assert_allclose(scores.grad, [np.exp(74.0), np.exp(75.0)], rtol=1e-13)


def test_images_are_rows_with_many_outputs():
    scores, labels = np.random.default_rng(3).normal(size=(2, 5, 3, 2, 1))
    wanted = ((scores - labels) ** 2).mean()
    assert float(losses.SquaredError()(scores, labels).value) == pytest.approx(wanted, rel=1e-13)


def test_labels_may_be_a_wire_that_a_circuit_makes():
    x = pb.Unit(TABLE)
    loss = losses.SquaredError()(x * 2.0, pb.stop_gradient(x))
    assert float(loss.value) == pytest.approx((TABLE**2).mean())
