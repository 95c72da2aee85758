"""A copied Trainer trains on as the original would; what is frozen or set between fits counts."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest
from tests.layers.reference import CASES

import pullback as pb
import pullback.optim as po

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def pickled(thing):
    return pickle.loads(pickle.dumps(thing))


WAYS = copy.deepcopy, pickled
WAY = pytest.mark.parametrize("way", WAYS)
ENGINE = pytest.mark.parametrize("engine", ["eager", "native"])


class Scale(pb.Layer):
    """A layer of one's own, with a parameter and state."""

    def __init__(self, bend=np.tanh, **told):
        super().__init__(**told)
        self.bend = bend

    def build(self, shape, *, rng):
        self.factor = self.parameter("factor", shape[-1:], np.ones, weight=True)
        self.count = self.variable("count", (), np.zeros)

    def apply(self, x, *, training):
        if training is not None:
            training.update(self.count, self.count + 1.0)
        return self.factor * x


def make(optimizer=None, engine="eager", **told):
    model = pb.Sequential(
        pb.Dense(6),
        pb.BatchNorm(),
        pb.ReLU(),
        Scale(),
        pb.Residual(pb.Dropout(0.3), pb.Dense(6)),
        pb.Dense(2),
        rng=1,
    )
    told = {"penalties": [pb.L2(1e-3), pb.L1(1e-3, on="dense1.*")], "seed": 3, **told}
    return pb.Trainer(
        model, pb.SoftmaxCrossEntropy(), optimizer or pb.Adam(0.01), engine=engine, **told
    )


def fit(trainer, epochs=1, batch_size=16, **told):
    return trainer.fit(X, Y, epochs=epochs, batch_size=batch_size, progress=False, **told)


def numbers(trainer):
    sources = {**trainer.model.parameters, **trainer.model.state}
    return {name: np.copy(unit.value) for name, unit in sources.items()}


def assert_equal(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name, strict=True)


def go_on_alike(trainer, twin, **told):
    """Both train, the copy first, and end with the same bits; neither moves the other."""
    before = numbers(trainer)
    seen = fit(twin, 2, **told)
    assert_equal(numbers(trainer), before)
    assert fit(trainer, 2, **told)["loss"] == seen["loss"]
    assert_equal(numbers(trainer), numbers(twin))
    assert not before or any((numbers(trainer)[k] != before[k]).any() for k in before)
    assert trainer.evaluate(X, Y) == twin.evaluate(X, Y)
    np.testing.assert_array_equal(trainer.predict(X), twin.predict(X))


@WAY
@pytest.mark.parametrize("name", sorted(po.OPTIMIZERS))
def test_a_copy_trains_on_to_the_bit(way, name):
    trainer = make(po.OPTIMIZERS[name](0.01))
    go_on_alike(trainer, way(trainer))
    twin = way(way(trainer))
    go_on_alike(trainer, twin)
    go_on_alike(trainer, twin, batch_size=7)
    go_on_alike(twin, way(trainer), batch_size=50)


@WAY
@pytest.mark.parametrize(
    "optimizer",
    [
        pb.Lookahead(pb.SAM(pb.Adam(0.01)), steps=3),
        pb.Accumulate(pb.Groups(pb.Adam(0.01), {"dense1.*": pb.SGD(0.1, momentum=0.9)}), 3),
    ],
    ids=repr,
)
def test_a_copy_goes_on_with_what_stands_around_an_optimizer(way, optimizer):
    """In the midst of steps that belong together."""
    trainer = make(optimizer)
    fit(trainer, batch_size=25)
    twin = way(trainer)
    assert repr(twin.optimizer) == repr(optimizer)
    go_on_alike(trainer, twin, batch_size=25)
    go_on_alike(trainer, way(way(twin)), batch_size=7)


@WAY
@pytest.mark.parametrize("engine", ["native", "jax"])
def test_a_copy_trains_on_to_the_bit_when_compiled(way, engine):
    schedule = po.LinearWarmup(po.CosineDecay(0.1, steps=20), steps=3)
    trainer = make(pb.SGD(schedule, momentum=0.9, clip_norm=1.0), engine)
    fit(trainer, 2, batch_size=25)
    go_on_alike(trainer, way(trainer), batch_size=25)


