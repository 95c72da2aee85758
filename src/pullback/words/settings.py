"""In: what a user asks of Word2Vec. Out: the same in one plain record, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral
from os import PathLike
from typing import Any, Literal

from pullback.core.errors import CircuitError
from pullback.engines.prepare import refuse_engine
from pullback.inspect.arguments import at_least_one, not_negative, positive
from pullback.words.subwords import Subwords

Architecture = Literal["skip-gram", "cbow"]
LossName = Literal["negative sampling", "hierarchical softmax"]


@dataclass(frozen=True)
class Settings:
    """How to train; see `Word2Vec`. Raises `CircuitError` for what makes no sense."""

    dimensions: int
    window: int
    min_count: int
    max_words: int | None
    negatives: int
    sample: float
    architecture: Architecture
    loss: LossName
    subwords: Subwords | None
    learning_rate: float
    epochs: int
    seed: int
    threads: int | None
    engine: str
    watch: tuple[str, ...]

    def __post_init__(self) -> None:
        if isinstance(self.dimensions, Iterable | PathLike):
            raise CircuitError(
                "dimensions is how many numbers a vector has, and a corpus goes to fit: "
                f"Word2Vec(...).fit(corpus); got {type(self.dimensions).__name__} as dimensions"
            )
        at_least_one(dimensions=self.dimensions, window=self.window, min_count=self.min_count)
        at_least_one(epochs=self.epochs)
        if self.max_words is not None:
            at_least_one(max_words=self.max_words)
        not_negative(sample=self.sample)
        positive(learning_rate=self.learning_rate)
        if self.loss == "negative sampling":
            at_least_one(negatives=self.negatives)
        if not isinstance(self.seed, Integral) or isinstance(self.seed, bool) or self.seed < 0:
            raise CircuitError(f"seed must be a whole number from 0 upwards, got {self.seed!r:.60}")
        refuse_engine(self.engine, self.threads)

    @property
    def noise(self) -> int:
        """Words of noise for each window: a tree needs none."""
        return self.negatives if self.loss == "negative sampling" else 0


def subwords_of(given: Any) -> Subwords | None:
    """`Subwords` from what a user gives: the shortest and the longest n-gram, or itself."""
    if given is None or isinstance(given, Subwords):
        return given
    if isinstance(given, tuple | list) and len(given) == 2:
        return Subwords(*given)
    raise CircuitError(
        "subwords= takes the shortest and the longest n-gram, such as (3, 6), or Subwords(3, 6), "
        f"got {given!r:.60}"
    )


def watch_of(given: Any) -> tuple[str, ...]:
    """The words to watch: one, or several.

    Raises `CircuitError` for what are none.
    """
    several = (given,) if isinstance(given, str) or not isinstance(given, Iterable) else (*given,)
    odd = [word for word in several if not isinstance(word, str)]
    if odd:
        raise CircuitError(f"watch= takes words, got {odd[0]!r:.60}")
    return several


def named(name: str, given: Any, kind: Any) -> Any:
    """One of the names that a `Literal` has, whatever its case.

    Raises `CircuitError` for another, with the one that was meant where its letters, or the first
    of its words, tell.

    >>> named("architecture", "CBOW", Architecture)
    'cbow'
    >>> named("loss", "hs", LossName)
    Traceback (most recent call last):
        ...
    pullback.core.errors.CircuitError: loss is 'negative sampling' or 'hierarchical softmax', \
got 'hs'; did you mean 'hierarchical softmax'?
    """
    known = kind.__args__
    asked = given.lower() if isinstance(given, str) else ""
    if asked in known:
        return asked
    meant = [name for name in known if asked and _runs_through(asked, name)]
    hint = f"; did you mean {meant[0]!r}?" if meant else ""
    raise CircuitError(f"{name} is {' or '.join(map(repr, known))}, got {given!r:.60}{hint}")


def _runs_through(letters: str, name: str) -> bool:
    """Whether letters stand in a name in this order, as "skipgram" and "sg" do in "skip-gram"."""
    rest = iter(name)
    return all(letter in rest for letter in letters if letter.isalpha())
