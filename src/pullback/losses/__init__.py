"""Losses and penalties: what training makes small. One algorithm a file."""

from pullback.losses.hinge import Hinge, hinge_force
from pullback.losses.loss import LOSSES, Loss
from pullback.losses.penalty import L2, Penalty
from pullback.losses.softmax_cross_entropy import SoftmaxCrossEntropy

__all__ = ["L2", "LOSSES", "Hinge", "Loss", "Penalty", "SoftmaxCrossEntropy", "hinge_force"]
