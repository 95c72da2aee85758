"""The cost of all rows and its slope: as numerical gradients say, however the rows are cut."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.train.data import Rows
from pullback.train.objective import Objective

RNG = np.random.default_rng(0)
X = RNG.normal(size=(23, 3))
CLASSES = RNG.integers(3, size=23)
WEIGHTS = RNG.uniform(0.0, 3.0, size=23)


def step(loss=None, penalties=(), dtype="float64", outputs=3):
    model = pb.Sequential(
        pb.Dense(4, dtype=dtype), pb.Tanh(), pb.Dense(outputs, dtype=dtype), rng=1
    )
    return pb.TrainingStep(model, loss or pb.SoftmaxCrossEntropy(), pb.SGD(), penalties)


def objective(of, labels=CLASSES, weights=None, *, x=X, chunk=None, engine="eager"):
    rows = Rows(of.columns(x, labels, weights))
    return Objective(of, lambda: [rows], engine, chunk=chunk)


def asked(of, labels=CLASSES, weights=None, **told):
    made = objective(of, labels, weights, **told)
    return made(made.vector)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize(
    ("loss", "labels", "outputs"),
    [
        (pb.SoftmaxCrossEntropy(class_weights={1: 3.0}), CLASSES, 3),
        (pb.SquaredError(), X[:, :2], 2),
        (pb.Poisson(), CLASSES, 1),
        (pb.SquaredHinge(), np.where(CLASSES == 1, 1, -1), 1),
    ],
)
def test_the_slope_is_the_numerical_one(loss, labels, outputs, weights):
    of = step(loss, [pb.L2(0.05), pb.L2(0.2, on="dense1.bias")], outputs=outputs)
    cost = objective(of, labels, weights, chunk=7)
    at = cost(cost.vector)
    numerical = []
    for k in range(at.x.size):
        ends = [at.x.copy() for _ in range(2)]
        ends[0][k] -= 1e-5
        ends[1][k] += 1e-5
        low, high = (cost(x).cost for x in ends)
        numerical.append((high - low) / 2e-5)
    np.testing.assert_allclose(at.gradient, numerical, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("chunk", [1, 5, 22, 23, 100, None])
def test_chunks_of_any_size_add_up_to_the_whole(chunk, weights):
    of = step(penalties=pb.L2(0.1))
    whole, cut = asked(of, weights=weights), asked(of, weights=weights, chunk=chunk)
    assert cut.cost == pytest.approx(whole.cost, rel=1e-14)
    np.testing.assert_allclose(cut.gradient, whole.gradient, rtol=1e-12, atol=1e-15)
    assert cut.measured == pytest.approx(whole.measured, rel=1e-12)


def test_the_cost_is_that_of_one_batch_of_all_rows():
    of = step(penalties=pb.L2(0.1))
    found = asked(of, weights=WEIGHTS, chunk=4)
    scores = of.model(X).value
    mean = pb.SoftmaxCrossEntropy()(scores, CLASSES, WEIGHTS).value
    spring = 0.1 * sum(float((w.value**2).sum()) for w in of.model.weights.values())
    assert found.measured["loss"] == pytest.approx(float(mean), rel=1e-12)
    assert found.cost == found.measured["cost"] == pytest.approx(float(mean) + spring, rel=1e-12)
    right = scores.argmax(1) == CLASSES
    assert found.measured["accuracy"] == pytest.approx(np.average(right, weights=WEIGHTS))


def test_native_code_says_the_same():
    of = step(penalties=pb.L2(0.1))
    eager, native = (asked(of, weights=WEIGHTS, chunk=9, engine=e) for e in ("eager", "native"))
    assert native.cost == pytest.approx(eager.cost, rel=1e-13)
    np.testing.assert_allclose(native.gradient, eager.gradient, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_float32_parameters_have_a_cost_in_double_precision(engine):
    single, double = step(dtype="float32"), step()
    for of in (single, double):
        of.columns(X, CLASSES)  # which builds it
    for p, q in zip(
        double.model.parameters.values(), single.model.parameters.values(), strict=True
    ):
        p.value = q.value.astype(float)
    single_x = X.astype(np.float32).astype(float)
    (at, reference) = (
        objective(of, x=single_x, engine=engine)(objective(of, x=single_x).vector)
        for of in (single, double)
    )
    assert at.cost == pytest.approx(reference.cost, rel=1e-13)
    np.testing.assert_allclose(at.gradient, reference.gradient, rtol=1e-10, atol=1e-14)
    assert all(p.dtype == np.float32 for p in single.model.parameters.values())


def test_the_cost_of_gates_that_were_told_float32_is_in_double_precision_too():
    class Told:
        def __init__(self):
            self.w = pb.Unit(np.ones((3, 1), np.float32), "w")
            self.parameters = self.weights = {"w": self.w}

        def __call__(self, x, training=None):
            return pb.astype(x, "float32") @ self.w

    of = pb.TrainingStep(Told(), pb.SquaredError(), pb.SGD())
    cost = objective(of, X[:, :1])
    x = np.array([1.0 + 1e-12, 1.0, 1.0])
    assert cost(x).cost != cost(np.ones(3)).cost


def test_parameters_that_rest_are_no_part_of_the_vector():
    of = step()
    asked(of)
    of.model["dense1"].freeze()
    assert asked(of).x.size == 4 * 3 + 3
    of.model.freeze()
    with pytest.raises(CircuitError, match="no parameters to train; thaw"):
        asked(of)


def test_parameters_that_are_numbers_of_python_stay_such():
    class Line:
        def __init__(self):
            self.a, self.b = pb.units(a=1.0, b=2.0)
            self.parameters = self.weights = {"a": self.a, "b": self.b}

        def __call__(self, x, training=None):
            return pb.reshape(self.a * x + self.b, (-1,))

    of = pb.TrainingStep(Line(), pb.SquaredError(), pb.SGD())
    rows = Rows(of.columns([[0.0], [1.0]], [0.0, 0.0]))
    found = Objective(of, lambda: [rows], "eager")(np.array([3.0, 1.0]))
    assert (found.cost, found.gradient.tolist()) == (8.5, [4.0, 5.0])
    cost = Objective(of, lambda: [rows], "eager")
    cost.put(np.array([3.0, 1.0]))
    assert of.model.a.value == 3.0
    assert type(of.model.a.value) is float


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (pb.Dropout(0.5), "layer 'dropout1' draws at random in training, and L-BFGS needs a cost"),
        (pb.BatchNorm(), "layer 'batchnorm1' changes what it remembers .* LayerNorm for BatchNorm"),
    ],
)
def test_a_cost_that_is_not_the_same_each_time_is_refused(layer, words):
    model = pb.Sequential(pb.Dense(4), layer, pb.Dense(3))
    with pytest.raises(CircuitError, match=words):
        asked(pb.TrainingStep(model, pb.SoftmaxCrossEntropy(), pb.SGD()))


def test_a_layer_that_draws_nothing_is_taken():
    model = pb.Sequential(pb.Dense(4), pb.Dropout(0.0), pb.LayerNorm(), pb.Dense(3))
    assert asked(pb.TrainingStep(model, pb.SoftmaxCrossEntropy(), pb.SGD())).finite


def test_it_can_be_stopped_between_chunks():
    cost = objective(step(), chunk=5)
    told = []
    found = cost(cost.vector, stop=lambda: len(told) == 2, tell=told.append)
    assert found is None
    assert told == [5, 10]
