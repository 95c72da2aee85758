"""`pullback explain`: an expression as a circuit, with every number that flows through it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from pullback.circuit import Circuit
from pullback.core.errors import CircuitError
from pullback.expression import parse
from pullback.inspect.check import check_gradients
from pullback.inspect.draw import draw
from pullback.inspect.strategies import compare_strategies


def explain(
    expression: Annotated[str, typer.Argument(help='such as "(x + y) * z"')],
    values: Annotated[
        list[str] | None, typer.Argument(help="a value for every name, as x=-2 or x=[1,2]")
    ] = None,
    svg: Annotated[Path | None, typer.Option(help="also draw the circuit to this file")] = None,
    step: Annotated[float, typer.Option(help="the step that the three strategies take")] = 0.01,
) -> None:
    """Show an expression's circuit: values, gradients, their check, three strategies' steps."""
    out = Console(highlight=False)
    output = parse(expression, dict(_assignment(text) for text in values or []))
    if output.name is None:
        output.name = "out"
    circuit = Circuit(output)
    circuit.backward()
    out.print(str(circuit), markup=False, soft_wrap=True)
    if not circuit.inputs:
        return
    out.print()
    out.print(str(check_gradients(output, on_failure="report")), markup=False, soft_wrap=True)
    if output.size == 1:
        out.print()
        comparison = compare_strategies(output, step_size=step)
        out.print(str(comparison), markup=False, soft_wrap=True)
    if svg is not None:
        draw(circuit).save(svg)
        out.print(f"\ndrawn to {svg}", markup=False)


def _assignment(text: str) -> tuple[str, Any]:
    """A name and its value from "x=-2"; lists make arrays."""
    name, sign, value = text.partition("=")
    name = name.strip()
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
