"""In: a source, a gate or a closed group. Out: how much room it takes, and its shapes.

A node is a head (a name, a round gate, a box) and, where the picture flows on from it, a stem for
each wire that leaves it. Value and gradient stand on either side of a level stem, or beside an
upright one, before the wire branches, so that nothing else runs through them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pullback.core.floats import scalars
from pullback.core.gate import Gate
from pullback.core.text import counted
from pullback.core.unit import Unit
from pullback.core.values import shape_of
from pullback.inspect import svg
from pullback.inspect.boxes import Box
from pullback.inspect.labels import (
    Line,
    constants,
    labels,
    name_of,
    shape_labels,
    symbol,
    tail,
    title,
)
from pullback.inspect.parts import Part
from pullback.inspect.runs import FEW, MANY
from pullback.inspect.widths import width

_RADIUS = 18.0  # of a gate
_PILL = 14.5  # half the height of a gate with a long name
_STUB = 7.0  # from a gate to a constant beside it
_LABELLED = 8  # outputs of a closed group whose values are shown
_BESIDE = 6.0  # from an upright stem to its words


@dataclass(frozen=True)
class Look:
    """What a picture shows of its wires, and whether it flows down, or to the right."""

    values: bool = True
    gradients: bool = True
    down: bool = False


@dataclass
class Node:
    """A part that is shown as one thing, `wide` and `high` on the page."""

    part: Part
    look: Look
    box: Box
    labels: list[tuple[list[Line], list[Line]]]  # of the value and gradient of each exit
    wide: float = 0.0
    high: float = 0.0

    def written(self, along: float, across: float, free: Collection[Unit]) -> tuple[list[str], str]:
        """Its stems, which go under all shapes, and its shapes; `free` wires end in an arrow.

        `along` the flow and `across` is how far the layout's own place has been moved.
        """
        box, part, down = self.box, self.part, self.look.down
        deep = self.high if down else self.wide
        middle, axis = box.middle + along, box.y + across
        neck, right = box.neck + along, box.right + along
        unit = part.wires[0]
        edge = middle + deep / 2
        if not part.is_group and unit.gate is None:
            edge, middle = neck, neck - deep / 2
        x, y = (axis, middle) if down else (middle, axis)
        if part.is_group:
            name, kind, shapes = _group_title(part), "closed", self._group_shapes(x, y)
        elif unit.gate is None:
            name, kind, shapes = title(unit), "source", self._source_shapes(unit, x, y)
        elif not unit.inputs:
            name, kind, shapes, edge = title(unit), "constant", [], neck
        else:
            name, kind, shapes = title(unit), "gate", self._gate_shapes(unit, x, y)
        stems = []
        for k, (wire, port) in enumerate(zip(part.outs, box.exits, strict=True)):
            place = axis + port
            stroke = (place, edge, place, right) if down else (edge, place, right, place)
            stems.append(svg.path([stroke], down))
            if wire in free:
                stems.append(svg.arrow(*stroke[2:], down))
            if k < len(self.labels):
                shapes += label_shapes(*self.labels[k], place, neck, right, down)
        return stems, svg.group(name, shapes, f"node {kind}")

    def _box(self, x: float, y: float, radius: float, classes: str) -> str:
        left, top = x - self.wide / 2, y - self.high / 2
        return svg.rectangle(left, top, self.wide, self.high, radius, classes)

    def _group_shapes(self, x: float, y: float) -> list[str]:
        shapes = [self._box(x, y, 9, "box rim")]
        lines = _group_lines(self.part, bool(self.labels) and self.look.values)
        for k, (words, classes) in enumerate(lines):
            height = y + 4.3 + 15 * (k - (len(lines) - 1) / 2)
            shapes.append(svg.text(x, height, words, classes))
        return shapes

    def _source_shapes(self, unit: Unit, x: float, y: float) -> list[str]:
        if not unit.name:
            return [svg.circle(x, y, 3.5, "source rim")]
        return [
            self._box(x, y, self.high / 2, "source"),
            svg.text(x, y + 4.2, name_of(unit), "ink bold"),
        ]

    def _gate_shapes(self, unit: Unit, x: float, y: float) -> list[str]:
        assert unit.gate is not None
        words, kind = symbol(unit.gate)
        shapes = [
            svg.circle(x, y, self.high / 2, "gate rim")
            if self.wide == self.high
            else self._box(x, y, self.high / 2, "gate rim"),
            svg.text(x, y + (6 if kind == "symbol" else 4.3), words, f"ink {kind}"),
        ]
        down = self.look.down
        for words, side, anchor in zip(constants(unit), (-1, 1), ("end", "start"), strict=True):
            if not words:
                continue
            if down:
                near = x + side * self.wide / 2
                far = near + side * _STUB
                shapes.append(svg.path([(near, y, far, y)], down))
                shapes.append(svg.text(far + 3 * side, y + 4, words, "faint small", anchor))
            else:
                near = y + side * self.high / 2
                far = near + side * _STUB
                shapes.append(svg.path([(x, near, x, far)], down))
                height = far + 3.5 * side + (8 if side > 0 else 0)
                shapes.append(svg.text(x, height, words, "faint small"))
        return shapes


def label_shapes(
    above: list[Line], below: list[Line], place: float, neck: float, end: float, down: bool
) -> list[str]:
    """The words of a stem, which runs at `place` across the flow, from its neck to its end."""
    if down:
        lines = above + below
        top = (neck + end) / 2 - svg.LINE * len(lines) / 2 + 9.5
        return [
            svg.line(place + _BESIDE, top + svg.LINE * j, line, "label", "start")
            for j, line in enumerate(lines)
        ]
    centre = (neck + end) / 2
    shown = [
        svg.line(centre, place - 5.5 + svg.LINE * j, line, "label")
        for j, line in enumerate(above, 1 - len(above))
    ]
    shown += [
        svg.line(centre, place + 14 + svg.LINE * j, line, "label") for j, line in enumerate(below)
    ]
    return shown


def labels_of(unit: Unit, look: Look) -> tuple[list[Line], list[Line]]:
    """What a picture says of a wire's value, and of its gradient."""
    return labels(unit, look.values, look.gradients)


