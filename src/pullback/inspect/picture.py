"""In: a circuit in parts. Out: their picture: boxes placed, wires routed, innermost group first.

All of it is laid out along the flow and across it. Only where shapes are written does it matter
whether the picture flows to the right or down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pullback.core.text import counted
from pullback.core.unit import Unit
from pullback.inspect import svg
from pullback.inspect.boxes import Box, Wire
from pullback.inspect.labels import tail
from pullback.inspect.layout import arrange
from pullback.inspect.nodes import Look, Node, label_shapes, labels_of, make_room, node, stem
from pullback.inspect.parts import Part
from pullback.inspect.widths import width

_MARGIN = 14.0  # around the picture
_PADDING = 16.0  # between a frame and what it frames
_TITLE = 16.0  # the height of a frame's title
_CORNER = 13.0  # from a frame's corner to its title
_STACKED = 4.0  # how far a frame that stands for many looks out behind itself
_GAPS = {False: 26.0, True: 16.0}  # between columns, and between rows


@dataclass
class _Plan:
    """An opened group, laid out: its boxes are the wires that come in, its parts, what leaves."""

    part: Part
    boxes: list[Box]
    nodes: list[Node | None]  # of each box; None for an opened group, or an end of a wire
    wires: list[Wire]
    free: set[Unit]  # which nothing here is made of
    width: float
    top: float
    bottom: float

    @property
    def first(self) -> list[Box]:
        """Where wires come in."""
        return self.boxes[: len(self.part.ins)]

    @property
    def last(self) -> list[Box]:
        """Where wires leave."""
        return self.boxes[len(self.boxes) - len(self.part.outs) :]


class Picture:
    """The parts of a circuit placed; `wide` and `high` are what it needs of a page."""

    def __init__(self, whole: Part, look: Look) -> None:
        self._whole = whole
        self._look = look
        self._plans: dict[Part, _Plan] = {}
        opened, many = [whole], set[Part]()
        for part in opened:
            if part in many or part.shows_one_of_many:
                many.update(part.parts)
            opened += [child for child in part.parts if child.is_open]
        for part in reversed(opened):
            self._plans[part] = self._plan(part, many)
        plan = self._plans[whole]
        sizes = plan.width + 2 * _MARGIN + svg.ARROW, plan.bottom - plan.top + 2 * _MARGIN
        self.wide, self.high = sizes[::-1] if look.down else sizes

    def _plan(self, part: Part, many: set[Part]) -> _Plan:
        """Lay out an opened group whose own opened groups have their plans."""
        boxes = [Box(at="first") for _ in part.ins]
        nodes: list[Node | None] = [None for _ in part.ins]
        made = {unit: (k, 0) for k, unit in enumerate(part.ins)}  # (box, exit) that it comes from
        made |= {x: made[outer] for x, outer in part.entering.items() if outer in made}
        uses: dict[Unit, list[tuple[int, int]]] = {}
        for child in part.parts:
            for k, unit in enumerate(child.outs):
                made[unit] = (len(boxes), k)
            for k, unit in enumerate(child.ins):
                uses.setdefault(unit, []).append((len(boxes), k))
            shown = None if child.is_open else node(child, self._look, child in many)
            nodes.append(shown)
            boxes.append(self._frame_box(child) if shown is None else shown.box)
        for unit in part.outs:
            uses.setdefault(part.leaving.get(unit, unit), []).append((len(boxes), 0))
            boxes.append(Box(at="last", entries=[0.0]))
            nodes.append(None)
        free = {unit for child in part.parts for unit in child.outs if unit not in uses}
        wires = [Wire(*made[unit], used) for unit, used in uses.items() if unit in made]
        sizes = arrange(boxes, wires, _GAPS[self._look.down])
        return _Plan(part, boxes, nodes, wires, free, *sizes)

    def _frame_box(self, part: Part) -> Box:
        plan, down = self._plans[part], self._look.down
        title = width(_title(part), "title bold") + 2 * _CORNER
        entries = [box.y for box in plan.first]
        up, low = _PADDING - plan.top, _PADDING + plan.bottom
        head = plan.width + 2 * _PADDING
        if down:
            head += _TITLE
            left, right = min(entries, default=0.0), max(entries, default=0.0)
            # The title stands where no wire comes in: left of them all, or else right.
            if entries and up + left < title and low - right < title:
                low = right + title
            elif not entries:
                low = max(low, title - up)
        else:
            head, up = max(head, title), up + _TITLE
        words = [labels_of(x, self._look) for x in part.outs] if part.shows_one_of_many else []
        box = Box(
            head=head,
            stem=max([10.0, *(stem(*label, down) + 2 * _STACKED for label in words)]),
            up=up,
            down=low,
            entries=entries,
            exits=[box.y for box in plan.last],
            edge=head / 2,
        )
        for label, exit in zip(words, box.exits, strict=False):
            room = Box()
            make_room(room, *label, down)
            box.up, box.down = max(box.up, room.up - exit), max(box.down, room.down + exit)
        return box

    def written(self, title: str) -> str:
        """The picture as SVG: frames, then wires, then what stands on them."""
        whole, down = self._plans[self._whole], self._look.down
        frames: list[str] = []
        lines: list[str] = []
        nodes: list[str] = []
        pending = [(whole, _MARGIN, _MARGIN - whole.top, _MARGIN, _MARGIN + whole.width)]
        while pending:
            plan, dx, dy, left, right = pending.pop()
            for wire in plan.wires:
                lines.append(self._path(wire.strokes, dx, dy))
                lines += [
                    svg.dot(*((y + dy, x + dx) if down else (x + dx, y + dy)))
                    for x, y in wire.forks
                ]
            borders = [(left - dx, box.y, box.right, box.y) for box in plan.first]
            borders += [(box.left, box.y, right - dx, box.y) for box in plan.last]
            lines += [self._path([border], dx, dy) for border in borders]
            shown = zip(plan.boxes[len(plan.first) :], plan.nodes[len(plan.first) :], strict=True)
            for child, (box, leaf) in zip(plan.part.parts, shown, strict=False):
                if leaf is not None:
                    stems, shapes = leaf.written(dx, dy, plan.free)
                    lines += stems
                    nodes.append(shapes)
                    continue
                inner = self._plans[child]
                x, y = box.middle - box.head / 2 + dx, box.y + dy
                frames.append(self._frame(child, box, x, y))
                stems, words = self._exits(child, box, plan.free, (x + box.head, box.right + dx, y))
                lines += stems
                nodes += words
                room = box.head - inner.width - (_TITLE if down else 0)
                start = x + room / 2 + (_TITLE if down else 0)
                pending.append((inner, start, y, x, x + box.head))
        return svg.document(f"A circuit: {title}", self.wide, self.high, frames + lines + nodes)

    def _path(
        self, strokes: Sequence[tuple[float, float, float, float]], dx: float, dy: float
    ) -> str:
        moved = ((a + dx, b + dy, c + dx, d + dy) for a, b, c, d in strokes)
        if self._look.down:
            moved = ((b, a, d, c) for a, b, c, d in moved)
        return svg.path(moved, self._look.down)

    def _exits(
        self, part: Part, box: Box, free: set[Unit], at: tuple[float, float, float]
    ) -> tuple[list[str], list[str]]:
        """What leaves a frame, and, where the frame stands for many, what has become of it."""
        x, right, y = at
        down, lines, words = self._look.down, [], []
        for unit, exit in zip(part.outs, box.exits, strict=True):
            lines.append(self._path([(x, y + exit, right, y + exit)], 0.0, 0.0))
            if unit in free:
                end = (y + exit, right) if down else (right, y + exit)
                lines.append(svg.arrow(*end, down))
            if part.shows_one_of_many:
                words += label_shapes(
                    *labels_of(unit, self._look), y + exit, x + 2 * _STACKED, right, down
                )
        return lines, words

    def _frame(self, part: Part, box: Box, along: float, across: float) -> str:
        """The frame around an opened group."""
        down = self._look.down
        x, y = (across - box.up, along) if down else (along, across - box.up)
        wide, high = (box.up + box.down, box.head) if down else (box.head, box.up + box.down)
        title = _title(part)
        room = width(title, "title bold") + 2 * _CORNER
        is_left = not down or not box.entries or box.up + min(box.entries) >= room
        shapes = [
            svg.rectangle(x, y, wide, high, 12, "frame edge"),
            svg.text(
                x + _CORNER if is_left else x + wide - _CORNER,
                y + 18,
                title,
                "faint title bold",
                "start" if is_left else "end",
            ),
        ]
        if part.shows_one_of_many:
            behind = svg.rectangle(x + _STACKED, y + _STACKED, wide, high, 12, "frame edge")
            shapes.insert(0, behind)
        return svg.group(f"{part.name}: {counted(part.gates, 'gate')}", shapes, "group")


def _title(part: Part) -> str:
    """What stands at the corner of a frame."""
    if part.steps is not None:
        return f"{tail(part.name)} × {counted(part.steps, 'step')}"
    return tail(part.name) + (f" × {part.times}" if part.times > 1 else "")
