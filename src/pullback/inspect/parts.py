"""What a picture is divided into: sources, gates, and groups of gates."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pullback.core.gate import OUTPUT
from pullback.core.unit import Unit


@dataclass(eq=False)
class Part:
    """A source, a gate, a constant output, or a group of gates with the sources that are its own.

    `ins` is what comes in, one for each port; `outs` what leaves. An opened group has its `parts`
    in running order. Of a loop, and of what is the same again and again, they are those of one
    time, whose wires stand for those outside: `entering` and `leaving` say which. `carried` are
    those that the next time begins with.
    """

    wires: list[Unit]
    name: str = ""
    is_group: bool = False
    is_open: bool = False
    is_scope: bool = True
    scope: str = ""  # that its gates stand in
    steps: int | None = None  # of a loop
    times: int = 1  # that what it shows is there
    inner: list[Unit] | None = None  # the wires of one of its times
    entering: dict[Unit, Unit] = field(default_factory=dict)  # inside: outside
    leaving: dict[Unit, Unit] = field(default_factory=dict)  # outside: inside
    carried: Collection[Unit] = ()
    parts: list[Part] = field(default_factory=list)
    ins: list[Unit] = field(default_factory=list)
    outs: list[Unit] = field(default_factory=list)

    @cached_property
    def gates(self) -> int:
        """The number of gates."""
        return sum(1 for unit in self.wires if unit.inputs)

    @property
    def shown(self) -> list[Unit]:
        """The wires that stand in it once it is opened."""
        return self.wires if self.inner is None else self.inner

    @property
    def shows_one_of_many(self) -> bool:
        """Whether what is inside stands for several."""
        return self.times > 1 or self.inner is not None


def loop_part(wires: Sequence[Unit], name: str, is_open: bool) -> Part:
    """A loop and its outputs as one group, which holds the circuit of a step."""
    made = wires[0]
    body = made.static["body"]
    return Part(
        list(wires),
        name,
        is_group=True,
        is_open=is_open,
        scope=made.scope,
        steps=made.static["length"],
        inner=list(body.wires),
        entering=dict(zip(body.sources, made.inputs, strict=True)),
        leaving={x: body.results[x.static["index"]] for x in wires if x.gate is OUTPUT},
        carried=body.nexts,
    )
