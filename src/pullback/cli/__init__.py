"""The command `pullback`. Each subcommand is a file; a mistake ends in a sentence and status 2."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from pullback.cli.explain import explain
from pullback.cli.train import train
from pullback.core.errors import CircuitError

app = typer.Typer(
    help="Neural networks as real-valued circuits: see every wire, train fast.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(explain)
app.command()(train)


def main() -> None:
    """Run the command line; what a user can mend is said in one sentence, without a traceback."""
    try:
        app()
    except (CircuitError, KeyError) as error:
        message = error.args[0] if error.args else error
        Console(stderr=True, highlight=False).print(f"error: {message}", style="red", markup=False)
        sys.exit(2)
