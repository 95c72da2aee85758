"""The task of writing: in, a long text. Out: a language model, which goes on from a prompt."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.files.progress import working
from pullback.gates.reduction import log_softmax
from pullback.layers import Layer
from pullback.losses import SequenceCrossEntropy
from pullback.models.language_model import language_model
from pullback.models.transformer import transformer
from pullback.sequences.tasks.recipe import RECURRENT, SequenceRecipe
from pullback.sequences.tasks.study import MODEL, Plan, Study
from pullback.sequences.tasks.trained import Measure, Record
from pullback.sequences.tasks.writer import TRANSFORMER, Writer, opening, step_model
from pullback.sequences.text.batches import TextWindows
from pullback.sequences.text.byte_pairs import BytePairs
from pullback.sequences.text.characters import Characters
from pullback.sequences.text.generation import StepModel, generate
from pullback.sequences.text.long_text import Text, TextFile
from pullback.sequences.text.tokenizer import Tokenizer
from pullback.sequences.text.words import Words
from pullback.train import Callback, Event

MODELS = {
    "lstm": RECURRENT["lstm"],
    "gru": RECURRENT["gru"],
    "rnn": RECURRENT["rnn"],
    TRANSFORMER: "a small causal transformer",
}
TOKENIZERS: dict[str, tuple[str, Callable[[Iterator[str]], Tokenizer]]] = {
    "characters": ("character", Characters.of),
    "words": ("word", lambda pieces: Words.of(pieces, minimum=2, most=_WORDS, unknown="<unk>")),
    "pairs": ("piece", BytePairs.of),
}
"""By their names, what one of their entries is called, and what makes them of a text."""
_TAKES = ("dropout", "tokenizer", "steps")
_ROWS = 32
_STEPS = {TRANSFORMER: 64}
_USUAL_STEPS = 128
_HEADS = 4
_WIDTH = 256  # units of a recurrent layer, unless told; a transformer has half of them
_BLOCKS = 4
_RATES = {TRANSFORMER: 0.001, "rnn": 0.001}
_RATE = 0.003
_DROPOUT = 0.1
_WANTED = 3_000  # steps of training, unless told
_MOST = 500  # batches of an epoch: a longer text takes several
_WORDS = 20_000  # the commonest, which are told apart
_JUDGED = 1 << 16  # numbers that are judged by after each epoch, or fewer
_LEAST_JUDGED = 1 << 11
_SCORES = 1 << 25  # of all symbols at all numbers that are judged together
_COUNTED = 1 << 21  # numbers of the training part that counting learns from
_TOGETHER = 16  # rows in which they are
_SAMPLE = 200  # numbers that are written while it trains
_SAMPLES = 8  # times, as a rule


@final
@dataclass(frozen=True, kw_only=True)
class WritingStudy(Study):
    """A long text, its numbers in two parts, and the plan of training."""

    tokenizer: Tokenizer
    entry: str
    train_numbers: np.ndarray
    kept_numbers: np.ndarray
    characters: int
    steps: int
    task: ClassVar[str] = "language modelling"
    unit: ClassVar[str] = "characters"

    @classmethod
    def of(
        cls, data: Text | TextFile, recipe: SequenceRecipe, *, progress: bool | None = None
    ) -> WritingStudy:
        """The study of this text, before training; `progress` shows that a long one is read.

        Raises `CircuitError` where it cannot be learned from, or not so.
        """
        recipe = recipe.checked(MODELS, _TAKES, "text")
        kind = recipe.tokenizer or "characters"
        if kind not in TOKENIZERS:
            raise CircuitError(
                f"there is no tokenizer {kind!r}; there are: {', '.join(TOKENIZERS)}"
            )
        entry, make = TOKENIZERS[kind]
        with working("reading the text", 3, progress) as line:
            if not any(data.pieces()):
                raise CircuitError(
                    f"{data.source or data.name} is empty: there is nothing to learn"
                )
            tokenizer = make(data.pieces())
            line.advance(1)
            train, kept = data.numbers(tokenizer)
            line.advance(1)
            characters = sum(map(len, data.pieces()))
            line.advance(1)
        steps = recipe.steps or _STEPS.get(recipe.model or "", _USUAL_STEPS)
        need = 20 * (steps + 1)
        if len(train) + len(kept) < need:
            raise CircuitError(
                f"{data.source} has {len(train) + len(kept):,} {entry}s, and to learn from "
                f"sequences of {steps} takes {need:,}: give a longer text, or fewer --steps"
            )
        per = characters / (len(train) + len(kept))
        counts = {"train": round(len(train) * per), "validation": round(len(kept) * per)}
        return cls(
            name=data.name,
            source=data.source,
            counts=counts,
            recipe=recipe,
            plan=_plan(recipe, len(tokenizer), train, kept, steps),
            tokenizer=tokenizer,
            entry=entry,
            train_numbers=train,
            kept_numbers=kept,
            characters=characters,
            steps=steps,
        )

    def facts(self) -> list[str]:
        windows = self.plan.batches
        assert isinstance(windows, TextWindows)
        seen = len(windows) * windows.rows * windows.steps / len(self.train_numbers)
        epoch = "the text once" if 0.9 <= seen <= 1.1 else f"{seen:.1%} of the text"
        size = len(self.train_numbers) + len(self.kept_numbers)
        made = "" if self.entry == "character" else f" of {self._per_entry:.2f} characters each"
        return [
            f"{size:,} {self.entry}s{made}, of {len(self.tokenizer):,} different ones",
            f"an epoch is {len(windows):,} batches of {windows.rows} windows of {self.steps} "
            f"{self.entry}s: {epoch}",
        ]

    @property
    def _per_entry(self) -> float:
        return self.characters / (len(self.train_numbers) + len(self.kept_numbers))

    @cached_property
    def writer(self) -> StepModel[Any]:
        return step_model(self.plan.model, self.recipe.model, self.steps, self.recipe.engine)

    def watching(self, tell: Callable[[str], None]) -> Sequence[Callback]:
        """A sample after some epochs, and after the first."""
        every = max(1, self.plan.epochs // _SAMPLES)
        prompt = opening(self.tokenizer)
        last = -math.inf

        def sample(event: Event) -> None:
            nonlocal last
            if event.kind != "epoch" or (event.epoch > 1 and event.epoch % every):
                return
            if not np.isfinite(event.measured["loss"]) or time.monotonic() - last < 1.0:
                return
            last = time.monotonic()
            made = generate(self.writer, self.tokenizer, prompt, _SAMPLE, rng=event.epoch)
            tell(f"epoch {event.epoch} writes:\n{prompt.lstrip()}{''.join(made)}")

        return [sample]

    def measures(self) -> tuple[Measure, ...]:
        """The nats and bits of a character to come, and how often the likeliest is right."""
        kept = _some(self.kept_numbers, len(self.tokenizer))
        parts = (self.train_numbers[-len(kept) :], kept)
        found = [_judged(self.plan.model, part, self.steps, self.recipe.model) for part in parts]
        nats = {MODEL: [nat for nat, _ in found], **self._counted(parts)}
        per = self._per_entry * math.log(2.0)
        rows = []
        for name, unit in ((f"nats a {self.entry}", 1.0), ("bits a character", per)):
            for who, (train, kept) in nats.items():
                rows.append(Measure(name, who, train / unit, kept / unit, None))
        right, kept = (right for _, right in found)
        return (*rows, Measure(f"next {self.entry} right", MODEL, right, kept, None))

    def _counted(self, parts: Sequence[np.ndarray]) -> dict[str, list[float]]:
        """What counting reaches: how often an entry is, and how often behind the one before it."""
        size = len(self.tokenizer)
        train = self.train_numbers[-_COUNTED:].astype(np.int64)
        shares = (np.bincount(train, minlength=size) + 1.0) / (len(train) + size)
        pairs, counts = np.unique(train[:-1] * size + train[1:], return_counts=True)
        before = np.bincount(train[:-1], minlength=size)
        alone, behind = [], []
        for part in parts:
            first, second = part[:-1].astype(np.int64), part[1:].astype(np.int64)
            wanted = first * size + second
            at = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
            met = np.where(pairs[at] == wanted, counts[at], 0)
            likely = (met + shares[second]) / (before[first] + 1.0)
            alone.append(float(-np.log(shares[second]).mean()))
            behind.append(float(-np.log(likely).mean()))
        return {
            f"by the {self.entry} before it": behind,
            f"by how often each {self.entry} comes": alone,
        }

    def trained(self, record: Record) -> Writer:
        model, kind = self.plan.model, record.kind
        return Writer(
            model=model, record=record, tokenizer=self.tokenizer, kind=kind, steps=self.steps
        )


def _plan(
    recipe: SequenceRecipe, size: int, train: np.ndarray, kept: np.ndarray, steps: int
) -> Plan:
    kind, seed = recipe.model or "", recipe.seed
    dropout = _DROPOUT if recipe.dropout is None else recipe.dropout
    if kind == TRANSFORMER:
        units, blocks = recipe.stack(_WIDTH // 2, _BLOCKS)
        model = transformer(size, units, blocks, _HEADS, steps, dropout=dropout, rng=seed)
    else:
        model = language_model(size, kind, *recipe.stack(_WIDTH), dropout=dropout, rng=seed)
    rows = recipe.batch_size or _ROWS
    whole = max(1, (len(train) - 1) // (rows * steps))
    windows = TextWindows(train, rows, steps, batches=min(whole, _MOST), seed=seed)
    epochs = recipe.epochs_for(len(windows), _WANTED)
    optimizer = recipe.optimizer_for(len(windows) * epochs, _RATES.get(kind, _RATE))
    model(np.zeros((1, steps), np.int64))  # makes the parameters
    validation = _rows(_some(kept, size), steps, kind)
    return Plan(
        model, SequenceCrossEntropy(), optimizer, epochs, windows, validation, recipe.l2 or 0.0
    )


def _some(numbers: np.ndarray, size: int) -> np.ndarray:
    """Of numbers to judge by, as many as their scores of so many symbols fit into memory."""
    return numbers[: min(_JUDGED, max(_LEAST_JUDGED, _SCORES // size))]


def _rows(numbers: np.ndarray, steps: int, kind: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Numbers to judge by and those that follow: in windows, or in long rows for what goes on."""
    numbers = numbers.astype(np.int64)
    count = len(numbers) - 1
    if count < 1:
        raise CircuitError("the part that is kept to judge by is empty: give a longer text")
    if kind == TRANSFORMER:
        steps = min(steps, count)
    else:
        steps = max(1, count // min(_TOGETHER, -(-count // steps)))
    rows = count // steps
    shape = (rows, steps)
    return numbers[: rows * steps].reshape(shape), numbers[1 : rows * steps + 1].reshape(shape)


def _judged(model: Layer, numbers: np.ndarray, steps: int, kind: str | None) -> tuple[float, float]:
    """The mean nats of what comes next, and how often the likeliest came."""
    inputs, labels = _rows(numbers, steps, kind)
    nats, right = [], []
    for scores, wanted in zip(model.predict(inputs), labels, strict=True):
        logs = log_softmax(scores.astype(np.float64), axis=-1)
        nats.append(-np.take_along_axis(logs, wanted[:, None], -1).mean())
        right.append((scores.argmax(axis=-1) == wanted).mean())
    return float(np.mean(nats)), float(np.mean(right))
