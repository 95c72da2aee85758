"""In: settings and tables. Out: one step of Word2Vec as a Program over a batch of windows.

The updates of both tables touch the rows that a batch names, in place. Where words are watched,
more gates of the same circuit add up which word moved theirs, and where.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pullback.core.gradient import gradient
from pullback.core.unit import Unit
from pullback.gates.comparison import greater
from pullback.gates.indexing import scatter_add, take
from pullback.gates.shape import astype, expand_dims
from pullback.models.word2vec import (
    hierarchical_softmax,
    is_word,
    mean_of,
    negative_sampling,
)
from pullback.program.program import Program
from pullback.words.settings import Settings
from pullback.words.tree import Tree


@dataclass(frozen=True)
class Tables:
    """What is trained, in float32, and what says which of it a word is.

    `inputs` (rows, D) are the words' own vectors, and behind them those of n-grams; `parts` (V, n)
    then says which rows make a word. `outputs` are the words' output vectors (V, D), or those of
    the nodes of a `tree` (V - 1, D).
    """

    inputs: np.ndarray
    outputs: np.ndarray
    parts: np.ndarray | None = None
    tree: Tree | None = None


@dataclass(frozen=True)
class Moved:
    """How far each word moved a watched one, `by` (V, D), and in how many `pairs` (V,): state."""

    by: Unit
    pairs: Unit


@dataclass(frozen=True)
class Step:
    """The Program on batches of so many groups of so many windows, `shape`, and the wires of it.

    Those of the rate, of the tables, and of what moved each watched word: words near it, and noise.
    """

    program: Program
    shape: tuple[int, int]
    rate: Unit
    inputs: Unit
    outputs: Unit
    moved: Mapping[str, tuple[Moved, Moved]]


def recorded(
    settings: Settings, tables: Tables, shape: tuple[int, int], watched: Mapping[str, np.ndarray]
) -> Step:
    """The step on batches of so many groups of so many windows, which share their noise.

    `watched` has, for each watched word, how far it goes along where each word goes (V,): 1 for
    itself, less for words that share n-grams with it.
    """
    circuit = _Circuit(settings, tables, shape)
    trained = [circuit.inputs, circuit.outputs]
    updates = {x: x + move for x, move in zip(trained, circuit.moves(trained), strict=True)}
    moved = {}
    for word, along in watched.items():
        size = len(along), settings.dimensions
        moved[word] = near, far = [
            Moved(Unit(np.zeros(size, np.float32), "moved"), Unit(np.zeros(len(along)), "pairs"))
            for _ in range(2)
        ]
        for state, (who, by, pairs) in zip((near, far), circuit.pulls(along), strict=False):
            updates[state.by] = scatter_add(state.by, who, by)
            updates[state.pairs] = scatter_add(state.pairs, who, astype(pairs, np.float64))
    numbers = {"loss": circuit.asked.loss, "pairs": circuit.asked.pairs}
    program = Program(circuit.given, numbers, updates)
    return Step(program, shape, circuit.rate, circuit.inputs, circuit.outputs, moved)


class _Circuit:
    """The wires of a batch of B groups of G windows, from words to the loss."""

    def __init__(self, settings: Settings, tables: Tables, shape: tuple[int, int]) -> None:
        self.settings, self.tables = settings, tables
        self.rate = Unit(settings.learning_rate, "rate")
        self.inputs, self.outputs = Unit(tables.inputs, "inputs"), Unit(tables.outputs, "outputs")
        self.centre = centre = Unit(np.zeros(shape, np.int64), "centre")
        self.context = Unit(np.zeros((*shape, 2 * settings.window), np.int64), "context")
        self.given = {"centre": centre, "context": self.context}
        skip_gram = settings.architecture == "skip-gram"
        self.by_context = tables.tree is not None or not skip_gram  # a tree's way is walked once
        self.words = expand_dims(centre, 2) if self.by_context else self.context  # to be told
        self.hidden = self.of_window(self.vectors())
        if tables.tree is None:
            drawn = shape[0], shape[1] * settings.negatives
            self.given["noise"] = noise = Unit(np.zeros(drawn, np.int64), "noise")
            self.asked = negative_sampling(
                self.hidden[:, :, 0], self.outputs, self.words, noise, settings.negatives
            )
            return
        path = take(Unit(tables.tree.path, "path"), centre)
        turns = astype(take(Unit(tables.tree.turns, "turns"), centre), self.hidden.dtype)
        there = is_word(self.context if skip_gram else self.words, self.hidden.dtype)
        self.asked = hierarchical_softmax(self.hidden, self.outputs, path, turns, there)

    def moves(self, wires: list[Unit]) -> list[Unit]:
        """How far a step down the loss moves wires: what a pull of minus the rate on it does."""
        return gradient(self.asked.loss, wires, -self.rate)

    @property
    def by(self) -> Unit:
        """The words by whose vectors is asked."""
        return self.context if self.by_context else self.centre

    def vectors(self) -> Unit:
        """The vectors of these: rows of the table, or means of some."""
        if self.tables.parts is None:
            return take(self.inputs, self.by)
        parts = take(Unit(self.tables.parts, "parts"), self.by)
        return mean_of(take(self.inputs, parts), is_word(parts, self.inputs.dtype))

    def of_window(self, vectors: Unit) -> Unit:
        """What stands for each window, of what stands for the words: (B, G, n, ...)."""
        if not self.by_context:
            return expand_dims(vectors, 2)
        if self.settings.architecture == "skip-gram":
            return vectors
        return expand_dims(mean_of(vectors, is_word(self.context, vectors.dtype)), 2)

    def pulls(self, along: np.ndarray) -> list[tuple[Unit, Unit, Unit]]:
        """Which words (..., n) move a watched one, by how much (..., n, D), in how many pairs.

        Those near it, and noise.
        """
        share = self.of_window(take(Unit(along[:, None].astype(np.float32), "along"), self.by))
        touched = astype(greater(share, 0.0), share.dtype)
        asked = self.asked
        if asked.near is None or asked.far is None:  # all nodes on the way pull in a word's name
            (move,) = self.moves([self.hidden])
            by = (share * move).sum(axis=2, keepdims=True)
            pairs = (touched[..., 0] * asked.pairs_near).sum(axis=2, keepdims=True)
            return [(self.words, by, pairs)]
        share, touched = share[:, :, 0], touched[:, :, 0]
        near, far = self.moves([asked.near, asked.far])
        noise = self.given["noise"]
        towards = expand_dims(share * near, 3) * take(self.outputs, self.words)
        apart = expand_dims((share * far).sum(axis=1), 2) * take(self.outputs, noise)
        return [
            (self.words, towards, touched * asked.pairs_near),
            (noise, apart, (touched * asked.pairs_far).sum(axis=1)),
        ]
