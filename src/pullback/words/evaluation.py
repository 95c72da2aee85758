"""In: word vectors, and a file of questions that people answered. Out: how often they agree.

A file of analogies has lines of four words, the first to the second as the third to the fourth, in
sections, each after a line ": name". A file of similarities has lines of two words and a number.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.shown import Shown, Table
from pullback.core.text import counted
from pullback.files.words import listed, text_of
from pullback.words.given import refuse_count
from pullback.words.vectors import WordVectors

AMONG = 300_000  # words that are asked about and answered by, as gensim has it
_TOGETHER = 1 << 24  # cosines that are looked at together


@dataclass(frozen=True)
class Wrong:
    """An analogy, a is to b as c to `wanted`, and what the vectors answered."""

    a: str
    b: str
    c: str
    wanted: str
    answer: str


@dataclass(frozen=True)
class Section:
    """How many analogies of a section could be asked, and were answered right."""

    name: str
    right: int
    asked: int
    total: int
    wrong: tuple[Wrong, ...] = ()

    @property
    def accuracy(self) -> float | None:
        """The share of right answers, from 0 to 1; None where nothing could be asked."""
        return self.right / self.asked if self.asked else None


@dataclass(frozen=True, repr=False)
class Analogies(Shown):
    """How word vectors answer a file of analogies: section by section, and all in all."""

    file: str
    sections: tuple[Section, ...]
    words: int  # that could be asked about
    any_case: bool
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> Section:
        """All sections as one."""
        parts = self.sections
        right, asked = (sum(getattr(s, x) for s in parts) for x in ("right", "asked"))
        wrong = tuple(wrong for section in parts for wrong in section.wrong)
        return Section("all", right, asked, sum(s.total for s in parts), wrong)

    @property
    def accuracy(self) -> float | None:
        """The share of right answers, from 0 to 1; None where nothing could be asked."""
        return self.total.accuracy

    def _says(self) -> Iterator[str | Table]:
        total = self.total
        rows = []
        for s in (*self.sections, total):
            right = "–" if s.accuracy is None else f"{s.accuracy:.1%}"
            rows.append((s.name, right, f"{s.asked:,}", f"{s.total:,}"))
        case = ", in upper and lower case alike" if self.any_case else ""
        yield f"analogies of {self.file}, among {counted(self.words, 'word')}{case}"
        yield Table(("section", "right", "asked", "of"), rows, right=(1, 2, 3))
        yield from _told(self.notes)


@dataclass(frozen=True, repr=False)
class Similarities(Shown):
    """How far the cosines of pairs of words agree with what people said of them.

    `pearson` and `spearman` are correlations from -1 to 1, of the values and of their ranks; None
    where fewer than two pairs could be asked, or all are the same.
    """

    file: str
    pearson: float | None
    spearman: float | None
    asked: int
    total: int
    notes: tuple[str, ...] = ()

    def _says(self) -> Iterator[str]:
        said = [
            f"{name} {'–' if x is None else f'{x:.3f}'}"
            for name, x in (("Spearman", self.spearman), ("Pearson", self.pearson))
        ]
        first = f"similarities of {self.file}: {', '.join(said)}"
        asked = f"{self.asked:,} of {counted(self.total, 'pair')} could be asked"
        yield f"{first}; {asked}"
        yield from _told(self.notes)


def _told(notes: Sequence[str]) -> list[str]:
    return [f"note: {note}" for note in notes]


def evaluate(vectors: WordVectors, path: str | os.PathLike[str]) -> Analogies | Similarities:
    """What `analogies` or `similarities` says, by what is in the file.

    Half of its lines at least are questions of a kind: some lines of any text look like one.

    Raises `CircuitError` where the file cannot be read, or holds neither.
    """
    _refuse_no_vectors(vectors)
    lines = [line for _, line in _lines(path) if not line.startswith(":")]
    pairs = sum(_pair(line) is not None for line in lines)
    fours = sum(len(line.split()) == 4 for line in lines)
    if not pairs and not fours:
        raise CircuitError(
            f"{text_of(path)} has no line of four words, such as man king woman queen, and none of "
            "two words and a number, such as tiger,cat,7.35"
        )
    if 2 * max(pairs, fours) < len(lines):
        raise CircuitError(
            f"{text_of(path)} holds no questions: of {counted(len(lines), 'line')}, {fours:,} have "
            f"four words, as man king woman queen, and {pairs:,} two words and a number, as "
            "tiger,cat,7.35"
        )
    return similarities(vectors, path) if pairs >= fours else analogies(vectors, path)


def analogies(
    vectors: WordVectors,
    path: str | os.PathLike[str],
    *,
    among: int = AMONG,
    any_case: bool | None = None,
) -> Analogies:
    """Ask all analogies of a file: a is to b as c is to the word nearest to b - a + c.

    It is a word of the first `among`, but none of the three; what has a word that is not among them
    is not asked. `any_case` takes words in upper and lower case for the same, of which the first
    counts; None does where all words are in lower case.

    Raises `CircuitError` where the file cannot be read, or has no line of four words.

    Source: Mikolov, Chen, Corrado, Dean, "Efficient estimation of word representations in vector
    space" (2013), the questions and the way to answer them.

    >>> words = ["man", "woman", "king", "queen"]
    >>> vectors = WordVectors(words, [[1, 0, 0], [1, 1, 0], [1, 0, 2], [1, 1, 2]])
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "few.txt")
    ...     n = path.write_text(": family\\nman king woman queen\\nman boy woman girl\\n")
    ...     print(analogies(vectors, path))
    analogies of few.txt, among 4 words, in upper and lower case alike
    section   right  asked  of
    family   100.0%      1   2
    all      100.0%      1   2
    """
    refuse_count("among", among)
    known = _Known.of(vectors, among, any_case)
    sections: dict[str, list[tuple[str, ...]]] = {}
    questions = sections.setdefault("", [])
    odd = []
    for number, line in _lines(path):
        words = tuple(line.split())
        if line.startswith(":"):
            questions = sections.setdefault(line.strip(": "), [])
        elif len(words) == 4:
            questions.append(words)
        else:
            odd.append(number)
    if not any(sections.values()):
        raise CircuitError(
            f"{text_of(path)} has no line of four words, such as: man king woman queen"
        )
    if not sections[""]:
        del sections[""]
    notes = [f"of another form than four words: line {listed(odd)}"] if odd else []
    done = tuple(known.section(name or "(no section)", asked) for name, asked in sections.items())
    return Analogies(Path(path).name, done, len(known.units), known.any_case, tuple(notes))


def similarities(
    vectors: WordVectors,
    path: str | os.PathLike[str],
    *,
    among: int = AMONG,
    any_case: bool | None = None,
) -> Similarities:
    """The correlation of cosines with the numbers that a file gives to pairs of words.

    Each line has two words and a number, between tabs, commas or spaces; what begins with "#" and
    the names of columns are passed over. Pairs with a word that is not among the first `among` are
    not asked; those that stand there twice count twice. `any_case` as for `analogies`.

    Raises `CircuitError` where the file cannot be read, or has no such line.

    >>> vectors = WordVectors("abc", [[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "few.csv")
    ...     n = path.write_text("word 1,word 2,mean\\na,b,7.5\\na,c,0.5\\nc,c,10\\na,d,3\\n")
    ...     print(similarities(vectors, path))
    similarities of few.csv: Spearman 1.000, Pearson 0.999; 3 of 4 pairs could be asked
    """
    from scipy.stats import rankdata  # takes long to import

    refuse_count("among", among)
    known = _Known.of(vectors, among, any_case)
    pairs, odd = [], []
    for number, line in _lines(path):
        pair = _pair(line)
        if pair is None:
            odd.append(number)
        else:
            pairs.append(pair)
    if not pairs:
        raise CircuitError(f"{text_of(path)} has no line of two words and a number: tiger,cat,7.35")
    rows = [(known.row(a), known.row(b)) for a, b, _ in pairs]
    asked = [k for k, row in enumerate(rows) if None not in row]
    scores = np.array([pairs[k][2] for k in asked])
    first, second = np.array([rows[k] for k in asked], np.int64).reshape(-1, 2).T
    cosines = np.einsum("nd,nd->n", known.units[first], known.units[second])
    notes = []
    if len(odd) > 1:  # one is the names of columns
        notes = [f"of another form than two words and a number: line {listed(odd)}"]
    name, pearson, spearman = Path(path).name, None, None
    if len(asked) > 1 and np.ptp(scores) > 0.0 and np.ptp(cosines) > 0.0:
        pearson = float(np.corrcoef(scores, cosines)[0, 1])
        spearman = float(np.corrcoef(rankdata(scores), rankdata(cosines))[0, 1])
    return Similarities(name, pearson, spearman, len(asked), len(pairs), tuple(notes))


@dataclass(frozen=True)
class _Known:
    """The words that may be asked about: the row of each, and their unit vectors (V, D)."""

    words: Sequence[str]
    rows: dict[str, int]
    alike: np.ndarray  # (V,): the first row of the same word in any case
    units: np.ndarray
    any_case: bool

    @classmethod
    def of(cls, vectors: WordVectors, among: int, any_case: bool | None) -> _Known:
        _refuse_no_vectors(vectors)
        words = vectors.words[:among]
        if any_case is None:
            any_case = all(word == word.lower() for word in words)
        written = [word.upper() for word in words] if any_case else words
        rows: dict[str, int] = {}
        alike = np.array([rows.setdefault(w, k) for k, w in enumerate(written)], np.int64)
        return cls(words, rows, alike, vectors.units(slice(among)), any_case)

    def row(self, word: str) -> int | None:
        return self.rows.get(word.upper() if self.any_case else word)

    def section(self, name: str, questions: Sequence[tuple[str, ...]]) -> Section:
        """The questions of a section that can be asked, answered."""
        found = [[self.row(word) for word in question] for question in questions]
        rows = np.array([row for row in found if None not in row], np.int64).reshape(-1, 4)
        answers = self._answers(rows[:, :3])
        right = self.alike[answers] == rows[:, 3]
        wrong = tuple(
            Wrong(*(self.words[int(k)] for k in five))
            for five in np.column_stack([rows, answers])[~right].tolist()
        )
        return Section(name, int(right.sum()), len(rows), len(questions), wrong)

    def _answers(self, rows: np.ndarray) -> np.ndarray:
        """The row (n,) of the word nearest to b - a + c, for rows (n, 3) of a, b and c."""
        answers = np.zeros(len(rows), np.int64)
        step = max(1, _TOGETHER // max(1, len(self.units)))
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            a, b, c = (self.units[some[:, k]] for k in range(3))
            near = (b - a + c) @ self.units.T
            near[np.arange(len(some))[:, None], some] = -np.inf
            best = near.argmax(axis=1)
            for k in np.flatnonzero((self.alike[best][:, None] == some).any(axis=1)):
                near[k, np.isin(self.alike, some[k])] = -np.inf  # the same words in another case
                best[k] = near[k].argmax()
            answers[start : start + step] = best
        return answers


def _refuse_no_vectors(vectors: Any) -> None:
    if not isinstance(vectors, WordVectors):
        raise CircuitError(
            "what is judged are WordVectors, and the file of questions comes second, got "
            f"{type(vectors).__name__}; WordVectors.load(path) reads vectors from a file"
        )


def _lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, str]]:
    """The lines of a file that say something, with their numbers.

    Raises `CircuitError` where it cannot be read as text.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                text = line.strip()
                if text and not text.startswith("#"):
                    yield number, text
    except UnicodeDecodeError:
        raise CircuitError(f"{text_of(path)} is no text in UTF-8") from None
    except OSError as error:
        raise CircuitError(f"cannot read {text_of(path)}: {error.strerror or error}") from None


def _pair(line: str) -> tuple[str, str, float] | None:
    """Two words and the first number behind them; None of a line of another form."""
    parts = line.split(next((mark for mark in "\t,;" if mark in line), None))
    a, b, *more = (part.strip() for part in (*parts, "", ""))
    score = next((x for x in map(_number, more) if x is not None), None)
    return (a, b, score) if a and b and score is not None else None


def _number(text: str) -> float | None:
    try:
        x = float(text)
    except ValueError:
        return None
    return x if np.isfinite(x) else None
