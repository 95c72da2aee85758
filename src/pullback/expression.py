"""In: an expression as text. Out: its circuit. Nothing in the text runs but gates of a white list.

The text is parsed as Python's grammar and walked; whatever is not a number, a name that was given a
value, an operator with a gate, or a call of a listed gate is refused, with what to write instead.
"""

from __future__ import annotations

import ast
import difflib
import math
import operator
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pullback.core.errors import CircuitError
from pullback.core.gate import constant
from pullback.core.registry import GATES
from pullback.core.unit import Unit

_REDUCTIONS = ("sum", "mean", "var", "max", "min", "logsumexp", "softmax", "log_softmax")
_LONGEST = 2000  # characters; Python's own parser nests without a bound
_QUOTED = 40  # characters of the source that a refusal repeats

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

_THERE_ARE = "there are + - * / ** @ and comparisons"
_AND, _OR, _NOT = (f"write logical_{what}" for what in ("and(a, b)", "or(a, b)", "not(a)"))
_REFUSED: dict[type[ast.AST], tuple[str, str]] = {  # Python's other operators: sign and cure
    ast.FloorDiv: ("//", _THERE_ARE),
    ast.Mod: ("%", _THERE_ARE),
    ast.LShift: ("<<", _THERE_ARE),
    ast.RShift: (">>", _THERE_ARE),
    ast.BitXor: ("^", "a power is written **"),
    ast.BitAnd: ("&", _AND),
    ast.And: ("and", _AND),
    ast.BitOr: ("|", _OR),
    ast.Or: ("or", _OR),
    ast.Invert: ("~", _NOT),
    ast.Not: ("not", _NOT),
    ast.In: ("in", _THERE_ARE),
    ast.NotIn: ("not in", _THERE_ARE),
    ast.Is: ("is", _THERE_ARE),
    ast.IsNot: ("is not", _THERE_ARE),
}


def allowed_functions() -> dict[str, Callable[..., Any]]:
    """The functions that an expression may call: all elementwise gates and the reductions."""
    names = [name for name, gate in GATES.items() if gate.elementwise or name in _REDUCTIONS]
    return {name: GATES[name].function for name in sorted(names)}


def normalized(name: str) -> str:
    """A name as Python's grammar reads it, which takes letters of one kind for the same.

    >>> normalized("ſ")  # the long s of old print
    's'
    """
    return unicodedata.normalize("NFKC", name)


def parse(text: str, values: Mapping[str, Any]) -> Unit:
    """The circuit of an expression, with a source for each name in it, at the values given.

    Operators: + - * / ** @ and comparisons; functions: elementwise gates and reductions over all
    elements; `pi` and `e` unless they are given values. No line of code is the origin of its wires.

    Raises `CircuitError` that points at what it cannot take: syntax, an unknown name or function, a
    value that is missing, not used, or given twice.

    >>> f = parse("(x + y) * z", {"x": -2, "y": 5, "z": -4})
    >>> f.value
    -12.0
    >>> parse("2 * sine(x)", {"x": 1})
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: column 5: unknown function 'sine'; did you mean 'sin'?
    """
    if len(text) > _LONGEST:
        raise CircuitError(f"an expression may have {_LONGEST} characters, got {len(text)}")
    if not text.strip():
        raise CircuitError("the expression is empty; write one such as (x + y) * z")
    known = {normalized(name): value for name, value in values.items()}
    if len(known) < len(values):
        raise CircuitError(f"two of the names {', '.join(values)} are the same to Python")
    builder = _Builder(text, known)
    try:
        result = builder.build(_tree(text))
    except RecursionError:
        raise CircuitError("cannot read the expression: it is nested too deeply") from None
    unused = sorted(set(known) - set(builder.sources))
    if unused:
        raise CircuitError(f"{unused[0]!r} has a value but does not occur in {text!r}")
    return result if isinstance(result, Unit) else _placeless(constant(result))


