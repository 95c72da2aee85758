"""In: a function of NumPy's, called with wires. Out: what ours makes of them, or a refusal.

NumPy asks its arguments before it computes (`__array_ufunc__`, `__array_function__`). One table
says which function of ours stands for one of NumPy's; it is filled where the gates are. Arguments
are matched by NumPy's own signature: what ours has no place for is refused by its name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NoReturn

from pullback.core.registry import meant

NUMPY: dict[Callable[..., Any], Callable[..., Any]] = {}
"""NumPy's functions, and those of ours that do the same to wires."""


def numpy_name(function: Callable[..., Any]) -> str:
    """A function as users call it: "np.exp", "np.linalg.solve"."""
    module = getattr(function, "__module__", None) or "numpy"
    return f"np{module.removeprefix('numpy')}.{function.__name__}"


def ufunc_of_wires(
    function: Any, method: str, inputs: Sequence[Any], options: Mapping[str, Any], label: str
) -> Any:
    """What a function of NumPy's of single elements makes, or `arr * x` for an array on the left.

    Raises `TypeError` where it has no gate, or would write into an array.
    """
    (written, *_) = options.get("out") or (None,)
    if written is not None and len(inputs) == 2 and written is inputs[0]:
        raise TypeError(
            f"{label} is a wire, and an array that it was added to in place would not know it; "
            "write a = a + x for a += x, as for each such operator"
        )
    ours = NUMPY.get(function)
    if ours is None or method != "__call__":
        refuse(function if method == "__call__" else f"{numpy_name(function)}.{method}", label)
    if options:
        raise TypeError(f"{numpy_name(function)} of {label}, a wire, takes no {', '.join(options)}")
    return ours(*inputs)


def function_of_wires(
    function: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any], label: str
) -> Any:
    """What another function of NumPy's makes of wires.

    Raises `TypeError` where there is none of ours, or for an argument that ours does not have.
    """
    ours = NUMPY.get(function)
    if ours is None:
        refuse(function, label)
    theirs = _parameters(function)
    if theirs is None:
        return ours(*args, **options)
    given = inspect.Signature(list(theirs.values())).bind(*args, **options).arguments
    mine = _parameters(ours) or {}
    data = [
        x
        for x in mine.values()
        if x.default is x.empty and x.kind not in (x.VAR_KEYWORD, x.VAR_POSITIONAL)
    ]
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for place, (name, value) in enumerate(given.items()):
        parameter = theirs[name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional += value
        elif parameter.kind is parameter.VAR_KEYWORD:
            named |= value
        elif place < len(data):
            positional.append(value)
        elif name in mine or value is not parameter.default:
            named[name] = value
    missing = [name for name in named if name not in mine]
    if missing:
        raise TypeError(
            f"{numpy_name(function)} of {label}, a wire, takes no {', '.join(missing)}; it takes "
            f"{', '.join(mine)}"
        )
    return ours(*positional, **named)


@cache
def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter] | None:
    """What a function takes; None where it does not tell."""
    try:
        return dict(inspect.signature(function).parameters)
    except ValueError:
        return None


def refuse(function: Callable[..., Any] | str, label: str) -> NoReturn:
    """Raise `TypeError` for what has no gate: say what has one."""
    name = function if isinstance(function, str) else numpy_name(function)
    cure = _INSTEAD.get(name)
    if cure is None:
        known = sorted({numpy_name(x).removeprefix("np.") for x in NUMPY})
        cure = meant(name.removeprefix("np."), known)
    else:
        cure = f"write {cure}"
    raise TypeError(
        f"{name} has no gate, and plain numbers made of {label} would cut its circuit in two; "
        f"{cure}; what is composed of NumPy's functions that have gates has a gradient, and so has "
        "what @pb.gate declares"
    )


_INSTEAD = {
    "np.add.accumulate": "np.cumsum(x)",
    "np.add.reduce": "np.sum(x)",
    "np.cbrt": "np.sign(x) * np.abs(x) ** (1 / 3)",
    "np.ceil": "-np.floor(-x)",
    "np.exp2": "2.0**x",
    "np.floor_divide": "np.floor(a / b)",
    "np.hstack": "np.concatenate with an axis",
    "np.hypot": "np.sqrt(a * a + b * b)",
    "np.isnan": "np.not_equal(x, x)",
    "np.logaddexp": "pb.logsumexp(np.stack([a, b]), axis=0)",
    "np.maximum.reduce": "np.max(x)",
    "np.median": "np.sort(x), and its middle",
    "np.minimum.reduce": "np.min(x)",
    "np.moveaxis": "np.transpose(x, axes)",
    "np.multiply.outer": "np.outer(a, b)",
    "np.multiply.reduce": "np.prod(x)",
    "np.ptp": "np.max(x) - np.min(x)",
    "np.reciprocal": "1.0 / x",
    "np.rint": "np.floor(x + 0.5)",
    "np.round": "np.floor(x + 0.5)",
    "np.split": "slices, x[:n] and x[n:]",
    "np.tan": "np.sin(x) / np.cos(x)",
    "np.trace": 'np.einsum("ii", x)',
    "np.vdot": "np.sum(a * b)",
    "np.vstack": "np.concatenate or np.stack",
}
"""What to write for what has no gate of its own name."""
