"""Expressions as text: what they mean, and that nothing but gates runs in them."""

import math

import pytest

import pullback as pb
from pullback.expression import allowed_functions, parse


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("(x + y) * z", {"x": -2, "y": 5, "z": -4}, -12.0),
        ("sigmoid(a*x + b*y + c)", {"a": 1, "x": -1, "b": 2, "y": 3, "c": -3}, 0.8807970779778823),
        ("-x**2", {"x": 3}, -9.0),
        ("2 ** -1", {}, 0.5),
        ("1 / 0", {}, math.inf),
        ("maximum(x, 0) + +x", {"x": 2}, 4.0),
        ("where(x > 1, x, -x)", {"x": 0.5}, -0.5),
        ("sum(x * y)", {"x": [1, 2], "y": [3, 4]}, 11.0),
        ("sin(pi / 2) + log(e)", {}, 2.0),
        ("x", {"x": 7}, 7.0),
    ],
)
def test_values(text, values, expected):
    assert parse(text, values).value == pytest.approx(expected)


def test_a_name_is_one_source():
    f = parse("x * x + x", {"x": 3.0})
    f.backward()
    assert [unit.grad for unit in pb.Circuit(f).inputs] == [7.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot read"),
        ("x +", "cannot read the expression"),
        ("y * 2", "'y' has no value; give one as y=1.5"),
        ("foo(x)", "unknown function 'foo' at column 1"),
        ("x.real", "Attribute has no gate"),
        ("x[0]", "Subscript has no gate"),
        ("(lambda: x)()", "only functions by name"),
        ("[x for x in x]", "ListComp has no gate"),
        ("'a' * x", "Constant has no gate"),
        ("True + x", "Constant has no gate"),
        ("x if x else x", "IfExp has no gate"),
        ("x and x", "BoolOp has no gate"),
        ("x // 2", "BinOp has no gate"),
        ("~x", "UnaryOp has no gate"),
        ("1 < x < 2", "Compare has no gate"),
        ("exp(x, x)", "exp takes 1 inputs, got 2"),
        ("exp(x=x)", "plain arguments"),
        ("exp", "exp is a function"),
        ("__import__('os').system('x')", "only functions by name"),
        ("reshape(x, x)", "unknown function 'reshape'"),
        ("9" * 400 + " * x", "too large"),
        ("(" * 300 + "x" + ")" * 300, "nested too deeply|cannot read"),
        ("-" * 1900 + "x", "nested too deeply"),
        ("x" * 3000, "2000 characters"),
        ("(x := 3)", "NamedExpr has no gate"),
        ("f'{x}'", "JoinedStr has no gate"),
    ],
)
def test_everything_else_is_refused_with_its_place(text, message):
    with pytest.raises(pb.CircuitError, match=message):
        parse(text, {"x": 1.0})


def test_a_value_without_a_use_is_refused():
    with pytest.raises(pb.CircuitError, match="'z' has a value but does not occur"):
        parse("x + 1", {"x": 1.0, "z": 2.0})


def test_the_white_list_is_gates_alone():
    functions = allowed_functions()
    assert {"add", "exp", "sigmoid", "sum"} <= set(functions)
    assert not {"take", "random", "embed", "reshape"} & set(functions)
