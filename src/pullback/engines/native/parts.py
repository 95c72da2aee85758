"""What fusing makes of a Program: fused gates, and single ones, with the steps of loops inside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pullback.core.unit import Unit
from pullback.engines.native.access import AccessTable
from pullback.gates.body import Body
from pullback.program.program import Program


@dataclass(frozen=True, eq=False)
class Fused:
    """Gates that run together for each index of one shape, in running order.

    They are `seldom` run where only outputs need them that are asked for now and then.
    """

    shape: tuple[int, ...]
    gates: tuple[Unit, ...] = ()
    seldom: bool = False

    def __str__(self) -> str:
        return f"{'seldom, ' * self.seldom}for each of {self.shape}: {_names(self.gates)}"


@dataclass(frozen=True, eq=False)
class Single:
    """One structural gate, run by a kernel of its own; of a loop, the step that it runs as well.

    The outputs of a gate that has several follow it.

    A matrix product may be followed by what its kernel does in passing: adding a bias or another
    matrix, and a rectifier. `seldom` is as of fused ones.
    """

    gates: tuple[Unit, ...]
    inside: Inside | None = None
    seldom: bool = False

    def __str__(self) -> str:
        inside = "" if self.inside is None else f"\n{listed(self.inside.parts)}"
        return f"{'seldom, ' * self.seldom}{_names(self.gates)}{inside}"

    @property
    def gate(self) -> Unit:
        return self.gates[0]

    @property
    def results(self) -> tuple[Unit, ...]:
        """The wires that are written to memory."""
        return self.gates[-1:] if self.inside is None else self.gates[1:]


Part = Fused | Single


def _names(gates: Iterable[Unit]) -> str:
    return ", ".join(unit.gate.name for unit in gates if unit.gate is not None)


def listed(parts: Iterable[Part]) -> str:
    """Parts as a person reads them, one below the other; those inside a loop are set in."""
    return "\n".join(f"  {line}" for part in parts for line in str(part).splitlines())


@dataclass(frozen=True, eq=False)
class Inside:
    """The step of a loop: a Program whose state are the sums, where its wires lie, its parts.

    `stacked` are the wires in whose buffers nexts and outputs lie. `rows` says that all is made of
    so many, each of them alone; see `rows`. `panels` are the products whose second matrix is the
    same in all steps and worth a copy, and the buffer for it.
    """

    body: Body
    program: Program
    access: AccessTable
    parts: list[Part]
    stacked: tuple[Unit, ...]
    sums: tuple[Unit, ...]
    panels: Mapping[Unit, Unit] = field(default_factory=dict)
    rows: int = 0


def is_reduction(unit: Unit) -> bool:
    """Whether a gate in a loop makes fewer elements than the loop has."""
    return unit.gate is not None and unit.gate.reduces
