"""`pullback embed`: words or points as places, so that what is alike lies together."""

from __future__ import annotations

import typer

from pullback.cli.embed_points import points
from pullback.cli.embed_words import words
from pullback.cli.expanded import expanded

embed = typer.Typer(
    no_args_is_help=True, help="Lay out words or points, so that alike ones are near."
)
embed.command()(expanded(points))
embed.command()(words)
