"""Word vectors: trained on text, asked, judged, kept in the formats that other tools read.

In: text, as lists of words or as files of any size. Out: `WordVectors`.
"""

from __future__ import annotations

from pullback.words import seeing
from pullback.words.corpus import TextFiles
from pullback.words.evaluation import (
    Analogies,
    Similarities,
    analogies,
    evaluate,
    similarities,
)
from pullback.words.phrases import Phrases
from pullback.words.pulls import Pull, Pulls, pulls
from pullback.words.subwords import Subwords
from pullback.words.vectors import Unseen, WordVectors
from pullback.words.word2vec import Word2Vec

__all__ = [
    "Analogies",
    "Phrases",
    "Pull",
    "Pulls",
    "Similarities",
    "Subwords",
    "TextFiles",
    "Unseen",
    "Word2Vec",
    "WordVectors",
    "analogies",
    "evaluate",
    "pulls",
    "seeing",
    "similarities",
]
