"""Convolution: against SciPy, JAX and plain loops, at every odd geometry."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from tests.gates.differences import assert_close, directions, slope
from tests.gates.reference import REFERENCES

import pullback as pb
from pullback.core import convolution
from pullback.engines.jax import Jax

LAYOUT = ("NHWC", "HWIO", "NHWC")
# image (N, H, W, C), kernel (KH, KW), filters, stride, padding, and more: each odd in its own way
GEOMETRIES = [
    ((2, 5, 6, 3), (3, 3), 4, 1, 0),
    ((2, 5, 6, 3), (3, 2), 4, (2, 1), "same"),
    ((1, 7, 8, 2), (2, 3), 1, (3, 2), ((0, 1), (2, 0))),
    ((2, 6, 6, 1), (3, 3), 2, 2, "valid"),  # a row and a column that no window reaches
    ((2, 4, 3, 2), (4, 3), 2, 1, 0),  # a kernel as large as the image
    ((1, 2, 3, 2), (5, 4), 2, 1, 2),  # a kernel larger than the image, which padding makes fit
    ((1, 4, 4, 2), (5, 5), 2, 2, "same"),
    ((3, 1, 1, 1), (1, 1), 1, 1, 0),
    ((1, 5, 4, 2), (1, 1), 3, 3, 0),  # a stride larger than the kernel
    ((1, 3, 3, 1), (2, 2), 1, 1, 3),  # windows of padding alone
    ((1, 1, 9, 1), (1, 3), 2, (1, 4), (0, (2, 3))),
    ((0, 4, 4, 2), (3, 3), 2, 1, 0),  # no images
    ((2, 4, 4, 0), (3, 3), 2, 1, 0),  # no channels
    ((2, 4, 4, 2), (3, 3), 0, 1, 0),  # no filters
    ((2, 5, 4, 4), (3, 2), 6, 1, "same", {"groups": 2}),
    ((2, 5, 6, 3), (2, 3), 3, (2, 1), 1, {"groups": 3}),  # a filter for each channel
    ((1, 6, 5, 2), (3, 3), 6, 1, 1, {"groups": 2, "dilation": (2, 1)}),  # three for each
    ((2, 7, 8, 3), (3, 2), 2, (2, 3), "same", {"dilation": (2, 3)}),
    ((1, 9, 5, 4), (2, 2), 4, (3, 2), ((2, 1), (0, 4)), {"groups": 2, "dilation": (4, 2)}),
    ((1, 5, 5, 2), (3, 3), 2, 1, 0, {"dilation": 2}),  # spread, as large as the image
    ((1, 4, 3, 2), (1, 1), 2, 2, 0, {"groups": 2, "dilation": 7}),  # one tap is nowhere else
    ((0, 4, 4, 4), (2, 2), 2, 1, 0, {"groups": 2, "dilation": 2}),
    ((2, 4, 4, 4), (2, 2), 0, 1, 0, {"groups": 2}),
]
SMALL = [g for g in GEOMETRIES if 0 not in (*g[0], g[2])]


def windows(geometry):
    """What is said of them to the functions that users call."""
    _, _, _, stride, padding, *others = geometry
    return {"stride": stride, "padding": padding, **(others[0] if others else {})}


def both(value):
    return (value, value) if isinstance(value, int) else value


def explicit(image, kernel, stride, padding):
    """What JAX understands under the same words."""
    if isinstance(padding, str):
        return lax.padtype_to_pads(image[1:3], kernel, both(stride), padding.upper())
    pads = (padding, padding) if isinstance(padding, int) else padding
    return [(p, p) if isinstance(p, int) else p for p in pads]


def theirs(x, w, stride=1, padding=0, groups=1, dilation=1):
    spread = both(dilation)
    kernel = tuple((k - 1) * d + 1 for k, d in zip(w.shape[:2], spread, strict=True))
    return lax.conv_general_dilated(
        x,
        w,
        both(stride),
        explicit(x.shape, kernel, stride, padding),
        rhs_dilation=spread,
        feature_group_count=groups,
        dimension_numbers=LAYOUT,
    )


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def inputs(geometry, seed=0):
    image, kernel, filters = geometry[:3]
    channels = image[3] // windows(geometry).get("groups", 1)
    rng = np.random.default_rng(seed)
    return rng.normal(size=image), rng.normal(size=(*kernel, channels, filters))


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_value_and_gradients_are_those_of_jax(geometry):
    told = windows(geometry)
    x, w = (pb.Unit(value) for value in inputs(geometry))
    y = pb.convolve(x, w, **told)
    with_shape = jax.eval_shape(lambda a, b: theirs(a, b, **told), x.value, w.value)
    assert y.shape == with_shape.shape
    pull = np.random.default_rng(1).normal(size=y.shape)
    y.backward(pull)
    if y.size == 0 or x.size == 0:  # XLA itself refuses some of these
        assert not y.value.any()
        assert x.grad.shape == x.shape
        assert w.grad.shape == w.shape
        assert not x.grad.any()
        assert not w.grad.any()
        return

    @jax.jit
    def by_jax(a, b):
        value, back = jax.vjp(lambda a, b: theirs(a, b, **told), a, b)
        return value, back(jnp.asarray(pull))

    value, gradients = by_jax(x.value, w.value)
    np.testing.assert_allclose(y.value, value, rtol=1e-12, atol=1e-12)
    for mine, jaxs in zip((x.grad, w.grad), gradients, strict=True):
        np.testing.assert_allclose(mine, jaxs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("geometry", SMALL[1:4] + SMALL[-6:-1], ids=str)
def test_second_derivatives_are_those_of_jax(geometry):
    told = windows(geometry)
    x, w = (pb.Unit(value) for value in inputs(geometry))
    rng = np.random.default_rng(2)
    y = pb.convolve(x, w, **told)
    vectors = [rng.normal(size=u.shape) for u in (x, w)]
    got = pb.hessian_vector_product(y**3, [x, w], vectors)

    def total(a, b):
        return jnp.sum(theirs(a, b, **told) ** 3)

    bent = jax.jit(lambda here, along: jax.jvp(jax.grad(total, (0, 1)), here, along))
    _, wanted = bent((x.value, w.value), tuple(vectors))
    for mine, jaxs in zip(got, wanted, strict=True):
        np.testing.assert_allclose(mine.value, jaxs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("geometry", SMALL, ids=str)
def test_first_and_second_order_are_slopes(geometry):
    told = windows(geometry)
    rng = np.random.default_rng(3)
    arrays = inputs(geometry)
    convolved = lambda x, w: pb.convolve(x, w, **told)
    pull = rng.normal(size=np.shape(convolved(*arrays)))

    def numeric(*values):
        """The gradients by x and w, from the numeric backward pass, weighed to one number."""
        units = [pb.Unit(v) for v in values]
        pb.sum(pb.tanh(convolved(*units))).backward()
        return [u.grad for u in units]

    units = [pb.Unit(a) for a in arrays]
    y = convolved(*units)
    firsts = pb.gradient(y, units, pull)
    second = pb.hessian_vector_product(pb.tanh(y), units, weights := [np.sign(a) for a in arrays])
    for i, first in enumerate(firsts):
        weighed = lambda *v: sum(np.sum(g * w) for g, w in zip(numeric(*v), weights, strict=True))
        for along in directions(rng, first.shape)[:6]:
            wanted = np.sum(pull * slope(convolved, arrays, i, along))
            assert_close(np.sum(first.value * along), wanted)
            wanted = slope(weighed, arrays, i, along)
            assert_close(np.sum(second[i].value * along), wanted)


@pytest.mark.parametrize("others", [{}, {"groups": 2}, {"groups": 4, "dilation": (1, 2)}], ids=str)
def test_the_three_gates_are_one_sum_of_products(others):
    geometry = ((2, 7, 6, 4), (3, 2), 4, (2, 3), ((1, 0), (2, 1)), others)
    told = windows(geometry)
    x, w = inputs(geometry)
    y = np.random.default_rng(5).normal(size=pb.convolve(x, w, **told).shape)
    products = [
        np.sum(y * pb.convolve(x, w, **told)),
        np.sum(x * pb.convolve_input(y, w, size=x.shape[1:3], **told)),
        np.sum(w * pb.convolve_weights(x, y, size=w.shape[:2], **told)),
    ]
    np.testing.assert_allclose(products, products[0], rtol=1e-12)


@pytest.mark.parametrize("name", ["convolve", "convolve_input", "convolve_weights"])
@pytest.mark.parametrize("block", [1, 40, 1000])
@pytest.mark.parametrize("groups", [1, 2])
def test_blocks_of_windows_leave_no_seams(monkeypatch, name, block, groups):
    monkeypatch.setattr(convolution, "_BLOCK", block)
    rng = np.random.default_rng(6)
    x, w, y = (rng.normal(size=n) for n in ((5, 7, 6, 2), (3, 2, 2 // groups, 4), (5, 4, 3, 4)))
    given, size = {
        "convolve": ((x, w), {}),
        "convolve_input": ((y, w), {"size": (7, 6)}),
        "convolve_weights": ((x, y), {"size": (3, 2)}),
    }[name]
    static = {**size, "stride": (2, 2), "padding": ((1, 1), (0, 1))}
    static |= {"groups": groups, "dilation": (1, 1)}
    got = pb.GATES[name](*given, **static)
    np.testing.assert_allclose(got, REFERENCES[name](*given, **static), rtol=1e-12, atol=1e-12)


def test_arrays_that_do_not_lie_in_order_are_read_right():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(3, 6, 5, 4)).transpose(1, 3, 2, 0)[::-1, :, ::-1]
    w = rng.normal(size=(2, 3, 3, 2))[::-1].transpose(0, 2, 1, 3)
    x, w = pb.Unit(x), pb.Unit(w)
    y = pb.convolve(x, w)
    y.backward(np.broadcast_to(1.5, y.shape))
    value, back = jax.vjp(lambda a, b: theirs(a, b), x.value.copy(), w.value.copy())
    np.testing.assert_allclose(y.value, value, rtol=1e-12)
    for mine, jaxs in zip((x.grad, w.grad), back(jnp.full(y.shape, 1.5)), strict=True):
        np.testing.assert_allclose(mine, jaxs, rtol=1e-12)


@pytest.mark.parametrize("padding", [0, 1, (0, 1), ((0, 1), (2, 0)), "valid", "same"], ids=str)
@pytest.mark.parametrize("stride", [1, 2, (2, 3)], ids=str)
def test_a_transposed_convolution_finds_the_smallest_image(stride, padding):
    y, w = np.ones((1, 3, 2, 2)), np.ones((3, 4, 1, 2))
    x = pb.convolve_input(y, w, stride=stride, padding=padding)
    assert pb.convolve(x, w, stride=stride, padding=padding).shape == y.shape
    if padding != "same":
        for axis in (1, 2):
            less = np.delete(x, 0, axis)
            if min(less.shape) > 0:
                pads = explicit(x.shape, w.shape[:2], 1, padding)
                static = {"stride": (1, 1), "padding": pads, "groups": 1, "dilation": (1, 1)}
                with_less = REFERENCES["convolve"](less, w, **static)
                assert -(-with_less.shape[axis] // both(stride)[axis - 1]) < y.shape[axis]


def test_a_transposed_convolution_counts_the_dilation():
    y, w = np.ones((1, 3, 2, 4)), np.ones((3, 2, 2, 4))
    x = pb.convolve_input(y, w, stride=2, padding=1, groups=2, dilation=(2, 3))
    assert x.shape == (1, 2 * 2 + 5 - 2, 2 + 4 - 2, 4)


def test_a_transposed_convolution_is_jax_s():
    rng = np.random.default_rng(8)
    y, w = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(3, 2, 1, 5))
    got = pb.convolve_input(y, w, stride=2)
    wanted = lax.conv_transpose(
        y, w, (2, 2), "VALID", dimension_numbers=LAYOUT, transpose_kernel=True
    )
    np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("others", [{}, {"groups": 2, "dilation": (1, 2)}, {"groups": 4}], ids=str)
def test_the_engine_jax_has_the_three(others):
    geometry = ((2, 6, 5, 4), (3, 2), 4, (2, 1), "same", others)
    told = windows(geometry)
    x, w = inputs(geometry)
    x, w = pb.Unit(x.astype("f4"), "x"), pb.Unit(w.astype("f4"), "w")
    y = pb.convolve(x, w, **told)
    outputs = {"y": y, "dx": pb.gradient(y * y, x), "dw": pb.gradient(y * y, w)}
    got = Jax(pb.Program({"x": x, "w": w}, outputs, {}))()
    for name, unit in outputs.items():
        assert got[name].dtype == np.float32
        np.testing.assert_allclose(got[name], unit.value, rtol=1e-4, atol=1e-4)


def test_precision_is_that_of_the_wires():
    x, w = inputs(GEOMETRIES[0])
    x, w = pb.Unit(x.astype("f4")), pb.Unit(w.astype("f4"))
    y = pb.convolve(x, w)
    pb.sum(y).backward()
    assert y.dtype == np.float32
    assert {x.grad.dtype, w.grad.dtype} == {np.dtype("f4")}
    mixed = pb.convolve(x, pb.Unit(w.value.astype("f8")))
    mixed.backward()
    assert mixed.dtype == np.float64
    assert x.grad.dtype == np.float32
    grey = np.arange(32, dtype=np.uint8).reshape(1, 4, 4, 2)
    assert pb.convolve(grey, np.ones((2, 2, 2, 1), "f4")).dtype == np.float32


def test_a_nan_is_found_wherever_a_window_touches_it():
    x = np.ones((1, 4, 4, 1))
    x[0, 3, 0] = np.nan
    y = pb.convolve(x, np.ones((2, 2, 1, 1)))
    np.testing.assert_array_equal(np.argwhere(np.isnan(y)), [[0, 2, 0, 0]])


# What is refused at the door ---------------------------------------------------------------------

X, W = np.ones((2, 5, 6, 3)), np.ones((3, 3, 3, 4))
REFUSED = [
    (lambda: pb.convolve(X[0], W), r"images of shape \(N, H, W, C\), got \(5, 6, 3\); add missing"),
    (lambda: pb.convolve(1.0, W), r"images of shape \(N, H, W, C\), got \(\)"),
    (lambda: pb.convolve(X, W[0]), r"weights of shape \(KH, KW, C, F\), got \(3, 3, 4\)"),
    (
        lambda: pb.convolve(X, W[:, :, :2]),
        r"images of shape \(2, 5, 6, 3\) have 3 channels, weights of shape \(3, 3, 2, 4\) have 2",
    ),
    (lambda: pb.convolve(X, np.ones((6, 3, 3, 4))), "window of 6 x 3 is larger than images of 5 x"),
    (lambda: pb.convolve(X[:, :0], W), "larger than images of 0 x 6 .* take a smaller one"),
    (lambda: pb.convolve(X, W[:0]), "kernel of 0 x 3 has no weights"),
    (lambda: pb.convolve(X, W, stride=0), "stride must be 1 or more, got 0"),
    (lambda: pb.convolve(X, W, stride=(1, -2)), r"stride must be 1 or more, got \(1, -2\)"),
    (lambda: pb.convolve(X, W, stride=1.5), "stride must be a whole number or two, got 1.5"),
    (lambda: pb.convolve(X, W, stride=(1, 2, 3)), "stride must be a whole number or two"),
    (lambda: pb.convolve(X, W, stride=((1, 2), 3)), "stride must be a whole number or two"),
    (lambda: pb.convolve(X, W, padding=-1), "padding must be 0 or more, got -1"),
    (lambda: pb.convolve(X, W, padding="some"), "must be 'same', 'valid' or numbers, got 'some'"),
    (lambda: pb.convolve(X, W, padding=(1, 2, 3)), r"or \(\(top, bottom\), \(left, right\)\), got"),
    (lambda: pb.convolve(X, W, padding=(1, (2, 0.5))), "padding must be a whole number or two"),
    (lambda: pb.convolve(X, W, padding=None), "padding must be a whole number or two, got None"),
    (
        lambda: pb.convolve(X, W, groups=3),
        r"4 filters cannot be divided into 3 groups .* a number of groups that divides 4",
    ),
    (lambda: pb.convolve(X, W, groups=2), "3 channels cannot be divided into 2 groups"),
    (
        lambda: pb.convolve(X, np.ones((3, 3, 3, 6)), groups=3),
        r"have 1 channels in each of 3 groups, weights of shape \(3, 3, 3, 6\) have 3; axis 2",
    ),
    (lambda: pb.convolve(X, W, groups=0), "groups must be 1 or more, got 0"),
    (lambda: pb.convolve(X, W, groups=(1, 1)), r"groups must be a whole number, got \(1, 1\)"),
    (lambda: pb.convolve(X, W, dilation=0), "dilation must be 1 or more, got 0"),
    (lambda: pb.convolve(X, W, dilation=(1, 1.5)), "dilation must be a whole number or two"),
    (
        lambda: pb.convolve(X, W, dilation=(1, 3)),
        r"window of 3 x 3, with dilation \(1, 3\) of 3 x 7, is larger than images of 5 x 6",
    ),
    (lambda: pb.convolve_input(X, W[..., :3], groups=2), "3 filters cannot be divided into 2"),
    (lambda: pb.convolve_weights(X, X, size=1, groups=2), "3 channels cannot be divided into 2"),
    (lambda: pb.convolve_weights(X, X, size=2, dilation=0), "dilation must be 1 or more, got 0"),
    (lambda: pb.convolve_input(X, W), "y of shape .* have 3 filters, weights of .* have 4"),
    (
        lambda: pb.convolve_input(X, np.ones((3, 3, 2, 3)), size=(9, 9)),
        "an image of 9 x 9 has outputs of 7 x 7, but y is of shape .* leave out size",
    ),
    (lambda: pb.convolve_input(X[:, :1], np.ones((1, 1, 2, 3)), padding=1), "size must be 1 or mo"),
    (lambda: pb.convolve_weights(X, X[:1], size=2), "have 2 images in the batch, y of shape"),
    (lambda: pb.convolve_weights(X, X, size=2), "has outputs of 4 x 5, but y is of shape"),
    (lambda: pb.convolve_weights(X, X, size=0), "size must be 1 or more, got 0"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_bad_arguments_are_refused_and_the_cure_is_named(call, message):
    with pytest.raises(pb.CircuitError, match=message):
        call()


@pytest.mark.parametrize(
    ("name", "given", "static"),
    [
        ("convolve", (X, W[:, :, :2]), {}),
        ("convolve", (X[:, :2], W), {}),
        ("convolve_input", (X, np.ones((3, 3, 2, 3))), {"size": (9, 9)}),
        ("convolve_input", (X, W), {"size": (7, 8)}),
        ("convolve_weights", (X, X), {"size": (2, 2)}),
        ("convolve_weights", (X, X), {"size": (9, 9)}),
        ("convolve", (X, W), {"groups": 3}),
        ("convolve", (X, W[:, :, :1]), {"groups": 2}),
        ("convolve", (X, W[:, :, :1]), {"groups": 3}),
        ("convolve", (X, W), {"dilation": (2, 3)}),
        ("convolve_input", (X, np.ones((3, 3, 1, 3))), {"size": (7, 8), "groups": 2}),
        ("convolve_input", (X, np.ones((3, 3, 1, 6))), {"size": (7, 8), "groups": 3}),
        ("convolve_input", (X, np.ones((3, 3, 2, 3))), {"size": (7, 8), "dilation": (2, 1)}),
        ("convolve_weights", (X, np.ones((2, 5, 6, 4))), {"size": (1, 1), "groups": 3}),
        ("convolve_weights", (X, np.ones((2, 5, 6, 4))), {"size": (1, 1), "groups": 2}),
        ("convolve_weights", (X, X), {"size": (2, 2), "dilation": (3, 2)}),
    ],
)
def test_a_bare_gate_reads_nothing_beyond_its_arrays(name, given, static):
    plain = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "groups": 1, "dilation": (1, 1)}
    with pytest.raises(pb.CircuitError, match=f"{name} cannot take"):
        pb.GATES[name](*given, **plain | static)


def test_stride_and_padding_may_be_numpy_s():
    wanted = pb.convolve(X, W, stride=(2, 1), padding=((1, 1), (0, 2)))
    got = pb.convolve(X, W, stride=np.array([2, 1]), padding=(np.int64(1), np.array([0, 2])))
    np.testing.assert_array_equal(got, wanted)
    others = {"groups": np.int64(1), "dilation": np.array([1, 2])}
    y = pb.convolve(pb.Unit(X), W, stride=np.array([2, 1]), padding=np.int64(1), **others)
    static = y.static
    windows = {"stride": (2, 1), "padding": ((1, 1), (1, 1)), "groups": 1, "dilation": (1, 2)}
    assert static == windows
    numbers = itertools.chain(static["stride"], *static["padding"], static["dilation"])
    assert all(type(n) is int for n in (*numbers, static["groups"]))
