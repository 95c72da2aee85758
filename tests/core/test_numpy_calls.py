"""NumPy's functions and operators, where a wire is among their arguments."""

import inspect
import math
import operator

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

import pullback as pb
from pullback.core.numpy_calls import _INSTEAD, NUMPY, numpy_name

X = np.array([[1.0, -2.0, 0.5], [3.0, 4.0, -1.5]])
UFUNCS = sorted((f for f in NUMPY if isinstance(f, np.ufunc)), key=lambda f: f.__name__)
WITHIN_ONE = {"arcsin", "arccos"}
TRUTHS = {"logical_and", "logical_or", "logical_not"}


@pytest.mark.parametrize("function", UFUNCS, ids=lambda f: f.__name__)
def test_a_function_of_elements_is_the_gate_of_its_name(function):
    name = function.__name__
    a = 0.9 * np.sin(X) if name in WITHIN_ONE else X > 0.0 if name in TRUTHS else np.abs(X) + 0.5
    b = np.ones((3, 3)) if name == "matmul" else np.array([2.0, 1.5, 0.75])
    b = b > 1.0 if name in TRUTHS else b
    arrays = (a, b)[: function.nin]
    wanted = function(*arrays)
    wire = pb.Unit(arrays[0], "x")
    made = [function(wire, *arrays[1:])]
    if function.nin == 2:
        made.append(function(wire, pb.Unit(b, "b")))
    if function.nin == 2 and function not in (np.equal, np.not_equal):  # see REFUSED
        made.append(function(a, pb.Unit(b, "b")))
    for y in made:
        assert type(y) is pb.Unit
        np.testing.assert_allclose(y.value, wanted, rtol=1e-15)
        assert y.value.dtype == wanted.dtype
        assert y is wire or "test_numpy_calls.py" in y.where