class First(pb.Layer):
    """The first of its inputs: of what a cell makes, the output."""

    takes = None

    def apply(self, x, *others, training):
        return x


@pytest.mark.parametrize("name", sorted(CASES))
def test_every_layer_trains_on_to_the_bit(name):
    for case in CASES[name]:
        x = case.given(case.inputs(max(4, case.least_rows)))
        head = First(), pb.Flatten(), pb.Dense(2, dtype="float64")
        model = pb.Sequential(case.make(), *head, rng=0)
        labels = np.arange(len(x[0])) % 2
        trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.1), engine="eager")
        for _ in range(2):  # a copy from before the first step, and one from after it
            twins = [way(trainer) for way in WAYS]
            losses = trainer.fit(x, labels, epochs=2)["loss"]
            for twin in twins:
                assert twin.fit(x, labels, epochs=2)["loss"] == losses
                assert_equal(numbers(twin), numbers(trainer))
        for way in WAYS:
            np.testing.assert_array_equal(way(model)(*x).value, model(*x).value)


@WAY
def test_a_trainer_its_model_and_its_wires_stay_together(way):
    trainer = make()
    fit(trainer)
    factor = trainer.model.parameters["scale1.factor"]
    twin, model, wire, history = way((trainer, trainer.model, factor, fit(trainer)))
    assert twin.model is model
    assert model.parameters["scale1.factor"] is wire
    assert model["scale1"].factor is wire
    assert len(history) == 1
    fit(twin)
    np.testing.assert_array_equal(wire.value, model.parameters["scale1.factor"].value)
    assert not np.array_equal(wire.value, factor.value)


@WAY
def test_a_callback_may_copy_the_trainer(way):
    kept = []
    trainer = make()
    fit(trainer, 4, callbacks=lambda event: kept.append(way(event.trainer)))
    assert [twin._epochs for twin in kept] == [0, 1, 2, 3, 4, 4]
    fit(kept[1], 3)
    assert_equal(numbers(kept[1]), numbers(trainer))
    assert_equal(numbers(kept[4]), numbers(trainer))


@WAY
def test_a_copy_in_the_middle_of_an_epoch_is_refused(way):
    trainer = make()

    def batches():
        yield X[:10], Y[:10]
        way(trainer)
        yield X[10:20], Y[10:20]

    with pytest.raises(pb.CircuitError, match="not copied in the middle of an epoch"):
        trainer.fit(batches, epochs=1, progress=False)
    go_on_alike(trainer, way(trainer))


def test_a_trainer_is_not_copied_by_halves():
    with pytest.raises(pb.CircuitError, match="cannot share a model"):
        copy.copy(make())


@WAY
def test_one_early_stopping_serves_a_trainer_and_its_copy(way):
    stop = pb.early_stopping("loss", patience=2)
    trainer = make()
    twin = way(trainer)
    for one in (trainer, twin):
        fit(one, 5, callbacks=stop)
    assert_equal(numbers(trainer), numbers(twin))


# Frozen and thawed -------------------------------------------------------------------------------


class ByHand:
    """Two products, a squared error, and an optimizer whose memory is each parameter's own."""

    def __init__(self, weights, rate, momentum=None):
        self.weights = [np.array(w, float) for w in weights]
        self.rate, self.momentum = rate, momentum
        self.memory = [[0.0, 0.0, 0] for _ in weights]

    def step(self, x, y, moving):
        a, b = self.weights
        pull = 2.0 * (x @ a @ b - y) / len(x)
        slopes = x.T @ (pull @ b.T), (x @ a).T @ pull
        for k in moving:
            g, m = slopes[k], self.memory[k]
            if self.momentum is not None:
                m[0] = d = self.momentum * m[0] + g
            else:
                m[0], m[1], m[2] = 0.9 * m[0] + 0.1 * g, 0.999 * m[1] + 0.001 * g * g, m[2] + 1
                d = m[0] / (1 - 0.9 ** m[2]) / (np.sqrt(m[1] / (1 - 0.999 ** m[2])) + 1e-8)
            self.weights[k] = self.weights[k] - self.rate * d


