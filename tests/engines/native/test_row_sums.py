"""Totals over rows and more go by way of each row's, and are added up in registers."""

import numpy as np
import pytest
from tests.engines.test_threads import assert_same_bits

import pullback as pb
from pullback.engines.native import build, lower, row_sums
from pullback.engines.native.engine import Native
from pullback.engines.native.ir import Run

rng = np.random.default_rng(0)


@pytest.fixture
def always(monkeypatch):
    """Threads share even the smallest loops, and every total goes by way of rows."""
    monkeypatch.setattr(build, "ALONE", 0)
    monkeypatch.setattr(row_sums, "ROWS", 1)
    monkeypatch.setattr(row_sums, "ELEMENTS", 1)


SHAPES = [(1, 1, 1), (2, 3, 5), (7, 1, 16), (3, 17, 8), (5, 4, 33), (2, 35, 1), (4, 0, 3)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axis", [(0, 1), (0, 2), (0, 1, 2), (0,), (1,), (1, 2)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_totals_are_right(shape, axis, dtype, keepdims, always):
    x = pb.Unit(rng.normal(size=shape).astype(dtype), "x")
    y = pb.maximum(x * 3.0, 0.0)
    whole = {"sum": pb.sum(y, axis, keepdims), "y": y}
    expected = {
        "sum": np.sum(np.maximum(3.0 * x.value.astype(float), 0.0), axis, None, None, keepdims)
    }
    if 0 not in (shape[a] for a in axis):
        whole["max"] = pb.max(x, axis, keepdims)
        expected["max"] = np.max(x.value, axis, None, keepdims)
    got = Native(pb.Program({}, whole, {}), 2)()
    for name, value in expected.items():
        tolerance = {"rtol": 1e-6, "atol": 1e-6} if dtype == "float32" else {"rtol": 1e-14}
        np.testing.assert_allclose(got[name], value, **tolerance, err_msg=name)
        assert np.shape(got[name]) == np.shape(value)
        assert np.asarray(got[name]).dtype == dtype


def test_threads_share_the_rows_and_change_no_bit(always):
    x = pb.Unit(rng.normal(size=(8, 30, 24)).astype(np.float32), "x")
    program = pb.Program.of([pb.sum(pb.exp(x), axis=(0, 1)), pb.sum(x), pb.min(x, axis=(0, 1))])
    runs = [s for s in Native(program, 2).compiled.step.body if isinstance(s, Run)]
    large = [s for s in runs if np.prod(s.sizes) == x.size]
    assert large
    assert all((s.loop.shared, s.sizes[0]) == (0, 8) for s in large)
    assert_same_bits(program, lambda native: native())


def test_a_long_column_keeps_its_digits():
    """Of a million numbers near one each adds less than the total's last digit to it."""
    x = np.full((8, 1 << 17, 2), 1.0 + 2.0**-12, np.float32)
    (total,) = Native(pb.Program.of([pb.sum(pb.Unit(x) * 1.0, axis=(0, 1))]))().values()
    np.testing.assert_allclose(total, x.astype(float).sum((0, 1)), rtol=2e-7)


@pytest.mark.parametrize("lines", [1, 2, 5, 64])
def test_how_many_lines_are_added_at_once_is_no_matter(lines, monkeypatch):
    monkeypatch.setattr(lower, "LINES", lines)
    x = rng.normal(size=(11, 37))
    program = pb.Program.of([pb.sum(pb.sin(pb.Unit(x)), axis=0), pb.max(pb.Unit(x), axis=0)])
    total, most = Native(program)().values()
    np.testing.assert_allclose(total, np.sin(x).sum(0), rtol=1e-13)
    np.testing.assert_array_equal(most, x.max(0))
