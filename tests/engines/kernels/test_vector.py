import re

import numpy as np
import pytest
from numba import njit
from scipy import special

from pullback.engines.native.kernels.vector import FUNCTIONS

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
POLYNOMIAL_64 = ("exp", "log", "expm1", "tanh", "sigmoid")


@pytest.fixture(scope="module", params=list(FUNCTIONS))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def loop(name):
    function = FUNCTIONS[name]

    @njit
    def loop(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    return loop


def compare(loop, name, x, wide):
    """The largest error in ulp; NaN, infinities and signs of zero have to agree exactly."""
    y = np.empty_like(x)
    loop(x, y)
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


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_float32_is_right_to_two_ulp_over_all_bit_patterns(loop, name):
    every = np.arange(0, 2**32, 4093, dtype=np.uint64).astype(np.uint32).view(np.float32)
    edges = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1e-38, -1e-38, 1.0, -1.0]
    edges += [88.72283, 88.72284, -87.33655, -103.97208, -103.97209, -104.5, 9.01, 17.4, 3.4e38]
    assert (
        compare(loop, name, np.concatenate([every, np.array(edges, np.float32)]), np.float64) <= 2
    )


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_float64_is_right_to_two_ulp(loop, name):
    if np.finfo(np.longdouble).nmant <= 52:
        pytest.skip("long double is no wider than float64 here")
    if name not in POLYNOMIAL_64:
        pytest.skip("the C library's")
    rng = np.random.default_rng(0)
    spreads = [rng.normal(size=20_000) * scale for scale in (1e-9, 0.3, 1, 10, 300)]
    patterns = rng.integers(0, 2**64, 50_000, dtype=np.uint64).view(np.float64)
    edges = [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1e-310, 709.78, 709.79, -745.13, -745.14]
    x = np.concatenate([*spreads, patterns, np.array(edges)])
    assert compare(loop, name, x, np.longdouble) <= 2


def test_float32_loops_become_vector_code(loop):
    """Packed arithmetic on the widest registers, and no call for each element."""
    x = np.zeros(4, np.float32)
    loop(x, x.copy())
    single = next(s for s in loop.signatures if s[0].dtype.name == "float32")
    code = loop.inspect_asm(single)
    if not re.search(r"%[xyz]mm", code):
        pytest.skip("not an x86 processor")
    packed = re.findall(r"\bv?(?:mul|add|fmadd\w*|fnmadd\w*)ps\b", code)
    assert len(packed) > 5
    assert not re.search(r"call\w*\s+\*?.*(expf|logf|tanhf|erff|sinf|cosf|log1pf|expm1f)", code)


def test_called_from_python_the_names_choose_the_precision(name):
    single, double = FUNCTIONS[name](np.float32(0.5)), FUNCTIONS[name](0.5)
    assert single == pytest.approx(float(EXACT[name](0.5)), rel=3e-7)
    assert double == pytest.approx(float(EXACT[name](0.5)), rel=1e-15)