def node(part: Part, look: Look, stands_for_many: bool) -> Node:
    """The node for a part that is not opened, and the room that it takes.

    The wires of one that stands for many, in a step of a loop, have shapes but no values.
    """
    words = [shape_labels(x) if stands_for_many else labels_of(x, look) for x in part.outs]
    if part.is_group:
        return _group_node(part, look, words)
    unit = part.wires[0]
    above, below = words[0] if words else ([], [])
    box = Box(stem=stem(above, below, look.down), up=2.0, down=2.0)
    make_room(box, above, below, look.down)
    found = Node(part, look, box, words)
    if unit.inputs:
        assert unit.gate is not None
        wide = width(*symbol(unit.gate)) + 12
        is_round = wide <= 2 * _RADIUS + 3
        found.high = 2 * (_RADIUS if is_round else _PILL)
        found.wide = found.high if is_round else max(wide + 8, 2 * _RADIUS)
        shown = constants(unit)
        if look.down:
            box.head = found.high
            room = [_STUB + 5 + width(words, "small") if words else 0.0 for words in shown]
        else:
            box.head = max(found.wide, *(width(words, "small") for words in shown))
            room = [_STUB + 14 if words else 0.0 for words in shown]
        half = (found.wide if look.down else found.high) / 2
        box.up, box.down = max(box.up, half + room[0]), max(box.down, half + room[1])
        box.entries = _spread(len(part.ins), half)
        box.free = _commutes(unit.gate)
    elif unit.gate is None:
        found.high = 20.0 if unit.name else 9.0
        found.wide = width(name_of(unit), "bold") + 16 if unit.name else 9.0
        box.head, half = (
            (found.high, found.wide / 2) if look.down else (found.wide, max(10.0, found.high / 2))
        )
        box.up, box.down = max(box.up, half), max(box.down, half)
    return found


