"""In: a frame of Python's stack. Out: the line of the user's code that made a wire."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple

LIBRARY = str(Path(__file__).parent.parent) + os.sep


class Place(NamedTuple):
    """A line of code."""

    file: str
    line: int
    function: str


Origin = tuple[CodeType, int] | Place | None
"""A code object and an offset in its bytecode, which is quick to note, or a `Place`."""


def calling_code(frame: FrameType | None) -> tuple[CodeType, int] | None:
    """The nearest code outside this library. A frame is not kept: it would keep its variables."""
    while frame is not None:
        code = frame.f_code
        if not _OURS[code.co_filename]:
            return code, frame.f_lasti
        frame = frame.f_back
    return None


def place_of(origin: Origin) -> Place | None:
    """The line that an origin is.

    >>> place_of(Place("model.py", 3, "build")).line
    3
    """
    return origin if origin is None or isinstance(origin, Place) else _place(*origin)


@lru_cache(4096)
def _place(code: CodeType, offset: int) -> Place:
    lines = (line for start, end, line in code.co_lines() if start <= offset < end and line)
    return Place(code.co_filename, next(lines, code.co_firstlineno), code.co_name)


class _Ours(dict[str, bool]):
    """Whether a file belongs to this library, found out once for each file."""

    def __missing__(self, filename: str) -> bool:
        self[filename] = filename.startswith(LIBRARY)
        return self[filename]


_OURS = _Ours()
