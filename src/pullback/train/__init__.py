"""Training: data through a step, again and again, with a record of what happened."""

from pullback.train.callbacks import Callback, Event
from pullback.train.history import History
from pullback.train.plateau import reduce_on_plateau
from pullback.train.step import TrainingStep
from pullback.train.stopping import early_stopping
from pullback.train.trainer import Trainer

__all__ = [
    "Callback",
    "Event",
    "History",
    "Trainer",
    "TrainingStep",
    "early_stopping",
    "reduce_on_plateau",
]
