"""The task of hearing: in, recordings. Out: a recognizer of the word in each, or of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.gates.reduction import softmax
from pullback.layers import LogMel, Padded
from pullback.losses import CTC, SoftmaxCrossEntropy, ctc_labels
from pullback.models.recognizer import spoken_string, spoken_word
from pullback.sequences.decoding import edit_distance, greedy, label_error_rate
from pullback.sequences.padding import padded
from pullback.sequences.sound.batches import RecordingBatches, features_of
from pullback.sequences.sound.listing import Listing
from pullback.sequences.sound.reading import checked_rate
from pullback.sequences.sound.recordings import Recordings
from pullback.sequences.tasks.recipe import RECURRENT, SequenceRecipe
from pullback.sequences.tasks.recognizer import Recognizer, scores_of
from pullback.sequences.tasks.sounds import (
    long_enough,
    names_of,
    recordings_of,
    refuse_unlearnable,
)
from pullback.sequences.tasks.study import MODEL, Plan, Study
from pullback.sequences.tasks.trained import PARTS, Measure, Record
from pullback.train import Callback, Event
from pullback.train.split import in_parts

MODELS = {name: RECURRENT[name] for name in ("lstm", "gru", "rnn")}
MOST_WRONG = 8
_TAKES = ("dropout", "rate", "skip_broken")
_UNITS = 64
_DROPOUT = 0.3
_RATES = {"rnn": 0.002}
_RATE = 0.005
_DECAY = 0.01  # of weights, by AdamW
_LEAST_RATE = 4_000  # samples a second, below which speech is not understood
_HEARD = 3  # strings that are shown while it trains
_SHOWN = 6  # times, as a rule


@dataclass(frozen=True)
class _Kind:
    """What differs between one label and several: the features, and how long to train."""

    noun: str
    window: float
    step: float
    rows: int
    groups: int
    wanted: int  # steps of training, unless told


_WORD = _Kind("word", 0.025, 0.010, 32, 4, 1_700)
_STRING = _Kind("string", 0.032, 0.020, 16, 6, 1_600)


@final
@dataclass(frozen=True, kw_only=True)
class HearingStudy(Study):
    """Recordings in parts, features of them, and the plan of training.

    `whole` is the model that takes sounds: the plan's, which takes features, with these before it.
    """

    parts: Mapping[str, Recordings]
    features: Mapping[str, Sequence[np.ndarray]]
    whole: Padded
    task: ClassVar[str] = "speech recognition"
    unit: ClassVar[str] = "recordings"

    @classmethod
    def of(
        cls, data: Recordings | Listing, recipe: SequenceRecipe, *, progress: bool | None = None
    ) -> HearingStudy:
        """The study of these recordings, before training; files are read now.

        A part that the set brings is taken as it is, and the others are drawn from the rest.

        Raises `CircuitError` where they cannot be read or learned from, or not so.
        """
        recipe = recipe.checked(MODELS, _TAKES, "recordings")
        if recipe.rate is not None and checked_rate(recipe.rate) < _LEAST_RATE:
            raise CircuitError(
                f"--rate is at least {_LEAST_RATE:,} samples a second, below which speech is not "
                f"understood, got {recipe.rate:,}"
            )
        read = recordings_of(data, recipe, progress)
        kind = _WORD if read.labels.ndim == 1 else _STRING
        if read.rate < _LEAST_RATE:
            raise CircuitError(
                f"these are recordings of {read.rate:,} samples a second, too few to understand "
                f"speech; record {_LEAST_RATE:,} at least"
            )
        layer = LogMel(read.rate, window=kind.window, step=kind.step)
        read = long_enough(read, layer, bool(recipe.skip_broken))
        refuse_unlearnable(read, layer)
        parts = in_parts(read, recipe.seed)
        own = RecordingBatches(
            parts["train"],
            layer,
            batch_size=recipe.batch_size or kind.rows,
            groups=kind.groups,
            seed=recipe.seed,
            progress=progress,
        )
        others = {p: features_of(parts[p], layer, progress=progress) for p in PARTS if p != "train"}
        features = {"train": own.rows, **others}
        units, layers = recipe.stack(_UNITS)
        make = spoken_word if kind is _WORD else spoken_string
        whole = make(
            len(read.classes),
            layer,
            own.standardize(),
            cell=recipe.model or "",
            units=units,
            layers=layers,
            dropout=_DROPOUT if recipe.dropout is None else recipe.dropout,
            rng=recipe.seed,
        )
        whole(parts["train"].sounds[0][None], parts["train"].lengths[:1])  # makes the parameters
        return cls(
            name=read.name,
            source=read.source or read.name,
            notes=read.notes,
            counts={part: len(parts[part]) for part in PARTS},
            recipe=recipe,
            plan=_plan(recipe, kind, whole, own, parts["validation"], features["validation"]),
            parts=parts,
            features=features,
            whole=whole,
        )

    @property
    def classes(self) -> tuple[Any, ...]:
        return self.parts["train"].classes

    @property
    def single(self) -> bool:
        """Whether each recording has one label."""
        return self.parts["train"].labels.ndim == 1

    def facts(self) -> list[str]:
        train = self.parts["train"]
        lengths = np.concatenate([part.lengths for part in self.parts.values()]) / train.rate
        names = f"{len(self.classes)} classes: {', '.join(map(str, self.classes))}"
        each = "one in each recording" if self.single else "several in each recording, in order"
        return [
            f"{_duration(lengths.sum())} at {train.rate:,} Hz, from {lengths.min():.2f} to "
            f"{lengths.max():.2f} s each",
            f"{names}; {each}",
            f"heard by {self.whole[0]!r}, a frame each {self.whole[0].config['step'] * 1e3:g} ms",
        ]

    def watching(self, tell: Callable[[str], None]) -> Sequence[Callback]:
        """Of strings, after some epochs, how many labels are wrong, and what was heard."""
        if self.single:
            return ()
        every = max(1, self.plan.epochs // _SHOWN)
        inputs, _ = self.plan.validation
        wanted = _wanted(self.parts["validation"])

        def heard(event: Event) -> None:
            if event.kind != "epoch" or (event.epoch > 1 and event.epoch % every):
                return
            if not np.isfinite(event.measured["loss"]):
                return
            scores = event.trainer.predict(inputs)
            found = greedy(scores, inputs[1], blank=len(self.classes))
            wrong = label_error_rate(found, wanted)
            lines = [
                f"{self._words(a)}  heard: {self._words(b)}"
                for a, b in zip(wanted[:_HEARD], found[:_HEARD], strict=True)
            ]
            head = f"epoch {event.epoch}: {wrong:.1%} of the labels to validate are wrong"
            tell("\n".join([head, *lines]))

        return [heard]

    def _words(self, labels: Sequence[int]) -> str:
        return " ".join(str(self.classes[k]) for k in labels) or "nothing"

    @cached_property
    def scores(self) -> dict[str, list[np.ndarray]]:
        """What the trained model says of each recording, by part; asked for after training."""
        return {part: scores_of(self.plan.model, rows) for part, rows in self.features.items()}

    @cached_property
    def found(self) -> dict[str, list[list[int]]]:
        """The labels that it heard in each recording, by part."""
        blank = len(self.classes)
        return {
            part: [greedy(row[None], blank=blank)[0] for row in rows]
            for part, rows in self.scores.items()
        }

    def measures(self) -> tuple[Measure, ...]:
        """Of a word, how many are right; of strings, the labels wrong and the strings right."""
        return self._of_words() if self.single else self._of_strings()

    def _of_words(self) -> tuple[Measure, ...]:
        labels = {part: data.labels for part, data in self.parts.items()}
        commonest = int(np.bincount(labels["train"]).argmax())
        answers = {
            MODEL: {part: np.argmax(rows, axis=1) for part, rows in self.scores.items()},
            "softmax regression of mean and deviation": self._linear(),
            f"always {self.classes[commonest]}": dict.fromkeys(PARTS, commonest),
        }
        return tuple(
            Measure("accuracy", who, *(float(np.mean(of[p] == labels[p])) for p in PARTS))
            for who, of in answers.items()
        )

    def _linear(self) -> dict[str, np.ndarray]:
        """The classes by softmax regression of each feature's mean and deviation over time."""
        from sklearn.linear_model import LogisticRegression  # takes a while to import
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        tables = {
            part: np.array([[*x.mean(axis=0), *x.std(axis=0)] for x in rows], np.float64)
            for part, rows in self.features.items()
        }
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
        model.fit(tables["train"], self.parts["train"].labels)
        return {part: model.predict(table) for part, table in tables.items()}

    def _of_strings(self) -> tuple[Measure, ...]:
        wanted = {part: _wanted(data) for part, data in self.parts.items()}
        nothing = {part: [[]] * len(wanted[part]) for part in PARTS}
        answers = {MODEL: self.found, "always nothing": nothing}
        wrong = [
            Measure("labels wrong", who, *(label_error_rate(of[p], wanted[p]) for p in PARTS))
            for who, of in answers.items()
        ]
        right = [
            Measure("strings right", who, *(_right(of[p], wanted[p]) for p in PARTS))
            for who, of in answers.items()
        ]
        return (*wrong, *right)

    def confusion(self) -> tuple[Sequence[Any], np.ndarray] | None:
        """Of words, how often each class (row) was taken for each (column) in the test part."""
        if not self.single:
            return None
        count = len(self.classes)
        pairs = self.parts["test"].labels * count + np.argmax(self.scores["test"], axis=1)
        return self.classes, np.bincount(pairs, minlength=count**2).reshape(count, count)

    def mistakes(self) -> tuple[str, list[tuple[str, ...]]]:
        """The recordings of the test part that were heard most wrong."""
        test = self.parts["test"]
        names = names_of(test)
        if self.single:
            shares = softmax(np.array(self.scores["test"]), axis=1)
            best = shares.argmax(axis=1)
            sure = np.where(best == test.labels, -1.0, shares.max(axis=1))
            rows = [
                (
                    names[k],
                    str(self.classes[test.labels[k]]),
                    str(self.classes[best[k]]),
                    f"{sure[k]:.1%}",
                )
                for k in np.argsort(-sure, kind="stable")[:MOST_WRONG]
                if sure[k] >= 0.0
            ]
            head = ("recording", "true", "predicted", "sure")
            return "most confidently wrong in the test part", [head, *rows]
        pairs = list(zip(self.found["test"], _wanted(test), strict=True))
        wrong = np.array([edit_distance(*pair) for pair in pairs])
        rows = [
            (names[k], f"{wrong[k]}", self._words(pairs[k][1]), self._words(pairs[k][0]))
            for k in np.argsort(-wrong, kind="stable")[:MOST_WRONG]
            if wrong[k]
        ]
        head = ("recording", "wrong", "said", "heard")
        return "most labels wrong in the test part", [head, *rows]

    def trained(self, record: Record) -> Recognizer:
        return Recognizer(model=self.whole, record=record, classes=self.classes, single=self.single)