def _tree(text: str) -> ast.expr:
    """The expression as Python's grammar reads it."""
    stripped = text.strip()
    try:
        return ast.parse(stripped, mode="eval").body
    except SyntaxError as error:
        before = len(text) - len(text.lstrip()) if error.lineno == 1 else 0
        place = f" at column {error.offset + before}" if error.offset else ""
        raise CircuitError(f"cannot read the expression{place}: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise CircuitError("cannot read the expression: it is nested too deeply") from None
    except ValueError as error:  # null characters, or bytes that are no text
        raise CircuitError(f"cannot read the expression: {error}") from None


class _Builder:
    """Walks a parsed expression and wires its gates."""

    def __init__(self, text: str, values: Mapping[str, Any]) -> None:
        self.text = text
        self.values = values
        self.sources: dict[str, Unit] = {}
        self.functions = allowed_functions()

    def build(self, node: ast.expr) -> Any:
        return _placeless(self._made(node))

    def _made(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=int() | float() as value) if type(value) is not bool:
                try:
                    return float(value)
                except OverflowError:
                    raise self._refused(node, "this number is too large") from None
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
        raise self._refused(node, f"{self._quoted(node)} {self._why(node)}")

    def source(self, name: str, node: ast.expr) -> Any:
        if name in self.values:
            if name not in self.sources:
                self.sources[name] = Unit(self.values[name], name)
            return self.sources[name]
        if name in ("pi", "e"):
            return getattr(math, name)
        if name in self.functions:
            raise self._refused(node, f"{name} is a function; call it as {name}(...)")
        raise self._refused(node, f"{name!r} has no value; give one as {name}=1.5")

    def call(self, name: str, args: Sequence[ast.expr], node: ast.expr) -> Any:
        if name not in self.functions:
            raise self._refused(node, self._unknown(name))
        wanted = self._count(name)
        if len(args) != wanted:
            more = difflib.get_close_matches(name, self.functions, n=len(self.functions))
            fits = [near for near in more if self._count(near) == len(args)]
            hint = f"; did you mean {fits[0]!r}?" if fits else ""
            inputs = "1 input" if wanted == 1 else f"{wanted} inputs"
            raise self._refused(node, f"{name} takes {inputs}, got {len(args)}{hint}")
        return self.functions[name](*[self.build(arg) for arg in args])

    def _count(self, name: str) -> int:
        """How many inputs a function takes."""
        return len(GATES[name].partials or (None,))

    # Refusals --------------------------------------------------------------------------------

    def _refused(self, node: ast.expr, why: str) -> CircuitError:
        lines = self.text.lstrip().split("\n")
        line = lines[min(node.lineno, len(lines)) - 1]
        column = len(line.encode()[: node.col_offset].decode(errors="ignore")) + 1
        if node.lineno > 1:
            return CircuitError(f"line {node.lineno}, column {column}: {why}")
        return CircuitError(f"column {column + len(self.text) - len(self.text.lstrip())}: {why}")

    def _quoted(self, node: ast.expr) -> str:
        """The part of the text that a node was read from, in quotes."""
        source = ast.get_source_segment(self.text.strip(), node) or ast.unparse(node)
        source = " ".join(source.split())
        return repr(source if len(source) <= _QUOTED else f"{source[: _QUOTED - 1]}…")

    def _unknown(self, name: str) -> str:
        if name in self.values or name in ("pi", "e"):
            return f"{name!r} is a number, not a function; a product is written with *"
        near = difflib.get_close_matches(name, self.functions, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(self.functions)}"
        return f"unknown function {name!r}; {hint}"

    def _why(self, node: ast.expr) -> str:
        """What is wrong with a node that has no gate, and what to write instead."""
        match node:
            case (
                ast.BinOp(op=op) | ast.UnaryOp(op=op) | ast.BoolOp(op=op) | ast.Compare(ops=[op])
            ) if type(op) in _REFUSED:
                sign, cure = _REFUSED[type(op)]
                return f"uses {sign}, which has no gate; {cure}"
            case ast.Compare(left=a, ops=[first, second], comparators=[b, c]):
                pairs = ast.Compare(a, [first], [b]), ast.Compare(b, [second], [c])
                return f"compares twice; write logical_and({', '.join(map(ast.unparse, pairs))})"
            case ast.Compare():
                return f"compares several times; compare two at a time, and {_AND}"
            case ast.IfExp(test=test, body=body, orelse=other):
                parts = ", ".join(map(ast.unparse, (test, body, other)))
                return f"chooses by if; write where({parts})"
            case ast.Constant(value=bool() as value):
                return f"is a truth value; write {int(value)}, or a comparison"
            case ast.Constant(value=str() | bytes()) | ast.JoinedStr():
                return "is text, and wires carry numbers"
            case ast.Constant():
                return "is no real number"
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
                plain = ", ".join(map(ast.unparse, [*args, *(word.value for word in keywords)]))
                return f"names its inputs; give them in order, as {name}({plain})"
            case ast.Attribute(attr=name) | ast.Call(func=ast.Attribute(attr=name)):
                if name in self.functions:
                    return f"asks for an attribute, and there are none; write {name}(...)"
                return "asks for an attribute, and there are none; functions are called by name"
            case ast.Call(func=called):
                return f"calls {self._quoted(called)}, no function; a product is written with *"
            case ast.Subscript():
                return "takes a part; give the part a name, and its value beside the expression"
            case ast.List() | ast.Tuple():
                return "is a list; give it a name, and its value beside the expression: x=[1,2]"
            case ast.NamedExpr(target=target):
                return f"gives a value; do so beside the expression, as {target.id}=1.5"
        return f"is no expression of numbers; {_THERE_ARE}, and functions of them such as exp(x)"


def _wire(x: Any) -> Any:
    """A constant as a wire, so that operators on numbers alone are gates' too (2 / 0 is inf)."""
    return constant(x) if isinstance(x, float) else x


def _placeless(made: Any) -> Any:
    """What was made, without an origin: the line that called `parse` is not where it stands."""
    if isinstance(made, Unit):
        for unit in (made, *made.inputs):
            unit.origin = None
    return made