def _group_node(part: Part, look: Look, words: list[tuple[list[Line], list[Line]]]) -> Node:
    """A closed group; the labels of its wires stand side by side across the flow."""
    if len(words) > _LABELLED:
        words = []
    lines = _group_lines(part, bool(words) and look.values)
    wide = max(width(*line) for line in lines) + 28
    high = 15.0 * len(lines) + 15
    rooms = [Box(up=2.0, down=2.0) for _ in words]
    for room, (above, below) in zip(rooms, words, strict=True):
        make_room(room, above, below, look.down)
    up = max((room.up for room in rooms), default=0.0)
    down = max((room.down for room in rooms), default=0.0)
    step = max(up, 9.0) + max(down, 9.0) + 4 if words else 9.0
    ports = [step * (k - (len(part.outs) - 1) / 2) for k in range(len(part.outs))]
    reach = max(ports, default=0.0)
    half = max((wide if look.down else high) / 2, reach + 12, 4.5 * len(part.ins) + 6)
    found = Node(part, look, Box(), words, wide, high)
    if look.down:
        found.wide = 2 * half
    else:
        found.high = 2 * half
    head = found.high if look.down else found.wide
    found.box = Box(
        head=head,
        stem=max((stem(*label, look.down) for label in words), default=18.0),
        up=max(half, reach + up),
        down=max(half, reach + down),
        entries=_spread(len(part.ins), half),
        exits=ports,
        free=True,
        loose=True,
        edge=head / 2,
    )
    return found


def _group_title(part: Part) -> str:
    gates = f"{part.name}: {counted(part.gates, 'gate')}"
    if part.times > 1:
        return f"{gates}, {part.times} times the same; fold=False shows all, open= one by its name"
    return f"{gates}; open={part.name!r} or open=True shows them"


def _group_lines(part: Part, labelled: bool) -> Line:
    """What a closed group's box says."""
    name = tail(part.name) + (f" × {part.times}" if part.times > 1 else "")
    lines = [(name, "ink title bold"), (_size(part), "faint small")]
    if not part.is_scope and FEW < part.gates <= MANY:  # nobody asked for this group
        lines.append(("open=True shows them", "faint small"))
    shape = shape_of(part.outs[-1]._value) if part.outs and not labelled else ()
    return [*lines, (f"→ {shape}", "faint small")] if shape else lines


def _size(part: Part) -> str:
    """How much stands in a group: its own numbers, where it has some, or else its gates."""
    if part.steps is not None:
        return counted(part.steps, "step")
    sources = [unit for unit in part.shown if unit.gate is None and unit.dtype.kind == "f"]
    numbers = sum(unit.size for unit in sources) if part.is_scope else 0
    each = " each" if part.times > 1 else ""
    gates = part.gates // part.times
    return (counted(numbers, "parameter") if numbers else counted(gates, "gate")) + each


# Sizes --------------------------------------------------------------------------------------------


def stem(above: list[Line], below: list[Line], down: bool) -> float:
    """How long a stem its labels need."""
    lines = above + below
    if down:
        return max(14.0, svg.LINE * len(lines) + 6) if lines else 8.0
    return max(20.0, 14.0 + max(map(svg.line_width, lines), default=0.0))


def make_room(box: Box, above: list[Line], below: list[Line], down: bool) -> None:
    """Let a box reach around the labels of its stem."""
    if down:
        widths = [svg.line_width(line) for line in above + below]
        box.down = max(box.down, _BESIDE + 2 + max(widths)) if widths else box.down
    else:
        box.up = max(box.up, 3.5 + svg.LINE * len(above)) if above else box.up
        box.down = max(box.down, 5.0 + svg.LINE * len(below)) if below else box.down


def _spread(n: int, half: float) -> list[float]:
    """Places of n ports on a side that reaches `half` to either hand."""
    step = min(17.0, 1.5 * half / max(n, 1))
    return [step * (k - (n - 1) / 2) for k in range(n)]


def _commutes(gate: Gate) -> bool:
    """Whether exchanging two inputs changes nothing: the gate is asked, at a few numbers."""
    if gate.partials is None or len(gate.partials) != 2:
        return False
    try:
        return all(
            gate.value(scalars, a, b) == gate.value(scalars, b, a)
            for a, b in [(0.3, 1.7), (2.5, 0.5), (-1.0, 1.0)]
        )
    except Exception:  # a gate of the user's, which may refuse numbers that it was never meant for
        return False
