"""The command `pullback`. Each subcommand is a file; a mistake ends in a sentence and status 2."""

from __future__ import annotations

import io
import os
import sys
import warnings
from typing import Any, NoReturn

from pullback.core.errors import CircuitError


def main() -> None:
    """Run the command line; what a user can mend is said in one sentence, without a traceback.

    Ends with status 2 after a mistake, 1 where something cannot be read or written, or memory is
    used up, and 130, as shells expect, after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a bar or "é" that a terminal lacks becomes "?"
    try:
        from pullback.cli.app import app  # a while of imports, in which Ctrl-C is quiet too

        try:
            with warnings.catch_warnings():
                warnings.showwarning = _note
                app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # what cannot be written is known now, not at exit
    except CircuitError as error:
        _end(2, str(error.args[0]) if error.args else "the circuit cannot be built")
    except MemoryError as error:
        _end(1, f"there is not enough memory: {error}" if str(error) else "memory is used up")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # whoever read has read enough, as `head` does
        _abandon_stdout()
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            _abandon_stdout()
        place = error.filename or "the output"
        _end(1, f"cannot read or write {place}: {error.strerror or error}")


def _note(message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning as a sentence: where it was raised is nothing to whoever types a command.

    The terminal breaks its lines, so that the path in it can be copied.
    """
    from rich.console import Console

    out = Console(stderr=True, highlight=False)
    out.print(f"note: {message}", markup=False, soft_wrap=True)


def _end(status: int, message: str) -> NoReturn:
    from rich.console import Console

    Console(stderr=True, highlight=False).print(f"error: {message}", style="red", markup=False)
    sys.exit(status)


def _abandon_stdout() -> None:
    """Let what is still unwritten go nowhere, so that Python does not try again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
