"""In: Python numbers and Numba values. Out: single LLVM instructions that Numba has no word for.

They hold no branch and no call, so that a loop around them still becomes vector code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit
from numba.core import cgutils, types
from numba.extending import intrinsic, overload

kernel = njit(forceinline=True, error_model="numpy")
"""Compile a function that disappears into its caller, whose loops can then be vectorised."""


def _unary(name: str) -> Any:
    """The LLVM intrinsic `name` of one floating-point number, as a function for compiled code."""

    @intrinsic
    def function(typing_context, x):
        def generate(context, builder, signature, args):
            declared = builder.module.declare_intrinsic(name, [args[0].type])
            return builder.call(declared, args)

        return x(x), generate

    return function


rint = _unary("llvm.rint")
absolute = _unary("llvm.fabs")


@intrinsic
def bits(typing_context, x):
    """The integer of the same width that has the same bits as a float32 or float64."""
    whole = types.int32 if x == types.float32 else types.int64

    def generate(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(whole))

    return whole(x), generate


@intrinsic
def from_bits(typing_context, n):
    """The float32 or float64 that has the same bits as an int32 or int64."""
    number = types.float32 if n == types.int32 else types.float64

    def generate(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(number))

    return number(n), generate


@intrinsic
def select(typing_context, condition, x, y):
    """`x if condition else y`, both already computed: one blend, never a jump."""

    def generate(context, builder, signature, args):
        return builder.select(*args)

    return (x(types.boolean, x, x), generate) if x == y else None


def fused(builder: ir.IRBuilder, x: ir.Value, y: ir.Value, z: ir.Value) -> ir.Value:
    """Write the instruction for `x * y + z` of numbers or vectors."""
    function = ir.FunctionType(x.type, [x.type] * 3)
    scalar = x.type.element if isinstance(x.type, ir.VectorType) else x.type
    width = f"v{x.type.count}" if isinstance(x.type, ir.VectorType) else ""
    name = f"llvm.fmuladd.{width}{scalar.intrinsic_name}"
    return builder.call(cgutils.get_or_insert_function(builder.module, function, name), [x, y, z])


@intrinsic
def muladd(typing_context, x, y, z):
    """`x * y + z`, rounded once where the processor has such an instruction."""

    def generate(context, builder, signature, args):
        return fused(builder, *args)

    return (x(x, x, x), generate) if x == y == z else None


@intrinsic
def copysign(typing_context, size, sign):
    """The size of one number with the sign of the other, also that of -0 and of a NaN."""

    def generate(context, builder, signature, args):
        kind = args[0].type
        function = ir.FunctionType(kind, [kind, kind])
        declared = builder.module.declare_intrinsic("llvm.copysign", [kind], function)
        return builder.call(declared, args)

    return (size(size, size), generate) if size == sign else None


@intrinsic
def numbers_at(typing_context, address, like):
    """An address (int64) as a pointer to numbers of the type of `like`.

    It is indexed like an array, without a length and without a check.
    """

    def generate(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return types.CPointer(like)(types.int64, like), generate


@intrinsic
def address(typing_context, array):
    """Where the first element of an array lies (int64); much quicker to compile than `ctypes`."""

    def generate(context, builder, signature, args):
        data = context.make_array(array)(context, builder, args[0]).data
        return builder.ptrtoint(data, ir.IntType(64))

    return types.int64(array), generate


@intrinsic
def _pointer_after(typing_context, numbers, n):
    from_array = isinstance(numbers, types.Array)

    def generate(context, builder, signature, args):
        data = args[0]
        if from_array:
            data = context.make_array(numbers)(context, builder, data).data
        return builder.gep(data, [args[1]])

    kind = types.CPointer(numbers.dtype) if from_array else numbers
    return kind(numbers, types.int64), generate


def after(numbers, n):
    """The numbers of an array, or behind a pointer, from number n on.

    Compiled, it is a pointer: unlike a slice it counts no references and checks no bounds, which
    costs more than a short loop does. Truth values stay a slice; Numba cannot store through a
    pointer to them.
    """
    return numbers[n:]


@overload(after, jit_options={"forceinline": True})
def _after(numbers, n):
    if numbers.dtype == types.boolean:
        return lambda numbers, n: numbers[n:]
    return lambda numbers, n: _pointer_after(numbers, n)


@intrinsic
def itemsize(typing_context, like):
    """The bytes of a number of the type of `like`, known while compiling."""
    size = like.bitwidth // 8

    def generate(context, builder, signature, args):
        return ir.Constant(ir.IntType(64), size)

    return types.int64(like), generate


def _constant(value: float) -> Any:
    """A function that gives this number in the type of its argument."""

    @intrinsic
    def function(typing_context, like):
        def generate(context, builder, signature, args):
            return ir.Constant(args[0].type, value)

        return like(like), generate

    return function


zero = _constant(0.0)
no_limit = _constant(float("-inf"))


def polynomial(*coefficients: Any) -> Any:
    """A function of x for `sum(c * x**i)`, lowest power first, in the type of the coefficients."""

    @intrinsic
    def function(typing_context, x):
        def generate(context, builder, signature, args):
            kind = args[0].type
            y = ir.Constant(kind, float(coefficients[-1]))
            for c in reversed(coefficients[:-1]):
                y = fused(builder, y, args[0], ir.Constant(kind, float(c)))
            return y

        return x(x), generate

    return function


def by_precision(name: str, single: Any, double: Any) -> Any:
    """One name for two compiled functions: float32 runs `single`, float64 runs `double`."""

    def function(x):
        return (single if isinstance(x, np.float32) else double)(x)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = single.__doc__

    @overload(function, jit_options={"forceinline": True, "error_model": "numpy"})
    def choose(x):
        if x == types.float32:
            return lambda x: single(x)
        if x == types.float64:
            return lambda x: double(x)
        return None

    return function


__all__ = [
    "absolute",
    "address",
    "bits",
    "by_precision",
    "copysign",
    "from_bits",
    "itemsize",
    "kernel",
    "muladd",
    "no_limit",
    "numbers_at",
    "polynomial",
    "rint",
    "select",
    "zero",
]
