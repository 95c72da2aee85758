"""Sheets that figures are drawn on, by matplotlib (extra `plot`), without pyplot; and pages."""

from __future__ import annotations

from importlib.util import find_spec

from pullback.core.errors import CircuitError


def refuse_without_matplotlib() -> None:
    """Raise `CircuitError` where figures cannot be drawn."""
    if find_spec("matplotlib") is None:
        raise CircuitError('to draw a figure, install matplotlib: pip install "pullback[plot]"')
