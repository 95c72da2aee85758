"""Models of energy: a circuit E(x, y) is low where x and y belong together."""

from pullback.models.energy.energy_model import EnergyModel, Inference
from pullback.models.energy.inference import (
    ContrastiveDivergence,
    Descent,
    Enumeration,
    Viterbi,
    flip_bits,
)

__all__ = [
    "ContrastiveDivergence",
    "Descent",
    "EnergyModel",
    "Enumeration",
    "Inference",
    "Viterbi",
    "flip_bits",
]
