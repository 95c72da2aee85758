"""In: a corpus. Out: its phrases, and the same corpus with each of them as one word.

Words that stand side by side far more often than by chance, "new york", are joined: "new_york". A
round joins two words, or two with small ones between them; more rounds give longer phrases.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.files.progress import working
from pullback.files.words import listed
from pullback.words.corpus import Sentences, corpus_of, words_of

ScoreName = Literal["mikolov", "npmi"]
Pair = tuple[str, ...]
"""Two words, and the small ones between them."""
ENGLISH = frozenset(
    [
        "a",
        "an",
        "the",
        "for",
        "of",
        "with",
        "without",
        "at",
        "from",
        "to",
        "in",
        "on",
        "by",
        "and",
        "or",
    ]
)
"""Small words that English phrases may have inside, but not at their ends."""
_TOLD = 1 << 16  # words after which progress is shown, and room is looked after


@dataclass(frozen=True)
class Counts:
    """What a corpus was counted to have: `tokens` in all, words, and pairs of neighbours.

    Of pairs, those that were seen up to `dropped` times were given up now and then to save room, so
    that a pair's count can be too small by as many.
    """

    words: Mapping[str, int]
    pairs: Mapping[Pair, int]
    tokens: int
    dropped: int = 0

    def mikolov(self, pair: Pair, min_count: int) -> float:
        """(count(ab) - min_count) N / (count(a) count(b)), N the number of words and pairs.

        Source: Mikolov and others, "Distributed representations of words and phrases and their
        compositionality" (NIPS 2013), with the N of gensim.
        """
        different = len(self.words) + len(self.pairs)
        return (self.pairs[pair] - min_count) / self._product(pair) * different

    def npmi(self, pair: Pair, min_count: int) -> float:
        """ln(p(ab) / (p(a) p(b))) / -ln(p(ab)), from -1 to 1 where words only stand together.

        Below `min_count`, minus infinity. Source: Bouma, "Normalized (pointwise) mutual information
        in collocation extraction" (GSCL 2009).
        """
        count = self.pairs[pair]
        if count < min_count:
            return -math.inf
        together = math.log(count * self.tokens / self._product(pair))
        return together / -math.log(count / self.tokens)

    def _product(self, pair: Pair) -> int:
        return self.words[pair[0]] * self.words[pair[-1]]


_SCORES: Mapping[ScoreName, tuple[Callable[[Counts, Pair, int], float], float]] = {
    "mikolov": (Counts.mikolov, 10.0),
    "npmi": (Counts.npmi, 0.5),
}
"""How pairs are scored, and above which score they are joined by default."""


@dataclass(frozen=True)
class Phrases:
    """The phrases of a corpus, one round after the other: each pair that is joined, and its score.

    `phrases(sentence)` joins those in a list of words, `phrases.apply(corpus)` those in a corpus,
    as it is read.

    >>> text = [["in", "new", "york"], ["new", "york", "is"], ["a", "new", "day"], ["is", "a"]] * 5
    >>> phrases = Phrases.learn(text, min_count=1, threshold=0.5)
    >>> phrases(["new", "york", "new"])
    ['new_york', 'new']
    """

    rounds: tuple[Mapping[Pair, float], ...]
    connectors: frozenset[str] = frozenset()
    joint: str = "_"
    notes: tuple[str, ...] = ()

    @classmethod
    def learn(
        cls,
        corpus: Any,
        *,
        min_count: int = 5,
        threshold: float | None = None,
        score: ScoreName = "mikolov",
        rounds: int = 1,
        connectors: Iterable[str] = (),
        joint: str = "_",
        most_pairs: int = 10_000_000,
        progress: bool | None = None,
    ) -> Phrases:
        """The pairs whose score is above `threshold`, 10 by default and 0.5 for "npmi".

        Each of the `rounds` reads the corpus once. `connectors`, such as `ENGLISH`, may stand
        inside a phrase: "state_of_the_art". Memory holds `most_pairs` different pairs at most: when
        there are more, the rarest are given up, which a note tells of.

        Raises `CircuitError` for what is no corpus, as `Word2Vec.fit` does, or an empty one.
        """
        _refuse(min_count, threshold, score, rounds, joint, most_pairs)
        if isinstance(connectors, str) or not isinstance(connectors, Iterable):
            raise CircuitError(
                "connectors are a list of words, got "
                f"{type(connectors).__name__} {connectors!r:.60}"
            )
        scored, usual = _SCORES[score]
        least = usual if threshold is None else threshold
        learned = cls((), frozenset(connectors), joint)
        sentences = corpus_of(corpus)
        for number in range(rounds):
            with working(f"phrases, round {number + 1}: words read", None, progress) as line:
                told = learned._counts(learned.apply(sentences), most_pairs, line.advance)
            if not told.tokens and number:
                raise CircuitError(
                    f"the corpus had no words when it was read anew, in round {number + 1}: its "
                    "__iter__ must start from the beginning each time"
                )
            if not told.tokens:
                raise CircuitError("the corpus is empty: it has no words")
            odd = [word for word in told.words if not isinstance(word, str)]
            if odd:
                raise CircuitError(f"words are texts of one character at least, got {odd[0]!r:.40}")
            kept = {p: x for p in told.pairs if (x := scored(told, p, min_count)) > least}
            notes = learned.notes
            if told.dropped:
                notes += (
                    f"round {number + 1} saw more than {counted(most_pairs, 'pair')}: those seen "
                    f"up to {counted(told.dropped, 'time')} were given up now and then",
                )
            learned = cls((*learned.rounds, kept), learned.connectors, joint, notes)
            if not kept:
                break
        return learned

    @property
    def scores(self) -> dict[str, float]:
        """All phrases as words, and their scores; the best of a round first."""
        return {
            self.joint.join(pair): found[pair]
            for found in self.rounds
            for pair in sorted(found, key=lambda pair: (-found[pair], pair))
        }

    def __call__(self, sentence: Sequence[str]) -> list[str]:
        """The words of a sentence, phrases joined, from left to right."""
        sentence = list(words_of(sentence, 0))
        for found in self.rounds:
            sentence = list(self._joined(sentence, found))
        return sentence

    def apply(self, corpus: Any) -> Sentences:
        """A corpus with phrases joined, each time that it is read.

        Raises `CircuitError` for what is no corpus.
        """
        return _Joined(self, corpus_of(corpus)) if self.rounds else corpus_of(corpus)

    def __repr__(self) -> str:
        few = listed(list(self.scores), 3) or "none"
        return f"Phrases({counted(len(self.scores), 'phrase')}: {few})"

    def _joined(self, sentence: Sequence[str], found: Mapping[Pair, float]) -> Iterator[str]:
        """One round: a word waits for the next, behind small ones, with which it may be joined."""
        held: tuple[str, ...] = ()
        for word in sentence:
            if word in self.connectors:
                if held:
                    held = (*held, word)
                else:
                    yield word
            elif (*held, word) in found:
                yield self.joint.join((*held, word))
                held = ()
            else:
                yield from held
                held = (word,)
        yield from held

    def _counts(self, sentences: Sentences, most: int, tell: Callable[[int], None]) -> Counts:
        """What the sentences have."""
        words: Counter[str] = Counter()
        pairs: Counter[Pair] = Counter()
        tokens = dropped = waiting = 0
        for number, sentence in enumerate(sentences):
            sentence = list(words_of(sentence, number))
            try:
                if self.connectors:
                    words.update(word for word in sentence if word not in self.connectors)
                    pairs.update(_around(sentence, self.connectors))
                else:
                    words.update(sentence)
                    pairs.update(itertools.pairwise(sentence))
            except TypeError as error:  # of a word that is a list
                raise CircuitError(
                    f"sentence {number} of the corpus must be a list of words, got "
                    f"{sentence!r:.60}: {error}"
                ) from None
            tokens += len(sentence)
            waiting += len(sentence)
            if waiting > _TOLD:
                tell(waiting)
                waiting = 0
                while len(pairs) > most:
                    dropped += 1
                    pairs = Counter({pair: n for pair, n in pairs.items() if n > dropped})
        tell(waiting)
        return Counts(words, pairs, tokens, dropped)


@dataclass(frozen=True)
class _Joined:
    """A corpus in which phrases are joined as it is read, as often as it is."""

    phrases: Phrases
    sentences: Sentences

    def __iter__(self) -> Iterator[list[str]]:
        return map(self.phrases, self.sentences)


def _around(sentence: Sequence[str], connectors: frozenset[str]) -> Iterator[Pair]:
    """Each word with the next that is no connector, and the connectors between them."""
    held: tuple[str, ...] = ()
    for word in sentence:
        if word in connectors:
            held = (*held, word) if held else ()
            continue
        if held:
            yield (*held, word)
        held = (word,)


def _refuse(
    min_count: Any, threshold: Any, score: Any, rounds: Any, joint: Any, most_pairs: Any
) -> None:
    """Raise `CircuitError` for a setting that makes no sense."""
    for name, value, least in (
        ("min_count", min_count, 0),
        ("rounds", rounds, 1),
        ("most_pairs", most_pairs, 1),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise CircuitError(f"{name} is a whole number of at least {least}, got {value!r:.60}")
    if score not in _SCORES:
        raise CircuitError(f"score is one of {', '.join(_SCORES)}, got {score!r:.60}")
    if threshold is not None and not (
        isinstance(threshold, int | float) and math.isfinite(threshold)
    ):
        raise CircuitError(f"threshold is a number, got {threshold!r:.60}")
    if not isinstance(joint, str) or not joint or joint.split() != [joint]:
        raise CircuitError(f"joint is what stands between joined words, as '_', got {joint!r:.60}")
