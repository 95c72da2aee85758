"""In: a number. Out: room for one number, which the compiler can keep in a register."""

from __future__ import annotations

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def cell(typing_context, number):
    """A place that holds this number at first; its element 0 is read and written like an array's.

    No address of it goes anywhere, so that LLVM makes a register of it.
    """

    def generate(context, builder, signature, args):
        return cgutils.alloca_once_value(builder, args[0])

    return types.CPointer(number)(number), generate
