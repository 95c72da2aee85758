"""In: a word that is not there, and those that are. Out: a sentence that names near spellings."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from itertools import islice

_MOST = 200_000  # words that are compared letter by letter: half a second
_LETTERS = 2  # by which a misspelled word may be longer or shorter


def hint(word: str, words: Sequence[str], known: Mapping[str, object]) -> str:
    """What is there instead of a word: in other letters of case, as a phrase, or spelled alike.

    Empty where nothing is near; of very many words the first are compared.

    >>> hint("King", ["king"], {"king": 0}), hint("kign", ["king", "tea"], {})
    ("'king' is there", "did you mean 'king'?")
    """
    joined = "_".join(word.split())
    forms = (word.strip(), word.lower(), word.capitalize(), word.title(), word.upper(), joined)
    there = [form for form in dict.fromkeys((*forms, joined.lower())) if form in known]
    if there:
        return f"{_or(there)} is there"
    few = [near for near in islice(words, _MOST) if abs(len(near) - len(word)) <= _LETTERS]
    near = difflib.get_close_matches(word, few, n=9, cutoff=0.7)
    near.sort(key=lambda other: sorted(other) != sorted(word))  # two letters in each other's place
    return f"did you mean {_or(near[:3])}?" if near else ""


def _or(words: Sequence[str]) -> str:
    return " or ".join(map(repr, words))
