"""In: what a doctor asks of a net and of what trains it. Out: the two protocols that answer.

A `Patient` is a net with data. All that depends on the library that the net is made with is here:
`Parts` answers for a Trainer, `TorchParts` for a module of PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pullback.inspect.activations import ActivationStatistics
from pullback.losses.loss import Loss
from pullback.train.data import Rows
from pullback.train.finder import LearningRates
from pullback.train.history import History
from pullback.train.monitors import Monitor

if TYPE_CHECKING:
    from pullback.diagnosis.disease import Disease
    from pullback.diagnosis.patient import Parts


class Predictor(Protocol):
    """What answers."""

    def predict(self, inputs: Any) -> Any:
        """The outputs for inputs of (rows, ...)."""
        ...


class Moment(Protocol):
    """What a callback is told in training: an `Event`, or what stands for it."""

    @property
    def kind(self) -> str:
        """What happened, such as the end of an "epoch"."""
        ...

    @property
    def trainer(self) -> Predictor: ...
    @property
    def history(self) -> History: ...

    def stop(self, reason: str) -> None:
        """End the training after this."""
        ...


class Learner(Predictor, Protocol):
    """What trains a net: `Trainer`, or what stands for it."""

    @property
    def model(self) -> Any: ...
    @property
    def optimizer(self) -> Any:
        """That of `Net.optimizer`, with the rate that was found where one was to be found."""
        ...

    def fit(self, inputs: Any, labels: Any = None, **how: Any) -> History:
        """Train, as `Trainer.fit` does by the same arguments, and tell what was measured."""
        ...


class Net(Protocol):
    """What a net is made of, and what can be measured of it; nothing of it is changed by that."""

    @property
    def model(self) -> Any: ...
    @property
    def losses(self) -> tuple[Loss, ...]:
        """What it is trained for, as losses of this library: how scores and labels are read."""
        ...

    @property
    def optimizer(self) -> Any:
        """It has a `learning_rate`, and `dataclasses.replace` makes another one."""
        ...

    @property
    def penalties(self) -> tuple[Any, ...]: ...
    @property
    def mixup(self) -> float: ...
    @property
    def average(self) -> Any: ...
    @property
    def engine(self) -> str: ...
    @property
    def threads(self) -> int | None: ...
    @property
    def seed(self) -> int: ...

    @property
    def diseases(self) -> Mapping[str, Disease]:
        """What is looked for, by name."""
        ...

    @property
    def names(self) -> tuple[str, str]:
        """The model and its loss, as their owner calls them."""
        ...

    @property
    def measured_by(self) -> Any:
        """What two nets have alike where their losses are numbers of the same kind."""
        ...

    def but(self, **changes: Any) -> Net:
        """The same with other parts. Raises `CircuitError` for a part that it cannot have."""
        ...

    def trainer(self, monitor: Monitor | bool = False) -> Learner:
        """What trains a copy of the model, from its start."""
        ...

    def activations(self, model: Any, rows: Rows) -> ActivationStatistics | None:
        """What each layer of a model, at its start or trained, makes of rows; None of no layers.

        Raises `CircuitError` where the rows do not fit.
        """
        ...

    def rates(self, rows: Rows, batch_size: int) -> LearningRates:
        """The loss at growing learning rates, as `find_learning_rate` has it."""
        ...

    def loss(self, rows: Rows) -> float:
        """The mean loss of rows at the start, without penalties."""
        ...

    def outputs(self, rows: Rows) -> np.ndarray:
        """What the net makes of rows at its start: the first of its outputs."""
        ...

    def plain(self, model: Any, optimizer: Any) -> Parts | None:
        """A model of this library with the same losses, to compare with; None where it has none."""
        ...
