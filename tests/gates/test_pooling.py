"""Pooling: against JAX, at every odd geometry, and its gates against plain enumeration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from tests.gates.reference import REFERENCES
from tests.gates.test_convolution import explicit

import pullback as pb
from pullback.engines.jax import Jax


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


WINDOWS = [
    *[(2, None, 0), (3, 2, 0), (2, 1, 0), ((2, 3), (1, 2), 0), (1, 1, 0), (1, 3, 0), (2, 3, 0)],
    *[(3, 1, 1), (3, 2, ((0, 2), (1, 0))), (2, 2, "same"), (3, 2, "same"), ((6, 5), None, 0)],
    *[((5, 1), 4, (4, 0)), (4, 4, "valid")],
]


def pooled_by_jax(x, start, combine, size, stride, padding):
    size = (size, size) if isinstance(size, int) else size
    stride = size if stride is None else (stride, stride) if isinstance(stride, int) else stride
    pads = explicit(x.shape, size, stride, padding)
    whole = [(0, 0), *pads, (0, 0)]
    return lax.reduce_window(x, start, combine, (1, *size, 1), (1, *stride, 1), whole)


def jax_max_pool(x, *window):
    return pooled_by_jax(x, -jnp.inf, lax.max, *window)


def jax_average_pool(x, *window):
    count = pooled_by_jax(jnp.ones(x.shape), 0.0, lax.add, *window)
    return pooled_by_jax(x, 0.0, lax.add, *window) / count


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize(
    ("mine", "jaxs"), [(pb.max_pool, jax_max_pool), (pb.average_pool, jax_average_pool)]
)
def test_pooling_and_its_gradient_are_jax_s(mine, jaxs, window, tied):
    rng = np.random.default_rng(9)
    image = rng.integers(-2, 2, (2, 6, 5, 3)) * 1.0 if tied else rng.normal(size=(2, 6, 5, 3))
    x = pb.Unit(image)
    y = mine(x, *window)
    pull = rng.normal(size=y.shape)
    y.backward(pull)
    value, back = jax.vjp(lambda a: jaxs(a, *window), image)
    np.testing.assert_allclose(y.value, value, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(x.grad, back(jnp.asarray(pull))[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("window", [(2, None, 0), (3, 2, 1), (2, 1, "same")], ids=str)
@pytest.mark.parametrize("pool", [pb.max_pool, pb.average_pool])
def test_pooling_has_its_slopes_to_second_order(pool, window):
    rng = np.random.default_rng(10)
    image = rng.permutation(2 * 16 * 2).reshape(2, 4, 4, 2) / 7.0
    assert pb.check_gradients(lambda x: pb.tanh(pool(x, *window)), image)
    x = pb.Unit(image)
    pulled = pb.gradient(pool(x, *window) ** 2, x)
    assert pb.check_gradients(pb.sum(pulled * rng.normal(size=image.shape)))


def test_of_tied_pixels_the_first_in_reading_order_is_pulled():
    x = pb.Unit(np.array([[1.0, 7.0, 0.0], [7.0, 7.0, 0.0]]).reshape(1, 2, 3, 1))
    pb.max_pool(x, 2).backward(5.0)
    np.testing.assert_array_equal(x.grad[0, :, :, 0], [[0.0, 5.0, 0.0], [0.0, 0.0, 0.0]])
    x = pb.Unit(np.zeros((1, 2, 2, 1)))
    pb.max_pool(x, 3, 1, padding=1).backward(1.0)  # four windows, all with the same first pixel
    np.testing.assert_array_equal(x.grad[0, :, :, 0], [[4.0, 0.0], [0.0, 0.0]])


def test_images_of_integers_are_pooled_too():
    x = np.arange(-8, 8).reshape(1, 4, 4, 1)
    np.testing.assert_array_equal(pb.max_pool(x, 3, 2, 1)[0, :, :, 0], [[-3, -1], [5, 7]])
    assert pb.max_pool(x, 3, 2, 1).dtype == x.dtype


def test_padding_is_never_the_largest_and_counts_for_nothing():
    x = np.full((1, 2, 2, 1), -3.0)
    np.testing.assert_array_equal(pb.max_pool(x, 3, 1, "same"), x)
    np.testing.assert_array_equal(pb.average_pool(x, 3, 1, "same"), x)
    lowest = np.full((1, 2, 2, 1), -np.inf)
    np.testing.assert_array_equal(pb.max_pool(lowest, 2, padding=1), lowest)


@pytest.mark.parametrize("pool", [pb.max_pool, pb.average_pool])
def test_pooling_of_no_images_and_of_lists(pool):
    assert pool(np.zeros((0, 4, 4, 3)), 2).shape == (0, 2, 2, 3)
    assert pool(np.zeros((2, 5, 4, 0)), 3, padding=1).shape == (2, 2, 2, 0)
    np.testing.assert_array_equal(pool([[[[2.0]]]], 1), [[[[2.0]]]])


def test_the_first_nan_wins_and_is_pulled():
    nan, inf = np.nan, np.inf
    x = pb.Unit(np.array([[inf, nan, 1.0], [nan, 2.0, 3.0]]).reshape(1, 2, 3, 1))
    y = pb.max_pool(x, 2, 1)
    assert np.isnan(y.value).all()
    y.backward(np.array([1.0, 2.0]).reshape(1, 1, 2, 1))
    np.testing.assert_array_equal(x.grad[0, :, :, 0], [[0.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(pb.average_pool(x, 2, 1).value[0, 0, :, 0], [nan, nan])


# The gates ---------------------------------------------------------------------------------------


def windows_and_images(rng):
    """A random geometry, images with ties, infinities and nan, and numbers of both shapes."""
    while True:
        batch, channels = rng.integers(0, 3), rng.integers(0, 4)
        height, width = rng.integers(1, 8, 2)
        size, stride = (tuple(map(int, rng.integers(1, 5, 2))) for _ in range(2))
        padding = tuple((int(rng.integers(k)), int(rng.integers(k))) for k in size)
        if height + sum(padding[0]) >= size[0] and width + sum(padding[1]) >= size[1]:
            break
    x = rng.integers(-2, 3, (batch, height, width, channels)) * 1.0
    for odd in (-np.inf, np.inf, np.nan):
        x[rng.random(x.shape) < rng.choice([0.0, 0.2])] = odd
    windows = {"size": size, "stride": stride, "padding": padding}
    return windows, x, rng.normal(size=x.shape)


@pytest.mark.parametrize("seed", range(40))
def test_gates_are_what_enumeration_finds(seed):
    rng = np.random.default_rng(seed)
    windows, x, h = windows_and_images(rng)
    y = pb.GATES["max_pool"](x, **windows)
    g = rng.normal(size=y.shape)
    np.testing.assert_array_equal(y, REFERENCES["max_pool"](x, **windows))
    for name, given in (
        ("max_pool_pick", (h, x)),
        ("max_pool_spread", (g, x)),
        ("sum_pool", (h,)),
    ):
        found = pb.GATES[name](*given, **windows)
        np.testing.assert_allclose(found, REFERENCES[name](*given, **windows), 1e-12, 1e-12)
    windows["image"] = x.shape[1:3]
    found = pb.GATES["sum_pool_spread"](g, **windows)
    np.testing.assert_allclose(found, REFERENCES["sum_pool_spread"](g, **windows), 1e-12, 1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_pick_and_spread_are_one_sum_of_products(seed):
    rng = np.random.default_rng(seed)
    windows, x, h = windows_and_images(rng)
    picked = pb.max_pool_pick(h, x, **windows)
    g = rng.normal(size=picked.shape)
    spread = pb.max_pool_spread(g, x, **windows)
    np.testing.assert_allclose(np.sum(picked * g), np.sum(h * spread), rtol=1e-12)
    summed = pb.sum_pool(h, **windows)
    spread = pb.sum_pool_spread(g, image=x.shape[1:3], **windows)
    np.testing.assert_allclose(np.sum(summed * g), np.sum(h * spread), rtol=1e-12)


@pytest.mark.parametrize(
    "name", ["max_pool", "max_pool_pick", "max_pool_spread", "sum_pool", "sum_pool_spread"]
)
def test_rules_are_right_to_second_order(name):
    assert pb.check_gate(pb.GATES[name])


def test_the_largest_is_picked_from_itself():
    x = np.random.default_rng(0).normal(size=(2, 5, 4, 3))
    windows = {"size": (3, 2), "stride": (2, 1), "padding": ((1, 1), (0, 1))}
    np.testing.assert_array_equal(
        pb.max_pool_pick(x, x, **windows), pb.GATES["max_pool"](x, **windows)
    )


def test_the_engine_jax_has_pooling():
    x = pb.Unit(np.random.default_rng(0).normal(size=(2, 6, 5, 3)).astype("f4"), "x")
    y = pb.average_pool(pb.max_pool(x, 2, 1, "same"), 3, 2, 1)
    outputs = {"y": y, "dx": pb.gradient(y * y, x)}
    got = Jax(pb.Program({"x": x}, outputs, {}))()
    for name, unit in outputs.items():
        assert got[name].dtype == np.float32
        np.testing.assert_allclose(got[name], unit.value, rtol=1e-5, atol=1e-6)


def test_precision_is_that_of_the_wires():
    x = pb.Unit(np.ones((1, 4, 5, 2), "f4"))
    pooled = pb.average_pool(pb.max_pool(x, 2, padding=1), 2, 1, padding=1)
    pb.sum(pooled).backward()
    assert pooled.dtype == x.grad.dtype == np.float32


def test_pooling_is_written_in_plain_numpy():
    x = pb.Unit(np.random.default_rng(0).normal(size=(2, 5, 4, 2)), "x")
    f = pb.sum(pb.average_pool(pb.max_pool(x, 3, 1, 1) ** 2.0, 2))
    scope: dict = {}
    exec(pb.Circuit(f).source(), scope)
    value, (slope,) = scope["circuit"](x.value)
    f.backward()
    np.testing.assert_allclose(value, f.value)
    np.testing.assert_allclose(slope, x.grad)


# What is refused at the door ---------------------------------------------------------------------

X = np.ones((2, 5, 6, 3))
NONE = ((0, 0), (0, 0))
REFUSED = [
    (lambda: pb.max_pool(X[0], 2), r"max_pool takes images of shape \(N, H, W, C\)"),
    (lambda: pb.max_pool(X, 7), "max_pool: a window of 7 x 7 is larger than images of 5 x 6"),
    (lambda: pb.max_pool(X, 2, 0), "max_pool: stride must be 1 or more"),
    (lambda: pb.max_pool(X, 0), "max_pool: size must be 1 or more"),
    (lambda: pb.average_pool(X, 2, padding=2), "some windows of 2 x 2 would hold no pixel"),
    (lambda: pb.max_pool(X[:, :0], 2, padding=1), "have no pixels to be pooled"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_bad_arguments_are_refused_and_the_cure_is_named(call, message):
    with pytest.raises(pb.CircuitError, match=message):
        call()


@pytest.mark.parametrize(
    ("name", "given", "static"),
    [
        ("max_pool", (X,), {"padding": ((2, 0), (0, 0))}),
        ("max_pool", (X[:, :1],), {"padding": NONE}),
        ("max_pool_pick", (X[:, 1:], X), {"padding": NONE}),
        ("max_pool_spread", (X, X), {"padding": NONE}),
        ("sum_pool", (X[:, :, :1],), {"padding": NONE}),
        ("sum_pool_spread", (X,), {"image": (5, 6), "padding": NONE}),
    ],
)
def test_a_bare_gate_reads_nothing_beyond_its_arrays(name, given, static):
    with pytest.raises(pb.CircuitError, match=f"{name} cannot take"):
        pb.GATES[name](*given, **static, size=(2, 2), stride=(2, 2))
