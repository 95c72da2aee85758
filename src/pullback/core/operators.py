"""In: Python's operators, applied to a wire. Out: the gate that each stands for, or a refusal.

NumPy's gates are found by name, so that this module knows none of them. What would take a wire
apart into plain numbers, from which no gradient finds its way back, is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from pullback.core.registry import GATES

if TYPE_CHECKING:
    from typing import Self

    from pullback.core.unit import Unit

_REFLECTED = {
    "add": "__radd__",
    "subtract": "__rsub__",
    "multiply": "__rmul__",
    "divide": "__rtruediv__",
    "power": "__rpow__",
    "matmul": "__rmatmul__",
    "less": "__gt__",
    "less_equal": "__ge__",
    "greater": "__lt__",
    "greater_equal": "__le__",
    "equal": "__eq__",
    "not_equal": "__ne__",
}
"""What stands for NumPy's function of an array and a wire."""


class Operators:
    """What Python and NumPy may do with a `Unit`, its only subclass.

    `==` stays identity, so that wires can stand in sets and dictionaries; the gate is `pb.equal`.
    """

    __slots__ = ()

    def __add__(self, other: Any) -> Unit:
        return GATES["add"].of_two(self, other)

    def __radd__(self, other: Any) -> Unit:
        return GATES["add"].of_two(other, self)

    def __sub__(self, other: Any) -> Unit:
        return GATES["subtract"].of_two(self, other)

    def __rsub__(self, other: Any) -> Unit:
        return GATES["subtract"].of_two(other, self)

    def __mul__(self, other: Any) -> Unit:
        return GATES["multiply"].of_two(self, other)

    def __rmul__(self, other: Any) -> Unit:
        return GATES["multiply"].of_two(other, self)

    def __truediv__(self, other: Any) -> Unit:
        return GATES["divide"].of_two(self, other)

    def __rtruediv__(self, other: Any) -> Unit:
        return GATES["divide"].of_two(other, self)

    def __pow__(self, other: Any) -> Unit:
        return GATES["power"].of_two(self, other)

    def __rpow__(self, other: Any) -> Unit:
        return GATES["power"].of_two(other, self)

    def __neg__(self) -> Unit:
        return GATES["negative"].of_one(self)

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Unit:
        return GATES["abs"].of_one(self)

    def __matmul__(self, other: Any) -> Unit:
        return GATES["matmul"].function(self, other)

    def __rmatmul__(self, other: Any) -> Unit:
        return GATES["matmul"].function(other, self)

    def __lt__(self, other: Any) -> Unit:
        return GATES["less"].of_two(self, other)

    def __le__(self, other: Any) -> Unit:
        return GATES["less_equal"].of_two(self, other)

    def __gt__(self, other: Any) -> Unit:
        return GATES["greater"].of_two(self, other)

    def __ge__(self, other: Any) -> Unit:
        return GATES["greater_equal"].of_two(self, other)

    def __getitem__(self, key: Any) -> Unit:
        return GATES["slice"].function(self, key)

    @property
    def T(self) -> Unit:
        """The value with its axes in reverse order."""
        return GATES["transpose"].function(self)

    def reshape(self, *shape: Any) -> Unit:
        """The same elements in another shape; see `pb.reshape`."""
        return GATES["reshape"].function(self, shape[0] if len(shape) == 1 else shape)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Unit:
        """The sum along axes; see `pb.sum`."""
        return GATES["sum"].function(self, axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Unit:
        """The mean along axes; see `pb.mean`."""
        return GATES["mean"].function(self, axis, keepdims)

    # What would cut a circuit in two ---------------------------------------------------------

    def __bool__(self: Any) -> bool:
        raise TypeError(
            f"whether {self.label} is true would be decided once, when the circuit is built; "
            "choose with pb.where(condition, a, b), or ask its .value"
        )

    def _taken_apart(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to become plain numbers, from which no gradient would find its way back."""
        raise TypeError(
            f"{self.label} is a wire, and plain numbers made of it would cut its circuit in two; "
            "use gates of pb (pb.exp for math.exp or np.exp), join wires with pb.stack or "
            "pb.concatenate, or ask for its .value"
        )

    def __array_ufunc__(
        self: Any, function: Any, method: str, *inputs: Any, **options: Any
    ) -> Unit:
        """An operator with an array on its left, which NumPy leaves to us; else a refusal."""
        ours = _REFLECTED.get(function.__name__)
        if ours and method == "__call__" and not options and len(inputs) == 2 and inputs[1] is self:
            return getattr(self, ours)(inputs[0])
        return self._taken_apart()

    def __array_function__(self: Any, function: Any, types: Any, args: Any, options: Any) -> Any:
        """What NumPy may ask of a wire is its shape; any other function of NumPy is refused."""
        if function.__name__ in ("shape", "ndim", "size") and len(args) == 1 and not options:
            return getattr(args[0], function.__name__)
        return self._taken_apart()

    __float__ = __int__ = __complex__ = __index__ = __array__ = _taken_apart
    __round__ = __floor__ = __ceil__ = __trunc__ = _taken_apart
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __divmod__ = __rdivmod__ = _taken_apart
