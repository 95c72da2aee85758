"""Losses over sequences: of steps, of labels without places, and of chains of tags."""

from pullback.losses.sequences.chain import (
    best_score,
    log_partition,
    marginals,
    path_score,
)
from pullback.losses.sequences.chain_losses import (
    ChainCrossEntropy,
    ChainHinge,
    ChainPerceptron,
)
from pullback.losses.sequences.ctc import CTC, ctc_labels
from pullback.losses.sequences.sequence_cross_entropy import SequenceCrossEntropy

__all__ = [
    "CTC",
    "ChainCrossEntropy",
    "ChainHinge",
    "ChainPerceptron",
    "SequenceCrossEntropy",
    "best_score",
    "ctc_labels",
    "log_partition",
    "marginals",
    "path_score",
]
