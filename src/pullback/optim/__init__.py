"""Optimizers: from gradients to the next parameters. One algorithm a file."""

from pullback.optim.accumulate import Accumulate
from pullback.optim.adadelta import Adadelta, scale_by_adadelta
from pullback.optim.adagrad import AdaGrad, scale_by_adagrad
from pullback.optim.adam import Adam, scale_by_adam
from pullback.optim.adamax import Adamax, scale_by_adamax
from pullback.optim.adamw import AdamW
from pullback.optim.average import AVERAGES, Average
from pullback.optim.clipping import clip, clip_norm
from pullback.optim.decay import add_decayed_weights
from pullback.optim.ema import EMA
from pullback.optim.groups import Groups
from pullback.optim.lion import Lion, scale_by_lion
from pullback.optim.lookahead import Lookahead
from pullback.optim.muon import Muon, orthogonalize, scale_by_sides
from pullback.optim.nadam import NAdam, scale_by_nadam
from pullback.optim.optimizer import OPTIMIZERS, WRAPPERS, Optimizer
from pullback.optim.radam import RAdam, scale_by_radam
from pullback.optim.rmsprop import RMSProp, scale_by_rms
from pullback.optim.sam import SAM
from pullback.optim.schedules import (
    SCHEDULES,
    Constant,
    CosineDecay,
    CosineRestarts,
    ExponentialDecay,
    InverseSquareRoot,
    LinearWarmup,
    OneCycle,
    OneCycleMomentum,
    PiecewiseConstant,
    PolynomialDecay,
    Schedule,
    StepDecay,
    Triangular,
    steps_in,
)
from pullback.optim.sgd import SGD, heavy_ball
from pullback.optim.swa import SWA
from pullback.optim.transform import Parameters, Slot, Transform, chain, partition, scale

__all__ = [
    "AVERAGES",
    "EMA",
    "OPTIMIZERS",
    "SAM",
    "SCHEDULES",
    "SGD",
    "SWA",
    "WRAPPERS",
    "Accumulate",
    "AdaGrad",
    "Adadelta",
    "Adam",
    "AdamW",
    "Adamax",
    "Average",
    "Constant",
    "CosineDecay",
    "CosineRestarts",
    "ExponentialDecay",
    "Groups",
    "InverseSquareRoot",
    "LinearWarmup",
    "Lion",
    "Lookahead",
    "Muon",
    "NAdam",
    "OneCycle",
    "OneCycleMomentum",
    "Optimizer",
    "Parameters",
    "PiecewiseConstant",
    "PolynomialDecay",
    "RAdam",
    "RMSProp",
    "Schedule",
    "Slot",
    "StepDecay",
    "Transform",
    "Triangular",
    "add_decayed_weights",
    "chain",
    "clip",
    "clip_norm",
    "heavy_ball",
    "orthogonalize",
    "partition",
    "scale",
    "scale_by_adadelta",
    "scale_by_adagrad",
    "scale_by_adam",
    "scale_by_adamax",
    "scale_by_lion",
    "scale_by_nadam",
    "scale_by_radam",
    "scale_by_rms",
    "scale_by_sides",
    "steps_in",
]
