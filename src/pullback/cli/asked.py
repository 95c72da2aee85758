"""In: the options of a training. Out: the same by what they are for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pullback.core.errors import CircuitError
from pullback.train.settings import option_of

KINDS = {
    "tables": "tables",
    "files": "tables",
    "drawn": "tables",
    "pictures": "pictures",
    "folders": "folders of pictures or recordings",
    "sequences": "text and sound",
}
"""By its name, what a kind of options is for."""


@dataclass(frozen=True)
class Asked:
    """What was asked for, None where nothing was: of any data, and of some kinds alone.

    `own` has the options of each kind by its name; "files" are of tables that are read from one,
    "folders" of pictures and recordings alike.
    """

    common: Mapping[str, Any]
    own: Mapping[str, Mapping[str, Any]]

    def given(self, *kinds: str) -> dict[str, Any]:
        """All that was asked for, of any data and of these kinds."""
        groups = [self.common, *(self.own[kind] for kind in kinds)]
        return {name: x for group in groups for name, x in group.items() if x is not None}

    def refuse_but(self, what: str, *kinds: str) -> None:
        """Refuse what was asked for of other kinds than these, as `what` says that the data are.

        Raises `CircuitError`.
        """
        for kind in (kind for kind in self.own if kind not in kinds):
            for name, value in self.own[kind].items():
                if value is not None:
                    raise CircuitError(f"{option_of(name)} is for {KINDS[kind]}, and {what}")


def as_options(text: str) -> str:
    """The same, with arguments as the command line has them; others are Python's.

    >>> as_options("rate= takes another"), as_options("label= names another")
    ('--rate takes another', 'in Python, label= names another')
    """
    text = re.sub(
        r"\b(size|rate|encoding)= ?", r"--\1 ", text.replace("skip_broken=True", "--skip-broken")
    )
    return re.sub(r"\b(channels|file|folder|label)=", r"in Python, \1=", text)
