"""The words of `Code` do what they say: compiled, and in Python's own run of them, alike."""

import math
import operator
import os
import subprocess
import sys
from itertools import count

import numpy as np
import pytest
from tests.engines.interpreted import DTYPES, Machine, Region
from tests.engines.native.calling import call_address, elementwise, kind

from pullback.engines.native import store, target
from pullback.engines.native.code import Code
from pullback.engines.native.kernels.pack import copy_line
from pullback.engines.native.target import host, symbol

names = count()
rng = np.random.default_rng(0)


def compiled(body, kinds, given):
    """Run what a body records as machine code."""
    k = Code(f"test_code_{next(names)}", kinds, host())
    body(k, *k.arguments)
    store.load(*k.needs.values())
    target.load([host().object_code(k.text())])
    call_address(target.address(k.name), kinds, *given)


def interpreted(body, kinds, given):
    """Run the same words in Python."""
    k = Machine([Region(x) for x in given if isinstance(x, np.ndarray)])
    given = [x.ctypes.data if isinstance(x, np.ndarray) else x for x in given]
    with np.errstate(all="ignore"):
        body(k, *(k.constant(x, kind) for x, kind in zip(given, kinds, strict=True)))


def ran(body, y, *given):
    """What a body leaves in array y, both ways alike; it may have more arrays, and numbers."""
    kinds = [
        "p" if isinstance(x, np.ndarray) else "i8" if isinstance(x, int) else kind(type(x))
        for x in (y, *given)
    ]
    mine, pythons = y.copy(), y.copy()
    compiled(body, kinds, (mine, *given))
    interpreted(body, kinds, (pythons, *given))
    np.testing.assert_array_equal(mine, pythons, strict=True)
    return mine


def of_kinds(body, *kinds):
    """A body that is given its first arguments as arrays of these kinds."""

    def wrapped(k, *given):
        arrays = [k.array(x, kind) for x, kind in zip(given, kinds, strict=False)]
        body(k, *arrays, *given[len(kinds) :])

    return wrapped


def applied(word, made, *xs, lanes):
    """What a word, given k and numbers from these arrays, makes of them; `made` is its kind."""

    def body(k, y, *arrays):
        for i in range(0, len(xs[0]), lanes):
            y.store(i, word(k, *(x.load(i, lanes) for x in arrays)))

    y = np.zeros(len(xs[0]), DTYPES[made])
    return ran(of_kinds(body, made, *(kind(x.dtype) for x in xs)), y, *xs)


def assert_same_bits(found, expected):
    np.testing.assert_array_equal(found, expected, strict=True)
    if found.dtype.kind == "f":
        number = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(found[number]), np.signbit(expected[number]))


SPECIAL = [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 1e30]
FLOATS, WHOLE = ("f4", "f8"), ("i8", "i4", "u4", "u8")


def numbers(of):
    """Sixteen numbers of a kind, and sixteen others."""
    if of == "b1":
        return np.arange(16) % 2 == 0, np.arange(16) % 4 < 2
    if of[0] == "f":
        return np.array([*SPECIAL] * 2, of), np.array([*np.roll(SPECIAL, 3), *SPECIAL], of)
    ends = np.iinfo(of)
    x = rng.integers(ends.min, ends.max, 16, of, endpoint=True)
    return x, np.array([*x[:4], *rng.integers(0, 30, 12)], of)


# Numbers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lanes", [1, 16])
@pytest.mark.parametrize("of", [*FLOATS, *WHOLE])
@pytest.mark.parametrize("name", ["add", "sub", "mul"])
def test_arithmetic_is_numpys(name, of, lanes):
    x, y = numbers(of)
    word = getattr(operator, name)
    with np.errstate(all="ignore"):
        expected = word(x, y)
    assert_same_bits(applied(lambda k, a, b: word(a, b), of, x, y, lanes=lanes), expected)


@pytest.mark.parametrize("lanes", [1, 16])
@pytest.mark.parametrize("of", FLOATS)
def test_floats_are_divided_as_in_numpy(of, lanes):
    x, y = numbers(of)
    with np.errstate(all="ignore"):
        expected = x / y
    assert_same_bits(applied(lambda k, a, b: a / b, of, x, y, lanes=lanes), expected)


