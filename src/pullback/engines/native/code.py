"""In: a Python function, run once with numbers that stand for registers. Out: LLVM's text of it.

A kernel is recorded as a circuit is: operators on numbers are instructions, `for i in k.range(n)`
opens a loop, `with k.when(x > 0)` a branch. What is known while recording, a size or a tile, is
plain Python: an `if` decides what is written, and a `for` writes its body again and again.

>>> from pullback.engines.native.target import host
>>> k = Code("double", ["p", "i8"], host())
>>> numbers, n = k.arguments
>>> x = k.array(numbers, "f4")
>>> for i in k.range(n):
...     x[i] = x[i] + x[i]
>>> print(k.text().splitlines()[0])
define void @double(ptr noundef %a0, i64 noundef %a1) nounwind {
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pullback.engines.native.instructions import Instructions
from pullback.engines.native.number import Array, Cell, Number
from pullback.engines.native.target import Target, symbol

_PURE = "noinline nounwind willreturn memory(none)"
"""Of a function of numbers: a call of which nobody reads what it makes is left out."""


class Code(Instructions):
    """Records one function: for what, with the kinds of its arguments."""

    def __init__(self, of: Any, arguments: Sequence[str], target: Target) -> None:
        super().__init__()
        self.name, self.target = symbol(of), target
        self.arguments = [Number(self, kind, 1, f"%a{i}") for i, kind in enumerate(arguments)]
        self.needs: dict[str, Any] = {}  # functions that it calls, by their names
        self._functions: dict[str, None] = {}  # that it calls and has of its own
        self.long = False  # whether it is so long that what can be is written apart
        self._loops = 0
        self._block = "body"

    def text(self) -> str:
        """The module that has this function."""
        given = ", ".join(f"{x.type} noundef {x.text}" for x in self.arguments)
        head = f"define void @{self.name}({given}) nounwind {{"
        notes = [
            f"!{2 * n} = distinct !{{!{2 * n}, !{2 * n + 1}}}\n"
            f'!{2 * n + 1} = !{{!"llvm.loop.unroll.disable"}}'
            for n in range(self._loops)
        ]
        lines = [*self._headed(head), "  ret void", "}"]
        return "\n".join([*lines, *self._functions, *self._declared, *notes, ""])

    def _headed(self, head: str) -> list[str]:
        """The lines of a function, but for what it returns."""
        return [head, "entry:", *self._rooms, "  br label %body", "body:", *self._lines]

    def run(self, code: Any, *xs: Any) -> None:
        """Call the function of another record of code; arrays are given as their addresses."""
        name = symbol(code)
        self.needs[name] = code
        given = []
        for x, kind in zip(xs, code.arguments, strict=True):
            x = x.address if isinstance(x, Array) else 0 if x is None else x
            given.append(x if isinstance(x, Number) else self.constant(x, kind))
        self.call(name, *given)

    def apart(self, name: str, function: Callable[[Code, Number], Any], x: Number) -> Any:
        """`function(k, x)`, written once as a function of its own, and called.

        It makes a number, or several in a tuple.
        """
        inner = Code(name, [], self.target)
        made = function(inner, Number(inner, x.kind, x.lanes, "%x"))
        ys = made if isinstance(made, tuple) else (made,)
        type = f"{{ {', '.join(y.type for y in ys)} }}"
        whole = "poison"
        for i, y in enumerate(ys):
            text = f"insertvalue {type} {whole}, {y.type} {y.text}, {i}"
            whole = inner.emit(y.kind, y.lanes, text).text
        name = f"{name}.v{x.lanes}{x.kind}"
        head = f"define internal {type} @{name}({x.type} %x) {_PURE} {{"
        text = "\n".join([*inner._headed(head), f"  ret {type} {whole}", "}"])
        self._functions |= {text: None, **inner._functions}
        self._declared |= inner._declared
        whole = self.emit("", 1, f"call {type} @{name}({x.type} {x.text})").text
        found = tuple(
            self.emit(y.kind, y.lanes, f"extractvalue {type} {whole}, {i}")
            for i, y in enumerate(ys)
        )
        return found if isinstance(made, tuple) else found[0]

    # Loops and branches --------------------------------------------------------------------------

    def cell(self, first: Any, kind: str = "i8", lanes: int = 1) -> Cell:
        """A number that may change, and what it is at first."""
        if not isinstance(first, Number):
            first = self.constant(first, kind, lanes)
        return Cell(self, first)

    def range(
        self, start: Any, stop: Any = None, step: int = 1, *, unroll: bool = True
    ) -> Iterator[Any]:
        """Yields once, the index; what is recorded meanwhile is the loop's body.

        Of a loop that is known to run once the index is a number of Python, and of one that never
        runs nothing is recorded. Without `unroll` LLVM leaves the loop as it is.
        """
        if stop is None:
            start, stop = 0, start
        known = isinstance(start, int) and isinstance(stop, int)
        if known and (stop - start) * step <= 0:
            return
        if known and abs(stop - start) <= abs(step):
            yield start
            return
        first = start if isinstance(start, Number) else self.constant(start, "i8")
        last = stop if isinstance(stop, Number) else self.constant(stop, "i8")
        sign = "slt" if step > 0 else "sgt"
        body, after = self._label(), self._label()
        if known:
            self.line(f"br label %{body}")
        else:
            some = self.emit("b1", 1, f"icmp {sign} i64 {first.text}, {last.text}")
            self.line(f"br i1 {some.text}, label %{body}, label %{after}")
        before = self._block
        self._begin(body)
        index, following = f"%i{body}", f"%n{body}"
        place = len(self._lines)
        self._lines.append("")
        yield Number(self, "i8", 1, index)
        self._lines[place] = (
            f"  {index} = phi i64 [ {first.text}, %{before} ], [ {following}, %{self._block} ]"
        )
        self.line(f"{following} = add nsw i64 {index}, {step}")
        more = self.emit("b1", 1, f"icmp {sign} i64 {following}, {last.text}")
        note = ""
        if not unroll:
            note, self._loops = f", !llvm.loop !{2 * self._loops}", self._loops + 1
        self.line(f"br i1 {more.text}, label %{body}, label %{after}{note}")
        self._begin(after)

    @contextmanager
    def when(self, condition: Any) -> Iterator[None]:
        """What is recorded inside runs only where the condition holds."""
        if not isinstance(condition, Number):
            if condition:
                yield
                return
            raise TypeError("a condition that is known is an `if` of Python")
        then, after = self._label(), self._label()
        self.line(f"br i1 {condition.text}, label %{then}, label %{after}")
        self._begin(then)
        yield
        self.line(f"br label %{after}")
        self._begin(after)

    def _label(self) -> str:
        self._count += 1
        return f"b{self._count}"

    def _begin(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self._block = label
