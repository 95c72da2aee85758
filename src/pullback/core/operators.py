"""In: Python's operators, and NumPy's functions, of a wire. Out: the gate that each stands for.

Gates are found by their own names or NumPy's, so that this module knows none of them. What would
take a wire apart into plain numbers, from which no gradient finds its way back, is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from pullback.core.numpy_calls import NUMPY, function_of_wires, ufunc_of_wires
from pullback.core.registry import GATES

if TYPE_CHECKING:
    from typing import Self

    from pullback.core.unit import Unit


class Operators:
    """What Python and NumPy may do with a `Unit`, its only subclass.

    `==` stays identity, so that wires can stand in sets and dictionaries; the gate is `pb.equal`.
    """

    __slots__ = ()
    __pandas_priority__ = 5000  # of a table of pandas and a wire, the wire knows what to do

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

    def __mod__(self, other: Any) -> Unit:
        return GATES["mod"].of_two(self, other)

    def __rmod__(self, other: Any) -> Unit:
        return GATES["mod"].of_two(other, self)

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

    # NumPy's methods, by the functions of their names ------------------------------------------

    def reshape(self, *shape: Any) -> Unit:
        """The same elements in another shape; see `pb.reshape`."""
        return GATES["reshape"].function(self, shape[0] if len(shape) == 1 else shape)

    def ravel(self) -> Unit:
        """All elements in a row; see `pb.ravel`."""
        return NUMPY[np.ravel](self)

    def flatten(self) -> Unit:
        """All elements in a row, as `ravel`: a wire's value is never written into."""
        return NUMPY[np.ravel](self)

    def transpose(self, *axes: Any) -> Unit:
        """The axes in another order, by default in reverse; see `pb.transpose`."""
        many = len(axes) != 1 or isinstance(axes[0], int)
        return GATES["transpose"].function(self, (axes or None) if many else axes[0])

    def swapaxes(self, axis1: int, axis2: int) -> Unit:
        """Two axes exchanged; see `pb.swapaxes`."""
        return NUMPY[np.swapaxes](self, axis1, axis2)

    def squeeze(self, axis: Any = None) -> Unit:
        """Without axes of size 1; see `pb.squeeze`."""
        return NUMPY[np.squeeze](self, axis)

    def repeat(self, repeats: Any, axis: int | None = None) -> Unit:
        """Each element several times; see `pb.repeat`."""
        return NUMPY[np.repeat](self, repeats, axis)

    def take(self, indices: Any, axis: int | None = None) -> Unit:
        """The slices at integer indices along an axis, as NumPy's: of all elements without one."""
        return NUMPY[np.take](self, indices, axis)

    def astype(self, dtype: Any) -> Unit:
        """The value in another dtype; see `pb.astype`."""
        return GATES["astype"].function(self, dtype)

    def clip(self, min: Any = None, max: Any = None) -> Unit:
        """The value kept between two bounds; see `pb.clip`."""
        return NUMPY[np.clip](self, min, max)

    def dot(self, other: Any) -> Unit:
        """Sums of products; see `pb.dot`."""
        return NUMPY[np.dot](self, other)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Unit:
        """The sum along axes; see `pb.sum`."""
        return GATES["sum"].function(self, axis, keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False) -> Unit:
        """The product along axes; see `pb.prod`."""
        return GATES["prod"].function(self, axis, keepdims)

    def cumsum(self, axis: int | None = None) -> Unit:
        """The sums so far along an axis; see `pb.cumsum`."""
        return GATES["cumsum"].function(self, axis)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Unit:
        """The mean along axes; see `pb.mean`."""
        return GATES["mean"].function(self, axis, keepdims)

    def var(self, axis: Any = None, keepdims: bool = False, ddof: float = 0.0) -> Unit:
        """The variance along axes; see `pb.var`."""
        return GATES["var"].function(self, axis, keepdims, ddof)

    def std(self, axis: Any = None, keepdims: bool = False, ddof: float = 0.0) -> Unit:
        """The standard deviation along axes; see `pb.std`."""
        return NUMPY[np.std](self, axis, keepdims, ddof)

    def max(self, axis: Any = None, keepdims: bool = False) -> Unit:
        """The largest element along axes; see `pb.max`."""
        return GATES["max"].function(self, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Unit:
        """The smallest element along axes; see `pb.min`."""
        return GATES["min"].function(self, axis, keepdims)

    def argmax(self, axis: int | None = None) -> Unit:
        """The position of the largest element; see `pb.argmax`."""
        return GATES["argmax"].function(self, axis)

    def argmin(self, axis: int | None = None) -> Unit:
        """The position of the smallest element; see `pb.argmin`."""
        return GATES["argmin"].function(self, axis)

    def argsort(self, axis: int | None = -1) -> Unit:
        """The positions of the elements in order; see `pb.argsort`."""
        return GATES["argsort"].function(self, axis)

    # What would cut a circuit in two ---------------------------------------------------------

    def __bool__(self: Any) -> bool:
        raise TypeError(
            f"whether {self.label} is true would be decided once, when the circuit is built; "
            "choose with pb.where(condition, a, b), or ask its .value"
        )

    def _taken_apart(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to become plain numbers, from which no gradient would find its way back."""
        raise TypeError(
            f"{self.label} is a wire, and plain numbers made of it would cut its circuit in two: "
            "leave out np.asarray and float, and write np.exp or pb.exp for math.exp; join wires "
            "with pb.stack or pb.concatenate; a number to look at is its .value"
        )

    def _whole_parts(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            f"{self.label} is a wire, and // has no gate: write pb.floor(a / b), through which no "
            "gradient flows, or a % b for the remainder"
        )

    def __array_ufunc__(
        self: Any, function: Any, method: str, *inputs: Any, **options: Any
    ) -> Unit:
        """A function of NumPy's of single elements, or an operator with an array on its left."""
        if function in (np.equal, np.not_equal) and not isinstance(inputs[0], Operators):
            return self == np.asarray(inputs[0])  # `array == x`, refused as `x == array` is
        return ufunc_of_wires(function, method, inputs, options, self.label)

    def __array_function__(self: Any, function: Any, types: Any, args: Any, options: Any) -> Any:
        """Any other function of NumPy's."""
        return function_of_wires(function, args, options, self.label)

    __float__ = __int__ = __complex__ = __index__ = __array__ = _taken_apart
    __round__ = __floor__ = __ceil__ = __trunc__ = _taken_apart
    __floordiv__ = __rfloordiv__ = __divmod__ = __rdivmod__ = _whole_parts
