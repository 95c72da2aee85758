"""What a loop over elements does not say: products, convolutions, pooling, slices by number.

In: sizes, known while recording, and arrays by address. Out: code recorded by `k`. In the order in
which they stand on each other:

    tile         a tile of a product in registers, the inner loop of all that follows
    pack         a panel of a matrix, its rows close together
    product      products of matrices
    geometry     the sizes of a convolution
    convolution  forward and both gradients
    depthwise    the same where each channel has a filter of its own
    windows      pixels as windows on an image see them
    pooling      the largest pixel of windows, their sum, and the gradients
    indexing     take, scatter_add, argmax, the rows of a batch
    lanes        sums so far along an axis, and the order of its elements
    elimination  systems of equations, determinants, Cholesky factors

A kernel is one function `record(k, sizes, thread, *arrays)` and its name here; `calls.py` says what
sizes a gate gives it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pullback.core.registry import Registry
from pullback.engines.native.kernels.convolution import (
    record_convolve,
    record_convolve_input,
    record_convolve_weights,
)
from pullback.engines.native.kernels.depthwise import (
    record_depthwise,
    record_depthwise_input,
    record_depthwise_weights,
)
from pullback.engines.native.kernels.elimination import (
    record_cholesky,
    record_det,
    record_slogdet,
    record_solve,
)
from pullback.engines.native.kernels.indexing import (
    record_gather,
    record_position,
    record_scatter_add,
    record_take,
    record_zeros,
)
from pullback.engines.native.kernels.lanes import record_argsort, record_cumsum
from pullback.engines.native.kernels.pooling import (
    record_max_pool,
    record_max_pool_pick,
    record_max_pool_spread,
    record_sum_pool,
    record_sum_pool_spread,
)
from pullback.engines.native.kernels.product import (
    record_panels,
    record_product,
    record_products,
)

KERNELS: Registry[Callable[..., None]] = Registry("kernel")

for _name, _record in {
    "product": record_product,
    "products": record_products,
    "panels": record_panels,
    "convolve": record_convolve,
    "convolve_input": record_convolve_input,
    "convolve_weights": record_convolve_weights,
    "depthwise": record_depthwise,
    "depthwise_input": record_depthwise_input,
    "depthwise_weights": record_depthwise_weights,
    "max_pool": record_max_pool,
    "max_pool_pick": record_max_pool_pick,
    "max_pool_spread": record_max_pool_spread,
    "sum_pool": record_sum_pool,
    "sum_pool_spread": record_sum_pool_spread,
    "take": record_take,
    "scatter_add": record_scatter_add,
    "position": record_position,
    "cumsum": record_cumsum,
    "argsort": record_argsort,
    "solve": record_solve,
    "det": record_det,
    "slogdet": record_slogdet,
    "cholesky": record_cholesky,
    "zeros": record_zeros,
    "gather": record_gather,
}.items():
    KERNELS.add(_name, _record)


@dataclass(frozen=True)
class Kernel:
    """A kernel's function for some sizes and so many arrays, as a record of code."""

    name: str
    sizes: Any
    arrays: int

    @property
    def arguments(self) -> list[str]:
        """The thread, how many there are, its workspace, the counters, and the arrays."""
        return ["i8", "i8", "p", "p", *["p"] * self.arrays]
