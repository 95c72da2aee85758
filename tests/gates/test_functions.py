"""The functions that users call: NumPy's arguments, NumPy's answers, errors that name the cure."""

import numpy as np
import pytest
from tests.gates.differences import assert_close, directions, slope
from tests.gates.reference import threefry

import pullback as pb

X = np.arange(24.0).reshape(2, 3, 4) / 10.0 - 1.0
M = np.array([[0.3, -1.2, 2.0], [0.5, 0.1, -0.7]])


def check(function, *arrays):
    """The gradient of sum(weights * function) by each array is its slope; returns the value."""
    rng = np.random.default_rng(3)
    xs = [pb.Unit(x) for x in arrays]
    y = function(*xs)
    weights = rng.normal(size=y.shape)
    y.backward(weights)
    for i, x in enumerate(xs):
        for along in directions(rng, x.shape):
            wanted = np.sum(weights * slope(function, arrays, i, along))
            assert_close(np.sum(x.grad * along), wanted)
    return y.value


AXES = [None, 0, 1, -1, np.int64(1), (0, 2), (-1, 0), [1, 2], ()]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min"])
def test_reductions_take_the_axes_that_numpy_takes(name, axis, keepdims):
    shuffled = np.random.default_rng(0).permutation(X.ravel()).reshape(X.shape)
    function = getattr(pb, name)
    value = check(lambda x: function(x, axis=axis, keepdims=keepdims), shuffled)
    numpy_axis = tuple(axis) if isinstance(axis, list) else axis
    wanted = getattr(np, name)(shuffled, axis=numpy_axis, keepdims=keepdims)
    np.testing.assert_allclose(value, wanted)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions_of_extremes(name, axis):
    got = getattr(pb, name)(pb.Unit(M), axis=axis)
    wanted = getattr(np, name)(M, axis=axis)
    np.testing.assert_array_equal(got.value, wanted)
    assert got.dtype.kind == "i"
    assert getattr(pb, name)([1.0, 1.0, 0.0, 0.0]) == {"argmax": 0, "argmin": 2}[name]


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 1), None])
def test_softmax_family_agrees_with_itself(axis):
    probabilities = check(lambda x: pb.softmax(x, axis), M)
    logs = check(lambda x: pb.log_softmax(x, axis), M)
    total = check(lambda x: pb.logsumexp(x, axis, keepdims=True), M)
    np.testing.assert_allclose(np.log(probabilities), logs)
    np.testing.assert_allclose(M - total, logs)
    np.testing.assert_allclose(probabilities.sum(axis), np.ones_like(probabilities.sum(axis)))


def test_softmax_family_at_huge_and_infinite_scores():
    np.testing.assert_array_equal(pb.softmax([1e308, -1e308]), [1.0, 0.0])
    np.testing.assert_array_equal(pb.softmax([0.0, -np.inf]), [1.0, 0.0])
    np.testing.assert_array_equal(pb.log_softmax([0.0, -np.inf]), [0.0, -np.inf])
    assert pb.logsumexp([-np.inf, -np.inf]) == -np.inf
    assert pb.logsumexp([np.inf, 0.0]) == np.inf
    assert np.isnan(pb.logsumexp([np.nan, 0.0]))
    x = pb.Unit([1000.0, 999.0, -1000.0])
    pb.logsumexp(x).backward()
    np.testing.assert_allclose(x.grad, pb.softmax(x.value))


def test_mean_and_sum_of_nothing():
    assert pb.sum(np.zeros((0, 3))) == 0.0
    assert np.isnan(pb.mean(np.zeros(0)))
    x = pb.Unit(np.zeros((0, 3)))
    pb.sum(x).backward()
    assert x.grad.shape == (0, 3)
    with pytest.raises(pb.CircuitError, match="max cannot take"):
        pb.max(pb.Unit(np.zeros(0)))


