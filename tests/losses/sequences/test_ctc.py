"""CTC: against every alignment, against PyTorch, at every length, on every engine."""

import numpy as np
import pytest
from tests.losses import sequence_reference as reference

import pullback as pb
from pullback.losses.sequences.ctc import ctc_labels

LENGTHS = [5, 3, 4, 5, 1, 5, 4]


def costs(scores, labels, loss=None):
    loss = loss or pb.CTC()
    scores = scores if isinstance(scores, pb.Unit) else pb.Unit(scores, "scores")
    return loss.cost(scores, pb.Unit(loss.prepare(labels, scores.shape), "labels"))


def draw(rng, rows, steps, classes, most):
    """Scores and labels that fit, of different lengths."""
    scores = rng.normal(size=(rows, steps, classes)) * 2.0
    lengths = rng.integers(1, steps + 1, rows)
    labels = np.full((rows, most), -1)
    for r in range(rows):
        while True:
            count = rng.integers(0, most + 1)
            row = rng.integers(1, classes, count)
            if count + (row[1:] == row[:-1]).sum() <= lengths[r]:
                break
        labels[r, :count] = row
    return scores, labels, lengths


@pytest.mark.parametrize("blank", [0, 1, 3])
def test_the_cost_is_that_of_all_alignments(blank):
    labels = np.where(blank == reference.CTC_LABELS, 0, reference.CTC_LABELS)
    scores = reference.CTC_SCORES
    wanted = reference.ctc(np, scores, labels, LENGTHS, blank)
    got = costs(scores, ctc_labels(labels, LENGTHS), pb.CTC(blank)).value
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("steps", "labels"),
    [
        (1, [[1]]),
        (1, [[-1]]),
        (1, np.zeros((1, 0))),
        (2, [[2, 1]]),
        (3, [[2, 2]]),
        (5, [[1, 1, 1]]),
        (4, [[2, 2, 1, -1, -1]]),
    ],
)
def test_edge_sizes(steps, labels):
    scores = np.random.default_rng(3).normal(size=(1, steps, 3))
    wanted = reference.ctc(np, scores, np.array(labels))
    x = pb.Unit(scores, "x")
    cost = costs(x, labels)
    np.testing.assert_allclose(cost.value, wanted, rtol=1e-12)
    assert pb.check_gradients(cost.sum())
    assert pb.check_gradients((pb.gradient(cost.sum(), x) * np.cos(scores)).sum())


def test_a_row_in_a_padded_batch_costs_what_it_costs_alone():
    scores, labels, lengths = draw(np.random.default_rng(5), 6, 9, 4, 3)
    x = pb.Unit(scores)
    together = costs(x, ctc_labels(labels, lengths))
    slope = pb.gradient(together.sum(), x).value
    for r, length in enumerate(lengths):
        alone = pb.Unit(scores[r : r + 1, :length])
        cost = costs(alone, labels[r : r + 1])
        assert float(cost.value[0]) == pytest.approx(float(together.value[r]), rel=1e-13)
        np.testing.assert_allclose(slope[r, :length], pb.gradient(cost, alone).value[0], atol=1e-14)
        np.testing.assert_array_equal(slope[r, length:], 0.0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("steps", "classes", "most"), [(1, 2, 1), (7, 3, 4), (23, 11, 9)])
