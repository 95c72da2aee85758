"""A record of options in a command's signature stands for each of them, in its place."""

from dataclasses import dataclass
from inspect import signature
from typing import Annotated

import typer
from typer.testing import CliRunner

from pullback.cli.expanded import expanded

Depth = Annotated[int, typer.Option("--deep", help="how deep")]


@dataclass(frozen=True)
class Shape:
    height: Annotated[int, typer.Option(help="how high"), "metres"] = 1
    depth: Depth = 2


@dataclass(frozen=True)
class Colour:
    name: str = "red"
    bright: bool = False


def paint(wall: str, shape: Shape, coats: int = 1, *, colour: Colour, wet: bool = False) -> None:
    """Paint a wall."""
    print(wall, shape, coats, colour, wet)


def ran(*arguments, without=()):
    app = typer.Typer()
    app.command()(expanded(paint, without))
    return CliRunner().invoke(app, arguments)


def test_options_stand_where_their_record_does():
    names = list(signature(expanded(paint)).parameters)
    assert names == ["wall", "height", "depth", "coats", "name", "bright", "wet"]


def test_what_is_told_comes_as_records():
    done = ran("north", "--deep", "5", "--coats", "3", "--bright", "--wet")
    assert done.exit_code == 0
    told = f"north {Shape(depth=5)} 3 {Colour(bright=True)} True"
    assert done.stdout.strip() == told


def test_what_a_command_does_without_has_its_default_and_no_option():
    done = ran("north", "--height", "4", without=["depth", "name"])
    assert done.stdout.strip() == f"north {Shape(height=4)} 1 {Colour()} False"
    assert ran("north", "--deep", "5", without=["depth"]).exit_code == 2


def test_the_command_keeps_its_name_and_its_text():
    assert (expanded(paint).__name__, expanded(paint).__doc__) == ("paint", "Paint a wall.")
