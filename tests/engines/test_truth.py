"""What is true: engines ask of any number whether it is not 0, as NumPy does, nan included."""

from itertools import product

import numpy as np
import pytest

import pullback as pb

NUMBERS = {
    "bool": np.array([True, False, True, False]),
    "int64": np.array([1, 2, 0, -1]),
    "float32": np.array([1.5, np.nan, 0.0, -2.0], np.float32),
    "float64": np.array([0.5, -0.0, np.nan, 1e-300]),
}
OF_TWO = ("logical_and", "logical_or", "less", "less_equal", "greater", "greater_equal")
OF_TWO += ("equal", "not_equal")
PYTHONS = (0.0, 2.0, True)


def wires(gates):
    """These gates and `where` on every pair of dtypes, and on Python's numbers."""
    sources = {name: pb.Unit(x, name) for name, x in NUMBERS.items()}
    made, wanted = [], []
    for a, b in product(NUMBERS, repeat=2):
        column, row = pb.reshape(sources[a], (4, 1)), sources[b]
        for name in gates:
            made.append(pb.GATES[name](column, row))
            wanted.append(getattr(np, name)(NUMBERS[a][:, None], NUMBERS[b]))
        made.append(pb.where(column, row, 7.0))
        wanted.append(np.where(NUMBERS[a][:, None], NUMBERS[b], made[-1].dtype.type(7)))
    for name, x in sources.items():
        made += [pb.logical_not(x), pb.astype(x, bool)]
        wanted += [np.logical_not(NUMBERS[name]), NUMBERS[name].astype(bool)]
        for number in PYTHONS:
            made += [pb.logical_and(x, number), pb.logical_or(number, x)]
            wanted += [np.logical_and(NUMBERS[name], number), np.logical_or(number, NUMBERS[name])]
    return made, wanted


@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
def test_truth_is_numpys(engine):
    if engine == "jax":
        pytest.importorskip("jax")
    gates = OF_TWO[:3] if engine == "jax" else OF_TWO  # which compiles each by itself
    made, wanted = wires(gates)
    for unit, got, right in zip(made, pb.Circuit(made).compile(engine)(), wanted, strict=True):
        assert got.dtype == right.dtype, unit
        np.testing.assert_array_equal(got, right, str(unit))


@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
def test_truth_of_pythons_numbers(engine):
    if engine == "jax":
        pytest.importorskip("jax")
    x, y = pb.Unit(1.0, "x"), pb.Unit(2.0, "y")
    run = pb.Circuit([pb.logical_and(x, y), pb.logical_or(x, y), pb.logical_not(x)]).compile(engine)
    for a, b in product((0.0, -0.0, 1.0, 2.0, np.nan), repeat=2):
        assert run(x=a, y=b) == (bool(a and b), bool(a or b), not a)
