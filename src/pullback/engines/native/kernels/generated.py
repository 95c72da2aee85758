"""Every name that generated code uses."""

from numba import boolean as b1
from numba import float32 as f4
from numba import float64 as f8
from numba import int64 as i8

import pullback.engines.native.kernels.compilations  # noqa: F401  # from here on, they are followed
from pullback.engines.native.kernels.cell import cell
from pullback.engines.native.kernels.elementwise import (
    abs,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    power,
    sign,
    sqrt,
    where,
)
from pullback.engines.native.kernels.lower import after, kernel
from pullback.engines.native.kernels.structural import (
    argmax,
    argmin,
    convolve,
    convolve_input,
    convolve_weights,
    entry,
    fill,
    gather,
    loop,
    matmul,
    matmuls,
    part,
    random,
    scatter_add,
    take,
)
from pullback.engines.native.kernels.threads import barrier, portion
from pullback.engines.native.kernels.vector import (
    cos,
    erf,
    exp,
    expm1,
    log,
    log1p,
    sigmoid,
    sin,
    softplus,
    tanh,
)

__all__ = [
    "abs",
    "after",
    "argmax",
    "argmin",
    "b1",
    "barrier",
    "cell",
    "convolve",
    "convolve_input",
    "convolve_weights",
    "cos",
    "entry",
    "erf",
    "exp",
    "expm1",
    "f4",
    "f8",
    "fill",
    "gather",
    "i8",
    "kernel",
    "log",
    "log1p",
    "logical_and",
    "logical_not",
    "logical_or",
    "loop",
    "matmul",
    "matmuls",
    "maximum",
    "minimum",
    "part",
    "portion",
    "power",
    "random",
    "scatter_add",
    "sigmoid",
    "sign",
    "sin",
    "softplus",
    "sqrt",
    "take",
    "tanh",
    "where",
]
