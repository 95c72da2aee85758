"""`pullback embed`: words or points as places, so that what is alike lies together."""

from __future__ import annotations

import typer

from pullback.cli.embed_points import points
from pullback.cli.embed_words import words

embed = typer.Typer(
    no_args_is_help=True, help="Lay out words or points, so that alike ones are near."
)
embed.command()(points)
embed.command()(words)
