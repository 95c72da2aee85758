"""In: one number. Out: its exp, log, tanh, …, by one name for float32 and float64.

Generated code calls these inside its loops. They become vector code, because LLVM sees nothing but
arithmetic. float32 results lie within 2 ulp of the exact ones for all 2^32 arguments, float64
results within 2 ulp too; overflow, infinities, NaN, -0 and denormal numbers come out as in NumPy.
float64 has sin, cos, log1p, softplus and erf from the C library: correct, and not vectorised.

>>> import numpy as np
>>> from numba import njit
>>> @njit
... def softened(x):
...     for i in range(x.size):
...         x[i] = exp(x[i])
>>> x = np.zeros(3, np.float32)
>>> softened(x)
>>> x.tolist()
[1.0, 1.0, 1.0]
"""

from __future__ import annotations

import math

from pullback.engines.native.kernels.lower import absolute, by_precision, kernel
from pullback.engines.native.kernels.vector32 import (
    cos32,
    erf32,
    exp32,
    expm1_32,
    log1p32,
    log32,
    sigmoid32,
    sin32,
    softplus32,
    tanh32,
)
from pullback.engines.native.kernels.vector64 import exp64, expm1_64, log64, sigmoid64, tanh64


@kernel
def _sin64(x):
    return math.sin(x)


@kernel
def _cos64(x):
    return math.cos(x)


@kernel
def _log1p64(x):
    return math.log1p(x)


@kernel
def _erf64(x):
    return math.erf(x)


@kernel
def _softplus64(x):
    return math.log1p(exp64(-absolute(x))) + (0.0 if x < 0.0 else x)


exp = by_precision("exp", exp32, exp64)
log = by_precision("log", log32, log64)
expm1 = by_precision("expm1", expm1_32, expm1_64)
log1p = by_precision("log1p", log1p32, _log1p64)
tanh = by_precision("tanh", tanh32, tanh64)
sigmoid = by_precision("sigmoid", sigmoid32, sigmoid64)
softplus = by_precision("softplus", softplus32, _softplus64)
erf = by_precision("erf", erf32, _erf64)
sin = by_precision("sin", sin32, _sin64)
cos = by_precision("cos", cos32, _cos64)

FUNCTIONS = {
    function.__name__: function
    for function in (exp, log, expm1, log1p, tanh, sigmoid, softplus, erf, sin, cos)
}
"""By the name of the gate that they compute."""
