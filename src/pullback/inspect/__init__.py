"""Looking at circuits: their pictures, whether their gradients are right, what a pull would do."""

from pullback.inspect.activations import (
    ActivationStatistics,
    LayerActivations,
    activation_statistics,
)
from pullback.inspect.check import check_gradients
from pullback.inspect.check_gate import check_gate
from pullback.inspect.draw import Drawing, draw
from pullback.inspect.report import GradientError, GradientReport
from pullback.inspect.strategies import (
    analytic_gradient_ascent,
    compare_strategies,
    numerical_gradient,
    numerical_gradient_ascent,
    random_local_search,
)
from pullback.inspect.tug import Tug, tug

__all__ = [
    "ActivationStatistics",
    "Drawing",
    "GradientError",
    "GradientReport",
    "LayerActivations",
    "Tug",
    "activation_statistics",
    "analytic_gradient_ascent",
    "check_gate",
    "check_gradients",
    "compare_strategies",
    "draw",
    "numerical_gradient",
    "numerical_gradient_ascent",
    "random_local_search",
    "tug",
]
