import re

import numpy as np
import pytest
from scipy import special
from tests.engines.native.calling import elementwise, kind, run_loop

from pullback.engines.native import target
from pullback.engines.native.code import Code
from pullback.engines.native.elementary import FAR
from pullback.engines.native.functions import namespace
from pullback.engines.native.step import record

EXACT = {
    "exp": np.exp,
    "log": np.log,
    "expm1": np.expm1,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": lambda x: np.where(x < 0, np.exp(-abs(x)), 1) / (1 + np.exp(-abs(x))),
    "softplus": lambda x: np.logaddexp(0, x),
    "erf": special.erf,
    "sin": np.sin,
    "cos": np.cos,
}
LIBRARY = ("arccos", "arcsin", "arctan", "cosh", "log10", "log2", "sinh")
EXACT |= {name: getattr(np, name) for name in LIBRARY}
POLYNOMIAL_64 = ("exp", "log", "expm1", "tanh", "sigmoid", "sin", "cos")


def computed(name, x, threads=1):
    y = np.empty_like(x)
    run_loop(elementwise(name, kind(x.dtype)), (x.size,), (), x, y, threads=threads)
    return y


def compare(name, x, wide):
    """The largest error in ulp; NaN, infinities and signs of zero have to agree exactly."""
    y = computed(name, x)
    with np.errstate(all="ignore"):
        exact = EXACT[name](x.astype(wide))
        rounded = exact.astype(x.dtype)
        # One ulp below the threshold of overflow is still right.
        top = np.finfo(x.dtype).max
        fits = np.isfinite(rounded) | (np.isinf(rounded) & (abs(y) == top))
        special_values = ~fits
        np.testing.assert_array_equal(y[special_values], rounded[special_values])
        signs = np.signbit(y) == np.signbit(rounded)
        assert np.all(signs | np.isnan(rounded))
        step = np.spacing(np.minimum(abs(rounded[fits]), top))
        return np.max(abs(y[fits] - np.clip(exact[fits], -float(top), float(top))) / step)


def patterns_32(step):
    """Every so many of all bit patterns, and where something changes."""
    every = np.arange(0, 2**32, step, dtype=np.uint64).astype(np.uint32).view(np.float32)
    edges = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1e-38, -1e-38, 1.0, -1.0]
    edges += [88.72283, 88.72284, -87.33655, -103.97208, -103.97209, -104.5, 9.01, 17.4, 3.4e38]
    return np.concatenate([every, np.array(edges, np.float32)])


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("name", EXACT)
def test_float32_is_right_to_two_ulp_over_all_bit_patterns(name):
    assert compare(name, patterns_32(4093), np.float64) <= 2


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("name", EXACT)
def test_float64_is_right_to_two_ulp(name):
    if np.finfo(np.longdouble).nmant <= 52:
        pytest.skip("long double is no wider than float64 here")
    if name not in POLYNOMIAL_64:
        pytest.skip("the C library's")
    rng = np.random.default_rng(0)
    spreads = [rng.normal(size=20_000) * scale for scale in (1e-9, 0.3, 1, 10, 300)]
    patterns = rng.integers(0, 2**64, 50_000, dtype=np.uint64).view(np.float64)
    edges = [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1e-310, 709.78, 709.79, -745.13, -745.14]
    x = np.concatenate([*spreads, patterns, np.array(edges)])
    assert compare(name, x, np.longdouble) <= 2


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_float64_angles_are_right_where_almost_nothing_is_left_of_them(name):
    """Beside every multiple of pi/2, and on both sides of where the C library takes over."""
    if np.finfo(np.longdouble).nmant <= 52:
        pytest.skip("long double is no wider than float64 here")
    zeros = np.arange(-25_000, 25_001) * (np.pi / 2)
    assert zeros[-1] > FAR
    around = [np.nextafter(zeros, to) for to in (-np.inf, np.inf)]
    further = [zeros * (1 + d) for d in (1e-14, -1e-12, 1e-9, -1e-6)]
    edge = np.nextafter(FAR, [0, FAR, np.inf])
    assert compare(name, np.concatenate([zeros, *around, *further, edge]), np.longdouble) <= 1


