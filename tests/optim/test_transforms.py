"""Stages alone and in a chain, and the limits on gradients, against NumPy."""

import numpy as np
import pytest

import pullback as pb
import pullback.optim as po
from pullback.core.registry import Registry
from pullback.optim.transform import numbered
from pullback.program.simplify import simplify

RNG = np.random.default_rng(0)
SHAPES = ((3, 2), (5,), (), (0, 4))


def gradients(size=1.0, dtype="float64"):
    return [(size * RNG.normal(size=shape)).astype(dtype) for shape in SHAPES]


def applied(transform, values):
    wires = [pb.Unit(value) for value in values]
    directions, news = transform.update(wires, [], po.Parameters(wires, weights=[]))
    assert news == []
    return [d.value for d in directions]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3, 1e18, 1e30])
def test_clip_norm_shortens_all_by_one_factor(dtype, size):
    values = gradients(size, dtype)
    length = np.sqrt(sum(np.sum(np.square(v.astype(float))) for v in values))
    for new, old in zip(applied(po.clip_norm(1.5), values), values, strict=True):
        assert new.dtype == dtype
        np.testing.assert_allclose(
            new, old * min(1.0, 1.5 / length), 1e-6 if dtype == "float32" else 1e-14
        )


def test_clip_norm_leaves_short_gradients_bit_for_bit():
    values = gradients(0.01)
    for new, old in zip(applied(po.clip_norm(1.5), values), values, strict=True):
        np.testing.assert_array_equal(new, old)


def test_clip_norm_of_nothing_is_nothing():
    assert applied(po.clip_norm(1.0), []) == []
    assert applied(po.clip_norm(1.0), [0.0, 0.0]) == [0.0, 0.0]
    np.testing.assert_array_equal(applied(po.clip_norm(1.0), [np.zeros(3)])[0], np.zeros(3))


def test_clip_norm_keeps_the_dtypes_of_mixed_parameters():
    new = applied(po.clip_norm(1.0), [np.full(2, 3.0, np.float32), np.full(2, 4.0), 5.0])
    assert [np.asarray(d).dtype for d in new] == [np.float32, np.float64, np.float64]
    length = np.sqrt(2 * 9 + 2 * 16 + 25)
    for d, value in zip(new, (3.0, 4.0, 5.0), strict=True):
        np.testing.assert_allclose(d, value / length, rtol=1e-6)


def test_clip_limits_each_element():
    values = gradients(3.0, "float32")
    for new, old in zip(applied(po.clip(0.5), values), values, strict=True):
        assert new.dtype == np.float32
        np.testing.assert_array_equal(new, np.clip(old, np.float32(-0.5), np.float32(0.5)))


@pytest.mark.parametrize("clip", [po.clip(1.0), po.clip_norm(1.0)])
def test_clipping_does_not_hide_a_nan(clip):
    assert np.isnan(applied(clip, [np.array([1.0, np.nan])])[0][1])


def test_an_optimizer_clips_by_value_and_then_by_norm():
    p, g = pb.Unit(np.zeros(2), "p"), pb.Unit(np.array([30.0, -0.2]))
    moved, _ = po.SGD(1.0, clip_norm=0.5, clip_value=1.0).update([g], [], [p])
    expected = np.array([1.0, -0.2]) * 0.5 / np.hypot(1.0, 0.2)
    np.testing.assert_allclose(moved[0].value, -expected, rtol=1e-14)


def test_decay_is_of_weights_alone():
    w, b, g = pb.Unit(2.0, "w"), pb.Unit(2.0, "b"), pb.Unit(0.0)
    decay = po.Optimizer("Decay", 0.5, po.add_decayed_weights(0.1))
    for weights, expected in (([w], [1.9, 2.0]), ([], [2.0, 2.0]), (None, [1.9, 1.9])):
        moved, _ = decay.update([g, g], [], [w, b], weights=weights)
        assert [p.value for p in moved] == expected


def test_a_chain_is_its_stages_in_order_with_memory_of_their_own():
    chained = po.chain(
        po.scale(2.0), po.heavy_ball(0.5), po.chain(po.heavy_ball(0.25), po.scale(-1.0))
    )
    assert [slot.name for slot in chained.slots] == ["velocity", "velocity2"]
    p, g, v, w = (pb.Unit(x) for x in (0.0, 3.0, 10.0, 100.0))
    (direction,), ((new_v,), (new_w,)) = chained.update([g], [[v], [w]], po.Parameters([p], []))
    assert new_v.value == 0.5 * 10 + 2 * 3
    assert new_w.value == 0.25 * 100 + new_v.value
    assert direction.value == -new_w.value


def test_an_optimizer_of_ones_own():
    optimizer = po.Optimizer(
        "Mine", 0.1, po.chain(po.clip(1.0), po.scale_by_adam(), po.heavy_ball(0.9))
    )
    p = pb.Unit(np.ones(3, np.float32), "p")
    memory = optimizer.init([p])
    assert [unit.name for unit in memory] == ["adam.step", "p.mean", "p.mean_square", "p.velocity"]
    moved, news = optimizer.update([pb.Unit(np.ones(3, np.float32))], memory, [p])
    np.testing.assert_allclose(moved[0].value, 0.9, rtol=1e-6)
    assert news[0].value == 1.0


