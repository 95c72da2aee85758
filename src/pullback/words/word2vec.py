"""In: a corpus. Out: `WordVectors`: words that stand in like places are near each other."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.engines.prepare import prepare
from pullback.files.words import listed
from pullback.train.history import History
from pullback.words.pairs import Noise, WindowMaker
from pullback.words.pulls import Pulls, pulls_of
from pullback.words.settings import Architecture, LossName, Settings, named, subwords_of, watch_of
from pullback.words.spelling import hint
from pullback.words.start import along, first_tables, refuse_start, vectors_of
from pullback.words.step import recorded
from pullback.words.subwords import Subwords
from pullback.words.training import ahead, batch_shape, pieces, train
from pullback.words.vectors import WordVectors
from pullback.words.vocabulary import Vocabulary, encode

_RATE = 0.025  # where none is asked for, and
_MEAN = 4.0  # so many times that for each mean, among whose parts a force is divided
_LARGEST = 1e6  # of a number in a vector, which are of the order of 1
_FEW = 0.2  # of all words, below which it is said how many are kept


class Word2Vec:
    """Learns a vector for each word from the words that stand around it.

    `architecture` "skip-gram" tells the words around a word from it, "cbow" a word from the mean of
    those around it. `loss` "negative sampling" tells them from `negatives` words of noise,
    "hierarchical softmax" finds the way to them in a tree. A `window` reaches so many words to both
    sides at most, and never more than 1,000; how many is drawn for each word, and a sentence's ends
    are respected. Words below `min_count` are left out, before windows are made; of the others the
    `max_words` most frequent stay. Frequent words are dropped at random, the more the smaller
    `sample`; 0 keeps all. `subwords`, (3, 6) say, makes a word the mean of its own vector and those
    of its n-grams, by which unseen words have vectors too.

    The rate falls from `learning_rate` to its 250th part over all `epochs`. None is 0.025, and 4
    times that for CBOW, whose force on a window is divided among its words here, as the gradient of
    a mean is; other tools give each word all of it. So it is with the n-grams of a word: with
    `subwords`, the rate is 4 times that again.

    A step is a batch of up to 128 windows, of fewer where the vocabulary is small, and windows of
    many words are taken in parts. `threads` None lets one thread make windows, while as many as pay
    share the steps: one, for usual sizes. 2 or more are quicker where no other program wants their
    cores, and 1 does all in one; the same `seed` gives the same bits for any number of them. For
    each word of `watch`, the training adds up how far each other word moved its vector, and where:
    see `pulls`.

    Raises `CircuitError` for a setting that makes no sense.

    Source: Mikolov, Sutskever, Chen, Corrado, Dean, "Distributed representations of words and
    phrases and their compositionality" (NIPS 2013).

    >>> text = [["the", "cat", "sat"], ["the", "dog", "sat"]] * 20
    >>> model = Word2Vec(dimensions=8, min_count=1, sample=0, epochs=2, engine="eager")
    >>> vectors = model.fit(text)
    >>> vectors["cat"].shape, len(model.history)
    ((8,), 2)
    """

    def __init__(
        self,
        dimensions: int = 100,
        window: int = 5,
        min_count: int = 5,
        negatives: int = 5,
        sample: float = 1e-3,
        architecture: Architecture = "skip-gram",
        loss: LossName = "negative sampling",
        subwords: Subwords | tuple[int, int] | None = None,
        learning_rate: float | None = None,
        epochs: int = 5,
        seed: int = 0,
        threads: int | None = None,
        watch: str | Sequence[str] = (),
        *,
        max_words: int | None = None,
        engine: str = "native",
    ) -> None:
        architecture = named("architecture", architecture, Architecture)
        means = (architecture == "cbow") + (subwords is not None)
        self.settings = Settings(
            dimensions=dimensions,
            window=window,
            min_count=min_count,
            max_words=max_words,
            negatives=negatives,
            sample=sample,
            architecture=architecture,
            loss=named("loss", loss, LossName),
            subwords=subwords_of(subwords),
            learning_rate=_RATE * _MEAN**means if learning_rate is None else learning_rate,
            epochs=epochs,
            seed=seed,
            threads=threads,
            engine=engine,
            watch=watch_of(watch),
        )
        self.history = History()
        self._pulls: Mapping[str, Pulls] = {}

    def __repr__(self) -> str:
        given = (f"{part.name}={getattr(self.settings, part.name)!r}" for part in fields(Settings))
        return f"Word2Vec({', '.join(given)})"

    def fit(
        self, corpus: Any, *, start: WordVectors | None = None, progress: bool | None = None
    ) -> WordVectors:
        """The vectors of a corpus's words: lists of words, or the path of a text file, or several.

        A corpus is anything that gives lists of words, a sentence each, whenever it is walked
        through; see `TextFiles` for how files are divided. It is read once, and need not fit into
        memory. `start` are vectors to go on from: its words stay, and new ones come in; output
        vectors that it lacks, and those of a tree, begin anew. Ctrl-C ends the training and keeps
        what was learned. `history` has the loss of each pass: its mean over all pairs, each with
        its noise, in nats. `progress` None shows a line where a person looks on.

        Raises `CircuitError` for what is no corpus, an empty one, and one in which no word is
        frequent enough, or no two stand beside each other; for a `start` that does not fit, or a
        watched word that is not among its words; and where training diverges or no pair is left.
        """
        settings = self.settings
        self.history, self._pulls = History(), {}
        if start is not None:
            refuse_start(start, settings)
        corpus = encode(
            corpus,
            min_count=settings.min_count,
            max_words=settings.max_words,
            also=() if start is None else start.words,
            progress=progress,
        )
        vocabulary = corpus.vocabulary
        longest = corpus.longest()
        _refuse_few(vocabulary, longest, settings)
        rng = np.random.default_rng([settings.seed, 0])
        tables = first_tables(vocabulary, settings, start, rng)
        watched = {word: along(word, vocabulary, tables.parts) for word in settings.watch}
        keep = vocabulary.keep(settings.sample)
        _warn_of_few(vocabulary, keep, settings.sample)
        noise = Noise.of(vocabulary.noise())
        parted = settings.architecture == "skip-gram"
        maker = WindowMaker(keep, noise, settings.window, settings.noise, longest, parted)
        shape = batch_shape(vocabulary, keep, settings, maker.room)
        step = recorded(replace(settings, window=maker.room), tables, shape, watched)
        engine = prepare(settings.engine, step.program, threads=settings.threads)
        made = pieces(corpus, maker, settings)
        if settings.threads is None or 1 < settings.threads < (os.cpu_count() or 1):
            made = ahead(made)  # by a core that shares no step
        self.history = train(step, engine, made, corpus, settings, progress)
        if not all(np.abs(unit.value).max() < _LARGEST for unit in (step.inputs, step.outputs)):
            raise CircuitError(
                "training diverged: vectors became infinitely large; try a smaller learning_rate "
                f"than {settings.learning_rate:g}"
            )
        self._pulls = {word: pulls_of(word, step, vocabulary) for word in settings.watch}
        return vectors_of(step, tables, vocabulary, settings)

    def pulls(self, word: str) -> Pulls:
        """What moved the vector of a watched word in the last training: who, how far, and where.

        Raises `CircuitError` for a word that was not watched.
        """
        if word not in self._pulls:
            known = listed(list(self._pulls)) or "none"
            raise CircuitError(
                f"{word!r} was not watched in training; those that were: {known}. Name it in watch="
            )
        return self._pulls[word]


def _refuse_few(vocabulary: Vocabulary, longest: int, settings: Settings) -> None:
    """Raise `CircuitError` where there is nothing to be told apart, or a watched word is not."""
    words = vocabulary.words
    if len(words) == 1:
        raise CircuitError(
            f"the vocabulary has 1 word, {words[0]!r:.60}: there is none to tell it from; give "
            f"more text, or a min_count below {settings.min_count}"
        )
    if longest < 2:
        raise CircuitError(
            "no two words of the vocabulary stand in one sentence: there are no pairs to learn "
            "from; give sentences of several words, each a list"
        )
    missing = [word for word in settings.watch if word not in words]
    if missing:
        near = hint(missing[0], words, dict.fromkeys(words))
        raise CircuitError(
            f"the watched word {missing[0]!r} does not stand in the corpus "
            f"{counted(settings.min_count, 'time')}{'; ' if near else ''}{near}"
        )


def _warn_of_few(vocabulary: Vocabulary, keep: np.ndarray, sample: float) -> None:
    """Say so where nearly all words are dropped, as of a small vocabulary: each is frequent."""
    words = vocabulary.counts.sum()
    kept = float((vocabulary.counts * keep).sum())
    if kept < _FEW * words:
        warnings.warn(
            f"sample={sample:g} drops frequent words: of {counted(int(words), 'word')} about "
            f"{kept:,.0f} are kept in each pass; sample=0 keeps all",
            stacklevel=3,
        )
