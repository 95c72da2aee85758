"""Averages of weights, kept by gates of the step: beside PyTorch's, and what answers by them."""

import copy
import pickle

import numpy as np
import pytest

import pullback as pb
import pullback.optim as po

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
STEPS = 100
AVERAGES = [pb.EMA(0.9), pb.EMA(0.99, correct_bias=False), pb.SWA(5), pb.SWA(7, every=3)]
EACH = pytest.mark.parametrize("average", AVERAGES, ids=repr)


def make(average=None, engine="eager", **told):
    model = pb.Sequential(
        pb.Dense(6, dtype="float64"),
        pb.BatchNorm(dtype="float64"),
        pb.ReLU(),
        pb.Dense(2, dtype="float64"),
        rng=1,
    )
    optimizer = pb.SGD(0.2, momentum=0.5)
    told = {"seed": 3, "average": average, **told}
    return pb.Trainer(model, pb.SoftmaxCrossEntropy(), optimizer, engine=engine, **told)


def fit(trainer, epochs=3, **told):
    return trainer.fit(X, Y, progress=False, **{"batch_size": 16, "epochs": epochs, **told})


def numbers(model):
    return {k: np.copy(x.value) for k, x in {**model.parameters, **model.state}.items()}


def assert_equal(one, other, **close):
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], err_msg=name, **{"rtol": 0, **close})


def step_by_step(average):
    """A Trainer of one step an epoch, and the weights and their average after each."""
    trainer, seen = make(average), []

    def watch(event):
        if event.kind == "epoch":
            seen.append((event.trainer.model.parameters, event.trainer.averaged.parameters))
            seen[-1] = tuple({k: np.copy(x.value) for k, x in p.items()} for p in seen[-1])

    fit(trainer, STEPS, batch_size=90, callbacks=watch)
    return seen


@pytest.mark.parametrize(
    ("average", "theirs"),
    [(po.EMA(0.9, correct_bias=False), 0.9), (po.SWA(1), None)],
    ids=["EMA", "SWA"],
)
def test_a_hundred_steps_are_pytorchs(average, theirs):
    torch = pytest.importorskip("torch", reason="torch is not installed: see the extra `bench`")
    utils = torch.optim.swa_utils
    seen = step_by_step(average)
    model = torch.nn.ParameterList([torch.tensor(x) for x in seen[0][0].values()])
    how = {} if theirs is None else {"multi_avg_fn": utils.get_ema_multi_avg_fn(theirs)}
    averaged = utils.AveragedModel(model, **how)
    for raw, ours in seen:
        with torch.no_grad():
            for p, value in zip(model, raw.values(), strict=True):
                p.copy_(torch.tensor(value))
        averaged.update_parameters(model)
        for p, value in zip(averaged.module, ours.values(), strict=True):
            np.testing.assert_allclose(value, p.detach().numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99])
def test_without_bias_each_weight_counts_as_its_age_says(decay):
    seen = step_by_step(po.EMA(decay))
    for t in (0, 1, 7, 99):
        shares = decay ** np.arange(t, -1.0, -1.0)
        for name in seen[0][0]:
            past = np.array([raw[name] for raw, _ in seen[: t + 1]])
            expected = np.tensordot(shares / shares.sum(), past, 1)
            np.testing.assert_allclose(seen[t][1][name], expected, rtol=1e-11, atol=1e-13)


def test_equal_averages_begin_and_go_on_as_told():
    seen = step_by_step(po.SWA(11, every=4))
    for t in range(STEPS):
        name = "dense1.weight"
        past = [seen[k][0][name] for k in range(10, t + 1, 4)] or [seen[t][0][name]]
        np.testing.assert_allclose(seen[t][1][name], np.mean(past, axis=0), rtol=1e-11)


@EACH
@pytest.mark.parametrize("engine", ["eager", "native"])
def test_training_itself_is_what_it_would_be_without(average, engine):
    plain, averaged = make(None, engine), make(average, engine)
    assert fit(plain)["loss"] == fit(averaged)["loss"]
    assert_equal(numbers(plain.model), numbers(averaged.model))
    assert plain.averaged is plain.model


@EACH
def test_native_averages_are_eager_ones(average):
    eager, native = make(average), make(average, "native")
    first, second = fit(eager, validation=0.2), fit(native, validation=0.2)
    np.testing.assert_allclose(first["validation_loss"], second["validation_loss"], rtol=1e-9)
    assert_equal(numbers(eager.averaged), numbers(native.averaged), rtol=1e-9, atol=1e-9)


