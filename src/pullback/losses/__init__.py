"""Losses, forces and penalties: what training makes small. One algorithm a file."""

from pullback.losses.absolute_error import AbsoluteError
from pullback.losses.binary_cross_entropy import BinaryCrossEntropy, logistic_force
from pullback.losses.binary_focal_cross_entropy import BinaryFocalCrossEntropy
from pullback.losses.class_weights import balanced_class_weights
from pullback.losses.constraints import MaxNorm, NonNegative
from pullback.losses.cosine import Cosine
from pullback.losses.energy_gap import EnergyGap
from pullback.losses.force import Force
from pullback.losses.group_lasso import GroupLasso
from pullback.losses.hinge import Hinge, hinge_force
from pullback.losses.huber import Huber
from pullback.losses.loss import LOSSES, Loss, prepare_weights
from pullback.losses.multiclass_hinge import MulticlassHinge, multiclass_hinge_force
from pullback.losses.penalty import L1, L2, Penalty
from pullback.losses.poisson import Poisson
from pullback.losses.quantile import Quantile
from pullback.losses.reading import Reading
from pullback.losses.sequences import (
    CTC,
    ChainCrossEntropy,
    ChainHinge,
    ChainPerceptron,
    SequenceCrossEntropy,
    ctc_labels,
)
from pullback.losses.softmax_cross_entropy import SoftmaxCrossEntropy, softmax_force
from pullback.losses.softmax_focal_cross_entropy import SoftmaxFocalCrossEntropy
from pullback.losses.squared_error import SquaredError, squared_force
from pullback.losses.squared_hinge import SquaredHinge, squared_hinge_force

__all__ = [
    "CTC",
    "L1",
    "L2",
    "LOSSES",
    "AbsoluteError",
    "BinaryCrossEntropy",
    "BinaryFocalCrossEntropy",
    "ChainCrossEntropy",
    "ChainHinge",
    "ChainPerceptron",
    "Cosine",
    "EnergyGap",
    "Force",
    "GroupLasso",
    "Hinge",
    "Huber",
    "Loss",
    "MaxNorm",
    "MulticlassHinge",
    "NonNegative",
    "Penalty",
    "Poisson",
    "Quantile",
    "Reading",
    "SequenceCrossEntropy",
    "SoftmaxCrossEntropy",
    "SoftmaxFocalCrossEntropy",
    "SquaredError",
    "SquaredHinge",
    "balanced_class_weights",
    "ctc_labels",
    "hinge_force",
    "logistic_force",
    "multiclass_hinge_force",
    "prepare_weights",
    "softmax_force",
    "squared_force",
    "squared_hinge_force",
]
