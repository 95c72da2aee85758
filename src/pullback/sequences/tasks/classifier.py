"""In: a network of texts, and how they become numbers. Out: a file of both, which classifies files.

Of each text it answers the class and how likely each is. A text is a line of a file, or a whole
file where the model was trained on such.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.files.answers import Answers
from pullback.files.folder import files_named, told_by_folders
from pullback.files.words import text_of
from pullback.gates.reduction import softmax
from pullback.layers import Layer
from pullback.sequences.tasks.answering import answered
from pullback.sequences.tasks.trained import TrainedSequences, checked_classes, register
from pullback.sequences.text.folder import TEXTS, whole_text
from pullback.sequences.text.sentences import text_lines
from pullback.sequences.text.tokenizer import tokenizer_from
from pullback.sequences.text.words import Words, split_words, word_ngrams

_TABLES = (".csv", ".parquet")
_LONGEST = 8  # words or characters of a run, which no training goes beyond


@dataclass(frozen=True)
class Pieces:
    """How a text is divided: into words, or `characters`, the first `steps` of them.

    Behind them stand all runs of 2, and so on up to `longest`.

    >>> Pieces(False, 2, 3).of("Not so good, not so bad")
    ['not', 'so', 'good', 'not so', 'so good']
    >>> Pieces(True, 1, 3).of("Anna")
    ['A', 'n', 'n']
    """

    characters: bool
    longest: int
    steps: int

    def of(self, text: str) -> list[str]:
        """The words of a text in lower case, or its characters, and runs of them."""
        return self.runs(self.divided(text))

    def divided(self, text: str) -> list[str]:
        """All words or characters of a text."""
        if self.characters:
            return list(text)
        return [word for word in split_words(text.lower()) if word != "\n"]

    def runs(self, divided: Sequence[str]) -> list[str]:
        """Of a text that is divided, those that count, and runs of them."""
        return word_ngrams(divided[: self.steps], self.longest)

    def encode(self, divided: Sequence[str], words: Words) -> np.ndarray:
        """The numbers of a text that is divided; nothing is a single unknown word."""
        return words.encode(self.runs(divided) or [words.unknown or ""])


@final
@register
@dataclass(frozen=True, kw_only=True)
class TextClassifier(TrainedSequences):
    """A network that takes texts, in an `encoding`; `by_file`: each is a whole file, not a line."""

    classes: tuple[str, ...]
    pieces: Pieces
    words: Words
    by_file: bool = False
    encoding: str = "utf-8"
    task: ClassVar[str] = "classification"
    noun: ClassVar[str] = "text classifier"

    def says(self) -> list[str]:
        what = "character" if self.pieces.characters else "word"
        runs = ""
        if self.pieces.longest > 1:
            runs = f" and runs of up to {self.pieces.longest}"
        takes = "a text in each file" if self.by_file else "a text in each line"
        return [
            f"tells which of {len(self.classes)} classes a text is of: {', '.join(self.classes)}",
            f"takes .txt files, {takes}; looks at the first {self.pieces.steps:,} {what}s of it"
            f"{runs}, of {len(self.words):,} different ones",
        ]

    def describe(self) -> dict[str, Any]:
        return {
            "classes": list(self.classes),
            "pieces": vars(self.pieces),
            "words": self.words.describe(),
            "by_file": self.by_file,
            "encoding": self.encoding,
        }

    @classmethod
    def construct(cls, description: Mapping[str, Any], **common: Any) -> TextClassifier:
        classes, by_file = checked_classes(description["classes"]), description["by_file"]
        encoding = description["encoding"]
        pieces, words = Pieces(**description["pieces"]), tokenizer_from(description["words"])
        counts = (pieces.longest, pieces.steps)
        if (
            type(by_file) is not bool
            or type(pieces.characters) is not bool
            or not all(type(n) is int and n > 0 for n in counts)
            or type(encoding) is not str
            or not isinstance(words, Words)
            or words.unknown is None
            or pieces.longest > _LONGEST
        ):
            raise CircuitError("what it tells about its texts is not possible")
        return cls(
            classes=classes,
            pieces=pieces,
            words=words,
            by_file=by_file,
            encoding=encoding,
            **common,
        )

    def check(self) -> None:
        """Raise `CircuitError` where the layers do not take its words, or have other classes."""
        last = np.array([[len(self.words) - 1]])
        try:
            shape = np.shape(self.model.predict((last, np.array([1]))))
        except Exception:  # what foreign layers make of it cannot be foreseen
            shape = None
        if shape != (1, len(self.classes)):
            raise CircuitError("the layers do not take its words, or have other classes")

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """How likely each class is, (texts, classes)."""
        rows = [self.pieces.encode(self.pieces.divided(text), self.words) for text in texts]
        return probabilities(self.model, rows, len(self.classes))

    def answers(self, data: Sequence[str], *, encoding: str | None = None) -> Answers:
        """What it says of the texts in files, and in those in folders, named by their paths.

        Raises `CircuitError` where one cannot be read, or there is no text at all.
        """
        names: list[str] = []
        texts: list[str] = []
        files = files_named(data, TEXTS)
        for file in files:
            if file.suffix.lower() in _TABLES:
                raise CircuitError(f"{file} is a table, and this model takes {TEXTS.readable}")
            code = encoding or self.encoding
            inside = (
                [whole_text(file, code)]
                if self.by_file
                else [line for _, line in text_lines(file, code)]
            )
            inside = [text.strip() for text in inside]
            inside = [text for text in inside if text or self.by_file]
            names += [str(file)] * len(inside)
            texts += inside
        if not texts:
            raise CircuitError(f"there is no text in {', '.join(data)}")
        best, columns = self._columns(texts)
        if self.by_file:  # where a whole text would fill a cell, its file's name stands for it
            columns.pop("text")
        columns = {"file": [text_of(name) for name in names], **columns}
        truth = self._truth(names)
        measured = {} if truth is None else {"accuracy": float((best == truth).mean())}
        where = "folders" if self.by_file else "file names"
        judged = f"by the {where} of {counted(len(texts), 'text')}"
        return Answers(columns, self.classes, measured, judged)

    def answers_to(self, texts: Sequence[str]) -> Answers:
        """What it says of these texts."""
        return Answers(self._columns(texts)[1], self.classes)

    def _columns(self, texts: Sequence[str]) -> tuple[np.ndarray, dict[str, Any]]:
        """The likeliest class of each text, and columns of a table of them."""
        found = self.probabilities(texts)
        best = found.argmax(axis=1)
        shares = {f"probability {c}": found[:, k] for k, c in enumerate(self.classes)}
        names = [self.classes[k] for k in best]
        return best, {"text": list(texts), "prediction": names, **shares}

    def _truth(self, names: Sequence[str]) -> np.ndarray | None:
        """The classes that folders tell, or names of files; None where some tell none."""
        if self.by_file:
            return told_by_folders(names, self.classes)
        return told_by_folders([Path(Path(name).stem, "line") for name in names], self.classes)


def probabilities(model: Layer, rows: Sequence[np.ndarray], classes: int) -> np.ndarray:
    """How likely a model finds each class, (rows, classes), by the numbers of each text."""
    found = np.zeros((len(rows), classes))
    for which, scores, _ in answered(model, rows):
        found[which] = softmax(scores.astype(np.float64), axis=1)
    return found