KEYS = [
    *(0, -1, np.int64(1), slice(None), slice(1, None), slice(None, None, -1), slice(5, 9)),
    *(slice(-9, None, -1), slice(2, 0, -1), slice(None, None, 2), ..., None),
    *((0, 1), (slice(None), 2), (..., 0), (0, ..., -1), (None, 0), (..., None, slice(0, 3, 2))),
    *((slice(None, None, -2), 1, slice(3, None, -3)), (1, 2, 3), (slice(0, 0),), ()),
    *(np.array([1, 0, 1]), [0, -1], np.array([[0, 1], [1, 1]]), np.array(1)),
    *([], [[]], np.zeros((2, 0), int)),
    *((slice(None), [0, 2]), (..., [1, 0]), ([0, 1], slice(1, 3)), (1, [0, 2]), ([0, 1], [2, -1])),
    *(([0, 1], slice(None), [2, -1]), (0, slice(None), [3, 0]), (slice(1), [[0], [2]], [1, 3])),
    *((None, [0, 1], [1, 2]), ([0, 1], None, [1, 2]), (slice(None), [0, 1], None, [1, 2])),
    *(([0, 1], [[0], [1]], 3), (slice(None), np.array(1), [0, 1]), range(2), (..., range(1, 3))),
    *(X > 0.3, X[..., 0] > 9, X[..., 0] > 0, (X[:, 0, 0] > -1), np.array([True, False])),
    *((slice(None), X[0] > 0.0), (..., X[0, 0] > -0.8), (X[:, 0, 0] < 0.0, [0, 2])),
    *((1, X[0] < 0.0), (X[..., 0] > 0, 1), (slice(None, None, -1), [True, False, True], 0)),
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_indexing_is_numpy_s(key):
    value = check(lambda x: pb.getitem(x, key), X)
    np.testing.assert_array_equal(value, X[key])
    assert np.shape(value) == X[key].shape
    np.testing.assert_array_equal(pb.Unit(X)[key].value, X[key])


@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
def test_no_rows_are_taken_and_added_to(engine):
    if engine == "jax":
        pytest.importorskip("jax")
    x = pb.Unit(X, "x")
    y = pb.sum(x[[]]) + pb.sum(pb.scatter_add(x, [], X[:0]))
    taken, dx = pb.Circuit([x[[]], *pb.gradient(y, [x])]).compile(engine)()
    assert taken.shape == X[[]].shape
    np.testing.assert_array_equal(dx, np.ones_like(X))


def test_a_wire_of_integers_indexes_too():
    row = pb.Unit(np.array(1), "row")
    y = pb.Unit(X)[row]
    np.testing.assert_array_equal(y.value, X[1])
    row.value = np.array(0)
    np.testing.assert_array_equal(y.forward(), X[0])
    row.value = np.array(2)
    with pytest.raises(pb.CircuitError, match=r"take cannot take .* and 'row' of shape"):
        y.forward()


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (2, "index 2 is out of bounds for axis 0"),
        ((0, -4), "index -4 is out of bounds for axis 1"),
        ((0, 0, 0, 0), "too many indices"),
        ((..., ...), "too many indices"),
        ("a", "must be an integer, a slice"),
        (True, "must be an integer, a slice"),
        (1.0, "must be an integer, a slice"),
        ((0, slice(None, None, 0)), r"slice\(None, None, 0\) cannot slice axis 1 .* step"),
        (slice(0.5, None), "cannot slice axis 0 of shape .* must be integers"),
        ((slice(None), np.array([0, 3])), "index 3 is out of bounds for axis 1 of shape"),
        ((np.array([0, -3]), 0), "index -3 is out of bounds for axis 0 of shape"),
        ((0, slice(None), np.array([0, 4])), "index 4 is out of bounds for axis 2 of shape"),
        (([0, 1], [0, 1, 2]), "shape"),
        (np.array([True, False, True]), r"a mask of shape \(3,\) cannot choose from axis 0"),
        ((0, np.ones((3, 3), bool)), r"a mask of shape \(3, 3\) cannot choose from axis 1"),
        (np.ones((2, 3, 4, 1), bool), "too many indices"),
        (np.array(True), "must be an integer, a slice"),
        ([0.5], "integer indices"),
        (np.zeros(0), "integer indices, got float64"),
    ],
)
def test_wrong_indices_are_refused(key, message):
    with pytest.raises(pb.CircuitError, match=message):
        pb.getitem(pb.Unit(X), key)


