"""The task of classifying: in, texts with a class each. Out: a classifier of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.files.progress import working
from pullback.losses import SoftmaxCrossEntropy
from pullback.models.fasttext import fasttext
from pullback.models.text_classifier import text_classifier
from pullback.sequences.padding import PaddedBatches, padded
from pullback.sequences.tasks.classifier import Pieces, TextClassifier, probabilities
from pullback.sequences.tasks.recipe import RECURRENT, SequenceRecipe
from pullback.sequences.tasks.study import MODEL, Plan, Study, repeated
from pullback.sequences.tasks.trained import PARTS, Measure, Record
from pullback.sequences.text.sentences import Sentences
from pullback.sequences.text.words import Words
from pullback.train.split import in_parts, refuse_rare

MODELS = {
    "fasttext": "the mean of words and pairs of words",
    "lstm": RECURRENT["lstm"],
    "gru": RECURRENT["gru"],
}
TOKENIZERS = ("words", "characters")
MOST_WRONG = 8
_TAKES = ("dropout", "tokenizer", "steps")
_UNKNOWN = "<unknown>"
_SINGLE = 0.9  # of all texts, that are one word, from which all are read by their characters
_UNEQUAL = 1.5  # times as many texts of one class as of another, from which balance is measured
_SHOWN = 200  # characters of a text
_VALIDATED = 2_000  # texts that are judged by after each epoch


@dataclass(frozen=True)
class _Kind:
    """What the networks differ in: units, rows, rate, and how far and how long they look."""

    units: int
    rows: int
    rate: float
    dropout: float
    steps: int  # words or characters
    wanted: int  # steps of training, unless told
    least: int  # epochs
    most: int  # words


_BAG = _Kind(16, 50, 0.01, 0.5, 1_000, 600, 4, 200_000)
_RECURRENT = _Kind(128, 32, 0.003, 0.3, 200, 1_500, 4, 30_000)


@final
@dataclass(frozen=True, kw_only=True)
class ClassifyingStudy(Study):
    """Texts in parts, their numbers, and the plan of training.

    `lengths` are how many words, or characters, each of them all has.
    """

    parts: Mapping[str, Sentences]
    rows: Mapping[str, Sequence[np.ndarray]]
    pieces: Pieces
    words: Words
    lengths: np.ndarray
    task: ClassVar[str] = "classification"
    unit: ClassVar[str] = "texts"

    @classmethod
    def of(
        cls, data: Sentences, recipe: SequenceRecipe, *, progress: bool | None = None
    ) -> ClassifyingStudy:
        """The study of these texts, before training; `progress` shows that many are divided.

        A part that the set brings is taken as it is, and the others are drawn from the rest. Where
        nearly all texts are one word, they are read by their characters, by an LSTM unless told.

        Raises `CircuitError` where they cannot be learned from, or not so.
        """
        if recipe.tokenizer is not None and recipe.tokenizer not in TOKENIZERS:
            raise CircuitError(
                f"there is no tokenizer {recipe.tokenizer!r} of texts with a class; there are: "
                f"{', '.join(TOKENIZERS)}"
            )
        if not len(data):
            raise CircuitError(f"{data.name} has no texts: to learn takes some of each class")
        single = np.mean([len(text.split()) <= 1 for text in data.texts]) >= _SINGLE
        notes = [*data.notes, *_about(data)]
        if recipe.tokenizer is None and single:
            notes.append(
                "the texts are single words, read by their characters; --tokenizer words takes "
                "them whole"
            )
        tokenizer = recipe.tokenizer or ("characters" if single else "words")
        usual = "lstm" if tokenizer == "characters" else "fasttext"
        recipe = replace(recipe, model=recipe.model or usual, tokenizer=tokenizer)
        recipe = recipe.checked(MODELS, _TAKES, "texts with a class")
        parts = _parts(data, recipe.seed)
        notes += repeated({part: of.texts for part, of in parts.items()}, "text")
        bag = recipe.model == "fasttext"
        kind = _BAG if bag else _RECURRENT
        characters = tokenizer == "characters"
        longest = (3 if characters else 2) if bag else 1
        pieces = Pieces(characters, longest, recipe.steps or kind.steps)
        minimum = 1 if bag or characters else 2
        with working("dividing texts", len(PARTS) + 2, progress) as line:
            divided = {}
            for part, of in parts.items():
                divided[part] = [pieces.divided(text) for text in of.texts]
                line.advance(1)
            runs = map(pieces.runs, divided["train"])
            words = Words.of(runs, minimum=minimum, most=kind.most, unknown=_UNKNOWN)
            line.advance(1)
            rows = {
                part: [pieces.encode(one, words) for one in texts]
                for part, texts in divided.items()
            }
            line.advance(1)
        lengths = np.array([len(text) for texts in divided.values() for text in texts])
        if long := int((lengths > pieces.steps).sum()):
            what = "characters" if characters else "words"
            notes.append(
                f"of {counted(long, 'text')} longer than {pieces.steps:,} {what} the beginning "
                "counts; --steps sets another length"
            )
        return cls(
            name=data.name,
            source=data.source or data.name,
            notes=tuple(notes),
            counts={part: len(parts[part]) for part in PARTS},
            recipe=recipe,
            plan=_plan(recipe, kind, len(words), parts, rows),
            parts=parts,
            rows=rows,
            pieces=pieces,
            words=words,
            lengths=lengths,
        )

    @property
    def classes(self) -> tuple[str, ...]:
        return self.parts["train"].classes

    @cached_property
    def _shares(self) -> np.ndarray:
        """How many texts to train on each class has."""
        return np.bincount(self.parts["train"].labels, minlength=len(self.classes))

    def facts(self) -> list[str]:
        noun = "character" if self.pieces.characters else "word"
        runs = f" and runs of up to {self.pieces.longest}" if self.pieces.longest > 1 else ""
        sizes = f"{self.lengths.mean():.1f} {noun}s a text, {self.lengths.max():,} at most"
        return [
            f"{len(self.classes)} classes: {', '.join(self.classes)}",
            f"{sizes}; a vocabulary of {len(self.words):,} {noun}s{runs}",
        ]

    @cached_property
    def probabilities(self) -> dict[str, np.ndarray]:
        """What the trained model says of each text, by part; asked for after training."""
        count = len(self.classes)
        return {p: probabilities(self.plan.model, rows, count) for p, rows in self.rows.items()}

    def measures(self) -> tuple[Measure, ...]:
        """How many texts are right, and what is easy to reach; and how many of each class."""
        labels = {part: data.labels for part, data in self.parts.items()}
        commonest = int(self._shares.argmax())
        what = "runs of characters" if self.pieces.characters else "words"
        answers = {
            MODEL: {part: found.argmax(axis=1) for part, found in self.probabilities.items()},
            f"logistic regression on {what}": self._linear(),
            f"always {self.classes[commonest]}": {
                part: np.full(len(y), commonest) for part, y in labels.items()
            },
        }
        found = [
            Measure("accuracy", who, *(float(np.mean(of[p] == labels[p])) for p in PARTS))
            for who, of in answers.items()
        ]
        if self._shares.max() > _UNEQUAL * self._shares.min():
            found += [
                Measure("balanced accuracy", who, *(_balanced(labels[p], of[p]) for p in PARTS))
                for who, of in answers.items()
            ]
        return tuple(found)

    def _linear(self) -> dict[str, np.ndarray]:
        """The classes by logistic regression of which words there are, or runs of characters."""
        from sklearn.feature_extraction.text import CountVectorizer  # takes a while to import
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        longest = 3 if self.pieces.characters else 1
        pieces = replace(self.pieces, longest=longest)
        words = CountVectorizer(analyzer=pieces.of, binary=True)  # pyright: ignore[reportArgumentType]
        model = make_pipeline(words, LogisticRegression(max_iter=200))
        model.fit(self.parts["train"].texts, self.parts["train"].labels)
        return {part: model.predict(data.texts) for part, data in self.parts.items()}

    def confusion(self) -> tuple[Sequence[Any], np.ndarray] | None:
        count = len(self.classes)
        pairs = self.parts["test"].labels * count + self.probabilities["test"].argmax(axis=1)
        return self.classes, np.bincount(pairs, minlength=count**2).reshape(count, count)

    def mistakes(self) -> tuple[str, list[tuple[str, ...]]]:
        """The texts of the test part that were most confidently taken for another class."""
        test, found = self.parts["test"], self.probabilities["test"]
        best = found.argmax(axis=1)
        sure = np.where(best == test.labels, -1.0, found.max(axis=1))
        rows = [
            (
                " ".join(test.texts[k].split())[:_SHOWN],
                self.classes[test.labels[k]],
                self.classes[best[k]],
                f"{sure[k]:.1%}",
            )
            for k in np.argsort(-sure, kind="stable")[:MOST_WRONG]
            if sure[k] >= 0.0
        ]
        head = ("text", "true", "predicted", "sure")
        return "most confidently wrong in the test part", [head, *rows]

    def trained(self, record: Record) -> TextClassifier:
        return TextClassifier(
            model=self.plan.model,
            record=record,
            classes=self.classes,
            pieces=self.pieces,
            words=self.words,
            by_file=self.parts["train"].by_file,
            encoding=self.parts["train"].encoding,
        )


def _parts(data: Sentences, seed: int) -> dict[str, Sentences]:
    """The texts in parts, each of which has every class."""
    if len(data.classes) < 2:
        raise CircuitError(
            f"{data.name} has only one class, {data.classes[0]!r}: to tell classes apart takes two"
            if data.classes
            else f"{data.name} has no classes: to tell them apart takes two"
        )
    refuse_rare(data.labels, data.classes, 1 + (data.validation is None) + (data.test is None))
    return in_parts(data, seed)


def _about(data: Sentences) -> list[str]:
    """What is to be said of texts that stand in several classes, as nothing tells these apart."""
    classes: dict[str, set[int]] = {}
    for text, label in zip(data.texts, data.labels.tolist(), strict=True):
        classes.setdefault(text, set()).add(label)
    several = sum(len(labels) > 1 for labels in classes.values())
    if not several:
        return []
    which = "stands" if several == 1 else "stand"
    return [f"{counted(several, 'text')} {which} in several classes, and can be right in one alone"]


def _plan(
    recipe: SequenceRecipe,
    kind: _Kind,
    vocabulary: int,
    parts: Mapping[str, Sentences],
    rows: Mapping[str, Sequence[np.ndarray]],
) -> Plan:
    count, (units, layers) = len(parts["train"].classes), recipe.stack(kind.units)
    dropout = kind.dropout if recipe.dropout is None else recipe.dropout
    if recipe.model == "fasttext":
        if layers > 1:
            raise CircuitError("fasttext has one layer: --hidden 16 gives its vectors 16 units")
        model = fasttext(vocabulary, count, units, dropout=dropout, rng=recipe.seed)
    else:
        cell = recipe.model or ""
        model = text_classifier(
            vocabulary, count, cell, units, layers, dropout=dropout, rng=recipe.seed
        )
    size = recipe.batch_size or kind.rows
    batches = PaddedBatches(rows["train"], parts["train"].labels, size, seed=recipe.seed)
    epochs = recipe.epochs_for(len(batches), kind.wanted, least=kind.least)
    optimizer = recipe.optimizer_for(len(batches) * epochs, kind.rate)
    model(*padded(rows["train"][:1]))  # makes the parameters
    some = slice(None, None, -(-len(rows["validation"]) // _VALIDATED))
    validation = (padded(rows["validation"][some]), parts["validation"].labels[some])
    loss = SoftmaxCrossEntropy()
    return Plan(model, loss, optimizer, epochs, batches, validation, recipe.l2 or 0.0)


def _balanced(labels: np.ndarray, found: np.ndarray) -> float:
    """The mean over the classes of the share of its texts that are right."""
    right = labels == found
    return float(np.mean([right[labels == k].mean() for k in np.unique(labels)]))
