"""Optimizers: from gradients to the next parameters. One algorithm a file."""

from pullback.optim.optimizer import OPTIMIZERS, Optimizer, Transform
from pullback.optim.sgd import SGD, heavy_ball

__all__ = ["OPTIMIZERS", "SGD", "Optimizer", "Transform", "heavy_ball"]
