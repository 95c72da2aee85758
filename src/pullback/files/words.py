"""In: counts and names. Out: the words by which notes and refusals tell them."""

from __future__ import annotations

from collections.abc import Sequence


def counted(n: int, what: str, several: str = "") -> str:
    """A number and its noun.

    >>> counted(1, "file"), counted(1200, "file"), counted(2, "class", "classes")
    ('1 file', '1,200 files', '2 classes')
    """
    return f"{n:,} {what if n == 1 else several or what + 's'}"


def listed(names: Sequence[object], most: int = 5) -> str:
    """The first few names, and how many more there are.

    >>> listed(["a", "b"]), listed(range(8))
    ('a, b', '0, 1, 2, 3, 4 and 3 more')
    """
    few = ", ".join(map(str, names[:most]))
    return few if len(names) <= most else f"{few} and {len(names) - most:,} more"
