"""In: what the library says, with Python's arguments. Out: the same with the command's options."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pullback.core.errors import CircuitError

_OPTION = (
    "architecture|dimensions|encoding|epochs|learning_rate|lines|loss|min_count|negatives|sample"
    "|seed|subwords|threads|watch|window"
)


def as_option(text: str) -> str:
    """A sentence of the library, with options as the command line has them.

    >>> as_option("min_count=2 would keep 3 words"), as_option("with subwords=(3, 6)")
    ('--min-count 2 would keep 3 words', 'with --subwords 3-6')
    >>> as_option("such as encoding='latin-1'"), as_option("window must be a whole number")
    ('such as --encoding latin-1', '--window must be a whole number')
    """
    text = text.replace("subwords=(3, 6)", "--subwords 3-6")
    text = re.sub(rf"^({_OPTION})(?= must be | is ')", _option, text)
    text = re.sub(r"\b(learning_rate|min_count)\b(?!=)", _option, text)
    text = re.sub(rf"\b({_OPTION})='([^' ]+)'", lambda m: f"{_option(m)} {m[2]}", text)
    return re.sub(rf"\b({_OPTION})=(?=\w)", lambda m: f"{_option(m)} ", text)


def _option(found: re.Match[str]) -> str:
    return f"--{found[1].replace('_', '-')}"


@contextmanager
def options_named() -> Iterator[None]:
    """Errors and warnings of the library inside name options as the command line has them."""

    def show(message: Warning | str, *more: Any, **named: Any) -> None:
        shown(UserWarning(as_option(str(message))), *more, **named)

    with warnings.catch_warnings():
        shown, warnings.showwarning = warnings.showwarning, show
        try:
            yield
        except CircuitError as error:
            raise CircuitError(as_option(str(error))) from None