def test_costs_and_gradients_are_pytorchs(seed, steps, classes, most):
    torch = pytest.importorskip("torch", reason="torch is not installed: see the extra `bench`")
    scores, labels, lengths = draw(np.random.default_rng(seed), 5, steps, classes, most)
    theirs = torch.tensor(scores, requires_grad=True)
    wanted = torch.nn.functional.ctc_loss(
        theirs.log_softmax(2).transpose(0, 1),
        torch.tensor(np.maximum(labels, 0)),
        torch.tensor(lengths),
        torch.tensor((labels >= 0).sum(axis=1)),
        reduction="none",
    )
    wanted.sum().backward()
    x = pb.Unit(scores)
    got = costs(x, ctc_labels(labels, lengths))
    np.testing.assert_allclose(got.value, wanted.detach().numpy(), rtol=1e-11, atol=1e-12)
    slope = pb.gradient(got.sum(), x).value
    np.testing.assert_allclose(slope, theirs.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_fifty_steps_of_training_give_pytorchs_losses():
    torch = pytest.importorskip("torch", reason="torch is not installed: see the extra `bench`")
    rng = np.random.default_rng(1)
    model = pb.Sequential(pb.Dense(8, dtype="float64"), pb.Tanh(), pb.Dense(4, dtype="float64"))
    inputs = rng.normal(size=(50, 6, 9, 5))
    drawn = [draw(rng, 6, 9, 4, 3)[1:] for _ in inputs]
    for labels, lengths in drawn:
        labels[0], lengths[0] = (1, 2, 3), 9  # so that all batches have one shape
    model(inputs[0])
    weights = [torch.tensor(x.value, requires_grad=True) for x in model.parameters.values()]
    optimizer = torch.optim.SGD(weights, lr=0.1, momentum=0.5)
    wanted = []
    for x, (labels, lengths) in zip(inputs, drawn, strict=True):
        optimizer.zero_grad()
        w1, b1, w2, b2 = weights
        scores = torch.tanh(torch.tensor(x) @ w1 + b1) @ w2 + b2
        loss = torch.nn.functional.ctc_loss(
            scores.log_softmax(2).transpose(0, 1),
            torch.tensor(np.maximum(labels, 0)),
            torch.tensor(lengths),
            torch.tensor((labels >= 0).sum(axis=1)),
            reduction="none",
        ).mean()
        loss.backward()
        optimizer.step()
        wanted.append(loss.item())
    step = pb.TrainingStep(model, pb.CTC(), pb.SGD(0.1, momentum=0.5))
    batches = [
        (x, ctc_labels(labels, lengths)) for x, (labels, lengths) in zip(inputs, drawn, strict=True)
    ]
    run = pb.prepare("native", step.program(step.columns(*batches[0])))
    found = [float(run(**step.columns(x, y))["loss"]) for x, y in batches]
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    assert wanted[-1] != pytest.approx(wanted[0], rel=0.01)


@pytest.mark.parametrize("engine", ["native", "jax"])
def test_every_engine_agrees_to_second_order(engine):
    scores, labels, lengths = draw(np.random.default_rng(1), 5, 6, 4, 3)
    loss = pb.CTC()
    x = pb.Unit(np.zeros_like(scores), "x")
    y = pb.Unit(loss.prepare(ctc_labels(labels, lengths), scores.shape), "y")
    cost = loss.cost(x, y)
    slope = pb.gradient(cost.sum(), x)
    bent = pb.gradient((slope * np.cos(np.arange(scores.size).reshape(scores.shape))).sum(), x)
    outputs = {"cost": cost, "slope": slope, "bent": bent, **loss.metrics(x, y)}
    program = pb.Program({"x": x, "y": y}, outputs, {})
    wanted = pb.prepare("eager", program)(x=scores, y=y.value)
    got = pb.prepare(engine, program)(x=scores, y=y.value)
    for name, value in wanted.items():
        np.testing.assert_allclose(got[name], value, rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("engine", ["eager", "native"])
@pytest.mark.parametrize("size", [1e4, 1e-30])
def test_extreme_scores_in_single_precision(engine, size):
    scores, labels, lengths = draw(np.random.default_rng(2), 4, 50, 5, 6)
    scores = (np.sign(scores) * size).astype(np.float32)
    loss = pb.CTC()
    x = pb.Unit(scores, "x")
    value = loss(x, ctc_labels(labels, lengths))
    program = pb.Program({}, {"loss": value, "slope": pb.gradient(value, x)}, {})
    got = pb.prepare(engine, program)()
    assert np.isfinite(got["loss"])
    assert np.isfinite(got["slope"]).all()


def test_accuracy_is_of_rows_whose_best_alignment_says_the_labels():
    scores, labels, lengths = draw(np.random.default_rng(4), 300, 4, 3, 3)
    pairs = zip(scores, lengths, strict=True)
    said = [reference.collapsed(s[:n].argmax(axis=1)) for s, n in pairs]
    for r in range(0, 300, 2):
        labels[r] = -1
        labels[r, : len(said[r])] = said[r][:3]
    wanted = [[k for k in row if k >= 0] == one for row, one in zip(labels, said, strict=True)]
    assert 150 <= sum(wanted) < 300
    loss = pb.CTC()
    y = pb.Unit(loss.prepare(ctc_labels(labels, lengths), scores.shape))
    np.testing.assert_array_equal(loss.of_rows(pb.Unit(scores), y)["accuracy"].value, wanted)


def test_it_learns_when_nobody_says_where_a_label_is():
    rng = np.random.default_rng(0)
    labels = np.array([rng.permutation([1, 2, 3])[:2] for _ in range(64)])
    x = np.zeros((64, 8, 4))
    for row, said in zip(x, labels, strict=True):
        for start, k in zip(rng.integers([0, 4], [3, 7]), said, strict=True):
            row[start : start + 2, k] = 1.0
    model = pb.Sequential(pb.Dense(4, rng=1))
    trainer = pb.Trainer(model, pb.CTC(), pb.Adam(0.1), engine="eager")
    history = trainer.fit(x, labels, epochs=30, batch_size=16)
    assert history.rows[-1]["accuracy"] == 1.0
    assert history.rows[-1]["loss"] < 0.5 * history.rows[0]["loss"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[1, 0]], "label 0 (row 0, step 1) is the blank"),
        ([[1, 4]], "label 4 (row 0, step 1) is none of the 4 classes 0 to 3"),
        ([[1, 1.5]], "label 1.5 (row 0, step 1) is none of the 4 classes"),
        ([[-1, 2]], "label -1 (row 0, step 0) is followed by a label"),
        ([[1, 1]], "the labels of row 0 need at least 3 steps, with a blank between equal ones"),
        ([[1, 2, 3]], "the labels of row 0 need at least 3 steps"),
        ([[1], [1]], "1 rows of scores need as many labels, got (2, 1)"),
        ([1, 2], "labels of sequences are (rows, steps), padded with -1; got shape (2,)"),
        (ctc_labels([[1, 2]], [1]), "the labels of row 0 need at least 2 steps"),
        (ctc_labels([[1, 2]], [3]), "row 0 has a length of 3, and the scores have 2 steps"),
    ],
)
def test_labels_that_cannot_be_are_refused(labels, message):
    with pytest.raises(pb.CircuitError) as refused:
        pb.CTC()(np.zeros((1, 2, 4)), labels)
    assert message in str(refused.value)


def test_other_arguments_that_cannot_be_are_refused():
    with pytest.raises(pb.CircuitError, match="class 7, is none of 4 classes"):
        pb.CTC(7)(np.zeros((1, 2, 4)), [[1]])
    with pytest.raises(pb.CircuitError, match=r"scores of shape \(rows, steps, classes\)"):
        pb.CTC()(np.zeros((1, 4)), [[1]])
    with pytest.raises(pb.CircuitError, match=r"length 1.5 \(row 0\) is no whole number"):
        ctc_labels([[1]], [1.5])
    with pytest.raises(pb.CircuitError, match="need lengths"):
        ctc_labels([[1]], [1, 2])