def test_take_and_scatter_add_along_every_axis():
    indices = np.array([[0, 1], [1, -1]])
    for axis in (0, 1, 2, -1):
        value = check(lambda x, axis=axis: pb.take(x, indices, axis), X)
        np.testing.assert_array_equal(value, np.take(X, indices, axis))
        added = check(lambda x, u, axis=axis: pb.scatter_add(x, indices, u, axis), X, value)
        wanted = X.copy()
        where = (slice(None),) * (axis % 3) + (indices,)
        np.add.at(wanted, where, value)
        np.testing.assert_allclose(added, wanted)
    with pytest.raises(pb.CircuitError, match=r"updates of shape \(2, 3\)"):
        pb.scatter_add(np.zeros((4, 3)), [0, 1], np.zeros((3, 3)))
    with pytest.raises(pb.CircuitError, match="out of bounds"):
        pb.scatter_add(np.zeros(3), [3], [1.0])
    with pytest.raises(pb.CircuitError, match="'table'"):
        pb.take(pb.Unit(np.zeros(3), "table"), [3])


STRETCHED = [  # an axis of size 1 meets a longer one
    ("bij,bjk->bik", (1, 2, 3), (5, 3, 4)),
    ("bij,bjk->bik", (5, 2, 1), (1, 3, 4)),
    ("ij,jk,kl->il", (2, 3), (1, 1), (4, 2)),
    ("ii,i->i", (3, 3), (1,)),
    ("ii,i->i", (1, 1), (3,)),
    ("ij,ij->", (1, 3), (2, 1)),
    ("i,i->i", (1,), (0,)),
    ("...ij,...j->...i", (1, 2, 3), (4, 1)),
]
EINSUMS = [
    *STRETCHED,
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ij->ji", (2, 3)),
    ("ij->", (2, 3)),
    ("ij->i", (2, 3)),
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("iij->j", (3, 3, 2)),
    ("i,j->ij", (2,), (3,)),
    ("i,i", (3,), (3,)),
    (",i->i", (), (3,)),
    ("bij,bj,k->bk", (2, 3, 4), (2, 4), (3,)),
    ("...ij,...jk->...ik", (2, 2, 3), (2, 3, 4)),
    ("...i,...i->...", (1, 3), (2, 3)),
    ("...i,i", (2, 2, 3), (3,)),
    ("ij,j->i", (2, 3), (1,)),
    ("b...,b...->b...", (2, 3), (2, 3)),
    ("i...->...", (2, 3, 2)),
]


@pytest.mark.parametrize("case", EINSUMS, ids=lambda case: case[0])
def test_einsum_is_numpy_s(case):
    subscripts, *shapes = case
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=shape) for shape in shapes]
    value = check(lambda *xs: pb.einsum(subscripts, *xs), *arrays)
    np.testing.assert_allclose(value, np.einsum(subscripts, *arrays))


def test_einsum_of_single_precision_stays_single():
    x = np.ones((3, 3), np.float32)
    for subscripts in ("ii->i", "ii", "ij->ji"):
        assert pb.einsum(subscripts, pb.Unit(x)).dtype == np.einsum(subscripts, x).dtype


@pytest.mark.parametrize("engine", ["native", "jax"])
def test_einsums_compile_whatever_is_stretched(engine):
    if engine == "jax":
        pytest.importorskip("jax")
    rng = np.random.default_rng(2)
    outputs = []
    for subscripts, *shapes in STRETCHED:
        xs = [pb.Unit(rng.normal(size=shape)) for shape in shapes]
        y = pb.einsum(subscripts, *xs)
        first = pb.gradient(pb.sum(y * y), xs)
        outputs += [y, *first]
        if engine == "native" and shapes[0] == (1, 2, 3):
            outputs += pb.gradient(sum(pb.sum(d * d) for d in first), xs)
    for got, wire in zip(pb.Circuit(outputs).compile(engine)(), outputs, strict=True):
        np.testing.assert_allclose(got, wire.value, rtol=1e-9, atol=1e-12)


def test_einsum_refuses_what_does_not_fit():
    with pytest.raises(pb.CircuitError, match="names 2 operands, got 1"):
        pb.einsum("i,i", M)
    with pytest.raises(pb.CircuitError, match="does not fit an operand of shape"):
        pb.einsum("i", M)
    with pytest.raises(pb.CircuitError, match="einsum cannot take 'a' of shape"):
        pb.einsum("ij,jk->ik", pb.Unit(M, "a"), M)
    with pytest.raises(pb.CircuitError, match=r"shape \(1, 3\) has no diagonal for 'i' of 'ii'"):
        pb.einsum("ii->i", np.ones((1, 3)))


