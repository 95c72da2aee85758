"""In: a language model, and the tokenizer of its text. Out: a file of both, which writes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.layers import Layer, PositionEmbedding, Recurrent
from pullback.layers.layer import Rng
from pullback.sequences.tasks.recipe import RECURRENT
from pullback.sequences.tasks.trained import TrainedSequences, register
from pullback.sequences.text.characters import Characters
from pullback.sequences.text.generation import StepModel, generate
from pullback.sequences.text.sampling import Sampling
from pullback.sequences.text.steps import LastWindow, StepByStep
from pullback.sequences.text.tokenizer import Tokenizer, tokenizer_from
from pullback.sequences.text.words import Words

TRANSFORMER = "transformer"
"""The kind of model that reads a window; all others are recurrent."""


@final
@register
@dataclass(frozen=True, kw_only=True)
class Writer(TrainedSequences):
    """A language model with the tokenizer of its text; `steps` are the most that it looks back."""

    tokenizer: Tokenizer
    kind: str
    steps: int
    task: ClassVar[str] = "language modelling"
    noun: ClassVar[str] = "language model"

    def says(self) -> list[str]:
        one = {Characters: "character", Words: "word"}.get(type(self.tokenizer), "piece")
        return [
            f"writes text, {one} by {one}, of {len(self.tokenizer):,} different ones: pullback "
            "sample goes on from a prompt"
        ]

    def describe(self) -> dict[str, Any]:
        return {"tokenizer": self.tokenizer.describe(), "kind": self.kind, "steps": self.steps}

    @classmethod
    def construct(cls, description: Mapping[str, Any], **common: Any) -> Writer:
        kind, steps = description["kind"], description["steps"]
        if kind not in (*RECURRENT, TRANSFORMER) or type(steps) is not int or steps < 1:
            raise CircuitError("what it tells about its text is not possible")
        tokenizer = tokenizer_from(description["tokenizer"])
        return cls(tokenizer=tokenizer, kind=kind, steps=steps, **common)

    def check(self) -> None:
        """Raise `CircuitError` where the layers do not write in this vocabulary."""
        try:
            shape = np.shape(self.model.predict(np.zeros((1, 1), np.int64)))
        except Exception:  # what foreign layers make of it cannot be foreseen
            shape = None
        if shape != (1, 1, len(self.tokenizer)):
            raise CircuitError("the layers do not write in its vocabulary")
        layers = [layer for _, layer in self.model.walk()]
        places = [x.config["count"] for x in layers if isinstance(x, PositionEmbedding)]
        if self.kind == TRANSFORMER:
            fits = places == [self.steps]
        else:
            fits = not places and any(isinstance(layer, Recurrent) for layer in layers)
        if not fits:
            raise CircuitError(f"the layers are of no {self.kind} of {self.steps} steps")

    def write(
        self,
        prompt: str,
        count: int | None = None,
        *,
        sampling: Sampling | None = None,
        rng: Rng = None,
        engine: str = "native",
    ) -> Iterator[str]:
        """Text that goes on from a prompt, as it is made; see `generate`.

        Raises `CircuitError` for a prompt that is empty or has what the vocabulary lacks.
        """
        if not prompt:
            raise CircuitError("a prompt has a character at least, which the text goes on from")
        try:
            self.tokenizer.encode(prompt)
        except CircuitError as error:
            what = str(error).partition(" is not in the vocabulary")[0]
            raise CircuitError(
                f"{what} of the prompt was not in the text that the model learned from; leave "
                "it out"
            ) from None
        model = step_model(self.model, self.kind, self.steps, engine)
        sampling = sampling or Sampling()
        return generate(model, self.tokenizer, prompt, count, sampling=sampling, rng=rng)


def opening(tokenizer: Tokenizer) -> str:
    """What to go on from where nothing is told: a new line, if the vocabulary has it, or a space.

    >>> opening(Characters.of("to be")), opening(Characters.of("oooh"))
    (' ', 'h')
    """
    for start in "\n ":
        try:
            if tokenizer.decode(tokenizer.encode(start)) == start:
                return start
        except CircuitError:  # it is not in the vocabulary
            continue
    return tokenizer.decode([0])


def step_model(model: Layer, kind: str | None, steps: int, engine: str) -> StepModel[Any]:
    """The steps of a language model of this kind, which looks back so far."""
    if kind == TRANSFORMER:
        return LastWindow(model, steps, engine=engine)
    return StepByStep.of(model, engine=engine)
