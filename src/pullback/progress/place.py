"""In: whether progress was asked for. Out: the place where it is shown, or none.

A person looks on at a terminal and in a notebook. Anything else, such as a file or a pipe, has it
in plain lines, and only if that was asked for: by a call, or for all calls by the environment
variable `PULLBACK_PROGRESS`, which is 1, or 0 to show it nowhere. A call has the last word.
"""

from __future__ import annotations

import os
import sys
from typing import Literal

Place = Literal["terminal", "notebook", "lines"]


def place_of(show: bool | None = None) -> Place | None:
    """Where progress is shown; None is nowhere.

    >>> place_of(False) is None
    True
    """
    if show is None:
        show = {"": None, "0": False}.get(os.environ.get("PULLBACK_PROGRESS", ""), True)
    if show is False or sys.stderr is None:
        return None
    if sys.stderr.isatty():
        return "lines" if os.environ.get("TERM") == "dumb" else "terminal"
    if in_notebook():
        return "notebook"
    return "lines" if show else None


def in_notebook() -> bool:
    """Whether this process runs the cells of a notebook."""
    ipython = sys.modules.get("IPython")
    return "ipykernel" in sys.modules and ipython is not None and ipython.get_ipython() is not None
