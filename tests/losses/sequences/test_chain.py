"""Chains of tags: against every tagging, at every length, on every engine, and learned."""

import numpy as np
import pytest
from scipy.special import logsumexp
from tests.losses import sequence_reference as reference

import pullback as pb
from pullback.losses.sequences import best_score, log_partition, marginals, path_score
from pullback.losses.sequences.chain import chosen
from pullback.sequences.decoding import viterbi

RNG = np.random.default_rng(11)
SHAPES = [(1, 1, 1), (1, 1, 3), (3, 1, 2), (2, 5, 1), (4, 5, 2), (3, 4, 3)]  # rows, steps, tags
LOSSES = [pb.ChainCrossEntropy(), pb.ChainPerceptron(), pb.ChainHinge(), pb.ChainHinge(0.3)]


def draw(rows, steps, tags, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(rows, steps + 1, tags, tags)) * 2.0
    lengths = rng.integers(1, steps + 1, rows)
    lengths[0] = steps
    labels = rng.integers(tags, size=(rows, steps))
    labels[np.arange(steps) >= lengths[:, None]] = -1
    return scores, labels, lengths


def every(scores, length):
    """All taggings of one row, (count, length), and their scores."""
    paths = reference.taggings(int(length), scores.shape[1])
    return np.array(paths), np.array([reference.score(scores, path) for path in paths])


