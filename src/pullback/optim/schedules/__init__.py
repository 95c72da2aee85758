"""Schedules: the learning rate as a circuit of the number of steps. One algorithm a file."""

from pullback.optim.schedules.constant import Constant
from pullback.optim.schedules.cosine import CosineDecay, CosineRestarts
from pullback.optim.schedules.exponential import ExponentialDecay, StepDecay
from pullback.optim.schedules.inverse_square_root import InverseSquareRoot
from pullback.optim.schedules.one_cycle import OneCycle, OneCycleMomentum
from pullback.optim.schedules.piecewise import PiecewiseConstant
from pullback.optim.schedules.polynomial import PolynomialDecay
from pullback.optim.schedules.schedule import SCHEDULES, Schedule, scheduled, steps_in
from pullback.optim.schedules.triangular import Triangular
from pullback.optim.schedules.warmup import LinearWarmup

__all__ = [
    "SCHEDULES",
    "Constant",
    "CosineDecay",
    "CosineRestarts",
    "ExponentialDecay",
    "InverseSquareRoot",
    "LinearWarmup",
    "OneCycle",
    "OneCycleMomentum",
    "PiecewiseConstant",
    "PolynomialDecay",
    "Schedule",
    "StepDecay",
    "Triangular",
    "scheduled",
    "steps_in",
]
