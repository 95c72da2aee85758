"""`pullback explain`: an expression as a circuit, with every number that flows through it."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console

from pullback.circuit import Circuit
from pullback.cli.files import writable
from pullback.core.errors import CircuitError
from pullback.core.text import brief
from pullback.core.unit import Unit
from pullback.core.values import is_differentiable
from pullback.expression import normalized, parse
from pullback.inspect.check import check_gradients
from pullback.inspect.draw import draw
from pullback.inspect.strategies import compare_strategies


def _above_zero(step: float) -> float:
    if not (step > 0.0 and math.isfinite(step)):
        raise typer.BadParameter(f"a step is a number above 0, such as 0.01, got {step}")
    return step


def explain(
    context: typer.Context,
    expression: Annotated[str, typer.Argument(help='such as "(x + y) * z"')],
    values: Annotated[
        list[str] | None, typer.Argument(help="a value for every name, as x=-2 or x=[1,2]")
    ] = None,
    svg: Annotated[
        str | None, typer.Option(metavar="FILE", help="also draw the circuit to this file")
    ] = None,
    step: Annotated[
        float,
        typer.Option(callback=_above_zero, help="the step that the three strategies take"),
    ] = 0.01,
) -> None:
    """Show an expression's circuit: values, gradients, their check, three strategies' steps."""
    out = Console(highlight=False)

    def show(what: object) -> None:
        out.print(str(what), markup=False, soft_wrap=True)

    given = _assignments(context, expression, values or [])
    target = None if svg is None else writable("--svg", svg, ".svg")
    output = parse(expression, given)
    if output.name is None:
        output.name = "out"
    circuit = Circuit(output)
    has_slope = is_differentiable(output.value)
    if has_slope:
        circuit.backward()
    show(circuit)
    if output.is_constant:
        show(f"  {output.name}  = {brief(output.value)}")
    if target is not None:
        draw(circuit).save(target)
        show(f"\ndrawn to {target}")
    if not circuit.inputs:
        show("\nno gradients: there is no name in it whose value could change")
    elif not has_slope:
        kind = "truth values" if output.dtype.kind == "b" else "whole numbers"
        show(f"\nno gradients: the output carries {kind}, which jump and have no slope")
    else:
        show(f"\n{check_gradients(output, on_failure='report')}")
        show(f"\n{_strategies(output, step)}")


def _strategies(output: Unit, step: float) -> str:
    """The three strategies side by side, or why there are none."""
    if output.size != 1:
        return (
            f"no strategies: they raise one number, and the output has {output.size}; try sum(...)"
        )
    try:
        return str(compare_strategies(output, step_size=step))
    except CircuitError as error:
        raise CircuitError(str(error).replace("step_size", "--step")) from None


def _assignments(context: typer.Context, expression: str, texts: Sequence[str]) -> dict[str, Any]:
    """The names and their values, of "x=-2" and the like; none twice."""
    if not any(text.startswith(f"{expression.lstrip('-')}=") for text in texts):
        _refuse_option(context, expression)
    given: dict[str, Any] = {}
    for text in texts:
        _refuse_option(context, text)
        name, value = _assignment(text)
        if name in given:
            raise CircuitError(f"{name!r} is given two values; give it one")
        given[name] = value
    return given


def _refuse_option(context: typer.Context, text: str) -> None:
    """Refuse "--stpe", which is a mistyped option, though "--x" may be an expression."""
    if re.fullmatch(r"--[a-zA-Z][\w-]+(=.*)?", text):
        known = [name for parameter in context.command.params for name in parameter.opts]
        options = ", ".join(name for name in known if name.startswith("--"))
        raise CircuitError(f"there is no option {text.partition('=')[0]}; there are: {options}")


def _assignment(text: str) -> tuple[str, Any]:
    """A name and its value from "x=-2"; lists make arrays."""
    name, sign, value = text.partition("=")
    name = normalized(name.strip())
    if not sign or not name.isidentifier():
        raise CircuitError(f"cannot read {text!r}; give values as x=1.5 or x=[1, 2]")
    try:
        return name, float(value)
    except ValueError:
        pass
    try:
        parsed = ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        parsed = None
    if not isinstance(parsed, list | tuple) or not parsed:
        raise CircuitError(f"cannot read the value of {name!r}, {value!r}; give a number")
    return name, list(parsed)