CALLS = {
    "sum": lambda x: np.sum(x, axis=0, keepdims=True),
    "sum by position": lambda x: np.sum(x, 1, None, None, True),  # pyright: ignore
    "mean": lambda x: np.mean(x, axis=-1),
    "prod": lambda x: np.prod(x, (0, 1)),
    "var": lambda x: np.var(x, axis=1, ddof=1),
    "std": lambda x: np.std(x, axis=1),
    "max": lambda x: np.max(x, axis=0),
    "amin": lambda x: np.amin(x),
    "argmax": lambda x: np.argmax(x, axis=1),
    "argmin": lambda x: np.argmin(x),
    "sort": lambda x: np.sort(x, axis=0),
    "argsort": lambda x: np.argsort(x),
    "cumsum": lambda x: np.cumsum(x, axis=1),
    "diff": lambda x: np.diff(x, n=2, append=0.0),
    "flip": lambda x: np.flip(x, 1),
    "roll": lambda x: np.roll(x, (1, -1), axis=(0, 1)),
    "repeat": lambda x: np.repeat(x, 2),
    "tile": lambda x: np.tile(x, (2, 1)),
    "take": lambda x: np.take(x, [5, 0]),
    "take along": lambda x: np.take(x, [2, 0], axis=1),
    "take_along_axis": lambda x: np.take_along_axis(x, np.array([[1], [0]]), axis=1),
    "concatenate": lambda x: np.concatenate([np.ones((1, 3)), x], axis=0),
    "concatenate all": lambda x: np.concatenate((x, [1.0]), axis=None),
    "stack": lambda x: np.stack([x, x], axis=2),
    "reshape": lambda x: np.reshape(x, (3, -1)),
    "ravel": lambda x: np.ravel(x),
    "transpose": lambda x: np.transpose(x, (1, 0)),
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "expand_dims": lambda x: np.expand_dims(x, 1),
    "squeeze": lambda x: np.squeeze(np.expand_dims(x, 1), axis=1),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 2, 3)),
    "pad": lambda x: np.pad(x, 1),
    "pad a constant": lambda x: np.pad(x, ((1, 0), (0, 2)), mode="constant", constant_values=7.0),
    "clip": lambda x: np.clip(x, -1.0, 2.0),
    "clip below": lambda x: np.clip(x, 0.0, None),
    "where": lambda x: np.where(X > 0, x, 0.0),
    "dot": lambda x: np.dot(x, [1.0, 2.0, 3.0]),
    "inner": lambda x: np.inner(x, x),
    "outer": lambda x: np.outer(x, [1.0, 2.0]),
    "tensordot": lambda x: np.tensordot(x, X, axes=([0], [0])),
    "einsum": lambda x: np.einsum("ij,ij->j", x, X),
    "norm": lambda x: np.linalg.norm(x, axis=1),
    "inv": lambda x: np.linalg.inv(x[:, :2]),
    "det": lambda x: np.linalg.det(x[:, 1:]),
    "slogdet": lambda x: np.linalg.slogdet(x[:, 1:])[1],
    "solve": lambda x: np.linalg.solve(x[:, :2], [1.0, 2.0]),
    "cholesky": lambda x: np.linalg.cholesky(x @ x.T),
    "operators": lambda x: (np.float64(2.0) * x - X) / (X**2 + 1.0) + X % 2.0,
    "matmul": lambda x: X.T @ x,
    "less": lambda x: operator.lt(X, x),
    "equal": lambda x: np.equal(x, X),
    "shape": lambda x: np.array([*np.shape(x), np.ndim(x), np.size(x)]),
    "zeros_like": lambda x: np.zeros_like(x),
    "full_like": lambda x: np.full_like(x, 2.5),
    "methods": lambda x: x.T.ravel().std() + x.flatten().max() * x.min(axis=1) + x.var(),
    "more methods": lambda x: x.astype("f4").transpose(1, 0).cumsum(0).repeat(2, axis=1),
    "and more": lambda x: x.take([1, 5]).dot([1.0, 2.0]) + x.prod() + x.clip(0.0, 1.0).mean(),
    "positions": lambda x: x.argmax() + x.argmin(axis=0) + x.argsort(axis=None)[0],
    "moved": lambda x: x.swapaxes(0, 1).squeeze().reshape(6).sum(),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_function_of_wires_is_numpys_with_numpys_arguments(name):
    wanted = CALLS[name](X)
    made = CALLS[name](pb.Unit(X, "x"))
    value = made.value if isinstance(made, pb.Unit) else made
    np.testing.assert_allclose(value, wanted, rtol=1e-6 if name == "more methods" else 1e-13)
    assert np.shape(value) == np.shape(wanted)
    assert np.asarray(value).dtype == wanted.dtype


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_what_numpy_was_asked_for_has_a_gradient_and_compiles(engine):
    x = pb.Unit(X, "x")
    y = np.sum(np.exp(np.concatenate([x, X])) * np.where(np.ones((4, 1)) > 0, 2.0, x[:1]))
    (dx,) = pb.gradient(y, [x])
    value, slope = pb.Circuit([y, dx]).compile(engine)()
    np.testing.assert_allclose(value, 4.0 * np.exp(X).sum())
    np.testing.assert_allclose(slope, 2.0 * np.exp(X))


def test_what_ours_takes_has_numpys_names():
    for theirs, ours in NUMPY.items():
        if not isinstance(theirs, np.ufunc):
            given = inspect.signature(ours).parameters.values()
            optional = {x.name for x in given if x.default is not x.empty}
            assert optional - {"constant_values"} <= set(inspect.signature(theirs).parameters)