@pytest.mark.parametrize("shape", SHAPES)
def test_all_taggings_the_best_and_one(shape):
    scores, labels, lengths = draw(*shape)
    total, best = log_partition(scores, lengths), best_score(scores, lengths)
    one = path_score(scores, labels)
    likely, best_tags = marginals(scores, lengths).value, chosen(pb.Unit(scores), lengths).value
    tags, found = viterbi(scores, lengths)
    for r, length in enumerate(lengths):
        paths, values = every(scores[r], length)
        assert float(total.value[r]) == pytest.approx(logsumexp(values), rel=1e-12)
        assert float(best.value[r]) == pytest.approx(values.max(), rel=1e-13)
        assert float(found[r]) == pytest.approx(values.max(), rel=1e-13)
        own = reference.score(scores[r], labels[r, :length])
        assert float(one.value[r]) == pytest.approx(own, rel=1e-13)
        shares = np.exp(values - logsumexp(values))
        for t in range(shape[1]):
            here = paths[:, t] if t < length else np.full(len(paths), -1)
            wanted = [shares[here == k].sum() for k in range(shape[2])]
            np.testing.assert_allclose(likely[r, t], wanted, atol=1e-13)
            assert tags[r, t] == (paths[values.argmax(), t] if t < length else -1)
            np.testing.assert_array_equal(best_tags[r, t], np.arange(shape[2]) == tags[r, t])


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_row_in_a_padded_batch_costs_what_it_costs_alone(loss):
    scores, labels, lengths = draw(5, 7, 3)
    x = pb.Unit(scores)
    together = loss.cost(x, pb.Unit(loss.prepare(labels, scores.shape)))
    slope = pb.gradient(together.sum(), x).value
    for r, length in enumerate(lengths):
        alone = pb.Unit(np.concatenate([scores[r, :length], scores[r, -1:]])[None])
        cost = loss(alone, labels[r : r + 1, :length])
        assert float(cost.value) == pytest.approx(float(together.value[r]), rel=1e-12, abs=1e-13)
        wanted = pb.gradient(cost, alone).value[0]
        np.testing.assert_allclose(slope[r, :length], wanted[:-1], atol=1e-14)
        np.testing.assert_allclose(slope[r, -1], wanted[-1], atol=1e-14)
        np.testing.assert_array_equal(slope[r, length:-1], 0.0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_gradients_are_the_slopes_to_second_order(loss, shape):
    scores, labels, _ = draw(*shape, seed=1)
    x = pb.Unit(scores, "x")
    value = loss(x, labels)
    assert pb.check_gradients(value)
    assert pb.check_gradients((pb.gradient(value, x) * np.cos(scores)).sum())


@pytest.mark.parametrize("engine", ["native", "jax"])
def test_every_engine_agrees_to_second_order(engine):
    scores, labels, _ = draw(4, 5, 3)
    x, y = pb.Unit(np.zeros_like(scores), "x"), pb.Unit(labels, "y")
    outputs = {}
    for k, loss in enumerate(LOSSES[:3]):
        cost = loss.cost(x, y)
        slope = pb.gradient(cost.sum(), x)
        weights = np.cos(np.arange(scores.size).reshape(scores.shape))
        outputs |= {f"cost{k}": cost, f"slope{k}": slope}
        outputs[f"bent{k}"] = pb.gradient((slope * weights).sum(), x)
    outputs |= LOSSES[0].metrics(x, y)
    program = pb.Program({"x": x, "y": y}, outputs, {})
    wanted = pb.prepare("eager", program)(x=scores, y=labels)
    got = pb.prepare(engine, program)(x=scores, y=labels)
    for name, value in wanted.items():
        np.testing.assert_allclose(got[name], value, rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("engine", ["eager", "native"])
@pytest.mark.parametrize("size", [1e4, 1e-30])
def test_extreme_scores_in_single_precision(engine, size):
    scores, labels, _ = draw(4, 20, 3)
    x = pb.Unit((np.sign(scores) * size).astype(np.float32), "x")
    outputs = {}
    for k, loss in enumerate(LOSSES):
        value = loss(x, labels)
        outputs |= {f"loss{k}": value, f"slope{k}": pb.gradient(value, x)}
    for name, value in pb.prepare(engine, pb.Program({}, outputs, {}))().items():
        assert np.isfinite(value).all(), name
        assert value.dtype == np.float32


def test_accuracy_is_of_the_steps_that_the_best_tagging_gets_right():
    scores, labels, lengths = draw(50, 6, 3)
    tags, _ = viterbi(scores, lengths)
    wanted = ((tags == labels) & (labels >= 0)).sum(axis=1) / lengths
    got = pb.ChainHinge().of_rows(pb.Unit(scores), pb.Unit(labels))["accuracy"].value
    np.testing.assert_allclose(got, wanted, rtol=1e-13)


def test_a_hinge_asks_for_no_more_than_its_margin():
    labels = np.array([[0, 1, 1, 0]])
    scores = np.zeros((1, 5, 2, 2))
    scores[0, np.arange(4), :, labels[0]] = 1.0
    assert float(pb.ChainHinge()(scores, labels).value) == 0.0
    assert float(pb.ChainHinge(1.25)(scores, labels).value) == 1.0
    assert float(pb.ChainPerceptron()(scores, labels).value) == 0.0


def hidden_tags(rng, rows, steps):
    """Tags that go round, 0 1 2 0 1 2, each step seen through noise that hides most of it."""
    lengths = rng.integers(3, steps + 1, rows)
    tags = (rng.integers(3, size=(rows, 1)) + np.arange(steps)) % 3
    seen = np.eye(3)[tags] + rng.normal(size=(rows, steps, 3))
    tags[np.arange(steps) >= lengths[:, None]] = -1
    return seen, tags, lengths


@pytest.mark.parametrize("loss", LOSSES[:3], ids=repr)
def test_a_chain_learns_what_follows_what(loss):
    rng = np.random.default_rng(0)
    x, labels, _ = hidden_tags(rng, 128, 12)
    other, wanted, lengths = hidden_tags(rng, 128, 12)
    model = pb.Sequential(pb.Dense(3, rng=0), pb.CRF())
    pb.Trainer(model, loss, pb.Adam(0.05), engine="eager").fit(x, labels, epochs=16, batch_size=16)
    counts = wanted >= 0
    by_step = (other.argmax(axis=2) == wanted)[counts].mean()
    by_chain = (viterbi(model.predict(other), lengths)[0] == wanted)[counts].mean()
    assert by_chain > 0.95 > 0.75 > by_step


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[0, 3]], "label 3 (row 0, step 1) is none of the 3 classes 0 to 2"),
        ([[-1, 0]], "label -1 (row 0, step 0) stands before the end of a sequence"),
        ([[0, 1, 2]], "scores of 1 rows and 2 steps need labels of shape (1, 2), got (1, 3)"),
        ([[-1, -1]], "all labels are -1"),
        ([[0.5, 1]], "label 0.5 (row 0, step 0)"),
    ],
)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_labels_that_cannot_be_are_refused(loss, labels, message):
    with pytest.raises(pb.CircuitError) as refused:
        loss(np.zeros((1, 3, 3, 3)), labels)
    assert message in str(refused.value)


def test_other_arguments_that_cannot_be_are_refused():
    for shape in [(1, 3, 3), (1, 1, 3, 3), (1, 3, 3, 2)]:
        with pytest.raises(pb.CircuitError, match="a chain needs scores of shape"):
            log_partition(np.zeros(shape))
    with pytest.raises(pb.CircuitError, match="row 1 has no label"):
        pb.ChainCrossEntropy()(np.zeros((2, 3, 2, 2)), [[0, 1], [-1, -1]])
    with pytest.raises(pb.CircuitError, match="margin must be positive"):
        pb.ChainHinge(0.0)
