"""Training: data through a step, again and again, with a record of what happened."""

from pullback.train.callbacks import Callback, Event
from pullback.train.checkpoints import Checkpoints
from pullback.train.history import History
from pullback.train.lbfgs import LBFGS
from pullback.train.monitors import Monitor
from pullback.train.sampling import Sampling
from pullback.train.step import TrainingStep
from pullback.train.stopping import early_stopping
from pullback.train.trainer import Trainer
from pullback.train.writers import json_lines, tensorboard

__all__ = [
    "LBFGS",
    "Callback",
    "Checkpoints",
    "Event",
    "History",
    "Monitor",
    "Sampling",
    "Trainer",
    "TrainingStep",
    "early_stopping",
    "json_lines",
    "tensorboard",
]
