"""Expressions as text: what they mean, and that nothing but gates runs in them."""

import ast
import math
import re

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
        ("", "is empty"),
        (" \n", "is empty"),
        ("x +", "cannot read the expression"),
        ("  x x", "cannot read the expression at column 5"),
        ("x\0", "cannot read the expression"),
        ("x\udcff", "cannot read the expression"),
        ("y * 2", "'y' has no value; give one as y=1.5"),
        ("qux(x)", "column 1: unknown function 'qux'; there are: abs, add, "),
        ("2 * sine(x)", "column 5: unknown function 'sine'; did you mean 'sin'"),
        ("reshape(x, x)", "unknown function 'reshape'"),
        ("__import__('os')", "unknown function '__import__'"),
        ("x(2)", "'x' is a number, not a function; a product is written with *"),
        ("2(x + 1)", r"'2\(x \+ 1\)' calls '2', no function; a product is written with *"),
        ("x.real", "'x.real' asks for an attribute"),
        ("np.sin(x)", r"'np.sin\(x\)' asks for an attribute, and there are none; write sin\("),
        ("x[0]", r"'x\[0\]' takes a part; give the part a name"),
        ("[1, x]", r"'\[1, x\]' is a list; give it a name"),
        ("(lambda: x)()", "no function"),
        ("[x for x in x]", "is no expression of numbers"),
        ("'a' * x", "column 1: \"'a'\" is text, and wires carry numbers"),
        ("f'{x}'", "is text"),
        ("True + x", "'True' is a truth value; write 1, or a comparison"),
        ("x + None", "column 5: 'None' is no real number"),
        ("2j", "'2j' is no real number"),
        ("x if x > 0 else -x", r"chooses by if; write where\(x > 0, x, -x\)"),
        ("x and x", r"'x and x' uses and, which has no gate; write logical_and\(a, b\)"),
        ("x // 2", r"'x // 2' uses //, which has no gate; there are \+ - \* / \*\* @ and comp"),
        ("x ^ 2", r"uses \^, which has no gate; a power is written \*\*"),
        ("~x", r"'~x' uses ~, which has no gate; write logical_not\(a\)"),
        ("x is x", "uses is, which has no gate"),
        ("1 < x < 2", r"compares twice; write logical_and\(1 < x, x < 2\)"),
        ("1 < x < 2 < 3", "compares several times"),
        ("(x := 3)", "gives a value; do so beside the expression, as x=1.5"),
        ("exp(x, x)", "exp takes 1 input, got 2$"),
        ("max(x, x)", "max takes 1 input, got 2; did you mean 'maximum'"),
        ("where(x)", "where takes 3 inputs, got 1"),
        ("where(x, a=1, b=x)", r"names its inputs; give them in order, as where\(x, 1, x\)"),
        ("exp(*x)", "is no expression of numbers"),
        ("exp", "exp is a function"),
        ("__import__('os').system('x')", "functions are called by name"),
        ("  π * foo(x)", "column 3: 'π' has no value"),
        ("'é' + x", "column 1"),
        ("x * (x +\n  foo(x))", "line 2, column 3: unknown function"),
        ("x * (" + "x + " * 200 + "x) // 2", "…' uses //"),
        ("9" * 400 + " * x", "too large"),
        ("(" * 300 + "x" + ")" * 300, "nested too deeply|cannot read"),
        ("-" * 1900 + "x", "nested too deeply"),
        ("x" * 3000, "2000 characters"),
    ],
)
def test_everything_else_is_refused_with_its_place_and_a_cure(text, message):
    with pytest.raises(pb.CircuitError, match=message):
        parse(text, {"x": 1.0})


def test_columns_count_characters_not_bytes():
    with pytest.raises(pb.CircuitError, match="column 6: unknown function 'foo'"):
        parse(" αβ + foo(x)".replace(" + ", "+ "), {"x": 1.0, "αβ": 2.0})


def test_no_refusal_speaks_of_syntax_trees():
    nodes = {name for name in dir(ast) if name[0].isupper()}
    texts = (
        "x // 2 ; 'a' ; x if x else x ; 1 < x < 2 ; x.y ; {x} ; x[1:2] ; ... ; {1: x} ; "
        "lambda: x ; x and x ; not x ; x not in x ; f'{x}' ; (x for x in x) ; x()() ; (yield)"
    )
    for text in texts.split(" ; "):
        with pytest.raises(pb.CircuitError) as caught:
            parse(text, {"x": 1.0})
        assert not nodes & set(re.findall(r"\w+", str(caught.value))), text


@pytest.mark.parametrize("name", sorted(allowed_functions()))
def test_wires_stand_in_no_line_of_code(name):
    count = len(pb.GATES[name].partials or (None,))
    text = f"2 * {name}({', '.join(['x > 0', 'x', '3'][-count:] if count > 1 else ['x'])}) + x"
    for unit in pb.Circuit(parse(text, {"x": [0.5, 1.0]})).wires:
        assert unit.where == ""
    assert parse("2 + 3", {}).where == parse("7", {}).where == ""


def test_names_of_values_are_read_as_names_in_the_text():
    assert parse("ſ * s", {"ſ": 3.0}).value == 9.0
    with pytest.raises(pb.CircuitError, match="the same to Python"):
        parse("s", {"ſ": 3.0, "s": 2.0})


def test_a_value_without_a_use_is_refused():
    with pytest.raises(pb.CircuitError, match="'z' has a value but does not occur"):
        parse("x + 1", {"x": 1.0, "z": 2.0})


def test_the_white_list_is_gates_alone():
    functions = allowed_functions()
    assert {"add", "exp", "sigmoid", "sum"} <= set(functions)
    assert not {"take", "random", "embed", "reshape"} & set(functions)