@EACH
def test_the_averaged_model_answers_and_is_saved(average, tmp_path):
    trainer = make(average)
    history = fit(trainer, validation=(X, Y))
    answers = trainer.averaged.predict(X)
    np.testing.assert_array_equal(trainer.predict(X), answers)
    assert not np.allclose(answers, trainer.model.predict(X))
    assert trainer.evaluate(X, Y)["loss"] == pytest.approx(history["validation_loss"][-1])
    trainer.averaged.save(tmp_path / "a.safetensors")
    loaded = pb.Layer.load(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(loaded.predict(X), answers)


@EACH
@pytest.mark.parametrize("way", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_goes_on_alike(average, way):
    trainer = make(average)
    fit(trainer)
    twin = way(trainer)
    assert fit(twin)["loss"] == fit(trainer)["loss"]
    assert_equal(numbers(twin.averaged), numbers(trainer.averaged))
    whole = make(average)
    fit(whole, 6)
    assert_equal(numbers(whole.averaged), numbers(trainer.averaged))


def test_statistics_are_measured_again_with_equal_averages():
    """As PyTorch's update_bn: the mean over batches of their means and unbiased variances."""
    trainer = make(po.SWA(3))
    fit(trainer, 4)
    values = numbers(trainer.averaged)
    hidden = X @ values["dense1.weight"] + values["dense1.bias"]
    order = np.random.default_rng([3, 4]).permutation(90)
    batches = [hidden[order[i : i + 16]] for i in range(0, 90, 16)]
    mean = np.mean([x.mean(0) for x in batches], axis=0)
    variance = np.mean([x.var(0, ddof=1) for x in batches], axis=0)
    np.testing.assert_allclose(values["batchnorm1.mean"], mean, rtol=1e-9)
    np.testing.assert_allclose(values["batchnorm1.variance"], variance, rtol=1e-9)
    batches = make(po.SWA(3))
    data = [(X[i : i + 15], Y[i : i + 15]) for i in range(0, 90, 15)]
    batches.fit(data, epochs=2, progress=False)
    values = numbers(batches.averaged)
    mean = (X @ values["dense1.weight"] + values["dense1.bias"]).mean(0)
    np.testing.assert_allclose(values["batchnorm1.mean"], mean, rtol=1e-9)


def test_early_stopping_keeps_the_averages_it_judged_by():
    trainer, seen = make(po.EMA(0.9)), []

    def watch(event):
        if event.kind == "epoch":
            event.measured["watched"] = [3.0, 1.0, 2.0, 2.0][len(seen)]
            seen.append(numbers(event.trainer.averaged))

    fit(trainer, 4, callbacks=[watch, pb.early_stopping("watched", patience=2)])
    assert len(seen) == 4
    assert_equal(numbers(trainer.averaged), seen[1])


def test_a_frozen_layer_stays_and_the_rest_is_averaged():
    trainer = make(po.EMA(0.5))
    fit(trainer)
    trainer.model["dense1"].freeze()
    fit(trainer, 20)
    ours, raw = numbers(trainer.averaged), numbers(trainer.model)
    np.testing.assert_allclose(ours["dense1.weight"], raw["dense1.weight"], rtol=1e-9)
    assert not np.allclose(ours["dense2.weight"], raw["dense2.weight"], rtol=1e-9)


def test_averages_keep_the_dtype_of_weights_and_what_sequences_carry_is_left_out():
    model = pb.Sequential(pb.LSTM(3, stateful=True), pb.LastStep(), pb.Dense(1), rng=0)
    x = RNG.normal(size=(4, 5, 2)).astype("float32")
    trainer = pb.Trainer(
        model, pb.SquaredError(), pb.Adam(0.01), engine="eager", average=pb.EMA(0.9)
    )
    trainer.fit([(x, x[:, 0, :1])] * 3, epochs=2, progress=False)
    assert {p.dtype for p in trainer.averaged.parameters.values()} == {np.dtype("float32")}


class Counted:
    """Batches in an order of each epoch, which they count."""

    def __init__(self):
        self.epoch = 0

    def __iter__(self):
        self.epoch += 1
        order = np.random.default_rng(self.epoch).permutation(90)
        return iter([(X[rows], Y[rows]) for rows in np.split(order, 3)])


def test_measuring_again_leaves_the_order_of_batches_alone():
    """An average changes nothing of the model that moves, where its batches count epochs too."""
    plain, averaged, batches = make(), make(pb.SWA(1)), Counted()
    plain.fit(Counted(), epochs=3, progress=False)
    averaged.fit(batches, epochs=3, progress=False)
    assert batches.epoch == 3
    assert_equal(numbers(plain.model), numbers(averaged.model), atol=0)


def test_an_iterator_cannot_be_measured_again():
    batches = iter([(X[:45], Y[:45]), (X[45:], Y[45:])])
    with pytest.raises(pb.CircuitError, match="an iterator can be gone through once"):
        make(pb.SWA(1)).fit(batches, epochs=1, progress=False)


@pytest.mark.parametrize(
    ("make_it", "message"),
    [
        (lambda: make(average=0.9), r"training needs an Average, such as EMA\(0.99\), got 0.9"),
        (lambda: pb.EMA(1.0), "decay must be at least 0 and less than 1"),
        (lambda: pb.SWA(0), "start must be positive"),
        (lambda: pb.SWA(2, every=1.5), "every must be a whole number"),
    ],
)
def test_what_is_no_average_is_refused(make_it, message):
    with pytest.raises(pb.CircuitError, match=message):
        make_it()


def test_every_average_is_tested_here():
    assert {type(average).__name__ for average in AVERAGES} == set(po.AVERAGES)
