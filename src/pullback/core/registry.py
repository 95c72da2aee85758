"""In: things declared once under a name. Out: the same things, found again by that name.

Gates, layers, losses, optimizers and data sets each have one registry. Whoever needs them all, or
one by name (tests, documentation, engines, saved models, the command line), reads it there.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

from pullback.core.errors import UnknownNameError

if TYPE_CHECKING:
    from pullback.core.gate import Gate

T = TypeVar("T")


def meant(name: object, known: Iterable[str]) -> str:
    """What to say of a name that is none of those known: the one that is near, or all of them.

    >>> meant("adamm", ["SGD", "Adam"]), meant("newton", ["SGD", "Adam"])
    ("did you mean 'Adam'?", 'there are: SGD, Adam')
    """
    cases = {one.casefold(): one for one in known}
    word = str(name).casefold()
    near = difflib.get_close_matches(word, cases, n=3)
    if not near:
        return f"there are: {', '.join(cases.values())}"
    score = difflib.SequenceMatcher(None, near[0], word).ratio()
    alike = [x for x in near if difflib.SequenceMatcher(None, x, word).ratio() == score]
    return f"did you mean {' or '.join(repr(cases[x]) for x in sorted(alike))}?"


class Registry(dict[str, T]):
    """A dictionary whose failures say which names there are.

    >>> fruit = Registry("fruit")
    >>> fruit.add("apple", 1)
    1
    >>> fruit["aple"]
    Traceback (most recent call last):
        ...
    pullback.core.errors.UnknownNameError: there is no fruit 'aple'; did you mean 'apple'?
    """

    def __init__(self, noun: str) -> None:
        super().__init__()
        self.noun = noun

    def add(self, name: str, thing: T) -> T:
        """Keep `thing` under `name`, which must be free, and return it."""
        if name in self:
            raise ValueError(f"there is already a {self.noun} named {name!r}; choose another name")
        self[name] = thing
        return thing

    def spelled(self, name: str) -> str:
        """A name as it is registered, which may be given in upper or lower case.

        >>> fruit = Registry("fruit")
        >>> fruit.add("Apple", 1), fruit[fruit.spelled("apple")]
        (1, 1)
        """
        return next((known for known in self if known.casefold() == name.casefold()), name)

    def __missing__(self, name: str) -> T:
        raise UnknownNameError(f"there is no {self.noun} {name!r}; {meant(name, sorted(self))}")

    def __repr__(self) -> str:
        return f"<{len(self)} {self.noun}s>"


GATES: Registry[Gate] = Registry("gate")
