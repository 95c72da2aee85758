"""In: nothing. Out: PyTorch, where it is used: only a user's module brings it in.

No file imports it before it is asked for something, so that the doctor does without it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


class _Late:
    """PyTorch, imported when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what tools ask of anything, such as doctest
            raise AttributeError(name)
        return getattr(import_module("torch"), name)


torch: Any = _Late()


def is_module(thing: Any) -> bool:
    """Whether it is a module of PyTorch, which then is there already.

    >>> is_module("a text")
    False
    """
    there = sys.modules.get("torch")
    return there is not None and isinstance(thing, there.nn.Module)
