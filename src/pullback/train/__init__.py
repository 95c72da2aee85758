"""Training: data through a step, again and again, with a record of what happened."""

from pullback.train.callbacks import Callback, Event
from pullback.train.history import History
from pullback.train.sampling import Sampling
from pullback.train.step import TrainingStep
from pullback.train.stopping import early_stopping
from pullback.train.trainer import Trainer

__all__ = ["Callback", "Event", "History", "Sampling", "Trainer", "TrainingStep", "early_stopping"]
