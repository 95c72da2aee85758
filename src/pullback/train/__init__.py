"""Training: data through a step, again and again, with a record of what happened."""

from pullback.train.history import History
from pullback.train.trainer import Trainer

__all__ = ["History", "Trainer"]
