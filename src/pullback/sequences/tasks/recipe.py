"""In: what a person asked for. Out: the same, checked for the task that the data are for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pullback.core.errors import CircuitError
from pullback.optim import OPTIMIZERS, Optimizer
from pullback.optim.schedules import CosineDecay
from pullback.train.settings import Settings, checked, named, refuse_others

RECURRENT = {
    "rnn": "a plain recurrent network",
    "gru": "gated recurrent units",
    "lstm": "long short-term memory",
}
_OPTIONS = ("dropout", "tokenizer", "steps", "rate", "skip_broken")  # that not every task has
_CLIP = 1.0  # the length of all gradients, beyond which they are shortened


@dataclass(frozen=True)
class SequenceRecipe(Settings):
    """How to learn from sequences, as it was asked for; None where the task chooses.

    `hidden` are the units of each layer, `tokenizer` says how text is divided, `steps` are those
    that a network sees at once, `rate` is what sound is brought to, in samples a second, and
    `skip_broken` leaves out files of it that cannot be read.
    """

    model: str | None = None
    hidden: tuple[int, ...] | None = None
    dropout: float | None = None
    tokenizer: str | None = None
    steps: int | None = None
    rate: int | None = None
    skip_broken: bool | None = None

    def checked(
        self, models: Mapping[str, str], takes: tuple[str, ...], data: str
    ) -> SequenceRecipe:
        """The recipe for a task of these models, the first of which is the usual one.

        `takes` are the options that it has a use for, and `data` says what it learns from.

        Raises `CircuitError` for the first thing that nothing could be learned with.
        """
        model = named(f"model of {data}", self.model or next(iter(models)), models)
        recipe = checked(self)
        if self.dropout is not None and not 0.0 <= self.dropout < 1.0:
            raise CircuitError(f"--dropout is a share from 0 to below 1, got {self.dropout}")
        if self.steps is not None and self.steps < 1:
            raise CircuitError(f"--steps is a whole number of at least 1, got {self.steps}")
        others = {name: f"--{name.replace('_', '-')}" for name in _OPTIONS if name not in takes}
        refuse_others(self, others, f"says nothing about {data}")
        if len(set(self.hidden or ())) > 1:
            raise CircuitError(
                "--hidden gives all recurrent layers the same units, such as 256,256, got "
                f"{','.join(map(str, self.hidden or ()))}"
            )
        return replace(recipe, model=model)

    def stack(self, units: int, layers: int = 1) -> tuple[int, int]:
        """The units of each layer, and how many layers: those that were told, or these."""
        return (self.hidden[0], len(self.hidden)) if self.hidden else (units, layers)

    def optimizer_for(self, steps: int, rate: float, **more: Any) -> Optimizer:
        """The optimizer, whose rate goes from `rate`, unless told, down along a cosine."""
        name = self.optimizer or "Adam"
        usual = 0.5 if name == "SGD" else rate
        schedule = CosineDecay(self.learning_rate or usual, steps=max(1, steps))
        return OPTIMIZERS[name](schedule, clip_norm=_CLIP, **more)

    def epochs_for(self, steps: int, wanted: int, least: int = 1, most: int = 100) -> int:
        """How many epochs, of so many steps each, unless told come to as many as are wanted."""
        return self.epochs or min(max(least, -(-wanted // max(1, steps))), most)