def test_memory_is_named_after_the_parameters():
    one, other, nameless = pb.Unit(1.0, "w"), pb.Unit(1.0, "w"), pb.Unit(1.0)
    ball = po.SGD(0.1, momentum=0.9)
    named = {"block1.w": one, "block2.w": other}
    assert [u.name for u in ball.init(named)] == ["block1.w.velocity", "block2.w.velocity"]
    unnamed = [u.name for u in ball.init([one, other, nameless])]
    assert unnamed == ["w.velocity", "w2.velocity", "parameter3.velocity"]
    assert numbered(["a", "a", "a2"]) == ["a", "a2", "a22"]


@pytest.mark.parametrize("name", po.OPTIMIZERS)
def test_its_options_make_it_again(name):
    make = po.OPTIMIZERS[name]
    optimizer = make(np.float32(0.5), clip_norm=np.float32(2))
    assert repr(optimizer).startswith(f"{name}(0.5")
    assert repr(optimizer).endswith("clip_norm=2.0)")
    again = make(optimizer.learning_rate, **optimizer.options)
    assert repr(again) == repr(optimizer)
    assert repr(eval(repr(make()), vars(po))) == repr(make())
    assert isinstance(po.OPTIMIZERS, Registry)


@pytest.mark.parametrize("name", po.OPTIMIZERS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(
            ({"learning_rate": x}, "learning rate must be positive")
            for x in (0.0, -1.0, np.float32(-1))
        ),
        *(
            ({"learning_rate": x}, "learning rate must be a finite number")
            for x in (float("nan"), float("inf"), None, True, pb.Unit(0.1))
        ),
        ({"learning_rate": "fast"}, 'learning rate is a positive number or "find"'),
        ({"clip_norm": 0.0}, "clip_norm must be positive"),
        ({"clip_norm": float("inf")}, "clip_norm must be a finite number"),
        ({"clip_value": -1.0}, "clip_value must be positive"),
    ],
)
def test_bad_rates_and_limits_are_refused(name, options, message):
    with pytest.raises(pb.CircuitError, match=message):
        po.OPTIMIZERS[name](**options)


FRACTIONS = {"momentum", "decay", "beta1", "beta2"}
BAD = {
    **{name: (1.0, -0.1, 2.0, float("nan"), "0.9") for name in FRACTIONS},
    "epsilon": (0.0, -1e-8, float("inf")),
    "weight_decay": (-0.1, float("nan")),
    "momentum_decay": (-0.1, float("nan")),
}


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        (name, option, value)
        for name, make in po.OPTIMIZERS.items()
        for option in make().options
        for value in BAD.get(option, ())
    ],
)
def test_bad_options_are_refused(name, option, value):
    with pytest.raises(pb.CircuitError, match=f"{option} must be"):
        po.OPTIMIZERS[name](**{option: value})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: po.SGD(0.1, nesterov=True), "needs momentum"),
        (lambda: po.scale(float("nan")), "factor must be a finite"),
        (lambda: po.chain(po.scale), "made of transforms"),
        (lambda: po.Adam().update([pb.Unit(1.0)], [], [pb.Unit(1.0)]), "remembers 3 wires for 1"),
        (
            lambda: po.SGD(po.Constant(0.1)).update([], [pb.Unit(0.0)], [], pb.Unit(0.1)),
            "makes its learning rate itself",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(pb.CircuitError, match=message):
        make()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("norm", [0.01, 1e3])
def test_a_shortened_gradient_still_moves_the_rows_of_a_table_alone(dtype, norm):
    table, weight = (
        pb.Unit(RNG.normal(size=shape).astype(dtype), name)
        for name, shape in (("table", (1000, 4)), ("weight", (4, 2)))
    )
    rows = pb.Unit(np.array([3, 999, 3]), "rows")
    rate = pb.Unit(np.array(0.5, dtype), "rate")
    loss = ((pb.take(table, rows) @ weight) ** 2).mean()
    optimizer = po.SGD(0.5, clip_norm=norm)
    parameters = [table, weight]
    moved, _ = optimizer.update(pb.gradient(loss, parameters), [], parameters, rate)
    program = pb.Program({"rows": rows}, {}, dict(zip(parameters, moved, strict=True)))
    plain = simplify(program).updates[table]
    assert plain.gate is pb.GATES["scatter_add"]
    assert plain.inputs[0] is table
    assert plain.inputs[2].shape == (3, 4)
    before, wanted = table.value, moved[0].value
    pb.prepare("native", program)(rows=rows.value)
    np.testing.assert_allclose(table.value, wanted, 1e-6 if dtype == "float32" else 1e-14)
    changed = np.flatnonzero((table.value != before).any(axis=1))
    np.testing.assert_array_equal(changed, [3, 999])
