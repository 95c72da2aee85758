"""In: counts and names. Out: the words by which notes and refusals tell them."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence


def listed(names: Sequence[object], most: int = 5) -> str:
    """The first few names, and how many more there are.

    >>> listed(["a", "b"]), listed(range(8))
    ('a, b', '0, 1, 2, 3, 4 and 3 more')
    """
    few = ", ".join(map(str, names[:most]))
    return few if len(names) <= most else f"{few} and {len(names) - most:,} more"


def text_of(path: str | os.PathLike[str]) -> str:
    """A file's name as text that can be printed: bytes in it that are no UTF-8 are escaped.

    >>> text_of(os.fsdecode(b"caf\\xe9.png")), text_of("café.png")
    ('caf\\\\udce9.png', 'café.png')
    """
    return os.fspath(path).encode("utf-8", "backslashreplace").decode("utf-8")


def about_names(names: Iterable[str]) -> list[str]:
    """What is to be said of classes that differ in case, or in how accents are written, alone.

    >>> about_names(["Cat", "dog", "cat"])
    ['these classes look nearly the same: Cat, cat']
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[unicodedata.normalize("NFKC", name).casefold()].append(name)
    same = [name for group in groups.values() if len(group) > 1 for name in group]
    return [f"these classes look nearly the same: {listed(same)}"] if same else []