def test_large_angles_leave_those_beside_them_as_they_are():
    few = np.random.default_rng(0).normal(size=64) * 10
    mixed = few.copy()
    mixed[::7] = 1e6, 1e20, np.inf, -1e300, np.nan, FAR * 2, -np.inf, 4e4, 1e9, -1e5
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(computed("sin", mixed), np.sin(mixed), 1e-15)
    same = mixed == few
    np.testing.assert_array_equal(computed("sin", mixed)[same], computed("sin", few)[same])


@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_sine_and_cosine_of_one_angle_are_computed_once(kind):
    k = Code("both", ["p"], target.host())
    x = k.array(k.arguments[0], kind)
    m, angle = namespace(k), x[0]
    x[1] = m.sin(angle)
    before = len(k.text())
    x[2] = m.cos(angle)
    assert len(k.text()) - before < 200  # it is stored, no more


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", EXACT)
def test_an_element_is_the_same_wherever_it_stands_and_whoever_makes_it(name, dtype):
    """In a whole vector, in what is left at the end, alone, and in any thread's part."""
    x = patterns_32(1 << 22).astype(dtype)
    whole = computed(name, x)
    for size in (0, 1, 2, 3, 15, 16, 17, 31, 67, 1039):
        np.testing.assert_array_equal(computed(name, x[:size]), whole[:size], strict=True)
    for threads in (2, 3, 7):
        np.testing.assert_array_equal(computed(name, x, threads), whole)


@pytest.mark.parametrize("name", sorted(EXACT.keys() - set(LIBRARY)))
def test_float32_loops_become_vector_code(name, monkeypatch):
    """Packed arithmetic on the widest registers, and no call for each element."""
    here = target.host()
    machine, texts = target._machine(here), []
    emit = machine.emit_object

    def keep(module):
        texts.append(machine.emit_assembly(module))
        return emit(module)

    monkeypatch.setattr(machine, "emit_object", keep)
    here.object_code(record(elementwise(name, "f4"), here)[0])
    (code,) = texts
    if not re.search(r"%[xyz]mm", code):
        pytest.skip("not an x86 processor")
    registers = {64: "zmm", 32: "ymm", 16: "xmm"}[here.vector]
    packed = re.findall(rf"\bv?(?:mul|add|fmadd\w*|fnmadd\w*)ps\b.*%{registers}", code)
    assert len(packed) > 5
    named = set(re.findall(r"\$([a-z]\w*), %r", code))  # the functions that would be called
    assert named <= {"rint", "floor"}  # which are no instructions before SSE 4.1
    assert named or not re.search(r"\bcall", code)


@pytest.mark.parametrize("name", EXACT)
def test_the_kind_of_a_number_chooses_the_precision(name):
    single, double = (computed(name, np.array([0.5], dtype)).item() for dtype in ("f4", "f8"))
    assert single == pytest.approx(float(EXACT[name](0.5)), rel=3e-7)
    assert single == np.float32(single)
    assert double == pytest.approx(float(EXACT[name](0.5)), rel=1e-15)


ENDS = np.array([0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 1e-30, 1e30, np.inf, -np.inf, np.nan])


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["arctan2", "mod"])
def test_functions_of_two_numbers_are_numpys_at_every_end(name, dtype):
    a, b = (x.ravel().astype(dtype) for x in np.meshgrid(ENDS, ENDS))
    y = np.empty_like(a)
    run_loop(elementwise(name, kind(y.dtype), 2), a.shape, (), a, b, y)
    wanted = getattr(np, name)(a, b)
    np.testing.assert_allclose(y, wanted, rtol=1e-6 if dtype == np.float32 else 1e-15)
    zeros = wanted == 0
    np.testing.assert_array_equal(np.signbit(y[zeros]), np.signbit(wanted[zeros]))


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_the_remainder_of_whole_numbers_is_numpys_and_never_stops_the_process():
    least = np.iinfo(np.int64).min
    a, b = (x.ravel() for x in np.meshgrid([least, -7, -1, 0, 1, 7], [-3, -1, 0, 1, 3, least]))
    y = np.empty_like(a)
    run_loop(elementwise("mod", "i8", 2), a.shape, (), a, b, y)
    np.testing.assert_array_equal(y, np.mod(a, b))
