"""Neural networks as real-valued circuits: see every wire, train fast.

>>> import pullback as pb
>>> x, y, z = pb.units(x=-2.0, y=5.0, z=-4.0)
>>> f = (x + y) * z
>>> f.backward()
>>> x.grad, y.grad, z.grad
(-4.0, -4.0, 3.0)
"""

from pullback.circuit import Circuit, compile
from pullback.compile.program import Program
from pullback.core.errors import CircuitError, StaleError
from pullback.core.gate import Gate, constant, gate
from pullback.core.gradient import (
    gradient,
    hessian,
    hessian_vector_product,
    jacobian,
    jacobian_vector_product,
)
from pullback.core.registry import GATES
from pullback.core.unit import Unit, scope, units
from pullback.gates.arithmetic import add, divide, multiply, negative, power, subtract
from pullback.gates.comparison import (
    clip,
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    not_equal,
    where,
)
from pullback.gates.convolution import (
    average_pool,
    convolve,
    convolve_input,
    convolve_weights,
    max_pool,
)
from pullback.gates.elementary import (
    abs,
    cos,
    erf,
    exp,
    expm1,
    log,
    log1p,
    relu,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    stop_gradient,
    tanh,
)
from pullback.gates.indexing import getitem, scatter_add, take
from pullback.gates.linear import einsum, matmul
from pullback.gates.loop import loop
from pullback.gates.random import random
from pullback.gates.reduction import (
    argmax,
    argmin,
    log_softmax,
    logsumexp,
    max,
    mean,
    min,
    softmax,
    sum,
)
from pullback.gates.shape import (
    astype,
    broadcast_to,
    concatenate,
    embed,
    expand_dims,
    pad,
    reshape,
    squeeze,
    stack,
    sum_to,
    swapaxes,
    transpose,
)
from pullback.inspect import (
    Drawing,
    GradientError,
    GradientReport,
    Tug,
    analytic_gradient_ascent,
    check_gate,
    check_gradients,
    compare_strategies,
    draw,
    numerical_gradient,
    numerical_gradient_ascent,
    random_local_search,
    tug,
)
from pullback.layers import Dense, ReLU, Sequential, Sigmoid, Tanh
from pullback.losses import L2, Hinge, SoftmaxCrossEntropy
from pullback.optim import SGD
from pullback.train import History, Trainer

__version__ = "0.1.0"

__all__ = [
    "GATES",
    "L2",
    "SGD",
    "Circuit",
    "CircuitError",
    "Dense",
    "Drawing",
    "Gate",
    "GradientError",
    "GradientReport",
    "Hinge",
    "History",
    "Program",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "SoftmaxCrossEntropy",
    "StaleError",
    "Tanh",
    "Trainer",
    "Tug",
    "Unit",
    "abs",
    "add",
    "analytic_gradient_ascent",
    "argmax",
    "argmin",
    "astype",
    "average_pool",
    "broadcast_to",
    "check_gate",
    "check_gradients",
    "clip",
    "compare_strategies",
    "compile",
    "concatenate",
    "constant",
    "convolve",
    "convolve_input",
    "convolve_weights",
    "cos",
    "divide",
    "draw",
    "einsum",
    "embed",
    "equal",
    "erf",
    "exp",
    "expand_dims",
    "expm1",
    "gate",
    "getitem",
    "gradient",
    "greater",
    "greater_equal",
    "hessian",
    "hessian_vector_product",
    "jacobian",
    "jacobian_vector_product",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logsumexp",
    "loop",
    "matmul",
    "max",
    "max_pool",
    "maximum",
    "mean",
    "min",
    "minimum",
    "multiply",
    "negative",
    "not_equal",
    "numerical_gradient",
    "numerical_gradient_ascent",
    "pad",
    "power",
    "random",
    "random_local_search",
    "relu",
    "reshape",
    "scatter_add",
    "scope",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "softplus",
    "sqrt",
    "squeeze",
    "stack",
    "stop_gradient",
    "subtract",
    "sum",
    "sum_to",
    "swapaxes",
    "take",
    "tanh",
    "transpose",
    "tug",
    "units",
    "where",
]