def _plan(
    recipe: SequenceRecipe,
    kind: _Kind,
    whole: Padded,
    batches: RecordingBatches,
    kept: Recordings,
    features: Sequence[np.ndarray],
) -> Plan:
    x, lengths = padded(features)
    labels = kept.labels if kind is _WORD else ctc_labels(kept.labels, lengths)
    recipe = replace(recipe, optimizer=recipe.optimizer or "AdamW")
    more = {"weight_decay": _DECAY} if recipe.optimizer == "AdamW" else {}
    epochs = recipe.epochs_for(len(batches), kind.wanted, least=10)
    rate = _RATES.get(recipe.model or "", _RATE)
    return Plan(
        whole[1:],
        SoftmaxCrossEntropy() if kind is _WORD else CTC(len(kept.classes)),
        recipe.optimizer_for(len(batches) * epochs, rate, **more),
        epochs,
        batches,
        ((x, lengths), labels),
        recipe.l2 or 0.0,
    )


def _wanted(data: Recordings) -> list[list[int]]:
    return [row[row >= 0].tolist() for row in data.labels]


def _right(found: Sequence[Sequence[int]], wanted: Sequence[Sequence[int]]) -> float:
    return float(np.mean([list(a) == list(b) for a, b in zip(found, wanted, strict=True)]))


def _duration(seconds: float) -> str:
    """A length of time in words.

    >>> _duration(72.04), _duration(1310.0)
    ('72.0 s', '21.8 min')
    """
    return f"{seconds:.1f} s" if seconds < 120.0 else f"{seconds / 60.0:.1f} min"
