"""In: the options of a training. Out: the same by what they are for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pullback.core.errors import CircuitError


@dataclass(frozen=True)
class Asked:
    """What was asked for, None where nothing was: of any data, of tables, of files, of pictures."""

    common: dict[str, Any]
    of_tables: dict[str, Any]
    of_files: dict[str, Any]
    of_pictures: dict[str, Any]

    def refuse(self, why: str, *groups: dict[str, Any]) -> None:
        """Raise `CircuitError` with `why` where something of these groups was asked for."""
        for group in groups:
            for name, value in group.items():
                if value is not None:
                    option = {"balanced": "class-weights"}.get(name, name.replace("_", "-"))
                    raise CircuitError(f"--{option} {why}")
