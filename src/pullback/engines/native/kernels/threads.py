"""In: threads that run the same compiled step. Out: each one's part, and where they wait.

A barrier is a count of arrivals in shared memory. Who arrives watches it until all have been
counted, and after a while lets another thread have the processor. Numba's own parallel regions cost
a multiple of this.
"""

from __future__ import annotations

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

PATIENCE = 20_000  # looks at the counter before a thread gives way


@intrinsic
def _add(typing_context, array, index, value):
    """Add to a whole number in shared memory, and answer what it was."""

    def generate(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        place = builder.gep(data, [args[1]])
        return builder.atomic_rmw("add", place, args[2], "seq_cst")

    return types.int64(types.int64[::1], types.int64, types.int64), generate


@intrinsic
def _look(typing_context, array, index):
    """A whole number in shared memory, as it is now."""

    def generate(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        place = builder.gep(data, [args[1]])
        return builder.load_atomic(place, "seq_cst", 8)

    return types.int64(types.int64[::1], types.int64), generate


@intrinsic
def _give_way(typing_context):
    """Let another thread have the processor."""

    def generate(context, builder, signature, args):
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.IntType(32), []), "sched_yield"
        )
        builder.call(function, [])
        return context.get_dummy_value()

    return types.none(), generate


@njit(nogil=True, forceinline=True)
def portion(n, t, T):
    """From where to where, of n, thread t of T works; a thread alone need not divide."""
    if T == 1:
        return 0, n
    return n * t // T, n * (t + 1) // T


@njit(nogil=True)
def barrier(counters, threads):
    """Wait until all threads are here. `counters[0]` counts arrivals, from 0 on for good."""
    if threads == 1:
        return
    all_here = (_add(counters, 0, 1) // threads + 1) * threads
    looks = 0
    while _look(counters, 0) < all_here:
        looks += 1
        if looks > PATIENCE:
            _give_way()