PRODUCTS = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 5)),
    ((4, 2, 3), (3, 2)),
    ((2, 3), (4, 3, 2)),
    ((2, 1, 2, 3), (3, 3, 1)),
    ((1, 1), (1, 1)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
]


@pytest.mark.parametrize(("left", "right"), PRODUCTS)
def test_matmul_is_numpy_s(left, right):
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=left), rng.normal(size=right)
    np.testing.assert_allclose(check(pb.matmul, a, b), a @ b, atol=1e-14)
    np.testing.assert_allclose((pb.Unit(a) @ b).value, a @ b, atol=1e-14)
    np.testing.assert_allclose((a @ pb.Unit(b)).value, a @ b, atol=1e-14)


def test_matmul_refuses_what_does_not_fit():
    with pytest.raises(pb.CircuitError, match=r"\(2, 3\) and \(2, 3\)"):
        pb.matmul(M, M)
    with pytest.raises(pb.CircuitError, match="multiply numbers with"):
        pb.matmul(pb.Unit(2.0), M)
    with pytest.raises(pb.CircuitError, match="'a' of shape"):
        pb.matmul(pb.Unit(np.ones((2, 2, 3)), "a"), np.ones((3, 3, 1)))


def test_shapes_move_as_numpy_s():
    for shape in [(6, 4), (-1, 4), 24, -1, (2, -1, 2), np.int64(24), [4, 6]]:
        np.testing.assert_array_equal(
            check(lambda x, s=shape: pb.reshape(x, s), X), X.reshape(shape)
        )
    assert pb.Unit(X).reshape(6, 4).shape == pb.Unit(X).reshape((6, 4)).shape == (6, 4)
    for axes in [None, (2, 0, 1), (-1, 1, 0)]:
        value = check(lambda x, a=axes: pb.transpose(x, a), X)
        np.testing.assert_array_equal(value, np.transpose(X, axes))
    np.testing.assert_array_equal(pb.Unit(X).T.value, X.T)
    for a, b in [(0, 2), (-1, 1), (1, 1)]:
        value = check(lambda x, a=a, b=b: pb.swapaxes(x, a, b), X)
        np.testing.assert_array_equal(value, np.swapaxes(X, a, b))
    for axis in (0, 3, -1, -4):
        assert pb.expand_dims(X, axis).shape == np.expand_dims(X, axis).shape
    for axis in (None, 0, (0, -1)):
        assert pb.squeeze(X[:1, :, :1], axis).shape == np.squeeze(X[:1, :, :1], axis).shape
    for shape in [(5, 2, 3, 4), (2, 3, 4)]:
        value = check(lambda x, s=shape: pb.broadcast_to(x, s), X[:, :1])
        np.testing.assert_array_equal(value, np.broadcast_to(X[:, :1], shape))
    np.testing.assert_array_equal(pb.broadcast_to(1.0, 3), [1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    "call",
    [
        lambda x: pb.reshape(x, (5, 5)),
        lambda x: pb.reshape(x, (-1, 5)),
        lambda x: pb.reshape(x, (2.5, 4)),
        lambda x: pb.transpose(x, (0, 5, 1)),
        lambda x: pb.transpose(x, (0, 1)),
        lambda x: pb.transpose(x, (0, 0, 1)),
        lambda x: pb.swapaxes(x, 0, 3),
        lambda x: pb.expand_dims(x, 5),
        lambda x: pb.squeeze(x, 0),
        lambda x: pb.sum(x, axis=3),
        lambda x: pb.sum(x, axis=(0, -3)),
        lambda x: pb.sum(x, axis=0.5),
        lambda x: pb.broadcast_to(x, (2, 3)),
        lambda x: pb.concatenate([]),
        lambda x: pb.concatenate([x], axis=3),
        lambda x: pb.concatenate([x, x[0]]),
        lambda x: pb.stack([]),
        lambda x: pb.stack([x], axis=5),
        lambda x: pb.stack([x, x[0]]),
        lambda x: pb.pad(x, (1, 2, 3)),
        lambda x: pb.pad(x, -1),
        lambda x: pb.astype(x, "complex128"),
        lambda x: pb.sum_to(x, shape=(5,)),
        lambda x: pb.embed(x, (1, 1, 1), ((0, 2, 1), (0, 3, 1), (0, 4, 1))),
    ],
)
def test_what_does_not_fit_is_refused_with_a_circuit_error(call):
    with pytest.raises(pb.CircuitError):
        call(pb.Unit(X, "x"))


def test_joining_along_every_axis():
    for axis in (0, 1, -1):
        value = check(lambda a, b, axis=axis: pb.concatenate([a, b], axis), X, X + 1.0)
        np.testing.assert_array_equal(value, np.concatenate([X, X + 1.0], axis))
    for axis in (0, 1, 3, -1, -4):
        value = check(lambda a, b, axis=axis: pb.stack([a, b], axis), X, X + 1.0)
        np.testing.assert_array_equal(value, np.stack([X, X + 1.0], axis))
    a, b = pb.units(a=1.0, b=2.0)
    pair = pb.stack([a, b, 3.0])
    pair.backward([1.0, 2.0, 4.0])
    assert (a.grad, b.grad) == (1.0, 2.0)


@pytest.mark.parametrize("value", [0.0, 7.5, 1e17, np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("width", [1, (0, 2), [(1, 0), (0, 0), (2, 3)]], ids=str)
def test_padding_is_numpy_s_and_leaves_the_inside_exact(width, value):
    got = check(lambda x: pb.pad(x, width, 0.0), X)
    np.testing.assert_array_equal(got, np.pad(X, width))
    wanted = np.pad(X, width, constant_values=value)
    np.testing.assert_array_equal(pb.pad(pb.Unit(X), width, value).value, wanted)
    assert pb.pad(X.astype("f4"), width, value).dtype == np.float32


def test_threefry_has_the_published_vectors():
    """Of the reference implementation: all zeros, all ones, and digits of pi."""
    vectors = [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((2**32 - 1, 2**32 - 1), (2**32 - 1, 2**32 - 1), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ]
    for key, counter, wanted in vectors:
        assert threefry(key, counter) == wanted
        words = pb.gates.random.threefry(
            np.uint32, *(tuple(np.array([k], np.uint32) for k in pair) for pair in (key, counter))
        )
        assert tuple(int(w[0]) for w in words) == wanted


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_random_numbers_have_their_distribution(dtype):
    u = pb.random((200, 200), seed=3, dtype=dtype)
    assert u.dtype == dtype
    assert u.min() >= 0.0
    assert u.max() < 1.0
    np.testing.assert_allclose(u.mean(), 0.5, atol=0.01)
    np.testing.assert_allclose(u.var(), 1.0 / 12.0, atol=0.002)
    z = pb.random((200, 200), seed=3, kind="normal", dtype=dtype)
    assert z.dtype == dtype
    np.testing.assert_allclose([z.mean(), z.std(), (z**3).mean()], [0.0, 1.0, 0.0], atol=0.03)
    np.testing.assert_allclose((z**4).mean(), 3.0, atol=0.1)


def test_random_numbers_are_a_function_of_seed_step_and_stream():
    draws = [
        pb.random(8, seed=seed, step=step, stream=stream)
        for seed in (0, 1, 2**32 - 1)
        for step in (0, 1)
        for stream in (0, 1)
    ]
    assert len({tuple(d) for d in draws}) == len(draws)
    np.testing.assert_array_equal(pb.random(8, seed=1), pb.random(8, seed=1))
    step = pb.Unit(0.0, "step")
    y = pb.random((8,), seed=1, step=step)
    np.testing.assert_array_equal(y.value, pb.random(8, seed=1, step=0))
    step.value = 5
    np.testing.assert_array_equal(y.forward(), pb.random(8, seed=1, step=5))


@pytest.mark.parametrize("bad", [-1, 2**32, 0.5, np.nan, np.inf])
def test_random_refuses_seeds_that_are_no_words(bad):
    for name in ("seed", "step", "stream"):
        with pytest.raises(pb.CircuitError, match=f"whole number from 0 to .* as {name}"):
            pb.random(2, **{name: bad})
    with pytest.raises(pb.CircuitError, match="kind must be"):
        pb.random(2, kind="triangular")


def test_choosing_pulls_only_the_side_that_came_through():
    a, b = pb.units(a=[1.0, 2.0], b=[3.0, 4.0])
    y = pb.where(np.array([True, False]), a, b)
    y.backward()
    np.testing.assert_array_equal(y.value, [1.0, 4.0])
    np.testing.assert_array_equal(a.grad, [1.0, 0.0])
    np.testing.assert_array_equal(b.grad, [0.0, 1.0])
