"""Training: data through a step, again and again, with a record of what happened."""

from pullback.train.callbacks import Callback, Event
from pullback.train.finder import LearningRates, find_learning_rate
from pullback.train.history import History
from pullback.train.plateau import reduce_on_plateau
from pullback.train.step import TrainingStep
from pullback.train.stopping import early_stopping
from pullback.train.trainer import Trainer

__all__ = [
    "Callback",
    "Event",
    "History",
    "LearningRates",
    "Trainer",
    "TrainingStep",
    "early_stopping",
    "find_learning_rate",
    "reduce_on_plateau",
]
