"""In: a command that takes records of options. Out: one with each option for itself, for typer.

Options that several commands have stand once then, in a dataclass whose fields are annotated as
parameters of a command are. A command names the record where its options are to stand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints

Command = Callable[..., None]


def expanded(command: Command, without: Collection[str] = ()) -> Command:
    """The command with the options of its records; those `without` which it does have defaults.

    All its parameters are given by name.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Size:
    ...     height: int = 1
    ...     width: int = 1
    >>> def draw(name: str, size: Size) -> None:
    ...     print(name, size)
    >>> signature(expanded(draw))
    <Signature (*, name: str, height: int = 1, width: int = 1) -> None>
    >>> expanded(draw, without=["height"])(name="it", width=3)
    it Size(height=1, width=3)
    """
    whole = signature(command, eval_str=True)
    types = {name: parameter.annotation for name, parameter in whole.parameters.items()}
    records: dict[str, Any] = {name: x for name, x in types.items() if is_dataclass(x)}
    parameters: list[Parameter] = []
    for parameter in whole.parameters.values():
        if parameter.name in records:
            options = _options_of(parameter.annotation)
            parameters += (option for option in options if option.name not in without)
        else:
            parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY))

    @wraps(command)
    def called(**given: Any) -> None:
        for name, record in records.items():
            own = [option.name for option in fields(record) if option.name in given]
            given[name] = record(**{option: given.pop(option) for option in own})
        command(**given)

    vars(called)["__signature__"] = Signature(parameters, return_annotation=None)
    return called


def _options_of(record: Any) -> Iterator[Parameter]:
    hints = get_type_hints(record, include_extras=True)
    for option in fields(record):
        yield Parameter(
            option.name,
            Parameter.KEYWORD_ONLY,
            default=option.default,
            annotation=hints[option.name],
        )
