"""The part of speech of each word of English sentences, by its letters and its neighbours.

    python examples/part_of_speech.py [--seeds 3] [--epochs 4] [--quick]

Trains a `Tagger`, with a conditional random field on top, on the English Web Treebank: 204,579
words with 17 tags. RESULT
`--quick` takes a few hundred sentences. The data are fetched at the first run, or read where
`PULLBACK_DATA` says.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import pullback as pb
from pullback.datasets import load_dataset
from pullback.models import Tagger
from pullback.optim import CosineDecay
from pullback.sequences.decoding import viterbi
from pullback.sequences.text import (
    Characters,
    PaddedBatches,
    TaggedSentences,
    Words,
    character_matrix,
)

LONGEST = 16
"""Characters of a word that are looked at."""


def batches(data, words, letters, classes, *also, **told) -> PaddedBatches:
    """Numbers of words and of their characters, and what else each word has; and their tags."""
    spelled = [character_matrix([row], letters, longest=LONGEST)[0] for row in data.words]
    inputs = [words.encode(row) for row in data.words], spelled, *also
    fill = 0, len(letters), *[0] * len(also)
    return PaddedBatches(inputs, data.labels(classes), fill=fill, **told)


def trained(train: TaggedSentences, seed: int, epochs: int):
    """A trainer that has trained a tagger, and how batches for it are made of sentences."""
    words = Words.of(train.words, minimum=2, unknown="<unknown>", lower=True)
    characters = (word for row in train.words for word in row)
    letters = Characters.of(characters, minimum=3, unknown="\ufffd")
    model = Tagger(len(words), len(letters), len(train.classes), rng=seed)

    def numbered(data: TaggedSentences, *also, **told) -> PaddedBatches:
        return batches(data, words, letters, train.classes, *also, **told)

    epoch = numbered(train, rows=32, seed=seed)
    rate = CosineDecay(0.003, steps=len(epoch) * epochs)
    trainer = pb.Trainer(model, pb.ChainCrossEntropy(), pb.Adam(rate), seed=seed)
    trainer.fit(epoch, epochs=epochs)
    return trainer, numbered


def accuracy(trainer: pb.Trainer, numbered, data: TaggedSentences, seen: set[str]):
    """The shares of all words, and of those that are not among the `seen`, tagged rightly."""
    new = [np.array([int(word not in seen) for word in row]) for row in data.words]
    right: list[np.ndarray] = []
    unseen: list[np.ndarray] = []
    for (*inputs, new_here, lengths), tags in numbered(data, new, rows=256)():
        found, _ = viterbi(trainer.predict((*inputs, lengths)), lengths)
        right.append((found == tags)[tags >= 0])
        unseen.append(new_here[tags >= 0] > 0)
    every, which = np.concatenate(right), np.concatenate(unseen)
    return every.mean(), every[which].mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--quick", action="store_true")
    told = parser.parse_args()
    train = load_dataset("ewt")
    assert isinstance(train, TaggedSentences)
    parts = {"validation": train.validation, "test": train.test}
    if told.quick:
        train = few(train, 300)
        parts = {name: few(part, 50, train.classes) for name, part in parts.items()}
    seen = {word for row in train.words for word in row}
    for seed in range(1 if told.quick else told.seeds):
        start = time.perf_counter()
        trainer, numbered = trained(train, seed, 1 if told.quick else told.epochs)
        seconds = time.perf_counter() - start
        said = []
        for name, part in parts.items():
            every, unseen = accuracy(trainer, numbered, part, seen)
            said.append(f"{every:.4f} of the {name} part right, {unseen:.4f} of its unseen words")
        print(f"seed {seed}: {'; '.join(said)}; in {seconds:.0f} s", flush=True)


def few(data: TaggedSentences | None, count: int, classes=()) -> TaggedSentences:
    """The first sentences that have no tags but these, if any are given, and are not long."""
    assert data is not None
    kept = [
        (words, tags)
        for words, tags in zip(data.words, data.tags, strict=True)
        if len(words) <= 16 and (not classes or set(tags) <= set(classes))
    ][:count]
    words, tags = zip(*kept, strict=True)
    return TaggedSentences(data.name, words, tags)


if __name__ == "__main__":
    main()
