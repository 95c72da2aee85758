"""In: a command line. Out: the subcommand it names, called with its options."""

from __future__ import annotations

from typing import Annotated

import typer

import pullback
from pullback.cli.cache import cache
from pullback.cli.describe import describe
from pullback.cli.doctor import OF_TRAIN, doctor
from pullback.cli.embed import embed
from pullback.cli.expanded import expanded
from pullback.cli.explain import explain
from pullback.cli.predict import predict
from pullback.cli.sample import sample
from pullback.cli.search import search
from pullback.cli.show import show
from pullback.cli.similar import similar
from pullback.cli.train import train

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # which fills the lines of a paragraph
)
# An expression such as "-x" is no option; `explain` itself refuses what can only be one.
app.command(context_settings={"ignore_unknown_options": True})(explain)
app.command()(expanded(train))
app.command()(expanded(doctor, without=OF_TRAIN))
app.command()(expanded(search))
app.command()(expanded(predict, without=["classes"]))
app.command()(sample)
app.command()(describe)
app.command()(show)
app.command()(cache)
app.add_typer(embed, name="embed")
app.command()(similar)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"pullback {pullback.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="print the version"),
    ] = False,
) -> None:
    """Neural networks as real-valued circuits: see every wire, train fast."""
