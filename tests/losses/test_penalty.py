"""Penalties: their values, their pulls, and which parameters they hold."""

import numpy as np
import pytest

import pullback as pb
from pullback.losses import L1, L2, GroupLasso, MaxNorm, NonNegative

RNG = np.random.default_rng(0)


def parameters():
    rng = np.random.default_rng(1)
    shapes = {"dense1.weight": (3, 2), "dense1.bias": (2,), "dense2.weight": (2, 1)}
    return {name: pb.Unit(rng.normal(size=shape), name) for name, shape in shapes.items()}


def grouped(w, axis):
    """0.25 * sqrt(size) * length, of each group along an axis."""
    return 0.25 * np.sqrt(w.shape[axis]) * np.linalg.norm(w, axis=axis, keepdims=True)


def grouped_pull(w, axis):
    return 0.25 * np.sqrt(w.shape[axis]) * w / np.linalg.norm(w, axis=axis, keepdims=True)


def weights(named):
    return {name: unit for name, unit in named.items() if name.endswith("weight")}


@pytest.mark.parametrize(
    ("penalty", "value", "pull"),
    [
        (L2(0.25), lambda w: 0.25 * np.square(w).sum(), lambda w: 0.5 * w),
        (L1(0.25), lambda w: 0.25 * np.absolute(w).sum(), lambda w: 0.25 * np.sign(w)),
        (GroupLasso(0.25), lambda w: grouped(w, 1).sum(), lambda w: grouped_pull(w, 1)),
        (GroupLasso(0.25, "incoming"), lambda w: grouped(w, 0).sum(), lambda w: grouped_pull(w, 0)),
    ],
)
def test_penalties_hold_the_weights_and_no_biases(penalty, value, pull):
    named = parameters()
    total = penalty(named, weights(named))
    total.backward()
    assert float(total.value) == pytest.approx(sum(value(u.value) for u in weights(named).values()))
    for unit in weights(named).values():
        np.testing.assert_allclose(unit.grad, pull(unit.value), rtol=1e-14)
    assert named["dense1.bias"].grad is None
    assert pb.check_gradients(total)


@pytest.mark.parametrize("make", [L1, L2, GroupLasso])
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


@pytest.mark.parametrize("make", [L1, L2, GroupLasso])
def test_a_weight_of_zero_is_not_pulled(make):
    w = pb.Unit([0.0, -2.0])
    make(0.5)({}, {"w": w}).backward()
    assert w.grad[0] == 0.0
    assert w.grad[1] < 0.0


@pytest.mark.parametrize("make", [L1, L2, GroupLasso])
def test_float32_weights_keep_their_precision(make):
    w = pb.Unit(np.ones(3, np.float32))
    total = make(0.1)({}, {"w": w})
    total.backward()
    assert total.dtype == w.grad.dtype == np.float32


def test_a_group_of_zeros_is_not_pulled():
    w = pb.Unit([[0.0, 0.0], [3.0, -4.0]], "w")
    GroupLasso(1.0)({}, {"w": w}).backward()
    np.testing.assert_allclose(w.grad, [[0.0, 0.0], [0.6 * 2**0.5, -0.8 * 2**0.5]], rtol=1e-15)


@pytest.mark.parametrize(
    "penalty", [L1(0.3), L2(0.3), GroupLasso(0.3), GroupLasso(0.3, "incoming")]
)
@pytest.mark.parametrize("shape", [(3, 2), (1, 5), (2, 3, 1, 3), (3,), (), (0, 2), (2, 0)])
def test_a_proximal_step_is_the_least_of_the_penalty_and_the_way(penalty, shape):
    """Nobody who looks around it, far and near, finds less."""
    rng = np.random.default_rng(2)
    w, rate = rng.normal(size=shape), 0.8
    step = penalty.proximal_step(pb.Unit(w, "w"), rate).value
    assert np.shape(step) == shape

    def cost(q):
        penalised = float(penalty({}, {"w": pb.Unit(q, "w")}).value)
        return penalised + np.square(q - w).sum() / (2 * rate)

    least = cost(step)
    for size in (1.0, 1e-1, 1e-3):
        for _ in range(20):
            assert cost(step + size * rng.normal(size=shape)) >= least - 1e-12


@pytest.mark.parametrize("groups", ["incoming", "outgoing"])
@pytest.mark.parametrize("shape", [(3, 2), (1, 5), (2, 3, 1, 3), (3,), (0, 2)])
def test_a_limit_shortens_what_is_too_long_and_nothing_else(groups, shape):
    w = np.random.default_rng(3).normal(size=shape).astype("f4")
    axis = {"incoming": -1, "outgoing": -2}[groups] if len(shape) > 1 else -1
    rows = np.moveaxis(w, axis, 0)
    rows = rows.reshape(len(rows), w.size // max(len(rows), 1))
    limit = float(np.median(np.linalg.norm(rows, axis=1))) if rows.size else 1.0
    step = MaxNorm(limit, groups).proximal_step(pb.Unit(w, "w"), 0.1).value
    assert step.dtype == np.float32
    stepped = np.moveaxis(step, axis, 0).reshape(rows.shape)
    for before, after in zip(rows, stepped, strict=True):
        length = np.linalg.norm(before.astype(float))
        if length <= limit * (1 - 1e-6):
            np.testing.assert_array_equal(after, before)
        else:
            np.testing.assert_allclose(after, before * (limit / length), rtol=1e-5)


def test_walls_cost_nothing_inside():
    named = parameters()
    for wall in (MaxNorm(1.0), NonNegative()):
        assert wall.proximal
        assert wall(named, weights(named)).value == 0.0
        with pytest.raises(pb.CircuitError, match="no parameter is named 'x'"):
            type(wall)(**({"limit": 1.0} if isinstance(wall, MaxNorm) else {}), on="x")(named, {})


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
        (
            lambda: GroupLasso(1.0, groups="rows"),
            "GroupLasso has groups 'outgoing' or 'incoming', got 'rows'",
        ),
        (lambda: GroupLasso(-1.0), "a penalty's strength cannot be negative or infinite, got -1.0"),
        (
            lambda: MaxNorm(1.0, groups=[0]),
            "MaxNorm has groups 'outgoing' or 'incoming', got [0]",
        ),
        (lambda: MaxNorm(0.0), "MaxNorm needs a positive, finite limit, got 0.0"),
        (lambda: MaxNorm(np.nan), "MaxNorm needs a positive, finite limit, got nan"),
        (lambda: NonNegative(on=[]), "a penalty is on parameters' names or patterns, got []"),
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
