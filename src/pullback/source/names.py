"""In: plain wires, and which get a line. Out: a name for each, as a person would name them."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from pullback.core.unit import Unit
from pullback.source.record import Recording


class Names(NamedTuple):
    """The names of plain wires, of the outputs in order, and of the gradient by each source.

    `constants` are those that are too large to be written: they have names, and become arguments.
    """

    wires: dict[Unit, str]
    outputs: list[str]
    gradients: dict[Unit, str]
    constants: list[Unit]


def choose_names(
    circuit: Recording,
    stated: Collection[Unit],
    label: Mapping[Unit, str],
    owner_of: Mapping[Unit, Unit],
) -> Names:
    """A name for every plain wire that is an argument or is `stated`: has a line of its own.

    `label` has the names that users gave, `owner_of` the wire that a gradient is named after.
    """
    taken = set(circuit.dialect.reserved)
    reserved = frozenset(taken)

    def unique(wanted: str) -> str:
        name, k = identifier(wanted, reserved), 1
        while name in taken:
            k += 1
            name = f"{identifier(wanted, reserved)}_{k}"
        taken.add(name)
        return name

    def numbered(units: Sequence[Unit], stem: str) -> dict[Unit, str]:
        if len(units) == 1 and stem not in taken:
            return {units[0]: unique(stem)}
        free = (f"{stem}{k}" for k in range(1, 2 * len(units) + len(taken) + 1))
        free = (name for name in free if name not in taken)
        return {unit: unique(next(free)) for unit in units}

    names = {unit: unique(unit.name) for unit in circuit.sources if unit.name is not None}
    outputs: list[str] = [""] * len(circuit.outputs)
    first: dict[Unit, str] = {}
    for k, y in enumerate(circuit.outputs):
        if y.gate is None and y in names:
            outputs[k] = names[y]
        elif y in first:
            outputs[k] = first[y]
        else:
            stem = "f" if len(circuit.outputs) == 1 else f"f{k + 1}"
            first[y] = outputs[k] = unique(stem if y.name is None else y.name)
            if y.gate is None or circuit.results[k].inputs:
                names.setdefault(circuit.results[k], first[y])
    forward = [u for u in circuit.needed if u in stated and u in circuit.forward]
    for unit in forward:
        if unit in label and unit not in names:
            names[unit] = unique(label[unit])
    names |= numbered([u for u in circuit.sources if u not in names], "x")
    output = dict(zip(circuit.outputs, outputs, strict=True))
    for y, pull in zip(circuit.pulled, circuit.pulls, strict=True):
        names[pull] = unique(f"d{output[y]}")
    names |= numbered([u for u in forward if u not in names], "q")
    large = [u for u in circuit.needed if u.is_constant and circuit.dialect.literal(u) is None]
    names |= numbered(large, "constant")
    gradients: dict[Unit, str] = {}
    pull_of = dict(zip(circuit.pulled, circuit.pulls, strict=True))
    for x in circuit.xs:  # the gradient of an output that is a source may be its pull itself
        g = circuit.slope[x]
        gradients[x] = names[g] if pull_of.get(x) is g else unique(f"d{names[x]}")
    rest = []
    for unit in circuit.needed:
        if unit in stated and unit not in names:
            owner = owner_of.get(unit)
            if owner is not None and owner.gate is None:
                names[unit] = gradients[owner]
            elif owner is not None and circuit.value[owner] in names:
                names[unit] = unique(f"d{names[circuit.value[owner]]}")
            else:
                rest.append(unit)
    return Names(names | numbered(rest, "t"), outputs, gradients, large)


def identifier(name: str, reserved: Collection[str] = ()) -> str:
    """A name as a valid identifier, the same that Python would read.

    >>> identifier("dense1.weight"), identifier("2nd"), identifier("lambda", {"lambda"})
    ('dense1_weight', '_2nd', 'lambda_')
    """
    name = unicodedata.normalize("NFKC", name)
    name = "".join(c if f"_{c}".isidentifier() else "_" for c in name)
    name = name if name.isidentifier() else f"_{name}"
    return f"{name}_" if name in reserved else name
