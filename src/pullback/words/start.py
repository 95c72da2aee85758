"""In: a vocabulary, and vectors to go on from perhaps. Out: tables as training begins and ends."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.words.settings import Settings
from pullback.words.step import Step, Tables
from pullback.words.subwords import Subwords
from pullback.words.tree import huffman
from pullback.words.vectors import WordVectors
from pullback.words.vocabulary import Vocabulary

_BLOCK = 4096  # words whose parts are averaged at once


def first_tables(
    vocabulary: Vocabulary,
    settings: Settings,
    start: WordVectors | None,
    rng: np.random.Generator,
) -> Tables:
    """Small random vectors, outputs of zeros, and what `start` has in place of both."""
    count, width = len(vocabulary), settings.dimensions
    parts, buckets = None, 0
    if settings.subwords is not None:
        parts, buckets = settings.subwords.parts(vocabulary.words), settings.subwords.buckets
    inputs = (rng.random((count + buckets, width), np.float32) - np.float32(0.5)) / width
    if parts is not None:  # what no word has is not learned, and says nothing of unseen words
        inputs[count:][np.bincount(parts[parts >= count] - count, minlength=buckets) == 0] = 0.0
    tree = huffman(vocabulary.counts) if settings.loss == "hierarchical softmax" else None
    outputs = np.zeros((count - 1 if tree else count, width), np.float32)
    if start is not None:
        _go_on(vocabulary, settings, start, inputs, outputs, parts)
    return Tables(inputs, outputs, parts, tree)


def refuse_start(start: Any, settings: Settings) -> None:
    """Raise `CircuitError` for vectors to go on from that are none, or do not fit the settings."""
    if not isinstance(start, WordVectors):
        raise CircuitError(
            f"start= takes WordVectors, got {type(start).__name__}; a file is read by "
            "WordVectors.load(path)"
        )
    if start.dimensions != settings.dimensions:
        raise CircuitError(
            f"the vectors to go on from have {start.dimensions} dimensions; give Word2Vec "
            f"dimensions={start.dimensions}, not {settings.dimensions}"
        )
    known = start.subwords
    if settings.subwords is not None and (
        not isinstance(known, Subwords) or known.table is None or known != settings.subwords
    ):
        raise CircuitError(
            f"the vectors to go on from have {known or 'no subwords'}, not {settings.subwords}"
        )


def _go_on(
    vocabulary: Vocabulary,
    settings: Settings,
    start: WordVectors,
    inputs: np.ndarray,
    outputs: np.ndarray,
    parts: np.ndarray | None,
) -> None:
    """Write into the tables what vectors know already."""
    places = {word: row for row, word in enumerate(vocabulary.words)}
    rows = np.array([places[word] for word in start.words], np.int64)
    inputs[rows] = start.matrix
    if parts is not None and isinstance(start.subwords, Subwords):
        inputs[len(vocabulary) :] = start.subwords.table
        several = (parts[rows] >= 0).sum(axis=1)  # a word's vector is the mean of so many
        for row, n in zip(rows, several, strict=True):
            own = parts[row, 1:n]
            inputs[row] = n * inputs[row] - inputs[own].sum(axis=0)
    if settings.loss == "hierarchical softmax" or not len(start):
        return
    if start.context is None:
        warnings.warn(
            "the vectors to go on from have no output vectors, which begin at zero therefore: "
            "word2vec's formats lack them, .safetensors keeps them",
            stacklevel=4,
        )
    else:
        outputs[rows] = start.context


def along(word: str, vocabulary: Vocabulary, parts: np.ndarray | None) -> np.ndarray:
    """How far the vector of a word goes along where that of each goes (V,).

    Their vectors are means of n and m parts, of which they share some: these / (n m) of what n
    parts are moved.
    """
    row = vocabulary.words.index(word)
    if parts is None:
        return (np.arange(len(vocabulary)) == row).astype(np.float32)
    own, times = np.unique(parts[row][parts[row] >= 0], return_counts=True)
    weight = np.zeros(int(parts.max()) + 1)
    weight[own] = times
    shared = np.where(parts >= 0, weight[parts], 0.0).sum(axis=1)
    many = (parts >= 0).sum(axis=1)
    return (shared / (many * many[row])).astype(np.float32)


def vectors_of(
    step: Step, tables: Tables, vocabulary: Vocabulary, settings: Settings
) -> WordVectors:
    """What was learned."""
    inputs, outputs = (np.array(unit.value) for unit in (step.inputs, step.outputs))
    context = outputs if tables.tree is None else None
    if settings.subwords is None or tables.parts is None:
        return WordVectors(vocabulary.words, inputs, counts=vocabulary.counts, context=context)
    count = len(vocabulary)
    matrix = np.empty((count, settings.dimensions), np.float32)
    for first in range(0, count, _BLOCK):
        parts = tables.parts[first : first + _BLOCK]
        there = parts >= 0
        share = (there / there.sum(axis=1, keepdims=True)).astype(np.float32)
        matrix[first : first + _BLOCK] = np.einsum("wp,wpd->wd", share, inputs[parts])
    return WordVectors(
        vocabulary.words,
        matrix,
        counts=vocabulary.counts,
        context=context,
        subwords=replace(settings.subwords, table=inputs[count:]),
    )
