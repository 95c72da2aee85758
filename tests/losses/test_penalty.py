"""Penalties: their values, their pulls, and which parameters they hold."""

import numpy as np
import pytest

import pullback as pb
from pullback.losses import L1, L2

RNG = np.random.default_rng(0)


def parameters():
    rng = np.random.default_rng(1)
    shapes = {"dense1.weight": (3, 2), "dense1.bias": (2,), "dense2.weight": (2, 1)}
    return {name: pb.Unit(rng.normal(size=shape), name) for name, shape in shapes.items()}


def weights(named):
    return {name: unit for name, unit in named.items() if name.endswith("weight")}


@pytest.mark.parametrize(
    ("penalty", "value", "pull"),
    [
        (L2(0.25), lambda w: 0.25 * np.square(w).sum(), lambda w: 0.5 * w),
        (L1(0.25), lambda w: 0.25 * np.absolute(w).sum(), lambda w: 0.25 * np.sign(w)),
    ],
)
def test_penalties_hold_the_weights_and_no_biases(penalty, value, pull):
    named = parameters()
    total = penalty(named, weights(named))
    total.backward()
    assert float(total.value) == pytest.approx(sum(value(u.value) for u in weights(named).values()))
    for unit in weights(named).values():
        np.testing.assert_allclose(unit.grad, pull(unit.value), rtol=1e-15)
    assert named["dense1.bias"].grad is None
    assert pb.check_gradients(total)


@pytest.mark.parametrize("make", [L1, L2])
@pytest.mark.parametrize(
    ("on", "held"),
    [
        ("dense1.weight", {"dense1.weight"}),
        (["dense1.weight"], {"dense1.weight"}),
        ("*.bias", {"dense1.bias"}),
        ("dense1.*", {"dense1.weight", "dense1.bias"}),
        (("dense1.*", "*.weight"), {"dense1.weight", "dense1.bias", "dense2.weight"}),
        ("*", {"dense1.weight", "dense1.bias", "dense2.weight"}),
    ],
)
def test_a_penalty_holds_each_parameter_that_it_is_on_once(make, on, held):
    named = parameters()
    total = make(2.0, on=on)(named, weights(named))
    total.backward()
    assert {name for name, unit in named.items() if unit.grad is not None} == held
    one_each = sum(float(make(2.0)({}, {name: named[name]}).value) for name in held)
    assert float(total.value) == pytest.approx(one_each)


@pytest.mark.parametrize("make", [L1, L2])
def test_a_weight_of_zero_is_not_pulled(make):
    w = pb.Unit([0.0, -2.0])
    make(0.5)({}, {"w": w}).backward()
    assert w.grad[0] == 0.0
    assert w.grad[1] < 0.0


@pytest.mark.parametrize("make", [L1, L2])
def test_float32_weights_keep_their_precision(make):
    w = pb.Unit(np.ones(3, np.float32))
    total = make(0.1)({}, {"w": w})
    total.backward()
    assert total.dtype == w.grad.dtype == np.float32


@pytest.mark.parametrize(
    ("penalty", "moves"),
    [(L2(0.5, on="*.bias"), "dense1.bias"), (L1(0.5, on=["*1.weight"]), "dense1.weight")],
)
def test_training_with_a_penalty_moves_what_it_is_on(penalty, moves):
    ends = []
    for penalties in ([], [penalty]):
        model = pb.Sequential(pb.Dense(1, dtype="float64"), rng=0)
        trainer = pb.Trainer(model, pb.Hinge(), pb.SGD(0.1), penalties=penalties)
        x = RNG.permutation(np.eye(4) + 1.0)
        model(x)
        for unit in model.parameters.values():
            unit.value = np.ones(unit.shape)
        trainer.fit(x, [1, 1, 1, 1], epochs=1, batch_size=4, progress=False)  # past every margin
        ends.append({name: unit.value for name, unit in model.parameters.items()})
    for name, free in ends[0].items():
        np.testing.assert_array_equal(free, 1.0)
        slope = 0.0 if name != moves else 1.0 if isinstance(penalty, L2) else 0.5
        np.testing.assert_allclose(ends[1][name], 1.0 - 0.1 * slope, rtol=1e-15)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L2(-1.0), "a penalty's strength cannot be negative or infinite, got -1.0"),
        (lambda: L1(np.nan), "a penalty's strength cannot be negative or infinite, got nan"),
        (lambda: L1(np.inf), "a penalty's strength cannot be negative or infinite, got inf"),
        (lambda: L2(1.0, on=[]), "a penalty is on parameters' names or patterns, got []"),
        (lambda: L2(1.0, on=[3]), "a penalty is on parameters' names or patterns, got [3]"),
        (
            lambda: L2(1.0, on=["*.weight", "dense3.*"])(parameters(), {}),
            "no parameter is named 'dense3.*'; there are: "
            "dense1.weight, dense1.bias, dense2.weight",
        ),
        (lambda: L2(1.0)(parameters(), {}), "there are no weights to penalise"),
    ],
)
def test_penalties_that_cannot_be_are_refused(make, message):
    with pytest.raises(pb.CircuitError) as error:
        make()
    assert str(error.value) == message
