"""In: files of sentences with a class each, or a tag for each word. Out: data sets of them.

Sentences of classes stand in a file for each class, one in a line. Tagged ones are read from
CoNLL-U (universaldependencies.org/format): ten columns with tabs between them, a word in a line, an
empty line behind each sentence. Of these, the word is column 2 and its tag, UPOS, column 4.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.shown import Shown, Table
from pullback.core.text import counted
from pullback.files.text import opened, refuse_no_text
from pullback.tables.showing import class_table, heading
from pullback.train.split import refuse_rare, split_rows

_COLUMNS = 10
_SHOWN, _LONG = 5, 200  # texts that a set shows of itself, and characters of each
_NUMBER = re.compile(r"[1-9][0-9]*")
_RANGE = re.compile(r"([1-9][0-9]*)-([1-9][0-9]*)")
_EMPTY = re.compile(r"(0|[1-9][0-9]*)\.[1-9][0-9]*")
CONLLU = (".conllu", ".conllu.gz")
"""The endings of files of tagged sentences."""
UNTAGGED = "_"  # CoNLL-U's sign for what is not told


@dataclass(frozen=True, eq=False, repr=False)
class Sentences(Shown):
    """Texts with a class each.

    labels (rows,) are class numbers from 0, which `classes` names. Of a part, `places` (rows,) are
    the numbers that its rows have in the whole. `validation` and `test` are what the set brings of
    its own to judge by, in the same classes; `by_file` says that each text was a file of its own,
    `encoding` how it was written, and `notes` what was assumed in reading.

    Raises `CircuitError` where labels are not one for each text, or name no class.

    >>> data = Sentences("films", ("good", "bad", "fine", "poor"), [1, 0, 1, 0], ("-", "+"))
    >>> len(data), [part.texts for part in data.split(0.5, 0.5)]
    (4, [('good', 'bad'), ('fine', 'poor')])
    """

    name: str
    texts: tuple[str, ...]
    labels: np.ndarray
    classes: tuple[str, ...]
    source: str = ""
    places: np.ndarray | None = None
    validation: Sentences | None = None
    test: Sentences | None = None
    by_file: bool = False
    encoding: str = "utf-8"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        labels = np.asarray(self.labels)
        if labels.shape != (len(self.texts),) or (labels.size and labels.dtype.kind not in "iu"):
            raise CircuitError(
                f"{self.name}: labels are one class number for each of {len(self.texts)} texts, "
                f"got {labels.dtype} of shape {labels.shape}"
            )
        if labels.size and not 0 <= labels.min() <= labels.max() < len(self.classes):
            raise CircuitError(
                f"{self.name}: the labels of {len(self.classes)} classes are from 0 to "
                f"{len(self.classes) - 1}, got {labels.min()} to {labels.max()}"
            )
        object.__setattr__(self, "labels", labels.astype(np.int64))

    def __len__(self) -> int:
        return len(self.texts)

    def _says(self) -> Iterator[str | Table]:
        own = {"validation": self.validation, "test": self.test}
        amount = counted(len(self), "text")
        yield from heading(self.name, amount, self.classes, self.source, **own)
        pairs = zip(self.texts[:_SHOWN], self.labels, strict=False)
        first = [(str(self.classes[label]), text[:_LONG]) for text, label in pairs]
        yield Table(("class", "text"), first)
        yield class_table(self.labels, self.classes)
        yield from self.notes

    def rows(self, which: Any) -> Sentences:
        """These texts alone: their numbers, a slice, or one truth value for each."""
        which = np.atleast_1d(np.arange(len(self))[which])
        places = which if self.places is None else self.places[which]
        texts = tuple(self.texts[row] for row in which)
        own = {"texts": texts, "labels": self.labels[which], "places": places}
        return replace(self, **own, validation=None, test=None)

    def split(self, *shares: float, seed: int = 0) -> list[Sentences]:
        """Parts of these shares, drawn at random, each with every class in its proportion.

        Raises `CircuitError` where the shares do not add up to 1 or a part would lack a class.
        """
        drawn = split_rows(self.labels, shares, seed)
        refuse_rare(self.labels, self.classes, len(shares))
        return [self.rows(rows) for rows in drawn]


@dataclass(frozen=True, eq=False, repr=False)
class TaggedSentences(Shown):
    """Sentences of words, each word with a tag; "_" is a word whose tag is not told.

    `validation` and `test` are what the set brings of its own to judge by.

    Raises `CircuitError` where a sentence has not as many tags as words.

    >>> data = TaggedSentences("one", (("it", "is"),), (("PRON", "AUX"),))
    >>> data.classes, data.labels()
    (('AUX', 'PRON'), [array([1, 0])])
    """

    name: str
    words: tuple[tuple[str, ...], ...]
    tags: tuple[tuple[str, ...], ...]
    source: str = ""
    validation: TaggedSentences | None = None
    test: TaggedSentences | None = None

    def __post_init__(self) -> None:
        counts = [
            (len(words), len(tags)) for words, tags in zip(self.words, self.tags, strict=False)
        ]
        odd = next((k for k, (words, tags) in enumerate(counts) if words != tags), None)
        if odd is not None or len(self.words) != len(self.tags):
            at = "" if odd is None else f", in sentence {odd}"
            raise CircuitError(f"{self.name}: there is not one tag for each word{at}")

    def __len__(self) -> int:
        return len(self.words)

    def _says(self) -> Iterator[str | Table]:
        own = {"validation": self.validation, "test": self.test}
        words = counted(sum(map(len, self.words)), "word")
        amount = f"{counted(len(self), 'sentence')} of {words} in all"
        yield from heading(self.name, amount, (), self.source, **own)
        for words, tags in zip(self.words[:1], self.tags[:1], strict=True):
            yield Table(("word", "tag"), list(zip(words, tags, strict=True)))

    @property
    def classes(self) -> tuple[str, ...]:
        """The tags that occur, in order."""
        return tuple(sorted({tag for tags in self.tags for tag in tags} - {UNTAGGED}))

    def labels(self, classes: Sequence[str] | None = None) -> list[np.ndarray]:
        """The tags of each sentence as numbers (words,) of `classes`; -1 where none is told.

        Give the `classes` of the sentences to train on for those to judge by. Raises `CircuitError`
        for a tag that is not among them, naming the sentence and the word.
        """
        known = {tag: k for k, tag in enumerate(self.classes if classes is None else classes)}
        known[UNTAGGED] = -1
        found = []
        for row, tags in enumerate(self.tags):
            odd = next((k for k, tag in enumerate(tags) if tag not in known), None)
            if odd is not None:
                raise CircuitError(
                    f"{self.name}: sentence {row} has the tag {tags[odd]!r} at word {odd}, which "
                    f"is not among the classes {', '.join(classes or ())}"
                )
            found.append(np.array([known[tag] for tag in tags], np.int64))
        return found

    def rows(self, which: Any) -> TaggedSentences:
        """These sentences alone: their numbers, a slice, or one truth value for each."""
        rows = np.atleast_1d(np.arange(len(self))[which])
        words, tags = (tuple(x[row] for row in rows) for x in (self.words, self.tags))
        return replace(self, words=words, tags=tags, validation=None, test=None)

    def split(self, *shares: float, seed: int = 0) -> list[TaggedSentences]:
        """Parts of these shares, whole sentences, drawn at random.

        Raises `CircuitError` where the shares do not add up to 1, or are more than sentences.

        >>> data = TaggedSentences("two", (("it", "is"), ("so",)), (("PRON", "AUX"), ("ADV",)))
        >>> [part.words for part in data.split(0.5, 0.5)]
        [(('it', 'is'),), (('so',),)]
        """
        return [self.rows(rows) for rows in split_rows(len(self), shares, seed)]


def read_sentences(
    files: Mapping[str, str | os.PathLike[str]], *, name: str = "", encoding: str = "utf-8"
) -> Sentences:
    """The sentences in a file for each class, one in a line; empty lines are none.

    `files` are their paths by the names of the classes, which are numbered in that order.

    Raises `CircuitError` where there are not two, and where one cannot be read, or is empty.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     good, bad = Path(folder, "good"), Path(folder, "bad")
    ...     sizes = good.write_text("very good\\nfine\\n"), bad.write_text("bad\\n")
    ...     read_sentences({"bad": bad, "good": good}).texts
    ('bad', 'very good', 'fine')
    """
    if len(files) < 2:
        raise CircuitError(f"sentences are of two classes at least, a file each; got {len(files)}")
    texts: list[str] = []
    labels: list[int] = []
    for number, path in enumerate(files.values()):
        found = [line.strip() for _, line in text_lines(path, encoding)]
        found = [line for line in found if line]
        if not found:
            raise CircuitError(f"{path} holds no sentence; each stands in a line")
        texts += found
        labels += [number] * len(found)
    classes = tuple(files)
    return Sentences(
        name or "sentences", tuple(texts), np.array(labels), classes, encoding=encoding
    )


def read_conllu(path: str | os.PathLike[str], *, name: str = "") -> TaggedSentences:
    """The words and UPOS tags of a CoNLL-U file, which may be compressed (".gz").

    The words are the syntactic ones: of "don't", if it is so divided, "do" and "n't"; the line of
    the whole (3-4), and nodes that stand for words left out (5.1), are passed over.

    Raises `CircuitError` where the file cannot be read or holds no sentence, and for the first line
    that is not of the format, by its number.

    >>> import tempfile
    >>> rows = ["1\\tGo\\tgo\\tVERB" + "\\t_" * 6, "2\\t!\\t!\\tPUNCT" + "\\t_" * 6, "", ""]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.conllu")
    ...     n = path.write_text("\\n".join(rows))
    ...     data = read_conllu(path)
    >>> data.words, data.tags
    ((('Go', '!'),), (('VERB', 'PUNCT'),))
    """
    words: list[tuple[str, ...]] = []
    tags: list[tuple[str, ...]] = []
    for sentence in _sentences(path):
        words.append(tuple(word for word, _ in sentence))
        tags.append(tuple(tag for _, tag in sentence))
    if not words:
        raise CircuitError(f"{path} holds no sentence in CoNLL-U")
    return TaggedSentences(name or Path(path).name, tuple(words), tuple(tags))


def _sentences(path: str | os.PathLike[str]) -> Iterator[list[tuple[str, str]]]:
    """The words and tags of each sentence."""
    found: list[tuple[str, str]] = []
    until = 0  # the last word of those that are written as one
    for number, line in chain(text_lines(path, "utf-8"), [(0, "")]):
        columns = line.split("\t")
        wrong = ""
        if not line:
            if until > len(found):
                wrong = f"the sentence ends before word {until}, which was told of"
            elif found:
                yield found
            found, until = [], 0
        elif not line.startswith("#"):
            wrong = _wrong(columns, len(found), until)
        if wrong:
            where = f"line {number}" if number else "at its end"
            raise CircuitError(f"{path}, {where}: {wrong}; it is not CoNLL-U as it should be")
        if span := _RANGE.fullmatch(columns[0]):
            until = int(span[2])
        elif _NUMBER.fullmatch(columns[0]):
            found.append((columns[1], columns[3]))


def _wrong(columns: Sequence[str], words: int, until: int) -> str:
    """What is wrong with a line behind so many words of its sentence, or ""."""
    if len(columns) != _COLUMNS:
        return f"it has {len(columns)} columns with tabs between them, not {_COLUMNS}"
    identity, word, tag = columns[0], columns[1], columns[3]
    if not word or not tag:
        return f"its {'tag' if word else 'word'} is empty"
    if _NUMBER.fullmatch(identity):
        return "" if int(identity) == words + 1 else f"word {identity} follows word {words}"
    if span := _RANGE.fullmatch(identity):
        first, last = int(span[1]), int(span[2])
        if first != words + 1 or last <= first or first <= until:
            return f"the words {identity} cannot follow word {words}"
        return ""
    if empty := _EMPTY.fullmatch(identity):
        return "" if int(empty[1]) == words else f"the empty node {identity} follows word {words}"
    return f"{identity!r} numbers no word"


def text_lines(path: str | os.PathLike[str], encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """The lines of a text file, compressed (".gz") or not, with their numbers from 1.

    Raises `CircuitError` where it cannot be read, or has bytes of another encoding.
    """
    number = 0
    try:
        with opened(path) as file:
            start = file.read(8)
            refuse_no_text(path, start)
            file.seek(0)
            lines = io.TextIOWrapper(file, encoding, newline="\n")
            for number, line in enumerate(lines, start=1):
                line = line.rstrip("\r\n")
                yield number, line.removeprefix("\ufeff") if number == 1 else line
    except LookupError:
        raise CircuitError(f"there is no encoding {encoding!r}; most text is 'utf-8'") from None
    except UnicodeError as error:
        at = number + 1
        if isinstance(error, UnicodeDecodeError):
            at += error.object.count(b"\n", 0, error.start)
        raise CircuitError(
            f"{path}, line {at}: it is not text in {encoding}; give the encoding that it is in, "
            "such as encoding='latin-1'"
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CircuitError(f"cannot read {path}: {error}; it is damaged") from None
    except OSError as error:
        raise CircuitError(f"cannot read {path}: {error.strerror or error}") from None
