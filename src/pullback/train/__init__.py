"""Training: data through a step, again and again, with a record of what happened."""

from pullback.train.alarms import Alarm
from pullback.train.callbacks import Callback, Event
from pullback.train.checkpoints import Checkpoints
from pullback.train.finder import LearningRates, find_learning_rate
from pullback.train.history import History
from pullback.train.lbfgs import LBFGS
from pullback.train.monitors import Monitor
from pullback.train.plateau import reduce_on_plateau
from pullback.train.sampling import Sampling
from pullback.train.step import TrainingStep
from pullback.train.stopping import early_stopping
from pullback.train.trainer import Trainer
from pullback.train.writers import json_lines, tensorboard

__all__ = [
    "LBFGS",
    "Alarm",
    "Callback",
    "Checkpoints",
    "Event",
    "History",
    "LearningRates",
    "Monitor",
    "Sampling",
    "Trainer",
    "TrainingStep",
    "early_stopping",
    "find_learning_rate",
    "json_lines",
    "reduce_on_plateau",
    "tensorboard",
]
