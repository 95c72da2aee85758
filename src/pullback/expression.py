"""In: an expression as text. Out: its circuit. Nothing in the text runs but gates of a white list.

The text is parsed as Python's grammar and walked; whatever is not a number, a name that was given a
value, an operator with a gate, or a call of a listed gate is refused.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from pullback.core.errors import CircuitError
from pullback.core.gate import constant
from pullback.core.registry import GATES
from pullback.core.unit import Unit

_REDUCTIONS = ("sum", "mean", "max", "min", "logsumexp", "softmax", "log_softmax")
_LONGEST = 2000  # characters; Python's own parser nests without a bound

_BINARY: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
}
_COMPARE: dict[type[ast.AST], str] = {
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}


def allowed_functions() -> dict[str, Callable[..., Any]]:
    """The functions that an expression may call: all elementwise gates and the reductions."""
    names = [name for name, gate in GATES.items() if gate.elementwise or name in _REDUCTIONS]
    return {name: GATES[name].function for name in sorted(names)}


def parse(text: str, values: Mapping[str, Any]) -> Unit:
    """The circuit of an expression, with a source for each name in it, at the values given.

    Operators: + - * / ** @ and comparisons; functions: elementwise gates and reductions over all
    elements; `pi` and `e` unless they are given values.

    Raises `CircuitError` that points at what it cannot take: syntax, an unknown name or function, a
    value that is missing or not used.

    >>> f = parse("(x + y) * z", {"x": -2, "y": 5, "z": -4})
    >>> f.value
    -12.0
    >>> parse("__import__('os')", {})
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: unknown function '__import__' at column 1
    """
    if len(text) > _LONGEST:
        raise CircuitError(f"an expression may have {_LONGEST} characters, got {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        place = f" at column {error.offset}" if error.offset else ""
        raise CircuitError(f"cannot read the expression{place}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError):
        raise CircuitError("cannot read the expression: it is nested too deeply") from None
    builder = _Builder(values)
    try:
        result = builder.build(tree.body)
    except RecursionError:
        raise CircuitError("cannot read the expression: it is nested too deeply") from None
    unused = sorted(set(values) - set(builder.sources))
    if unused:
        raise CircuitError(f"{unused[0]!r} has a value but does not occur in {text!r}")
    return result if isinstance(result, Unit) else constant(result)


class _Builder:
    """Walks a parsed expression and wires its gates."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.sources: dict[str, Unit] = {}
        self.functions = allowed_functions()

    def build(self, node: ast.AST) -> Any:
        match node:
            case ast.Constant(value=int() | float() as value) if type(value) is not bool:
                try:
                    return float(value)
                except OverflowError:
                    raise _refused(node, "this number is too large") from None
            case ast.Name(id=name):
                return self.source(name, node)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return _BINARY[type(op)](_wire(self.build(left)), self.build(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.build(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.build(operand)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
                return GATES[_COMPARE[type(op)]](self.build(left), self.build(right))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(name, args, node)
            case ast.Call():
                raise _refused(node, "only functions by name, with plain arguments, can be called")
        raise _refused(node, f"{type(node).__name__} has no gate")

    def source(self, name: str, node: ast.AST) -> Any:
        if name in self.values:
            if name not in self.sources:
                self.sources[name] = Unit(self.values[name], name)
            return self.sources[name]
        if name in ("pi", "e"):
            return getattr(math, name)
        if name in self.functions:
            raise _refused(node, f"{name} is a function; call it as {name}(...)")
        raise _refused(node, f"{name!r} has no value; give one as {name}=1.5")

    def call(self, name: str, args: list[ast.expr], node: ast.AST) -> Any:
        if name not in self.functions:
            raise _refused(node, f"unknown function {name!r}")
        inputs = [self.build(arg) for arg in args]
        wanted = len(GATES[name].partials or (None,))
        if len(inputs) != wanted:
            raise _refused(node, f"{name} takes {wanted} inputs, got {len(inputs)}")
        return self.functions[name](*inputs)


def _wire(x: Any) -> Any:
    """A constant as a wire, so that operators on numbers alone are gates' too (2 / 0 is inf)."""
    return constant(x) if isinstance(x, float) else x


def _refused(node: ast.AST, why: str) -> CircuitError:
    return CircuitError(f"{why} at column {getattr(node, 'col_offset', 0) + 1}")