@pytest.mark.parametrize("lanes", [1, 8])
@pytest.mark.parametrize("of", WHOLE)
def test_whole_numbers_have_quotients_rests_and_shifts(of, lanes):
    x, _ = numbers(of)
    positive, by = (x // 2 if of[0] == "u" else abs(x // 2)), np.arange(1, 17).astype(of)
    for word in (operator.floordiv, operator.mod):
        found = applied(lambda k, a, b, word=word: word(a, b), of, positive, by, lanes=lanes)
        assert_same_bits(found, word(positive, by))
    for word in (operator.lshift, operator.rshift):  # to the right the sign comes after
        found = applied(lambda k, a, b, word=word: word(a, b), of, x, by, lanes=lanes)
        assert_same_bits(found, word(x, by))


@pytest.mark.parametrize("of", ["u4", "u8"])
def test_without_a_sign_the_largest_numbers_are_divided_too(of):
    x = np.array([np.iinfo(of).max, np.iinfo(of).max - 1], of)
    by = np.array([2, 10], of)
    assert_same_bits(applied(lambda k, a, b: a // b, of, x, by, lanes=1), x // by)
    assert_same_bits(applied(lambda k, a, b: a % b, of, x, by, lanes=1), x % by)


@pytest.mark.parametrize("lanes", [1, 16])
@pytest.mark.parametrize("of", [*WHOLE, "b1"])
def test_bits_are_joined_and_turned(of, lanes):
    x, y = numbers(of)
    for word in (operator.and_, operator.or_, operator.xor):
        found = applied(lambda k, a, b, word=word: word(a, b), of, x, y, lanes=lanes)
        assert_same_bits(found, word(x, y))
    assert_same_bits(applied(lambda k, a: ~a, of, x, lanes=lanes), ~x)


@pytest.mark.parametrize("lanes", [1, 16])
@pytest.mark.parametrize("of", [*FLOATS, "i8", "i4"])
def test_a_sign_is_changed_also_of_zero(of, lanes):
    x, _ = numbers(of)
    found = applied(lambda k, a: -a, of, x, lanes=lanes)
    assert_same_bits(found, -x)
    if of[0] == "f":
        np.testing.assert_array_equal(np.signbit(found), ~np.signbit(x))


@pytest.mark.parametrize("lanes", [1, 8])
def test_pythons_numbers_are_of_the_kind_that_they_meet(lanes):
    x = np.arange(8, dtype="f4") + 3
    for word in (
        lambda x: 0.1 + x, lambda x: x - 7, lambda x: 7 - x, lambda x: 2 * x, lambda x: 1 / x,
    ):  # fmt: skip
        assert_same_bits(applied(lambda k, a, word=word: word(a), "f4", x, lanes=lanes), word(x))


def test_one_number_meets_many():
    x = np.arange(8.0)

    def body(k, y, x):
        many, one = x.load(0, 8), x[3]
        y.store(0, many * one - one / (many + 1.0))
        y.store(8, k.select(many < one, one, many))

    y = ran(of_kinds(body, "f8", "f8"), np.zeros(16), x)
    np.testing.assert_array_equal(y, [*(x * 3 - 3 / (x + 1)), *np.where(x < 3, 3, x)])


@pytest.mark.parametrize("lanes", [1, 16])
@pytest.mark.parametrize("of", [*FLOATS, *WHOLE, "b1"])
@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge", "eq", "ne"])
def test_comparisons_are_numpys(name, of, lanes):
    x, y = numbers(of)
    word = getattr(operator, name)
    found = applied(lambda k, a, b: word(a, b), "b1", x, y, lanes=lanes)
    assert_same_bits(found, word(x, y))


@pytest.mark.parametrize("lanes", [1, 16])
@pytest.mark.parametrize("of", [*FLOATS, "i8", "b1"])
def test_one_of_two_is_selected(of, lanes):
    x, y = numbers(of)
    which = np.arange(16) % 3 == 0
    found = applied(lambda k, c, a, b: k.select(c, a, b), of, which, x, y, lanes=lanes)
    assert_same_bits(found, np.where(which, x, y))


@pytest.mark.parametrize("lanes", [1, 8])
@pytest.mark.parametrize("of", FLOATS)
def test_multiply_and_add(of, lanes):
    x, y, z = (rng.integers(-9, 9, 8).astype(of) for _ in range(3))
    found = applied(lambda k, *abc: k.muladd(*abc), of, x, y, z, lanes=lanes)
    assert_same_bits(found, x * y + z + 0)
    found = applied(lambda k, a: k.muladd(a, 2.0, 0.5), of, x, lanes=lanes)
    assert_same_bits(found, x * np.asarray(2, of) + np.asarray(0.5, of))


KINDS = ["f2", "f4", "f8", "b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]


@pytest.mark.parametrize("lanes", [1, 16])
@pytest.mark.parametrize("to", KINDS[1:])
@pytest.mark.parametrize("of", KINDS)
def test_conversions_are_numpys(of, to, lanes):
    if of == "b1":
        x = np.arange(16) % 2 == 0
    elif of[0] == "f":
        low = 0 if to[0] == "u" else -100
        x = rng.uniform(low, 100, 16).astype(of)
    else:
        ends = np.iinfo(of) if to[0] in "iub" else np.iinfo("i1" if of[0] == "i" else "u1")
        x = rng.integers(ends.min, ends.max, 16, of, endpoint=True)
        x[:2] = 0
    found = applied(lambda k, a: k.convert(a, to), to, x, lanes=lanes)
    assert_same_bits(found, x.astype(DTYPES[to]))


def test_no_halves_are_made():
    """Where a processor has no instruction for it, LLVM would call a function that is not there."""
    with pytest.raises(TypeError, match="none are made"):
        applied(lambda k, a: k.convert(a, "f2"), "f2", np.ones(16), lanes=16)


@pytest.mark.parametrize("lanes", [1, 16])
@pytest.mark.parametrize("to", ["f4", "f8", "b1"])
def test_every_half_is_widened_exactly(to, lanes):
    halves = np.arange(1 << 16, dtype="u2").view("f2")
    x = np.concatenate([halves[:32], halves[0x3F8::0x400], halves[0x400::0x400], halves[-1:]])
    x = np.resize(x, 192)
    found = applied(lambda k, a: k.convert(a, to), to, x, lanes=lanes)
    assert_same_bits(found, x.astype(DTYPES[to]))


def test_what_is_not_zero_is_true_and_nan_is_not_zero():
    x = np.array([0.0, -0.0, np.nan, 1e-300])
    found = applied(lambda k, a: k.convert(a, "b1"), "b1", x, lanes=1)
    assert found.tolist() == [False, False, True, True]


def test_out_of_range_a_cut_is_one_and_the_same_number():
    x = np.array([np.nan, np.inf, 1e300, -1e300])
    y = np.ones(4, bool)

    def body(k, y, x):
        for i in range(4):
            cut = k.convert(x[i], "i8")
            y[i] = (cut == cut) & (cut - cut == 0)

    kinds = ["p", "p"]
    compiled(of_kinds(body, "b1", "f8"), kinds, (y, x))
    assert y.all()


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize(("of", "to"), [("f4", "i4"), ("i4", "f4"), ("f8", "i8"), ("i8", "f8")])
def test_bits_are_read_as_another_kind(of, to, lanes):
    x = np.array([*SPECIAL]).astype(of) if of[0] == "f" else np.array([*SPECIAL], to).view(of)
    found = applied(lambda k, a: k.bits(a, to), to, x, lanes=lanes)
    np.testing.assert_array_equal(found.view("u1"), x.view("u1"))


@pytest.mark.parametrize("lanes", [1, 8])
@pytest.mark.parametrize("of", FLOATS)
def test_intrinsics_are_numpys(of, lanes):
    x, y = np.array([*SPECIAL], of), np.roll(np.array([*SPECIAL], of), 3)
    expected = {"fabs": np.abs, "sqrt": np.sqrt, "floor": np.floor, "rint": np.rint}
    with np.errstate(invalid="ignore"):
        for name, function in expected.items():
            found = applied(lambda k, a, n=name: k.intrinsic(n, a), of, x, lanes=lanes)
            assert_same_bits(found, function(x))
    found = applied(lambda k, a, b: k.intrinsic("copysign", a, b), of, x, y, lanes=lanes)
    assert_same_bits(found, np.copysign(x, y))
    found = applied(lambda k, a, b: k.intrinsic("pow", a, b), of, np.abs(x), y, lanes=lanes)
    with np.errstate(all="ignore"):
        assert_same_bits(found, np.abs(x) ** y)


@pytest.mark.parametrize("lanes", [1, 4])
def test_the_c_librarys_functions_are_of_each_lane(lanes):
    x = np.array([0.0, -0.0, np.inf, 1.0])
    found = applied(lambda k, a: k.each("log1p", a), "f8", x, lanes=lanes)
    np.testing.assert_allclose(found, np.log1p(x), 1e-15)


@pytest.mark.parametrize("lanes", [1, 4])
def test_a_function_written_apart_makes_a_number_or_several(lanes):
    x = np.array([1.0, -2.0, 3.0, -0.5])

    def branching(k, a):
        """-a, and a or, where one of its lanes is large, its square."""
        square = k.cell(a)
        with k.when(k.any(a > 2.0)):
            square.set(a * a)
        return -a, square.value

    def twice(k, a):
        minus, square = k.apart("branching", branching, a)
        again = k.apart("branching", branching, a)[0]
        return k.apart("sum", lambda k, a: a + a, minus + again) + square

    found = applied(twice, "f8", x, lanes=lanes)
    large = (x > 2.0).reshape(-1, lanes).any(1).repeat(lanes)
    assert_same_bits(found, -4 * x + np.where(large, x * x, x))


def test_a_call_whose_number_nobody_reads_is_left_out(monkeypatch):
    machine, texts = target._machine(host()), []
    monkeypatch.setattr(machine, "emit_object", lambda module: texts.append(str(module)))
    k = Code("careless", ["p"], host())
    x = k.array(k.arguments[0], "f8")
    k.apart("unread", lambda k, a: k.each("log1p", a), x[0])
    assert "call { double } @unread.v1f8" in k.text()
    host().object_code(k.text())
    assert "call { double } @unread.v1f8" not in texts[0]


def test_constants_are_what_fits_their_kind():
    def body(k, y):
        y.store(0, k.constant(0.1, "f4"))
        y[1], y[2], y[3], y[4] = 1e300, -math.inf, math.nan, -0.0
        y.store(5, k.constant(2.5, "f4", 3))

    found = ran(of_kinds(body, "f4"), np.zeros(8, "f4"))
    assert_same_bits(found, np.array([0.1, np.inf, -np.inf, np.nan, -0.0, 2.5, 2.5, 2.5], "f4"))

    def whole(k, y):
        for i, value in enumerate([-1, 2**64 - 1, 2**63, 7]):
            y[i] = value

    for of in ("i8", "u8"):
        found = ran(of_kinds(whole, of), np.zeros(4, of))
        assert found.view("i8").tolist() == [-1, -1, -(2**63), 7]


def test_the_smaller_and_the_larger_of_whole_numbers():
    def body(k, y, n):
        y[0], y[1] = k.minimum(n, 5), k.maximum(5, n)
        y[2], y[3] = k.minimum(3, 5), k.maximum(3, 5)

    for n in (-7, 5, 2**40):
        found = ran(of_kinds(body, "i8"), np.zeros(4, int), n)
        assert found.tolist() == [min(n, 5), max(n, 5), 3, 5]


def test_an_opaque_number_is_the_same():
    def body(k, y, n):
        y[0] = k.opaque(n)
        k.store(k.constant(2.5, "f8"), k.opaque(k.offset(y.address, 1, "f8")))

    y = ran(lambda k, y, n: body(k, k.array(y, "i8"), n), np.zeros(2, int), -3)
    assert (y[0], y.view(float)[1]) == (-3, 2.5)


# Lanes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", ["f4", "f8", "i8", "b1"])
def test_lanes_are_set_read_and_put_in_another_order(of):
    x = (np.arange(8) % 3).astype(DTYPES[of])

    def body(k, y, x):
        whole, other = x.load(0, 4), x.load(4, 4)
        y.store(0, k.insert(whole, x[7], 2))
        y[4] = k.extract(whole, 3)
        y.store(5, k.splat(x[1], 3))
        y.store(8, k.shuffle(whole, other, [7, 0, 0, 5, 3, 2]))
        y.store(14, k.reversed(whole))

    y = ran(of_kinds(body, of, of), np.zeros(18, DTYPES[of]), x)
    expected = [*x[:2], x[7], x[3], x[3], *[x[1]] * 3, *x[[7, 0, 0, 5, 3, 2]], *x[3::-1]]
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("lanes", [1, 2, 4, 16])
def test_lanes_are_folded_halves_first(lanes):
    x = np.arange(1, lanes + 1)

    def body(k, y, x):
        y[0] = k.folded(x.load(0, lanes), lambda a, b: a * 3 - b)

    expected = x
    while len(expected) > 1:
        half = len(expected) // 2
        expected = expected[:half] * 3 - expected[half:]
    assert ran(of_kinds(body, "i8", "i8"), np.zeros(1, int), x) == expected


@pytest.mark.parametrize("n", [-1, 0, 1, 3, 4, 5, 2**31, 2**32 + 1])
def test_the_first_lanes_are_as_many_as_there_are(n):
    def body(k, y, n):
        y.store(0, k.first_lanes(n, 4))
        y.store(4, k.lane_numbers("i8", 4) < n)

    assert ran(of_kinds(body, "b1"), np.zeros(8, bool), n).tolist() == [i < n for i in range(4)] * 2
    if abs(n) < 9:
        known = of_kinds(lambda k, y: y.store(0, k.first_lanes(n, 4)), "b1")
        assert ran(known, np.zeros(4, bool)).tolist() == [i < n for i in range(4)]


# Memory ------------------------------------------------------------------------------------------

STEPS = [1, -1, 2, -3, 0]
MASKS = {"all": None, "some": (0, 2, 3), "one": (1,), "none": ()}


def masked(k, name):
    """A mask of four lanes."""
    lanes = k.lane_numbers("i8", 4)
    return {"all": None, "some": lanes != 1, "one": lanes == 1, "none": lanes < 0}[name]


def walked(step, mask):
    """Where in memory the lanes lie that are looked at, from 0 on, and where the walk begins."""
    lanes = range(4) if MASKS[mask] is None else MASKS[mask]
    first = min((step * lane for lane in lanes), default=0)
    return {lane: step * lane - first for lane in lanes}, -first


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("of", ["f4", "f8", "i8", "b1"])
def test_arrays_are_read_at_any_step(of, step, mask, known):
    """What is masked out is zero, and not looked at: Python's run knows no memory there."""
    places, start = walked(step, mask)
    x = np.arange(1, 2 + max(places.values(), default=0)).astype(DTYPES[of])

    def body(k, y, x, by):
        from_start = k.array(x.after(start).address, of, step if known else by)
        y.store(0, from_start.load(0, 4, masked(k, mask)))
        y.store(4, from_start.after(2).load(-2, 4, masked(k, mask)))

    expected = [x[places[lane]] if lane in places else 0 for lane in range(4)] * 2
    y = ran(of_kinds(body, of, of), np.ones(8, DTYPES[of]), x, step)
    np.testing.assert_array_equal(y, np.array(expected, DTYPES[of]))


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("of", ["f4", "f8", "i8", "b1"])
def test_arrays_are_written_at_any_step(of, step, mask, known):
    places, start = walked(step, mask)
    x = np.arange(1, 5).astype(DTYPES[of])

    def body(k, y, x, by):
        from_start = k.array(y.after(start).address, of, step if known else by)
        from_start.store(0, x.load(0, 4), masked(k, mask))

    expected = np.zeros(1 + max(places.values(), default=0), DTYPES[of])
    for lane, place in places.items():  # in one place the last one stays
        expected[place] = x[lane]
    y = ran(of_kinds(body, of, of), np.zeros_like(expected), x, step)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("of", ["f4", "f8", "i8", "b1"])
def test_numbers_that_lie_anywhere_are_gathered_and_scattered(of):
    x, where = (np.arange(8) % 5).astype(DTYPES[of]), np.array([6, 0, 7, -(2**40)])

    def body(k, y, x, where):
        places = k.offset(x.address, where.load(0, 4), of)
        mask = k.first_lanes(3, 4)
        found = k.gather(places, of, mask)
        y.store(0, found)
        k.scatter(found, k.offset(y.address, where.load(0, 4) + 4, of), mask)

    y = ran(of_kinds(body, of, of, "i8"), np.zeros(12, DTYPES[of]), x, where)
    assert y.tolist() == [*x[where[:3]], 0, x[0], 0, 0, 0, 0, 0, x[6], x[7]]


def test_truth_values_are_bytes_of_which_any_but_zero_is_true():
    x = np.array([0, 1, 2, 255], np.uint8)

    def body(k, y, x):
        y.store(0, k.load(x.address, "b1", 4))
        y[4] = k.load(x.after(2).address, "b1")

    assert ran(of_kinds(body, "b1", "u1"), np.zeros(5, bool), x).tolist() == [False, *[True] * 4]


def test_addresses_are_numbers():
    def body(k, y):
        y[0] = (k.word(k.aligned(y.address)) - k.word(y.address)) % 64
        y[1] = k.word(k.aligned(y.address)) % 64
        k.store(k.constant(7, "i8"), k.pointer(k.word(y.address) + 16))
        y[3] = k.word(k.offset(y.address, 3, "f4")) - k.word(y.address)
        y[4] = k.word(k.offset(y.address, -5, "b1")) - k.word(y.address)

    y = np.zeros(5, int)
    found = np.zeros(5, int)
    compiled(of_kinds(body, "i8"), ["p"], (found,))
    assert found.tolist() == [-found.ctypes.data % 64, 0, 7, 12, -5]
    interpreted(of_kinds(body, "i8"), ["p"], (y,))
    assert y.tolist() == [-y.ctypes.data % 64, 0, 7, 12, -5]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 16, 19])
@pytest.mark.parametrize("of", ["f4", "f8", "i8", "b1"])
def test_lines_are_copied_and_cleared(of, n, known):
    x = np.arange(1, n + 1).astype(DTYPES[of])

    def body(k, y, x, told):
        told = n if known else told
        copy_line(k, y, x, told, 8)
        k.copy(y.after(20), x, told)
        k.clear(y.after(40), told)

    y = ran(of_kinds(body, of, of), np.ones(60, DTYPES[of]), x, n)
    rest = np.ones(20 - n, DTYPES[of])
    np.testing.assert_array_equal(y, np.concatenate([x, rest, x, rest, 0 * x, rest]))


# Loops and branches ------------------------------------------------------------------------------


@pytest.mark.parametrize("unroll", [True, False])
@pytest.mark.parametrize("known", ["both", "start", "stop", "neither"])
@pytest.mark.parametrize(
    ("start", "stop", "step"),
    [
        (0, 5, 1), (2, 9, 3), (2, 8, 3), (-3, 2, 2), (0, 1, 1), (4, 6, 3), (0, 0, 1), (5, 2, 1),
        (4, -1, -1), (9, 0, -4), (8, 0, -4), (3, 2, -1), (2, 3, -1), (0, 0, -2),
    ],
)  # fmt: skip
def test_ranges_are_pythons(start, stop, step, known, unroll):
    def body(k, y, first, last):
        first = start if known in ("both", "start") else first
        last = stop if known in ("both", "stop") else last
        at = k.cell(1)
        for i in k.range(first, last, step, unroll=unroll):
            y[at.value] = i
            at.set(at.value + 1)
        y[0] = at.value

    expected = [*range(start, stop, step)]
    y = ran(of_kinds(body, "i8"), np.zeros(12, int), start, stop)
    assert y[: y[0]].tolist() == [len(expected) + 1, *expected]


def test_of_a_loop_that_is_known_to_run_once_the_index_is_pythons():
    k = Code("once", [], host())
    assert [*k.range(3, 5, 2)] == [3]
    assert [*k.range(0)] == []
    assert k._lines == []


def test_loops_stand_in_loops_and_branches():
    def body(k, y, n):
        total = k.cell(0)
        for i in k.range(n):
            for j in k.range(i, n):
                with k.when((i + j) % 2 == 0):
                    for _ in k.range(j):
                        total.set(total.value + 1)
                    with k.when(i == j):
                        total.set(total.value + 100)
        y[0] = total.value

    for n in (0, 1, 5):
        both = [(i, j) for i in range(n) for j in range(i, n) if (i + j) % 2 == 0]
        expected = sum(j + 100 * (i == j) for i, j in both)
        assert ran(of_kinds(body, "i8"), np.zeros(1, int), n)[0] == expected


def test_what_stands_in_a_branch_runs_where_its_condition_holds():
    def body(k, y, x, n):
        with k.when(n > 2):
            y[0] = 1
            y[1] = x[n - 3]
        with k.when(~(n > 2)):  # there is no x[n - 3]
            y[2] = 1

    for n, expected in ((3, [1, 8, 0]), (2, [0, 0, 1])):
        x = np.array([8])
        assert ran(of_kinds(body, "i8", "i8"), np.zeros(3, int), x, n).tolist() == expected


def test_a_condition_that_is_known_is_pythons():
    k = Code("known", [], host())
    with k.when(True):
        k.line("inside")
    assert k._lines == ["  inside"]
    with pytest.raises(TypeError, match="an `if` of Python"), k.when(False):
        pass


def test_a_cell_holds_lanes_of_any_kind():
    x = np.arange(12, dtype="f4")

    def body(k, y, x, n):
        total, last = k.cell(0.5, "f4", 4), k.cell(x[0])
        for i in k.range(0, n, 4):
            total.set(total.value + x.load(i, 4))
            last.set(x[i])
        y.store(0, total.value)
        y[4] = last.value
        total.set(9)
        y.store(5, total.value)

    y = ran(of_kinds(body, "f4", "f4"), np.zeros(9, "f4"), x, 12)
    assert y.tolist() == [12.5, 15.5, 18.5, 21.5, 8.0, 9.0, 9.0, 9.0, 9.0]


# Functions ---------------------------------------------------------------------------------------


def test_another_records_function_is_called():
    doubled = elementwise("add", "f8", 2)
    x = np.arange(5.0)

    def body(k, y, x):
        k.run(doubled, 0, 1, 4, x, x, y.after(1))

    k = Code("calls", ["p", "p"], host())
    of_kinds(body, "f8", "f8")(k, *k.arguments)
    assert k.needs == {symbol(doubled): doubled}
    y = ran(of_kinds(body, "f8", "f8"), np.ones(6), x)
    assert y.tolist() == [1.0, 0.0, 2.0, 4.0, 6.0, 1.0]


def test_numbers_are_arguments():
    def body(k, y, n, x, z):
        y[0], y[1] = k.convert(n, "f8") * z, k.convert(x, "f8")

    y = ran(of_kinds(body, "f8"), np.zeros(2), 3, np.float32(0.1), 2.5)
    assert y.tolist() == [7.5, np.float32(0.1)]


def test_what_is_known_only_when_it_runs_is_no_condition_of_python():
    k = Code("unknown", ["i8"], host())
    with pytest.raises(TypeError, match=r"k\.when or k\.select"):
        bool(k.arguments[0] > 1)
    with pytest.raises(AssertionError, match="f4 where i8 is expected"):
        k.arguments[0] + k.constant(1, "f4")


def test_text_that_is_not_llvms_is_refused():
    with pytest.raises(RuntimeError, match="expected"):
        host().object_code("define nothing")


SYMBOL = """
from tests.engines.native.calling import elementwise
from pullback.engines.native.target import symbol
print(symbol(elementwise("exp", "f4")))
"""


def test_a_name_is_the_same_in_every_process():
    ours = symbol(elementwise("exp", "f4"))
    assert ours.startswith("pullback_loop_")
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", SYMBOL],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == f"{ours}\n"
    assert symbol("as_it_is") == "as_it_is"
    assert symbol(elementwise("exp", "f8")) != ours
