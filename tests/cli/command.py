"""The command line, run in this process or as one: what it prints, and its status."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from typing import TextIO
from unittest.mock import patch

import typer

from pullback.cli import main

once_built = cache(typer.main.get_command)
"""The command, which a process builds once and runs once: that takes longer than most runs here."""


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str

    @property
    def message(self) -> str:
        """What was said on standard error, on one line."""
        return " ".join(self.stderr.replace("│", "").split())


class Terminal(io.BytesIO):
    """Bytes that a terminal would show."""

    def isatty(self) -> bool:
        return True


def run(
    *arguments: object,
    columns: int = 80,
    encoding: str = "utf-8",
    terminal: bool = False,
    onto: TextIO | None = None,
) -> Done:
    """`pullback` with these arguments, so many columns wide; what it prints goes onto a file."""
    kind = Terminal if terminal else io.BytesIO
    out, err = (io.TextIOWrapper(kind(), encoding, newline="\n") for _ in range(2))
    with (
        patch.object(typer.main, "get_command", once_built),
        patch.object(sys, "argv", ["pullback", *map(str, arguments)]),
        patch.dict(os.environ, {"COLUMNS": str(columns)}),
        redirect_stdout(onto or out),
        redirect_stderr(err),
    ):
        try:
            main()
            status = 0
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 0
    for stream in (out, err):
        stream.flush()
    return Done(status, *(x.buffer.getvalue().decode(encoding) for x in (out, err)))


def as_a_module(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command line as a process of its own."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "pullback", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def fast(*arguments: object, **how) -> Done:
    """`pullback train` without compiling anything, for two epochs."""
    return run("train", "--engine", "eager", "--epochs", "2", *arguments, **how)