@ENGINE
@pytest.mark.parametrize("adam", [True, False])
@pytest.mark.parametrize("way", [None, pickled])
def test_freezing_counts_from_the_next_fit_on_and_memory_is_each_ones_own(engine, adam, way):
    layers = [pb.Dense(n, bias=False, dtype="float64") for n in (4, 1)]
    model = pb.Sequential(*layers, rng=0)
    optimizer = pb.Adam(0.05) if adam else pb.SGD(0.05, momentum=0.9)
    trainer = pb.Trainer(model, pb.SquaredError(), optimizer, engine=engine)
    x, y = X, X[:, :1] * 2.0 + 1.0
    model(x[:1])
    hand = ByHand([u.value for u in model.parameters.values()], 0.05, None if adam else 0.9)
    model["dense2"].freeze()  # it has no memory when it is thawed
    for moving in ((0,), (0, 1), (1,), (1,), (0, 1), (0,), (0, 1), ()):
        for k, layer in enumerate(model.layers):
            layer.unfreeze() if k in moving else layer.freeze()
        for size in (50, 25):
            order = [np.random.default_rng([0, trainer._epochs + e]) for e in (1, 2)]
            trainer.fit(x, y, epochs=2, batch_size=size, progress=False)
            for rng in order:
                for rows in np.split(rng.permutation(50), 50 // size):
                    hand.step(x[rows], y[rows], moving)
        for layer, expected in zip(model.layers, hand.weights, strict=True):
            np.testing.assert_allclose(layer.weight.value, expected, rtol=1e-9, atol=1e-12)
        if way is not None:
            trainer = way(trainer)
            model = trainer.model


@pytest.mark.parametrize(
    ("engine", "name"), [*(("eager", name) for name in sorted(po.OPTIMIZERS)), ("native", "AdamW")]
)
def test_nothing_moves_what_is_frozen(engine, name):
    decay = {"weight_decay": 0.5} if name in ("AdamW", "Lion") else {}
    springs = [pb.L2(1.0, on="dense1.*")]
    trainer = make(po.OPTIMIZERS[name](0.01, **decay), engine, penalties=springs)
    model = trainer.model
    fit(trainer, batch_size=25)
    model["dense1"].freeze()
    before = numbers(trainer)
    fit(trainer, 2, batch_size=25)
    fit(trainer, batch_size=50)
    after = numbers(trainer)
    for part in ("weight", "bias"):
        np.testing.assert_array_equal(after[f"dense1.{part}"], before[f"dense1.{part}"])
    assert (after["dense2.weight"] != before["dense2.weight"]).any()
    model.freeze()
    fit(trainer, batch_size=25)
    still = numbers(trainer)
    moved = [name for name in still if (still[name] != after[name]).any()]
    assert sorted(moved) == ["batchnorm1.mean", "batchnorm1.variance", "scale1.count"]
    model.unfreeze()
    fit(trainer, batch_size=25)
    assert (numbers(trainer)["dense1.weight"] != still["dense1.weight"]).any()
    assert trainer.evaluate(X, Y)["loss"] == pytest.approx(
        float(pb.SoftmaxCrossEntropy()(model(X), Y).value), rel=1e-5
    )


def test_a_callback_freezes():
    def freeze(event):
        if event.epoch == 2:
            event.trainer.model["dense1"].freeze()
        seen.append(numbers(event.trainer)["dense1.weight"])

    seen = []
    fit(make(), 4, callbacks=freeze)
    assert (seen[1] != seen[2]).any()
    assert all((later == seen[2]).all() for later in seen[3:])


@ENGINE
def test_a_learning_rate_set_between_fits_counts(engine):
    trainer = make(pb.SGD(0.1), engine, penalties=[])
    fit(trainer, batch_size=25)
    trainer.learning_rate = 1e-30
    before = {k: v for k, v in numbers(trainer).items() if k in trainer.model.parameters}
    fit(trainer, batch_size=25)
    fit(trainer, batch_size=50)
    twin = pickled(trainer)
    assert twin.learning_rate == 1e-30
    fit(twin, batch_size=25)
    for one in (trainer, twin):
        for name, value in before.items():  # what is zero may move by the rate times a gradient
            np.testing.assert_allclose(numbers(one)[name], value, rtol=0.0, atol=1e-29)
    for bad in (0.0, -1.0, np.nan, np.inf, "0.1", True):
        with pytest.raises(pb.CircuitError, match="the learning rate must be"):
            trainer.learning_rate = bad


# Optimizers, losses and what is in them ----------------------------------------------------------


def slower(step):
    return 0.1 / (1.0 + step)


@WAY
@pytest.mark.parametrize(
    "thing",
    [
        *(make(0.01, clip_norm=1.0) for make in po.OPTIMIZERS.values()),
        pb.SGD(po.PiecewiseConstant((0.1, 0.01), at=(3,)), momentum=0.9, nesterov=True),
        pb.SGD(slower),
        dataclasses.replace(pb.Adam(amsgrad=True), learning_rate=0.5),
        pb.Lookahead(pb.Groups(pb.SGD(slower), {"p": pb.Lookahead(pb.Muon(0.1))}), 2, alpha=0.8),
        pb.Accumulate(dataclasses.replace(pb.Lookahead(pb.NAdam()), learning_rate=slower), 3),
        po.LinearWarmup(slower, steps=3),
        pb.Force(slower, like=pb.Hinge()),
        pb.SoftmaxCrossEntropy(class_weights={1: 2.0}),
        *(pb.L2(0.1), pb.L1(0.1, on=["a", "b.*"])),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_what_a_trainer_is_made_of_is_copied(way, thing):
    assert repr(way(thing)) == repr(thing)
    if isinstance(thing, po.Optimizer):
        p, g = pb.Unit([1.0, -2.0], "p"), pb.Unit([0.5, 3.0], "g")
        moved, twin_moved = (
            one.update([g], one.init([p]), [p])[0][0].value for one in (thing, way(thing))
        )
        np.testing.assert_array_equal(moved, twin_moved)
    else:
        assert way(thing) == thing


@pytest.mark.parametrize(
    ("thing", "what"),
    [
        (pb.SGD(lambda step: 0.1), "the schedule of SGD"),
        (po.LinearWarmup(lambda step: 0.1, steps=3), "the then of LinearWarmup"),
        (po.Optimizer("Mine", 0.1, po.scale(2.0)), "the update of Transform"),
        (pb.Force(lambda scores, labels: labels), "the function of Force"),
        (pb.Model(lambda layers, x, training: x, a=pb.ReLU()), "the forward of Model"),
        (Scale(bend=lambda x: x), "the bend of Scale"),
    ],
)
def test_a_lambda_is_copied_and_not_pickled(thing, what):
    copy.copy(thing)
    assert repr(copy.deepcopy(thing)) == repr(thing)
    with pytest.raises(pb.CircuitError, match=f"{what} cannot be pickled: .* by name at the top"):
        pickle.dumps(thing)


def test_a_layer_of_a_class_that_cannot_be_imported():
    class Local(pb.Layer):
        def build(self, shape, *, rng):
            self.shift = self.parameter("shift", shape[-1:], np.ones)

        def apply(self, x, *, training):
            return x + self.shift

    model = pb.Sequential(pb.Dense(2), Local())
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.1), engine="eager")
    fit(trainer)
    go_on_alike(trainer, copy.deepcopy(trainer))
    assert copy.copy(model[1]).shift is model[1].shift
    with pytest.raises(pb.CircuitError, match=r"the class Local cannot be pickled: .*<locals>"):
        pickle.dumps(trainer)


def test_what_an_optimizer_was_told_is_fixed():
    optimizer = pb.SGD(0.1, momentum=0.9)
    for name in ("learning_rate", "options", "transform", "momentum"):
        with pytest.raises(AttributeError, match=f"the {name} of an optimizer is fixed when"):
            setattr(optimizer, name, 0.5)
    with pytest.raises(TypeError):
        optimizer.options["momentum"] = 0.5
