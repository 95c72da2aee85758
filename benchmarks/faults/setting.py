"""In: data, a net, a loss and how it is trained. Out: a Trainer to examine, and how well it ends.

A fault is a change of a Setting. How much it hurts is what the same Setting reaches without it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import pullback as pb
from pullback.core.errors import CircuitError

Make = Callable[[], pb.Layer]
Rows = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Net:
    """What a net is made of, alike for tables, pictures and sequences, so that one fault fits all.

    `widths` are those of its hidden layers: of pictures all but the last are convolutions, of
    sequences the first is recurrent, and `steps` says that it hands all its steps on. `words` is
    how many words are embedded, 0 where inputs are numbers. `tail` are layers behind the scores.
    """

    kind: str
    outputs: int
    widths: tuple[int, ...] = (32, 32)
    bend: Make = pb.ReLU
    initializer: Any = "he"
    cell: Callable[..., pb.Layer] = pb.GRU
    recurrent: dict[str, Any] = field(default_factory=dict)
    steps: bool = False
    words: int = 0
    norm: bool = False
    dropout: float = 0.0
    tail: tuple[Make, ...] = ()

    def layers(self) -> Iterator[pb.Layer]:
        """The layers in order."""
        if self.words:
            yield pb.Embedding(self.words, 8)
        for k, width in enumerate(self.widths):
            last = k == len(self.widths) - 1
            if self.kind == "sequence" and k == 0:
                yield self.cell(width, last=not self.steps, **self.recurrent)
                continue
            if self.kind == "picture" and not last:
                stride = 2 if k == 1 else 1
                yield pb.Conv2d(
                    width, 3, stride=stride, padding="same", initializer=self.initializer
                )
            else:
                if self.kind == "picture":
                    yield pb.Flatten()
                yield pb.Dense(width, initializer=self.initializer)
            if self.norm:
                yield pb.BatchNorm()
            yield self.bend()
            if self.dropout:
                yield pb.Dropout(self.dropout)
        yield pb.Dense(self.outputs, initializer=self.initializer)
        for make in self.tail:
            yield make()


@dataclass(frozen=True)
class Setting:
    """A net, its data and its training; `judged` are rows as they come in use, by which it is told.

    `edit` is what is done to a new model, of the rows to train on. `ordered` rows come in batches
    in the order that they have. Where labels are a `quantity`, answers are told by their distance.
    """

    net: Net
    loss: pb.Loss
    optimizer: pb.Optimizer
    x: np.ndarray
    y: np.ndarray
    judged: Rows
    validation: Rows | None = None
    penalties: tuple[pb.Penalty, ...] = ()
    edit: Callable[[Any, np.ndarray], Any] = lambda model, x: model
    epochs: int = 15
    batch_size: int = 32
    ordered: bool = False
    quantity: bool = False

    def but(self, **changes: Any) -> Setting:
        """The same with other fields, of its own or of its net."""
        own = {name: value for name, value in changes.items() if hasattr(self, name)}
        parts = {name: value for name, value in changes.items() if name not in own}
        return replace(self, **{"net": replace(self.net, **parts), **own})

    def every(self, change: Callable[[np.ndarray], np.ndarray]) -> Setting:
        """The same with other inputs, wherever they come from."""
        x, y = self.judged
        validation = self.validation and (change(self.validation[0]), self.validation[1])
        return self.but(x=change(self.x), judged=(change(x), y), validation=validation)

    def faster(self, times: float) -> Setting:
        """The same with another learning rate."""
        optimizer: Any = self.optimizer
        rate = optimizer.learning_rate * times
        return self.but(optimizer=replace(optimizer, learning_rate=rate))

    def trainer(self, seed: int = 0) -> pb.Trainer:
        """A Trainer at its start."""
        model = self.edit(pb.Sequential(*self.net.layers(), rng=seed), self.x)
        return pb.Trainer(
            model, self.loss, self.optimizer, penalties=self.penalties, seed=seed, engine="eager"
        )

    @property
    def data(self) -> Any:
        """The rows, or their batches, as `fit` and the doctor take them."""
        if not self.ordered:
            return self.x, self.y
        size = self.batch_size
        starts = range(0, len(self.x), size)
        return [(self.x[k : k + size], self.y[k : k + size]) for k in starts]

    @property
    def arguments(self) -> dict[str, Any]:
        """What the doctor is told beside the Trainer and the data."""
        told = {"epochs": self.epochs, "batch_size": self.batch_size}
        return told if self.validation is None else {**told, "validation": self.validation}

    def outcome(self, seed: int) -> tuple[float, float]:
        """The share of wrong answers and the loss in use, of what answering alike to all has.

        Of a quantity both are the mean square error, of that of the mean. 1 is the worst, which
        who cannot be trained at all has too.
        """
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                return self._outcome(seed)
            except CircuitError:  # such as of a number that is none
                return 1.0, 1.0

    def _outcome(self, seed: int) -> tuple[float, float]:
        trainer = self.trainer(seed)
        given = {"inputs": self.data} if self.ordered else {"inputs": self.x, "labels": self.y}
        size = {} if self.ordered else {"batch_size": self.batch_size}
        history = trainer.fit(**given, **size, epochs=self.epochs, progress=False)
        if history.diverged:
            return 1.0, 1.0
        x, y = self.judged
        if isinstance(self.loss, pb.CTC):
            wrong = 1.0 - trainer.evaluate(x, y)["accuracy"]
            return wrong, wrong
        scores = np.asarray(trainer.predict(x), np.float64)
        if self.quantity:
            error = float(np.square(self._numbers(scores) - y).mean() / np.var(y))
            return min(1.0, error), min(1.0, error)
        _, counts = np.unique(y, return_counts=True)
        chance = 1.0 - counts.max() / len(y)
        wrong = float((self._numbers(scores) != y).mean()) / chance
        probabilities = self._probabilities(scores, len(counts))
        loss = -np.log(probabilities[np.arange(len(y)), y.astype(int)] + 1e-9).mean()
        return min(1.0, wrong), min(1.0, float(loss) / np.log(len(counts)))

    def _numbers(self, scores: np.ndarray) -> np.ndarray:
        """The answers that scores mean by the loss: a class, or a quantity."""
        if self.loss.reading.task == "regression":
            answers = scores.reshape(len(scores))
            return answers if self.quantity else np.rint(answers)
        if scores.shape[-1] == 1 or scores.ndim == 1:
            return (scores.reshape(len(scores)) > 0.0).astype(int)
        return scores.argmax(axis=-1)

    def _probabilities(self, scores: np.ndarray, classes: int) -> np.ndarray:
        if self.loss.reading.task == "regression":
            return np.eye(classes)[np.clip(self._numbers(scores), 0, classes - 1).astype(int)]
        if scores.shape[-1] == 1 or scores.ndim == 1:
            scores = np.stack([np.zeros(len(scores)), scores.reshape(len(scores))], axis=1)
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)