REFUSED = {
    "out": (lambda x: np.exp(x, out=np.ones(3)), "np.exp of 'x', a wire, takes no out"),
    "where": (lambda x: np.exp(x, where=X[0] > 0), "takes no where"),
    "dtype": (lambda x: np.sum(x, dtype="f4"), "np.sum of 'x', a wire, takes no dtype; it takes x"),
    "by position": (lambda x: np.sum(x, 0, "f4"), "takes no dtype"),
    "out of a sum": (lambda x: np.sum(x, out=np.ones(())), "takes no out"),
    "where of a sum": (lambda x: np.mean(x, where=X[0] > 0), "takes no where"),
    "initial": (lambda x: np.max(x, initial=0.0), "takes no initial"),
    "order": (lambda x: np.reshape(x, 3, order="F"), "takes no order"),
    "mode": (lambda x: np.pad(x, 1, mode="edge"), "takes no mode"),
    "kind": (lambda x: np.sort(x, kind="heapsort"), "takes no kind"),
    "keepdims": (lambda x: np.argmax(x, keepdims=True), "takes no keepdims"),
    "no such": (lambda x: np.sum(x, what=1), "what"),
    "tan": (lambda x: np.tan(x), r"np.tan has no gate.* write np.sin\(x\) / np.cos\(x\)"),
    "near": (lambda x: np.linalg.cond(x), "np.linalg.cond has no gate"),
    "all": (lambda x: np.fft.fft(x), "there are: absolute, add, .*, zeros_like"),
    "reduce": (lambda x: np.add.reduce(x), r"np.add.reduce has no gate.* write np.sum\(x\)"),
    "at": (lambda x: np.add.at(X.copy(), 0, x), "np.add.at has no gate"),
    "floor_divide": (lambda x: X // x, r"np.floor_divide has no gate.* np.floor\(a / b\)"),
    "//": (lambda x: x // 2, r"// has no gate: write pb.floor\(a / b\)"),
    "asarray": (lambda x: np.asarray(x), "leave out np.asarray"),
    "array": (lambda x: np.array([x, x]), "join wires with pb.stack"),
    "a list": (lambda x: np.sum([x, x]), "join wires with pb.stack"),
    "float": (lambda x: float(x[0]), "leave out np.asarray and float"),
    "math": (lambda x: math.exp(x[0]), "np.exp or pb.exp for math.exp"),
    "int": (lambda x: int(x[0]), "is a wire"),
    "==": (lambda x: x == X, "== asks whether 'x' is the same wire"),
    "== behind": (lambda x: operator.eq(X, x), "== asks whether 'x' is the same wire"),
    "!= behind": (lambda x: np.not_equal([1.0], x), "== asks whether 'x' is the same wire"),
    "pandas": (lambda x: pd.Series(x), "is a wire"),
    "scaler": (lambda x: StandardScaler().fit(x), "leave out np.asarray"),
    "model": (lambda x: Ridge().fit(X, x), "is a wire"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_gate_or_argument_is_refused_by_its_name(name):
    call, message = REFUSED[name]
    with pytest.raises(TypeError, match=message) as refused:
        call(pb.Unit(X[0], "x"))
    if "no gate" in str(refused.value):
        assert ".value" not in str(refused.value)  # which would cut the gradient


def test_a_condition_alone_is_refused():
    with pytest.raises(pb.CircuitError, match=r"choose elements with x\[mask\]"):
        np.where(pb.Unit(X) > 0)


def test_an_array_is_not_added_to_in_place():
    array, x = X.copy(), pb.Unit(X, "x")
    for in_place in (operator.iadd, operator.imul, operator.isub, operator.itruediv):
        with pytest.raises(TypeError, match=r"'x' is a wire.* write a = a \+ x for a \+= x"):
            in_place(array, x)
    np.testing.assert_array_equal(array, X)
    y = x
    y += array  # a wire makes another
    assert y is not x


def test_tables_of_pandas_meet_wires_as_arrays_do():
    x, table = pb.Unit(X, "x"), pd.DataFrame(X)
    for made in (table * x, x * table, table + x - x, np.multiply(x, table)):
        assert type(made) is pb.Unit
    np.testing.assert_array_equal((table * x).value, X * X)
    np.testing.assert_array_equal((pd.Series(X[0]) - x).value, X[0] - X)
    np.testing.assert_array_equal((table > x - 1.0).value, np.ones_like(X, bool))


def test_what_to_write_instead_is_of_functions_that_there_are():
    gates = {numpy_name(function) for function in NUMPY}
    assert not gates & set(_INSTEAD)
    for name in _INSTEAD:
        thing = np
        for part in name.split(".")[1:]:
            thing = getattr(thing, part)
