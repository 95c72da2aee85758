"""A long text as a data set: what is to be learned from, and what is kept to judge by."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Text:
    """A text, and where it is from; `validation` is the part of it that is kept to judge by.

    >>> len(Text("greeting", "hello"))
    5
    """

    name: str
    text: str = field(repr=False)
    source: str = ""
    validation: Text | None = field(default=None, repr=False)

    def __len__(self) -> int:
        """The number of characters."""
        return len(self.text)
