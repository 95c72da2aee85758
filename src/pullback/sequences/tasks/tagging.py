"""The task of tagging: in, sentences with a tag for each word. Out: a tagger of sentences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.files.progress import working
from pullback.losses import ChainCrossEntropy
from pullback.models.tagger import Tagger
from pullback.sequences.padding import PaddedBatches, padded
from pullback.sequences.tasks.recipe import SequenceRecipe
from pullback.sequences.tasks.study import MODEL, Plan, Study, repeated
from pullback.sequences.tasks.tagger import Numbering, SequenceTagger, Tagging, taggings
from pullback.sequences.tasks.trained import PARTS, Measure, Record
from pullback.sequences.text.sentences import UNTAGGED, TaggedSentences
from pullback.train.split import in_parts

MODELS = {"lstm": "words and their letters, an LSTM in both directions, and a chain of tags"}
MOST_WRONG = 8
_TAKES = ("dropout",)
_UNITS = 100
_ROWS = 32
_RATE = 0.003
_DROPOUT = 0.33
_WANTED = 1_500  # steps of training, unless told
_LEAST = 4  # epochs
_FEWEST = 10  # sentences, of which parts can be drawn
_VALIDATED = 300  # sentences that are judged by after each epoch
_JUDGED = 2_000  # of the training part, that are judged after it
_AROUND = 3  # words before and behind a mistake


@final
@dataclass(frozen=True, kw_only=True)
class TaggingStudy(Study):
    """Sentences in parts, how their words are numbered, and the plan of training."""

    parts: Mapping[str, TaggedSentences]
    numbering: Numbering
    task: ClassVar[str] = "tagging"
    unit: ClassVar[str] = "sentences"

    @classmethod
    def of(
        cls, data: TaggedSentences, recipe: SequenceRecipe, *, progress: bool | None = None
    ) -> TaggingStudy:
        """The study of these sentences, before training; `progress` shows that many are numbered.

        A part that the set brings is taken as it is, and the others are drawn from the rest.
        Sentences with a word whose tag is not told are left out.

        Raises `CircuitError` where they cannot be learned from, or not so.
        """
        recipe = recipe.checked(MODELS, _TAKES, "tagged sentences")
        units, layers = recipe.stack(_UNITS)
        if layers > 1:
            raise CircuitError("a tagger has one recurrent layer: --hidden 100 gives it 100 units")
        parts, notes = _parts(data, recipe.seed)
        notes += repeated({part: of.words for part, of in parts.items()}, "sentence")
        classes = _classes(data.name, parts)
        dropout = _DROPOUT if recipe.dropout is None else recipe.dropout
        with working("numbering words", 2, progress) as line:
            numbering = Numbering.of(parts["train"].words, classes)
            line.advance(1)
            model = Tagger(*numbering.sizes, units=units, dropout=dropout, rng=recipe.seed)
            plan = _plan(recipe, model, numbering, parts)
            line.advance(1)
        return cls(
            name=data.name,
            source=data.source or data.name,
            notes=tuple(notes),
            counts={part: len(parts[part]) for part in PARTS},
            recipe=recipe,
            plan=plan,
            parts=parts,
            numbering=numbering,
        )

    @property
    def classes(self) -> tuple[str, ...]:
        return self.numbering.classes

    def facts(self) -> list[str]:
        train = self.parts["train"]
        words = sum(len(row) for part in self.parts.values() for row in part.words)
        new = np.mean(np.concatenate(self._unseen["test"]))
        return [
            f"{words:,} words with {len(self.classes)} tags: {', '.join(self.classes)}",
            f"{len(self._seen):,} different words to train on, in sentences of "
            f"{np.mean([len(row) for row in train.words]):.1f} words; {new:.1%} of the words to "
            "test are not among them",
        ]

    @cached_property
    def _seen(self) -> dict[str, Counter[str]]:
        """How often each word of the training part has each tag."""
        train = self.parts["train"]
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for words, tags in zip(train.words, train.tags, strict=True):
            for word, tag in zip(words, tags, strict=True):
                found[word][tag] += 1
        return dict(found)

    @cached_property
    def _unseen(self) -> dict[str, list[np.ndarray]]:
        """Which words of each sentence the training part lacks."""
        return {
            name: [np.array([word not in self._seen for word in row]) for row in part.words]
            for name, part in self.parts.items()
        }

    @cached_property
    def _judged(self) -> dict[str, TaggedSentences]:
        """The sentences that are judged, of each part."""
        train = self.parts["train"]
        return {**self.parts, "train": train.rows(slice(None, None, -(-len(train) // _JUDGED)))}

    @cached_property
    def found(self) -> dict[str, list[Tagging]]:
        """What the trained model says of each sentence, by part; asked for after training."""
        model, numbering = self.plan.model, self.numbering
        return {
            name: taggings(model, numbering, numbering.inputs(part.words))
            for name, part in self._judged.items()
        }

    def measures(self) -> tuple[Measure, ...]:
        """How many words are right, how many new ones, and how many sentences all through."""
        wanted = {name: part.labels(self.classes) for name, part in self._judged.items()}
        answers: dict[str, dict[str, list[np.ndarray]]] = {
            MODEL: {name: [one.tags for one in rows] for name, rows in self.found.items()},
            **self._counted(),
        }
        words, unseen, whole = [], [], []
        for who, of in answers.items():
            right = {
                name: [a == b for a, b in zip(of[name], wanted[name], strict=True)]
                for name in PARTS
            }
            new = {
                name: np.concatenate(right[name])[np.concatenate(self._unseen[name])]
                for name in PARTS[1:]
            }
            words.append(Measure("words right", who, *(_share(right[name]) for name in PARTS)))
            unseen.append(
                Measure("new words right", who, None, *(_mean(new[p]) for p in PARTS[1:]))
            )
            whole.append(
                Measure(
                    "sentences entirely right",
                    who,
                    *(float(np.mean([row.all() for row in right[name]])) for name in PARTS),
                )
            )
        new = [one for one in unseen if (one.validation, one.test) != (None, None)]
        return (*words, *new, *whole)

    def _counted(self) -> dict[str, dict[str, list[np.ndarray]]]:
        """What counting reaches: the commonest tag of each word, and of all words."""
        numbers = {tag: k for k, tag in enumerate(self.classes)}
        total: Counter[str] = sum(self._seen.values(), Counter())
        commonest = min(total, key=lambda tag: (-total[tag], tag))
        best = {
            word: numbers[min(tags, key=lambda tag: (-tags[tag], -total[tag], tag))]
            for word, tags in self._seen.items()
        }
        other = numbers[commonest]
        return {
            "the commonest tag of each word": {
                name: [np.array([best.get(word, other) for word in row]) for row in part.words]
                for name, part in self._judged.items()
            },
            f"always {commonest}": {
                name: [np.full(len(row), other) for row in part.words]
                for name, part in self._judged.items()
            },
        }

    def confusion(self) -> tuple[Sequence[Any], np.ndarray] | None:
        count = len(self.classes)
        wanted = np.concatenate(self.parts["test"].labels(self.classes))
        pairs = wanted * count + np.concatenate([one.tags for one in self.found["test"]])
        return self.classes, np.bincount(pairs, minlength=count**2).reshape(count, count)

    def mistakes(self) -> tuple[str, list[tuple[str, ...]]]:
        """The words of the test part that were most often wrong, each with its surest place."""
        test, wanted = self.parts["test"], self.parts["test"].labels(self.classes)
        places: dict[tuple[str, int, int], list[tuple[float, int, int]]] = defaultdict(list)
        for row, (one, labels) in enumerate(zip(self.found["test"], wanted, strict=True)):
            for k in np.flatnonzero(one.tags != labels):
                key = test.words[row][k], int(labels[k]), int(one.tags[k])
                places[key].append((-float(one.sure[k]), row, int(k)))
        order = sorted(places, key=lambda key: (-len(places[key]), min(places[key])))
        rows = []
        for word, true, tag in order[:MOST_WRONG]:
            _, row, k = min(places[word, true, tag])
            around = test.words[row][max(0, k - _AROUND) : k + _AROUND + 1]
            times = f"{len(places[word, true, tag]):,}"
            rows.append((word, self.classes[true], self.classes[tag], times, " ".join(around)))
        head = ("word", "true", "predicted", "times", "such as in")
        return "most often wrong in the test part", [head, *rows]

    def trained(self, record: Record) -> SequenceTagger:
        return SequenceTagger(model=self.plan.model, record=record, numbering=self.numbering)


def _parts(data: TaggedSentences, seed: int) -> tuple[dict[str, TaggedSentences], list[str]]:
    """The sentences in parts, of those that are tagged throughout; and what is to be said of it."""
    own = (data, data.validation, data.test)
    kept = [None if part is None else _tagged(part) for part in own]
    dropped = sum(len(a) - len(b) for a, b in zip(own, kept, strict=True) if a and b is not None)
    notes = []
    if dropped:
        whole = sum(len(part) for part in own if part is not None)
        notes.append(f"left out, as a word in them has no tag: {dropped:,} of {whole:,} sentences")
    train, validation, test = kept
    assert train is not None
    for name, part in (("", train), (" to validate", validation), (" to test", test)):
        if part is not None and not len(part):
            raise CircuitError(
                f"{data.name} has no sentence{name} whose words all have a tag, which is column 4 "
                "of CoNLL-U"
            )
    if (validation is None or test is None) and len(train) < _FEWEST:
        raise CircuitError(
            f"{data.name} has {counted(len(train), 'sentence')} with tags, and to learn and judge "
            f"takes {_FEWEST} at least"
        )
    whole = TaggedSentences(data.name, train.words, train.tags, data.source, validation, test)
    return in_parts(whole, seed), notes


def _tagged(data: TaggedSentences) -> TaggedSentences:
    """The sentences whose words all have a tag."""
    return data.rows([bool(tags) and UNTAGGED not in tags for tags in data.tags])


def _classes(name: str, parts: Mapping[str, TaggedSentences]) -> tuple[str, ...]:
    """The tags of all parts: a rare one may be in those alone that are judged by."""
    classes = tuple(sorted({tag for part in parts.values() for tag in part.classes}))
    if len(classes) < 2:
        raise CircuitError(
            f"{name} has only one tag, {''.join(classes)!r}: to tell tags apart takes two at least"
        )
    return classes


def _plan(
    recipe: SequenceRecipe,
    model: Tagger,
    numbering: Numbering,
    parts: Mapping[str, TaggedSentences],
) -> Plan:
    train, kept = parts["train"], parts["validation"]
    batches = PaddedBatches(
        numbering.inputs(train.words),
        train.labels(numbering.classes),
        recipe.batch_size or _ROWS,
        fill=numbering.fill,
        seed=recipe.seed,
    )
    epochs = recipe.epochs_for(len(batches), _WANTED, least=_LEAST)
    optimizer = recipe.optimizer_for(len(batches) * epochs, _RATE)
    some = kept.rows(slice(None, None, -(-len(kept) // _VALIDATED)))
    inputs = [
        padded(rows, fill=fill)
        for rows, fill in zip(numbering.inputs(some.words), numbering.fill, strict=True)
    ]
    (words, lengths), (letters, _) = inputs
    labels, _ = padded(some.labels(numbering.classes), fill=-1)
    model(words[:1], letters[:1], lengths[:1])  # makes the parameters
    validation = ((words, letters, lengths), labels)
    loss = ChainCrossEntropy()
    return Plan(model, loss, optimizer, epochs, batches, validation, recipe.l2 or 0.0)


def _share(rows: Sequence[np.ndarray]) -> float:
    """The share of all words that are right."""
    return float(np.concatenate(rows).mean())


def _mean(right: np.ndarray) -> float | None:
    return float(right.mean()) if len(right) else None
