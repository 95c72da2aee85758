"""In: a network that tags, and how words become numbers. Out: a file of both, which tags files.

Of each word it answers the tag of the likeliest tagging of its sentence, and how likely the tag is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.files.answers import Answers
from pullback.files.folder import files_named
from pullback.files.listing import Kind
from pullback.files.progress import working
from pullback.files.words import text_of
from pullback.layers import Layer
from pullback.losses.sequences.chain import marginals
from pullback.models.tagger import Tagger
from pullback.sequences.decoding import viterbi
from pullback.sequences.tasks.answering import answered
from pullback.sequences.tasks.trained import TrainedSequences, checked_classes, register
from pullback.sequences.text.characters import Characters
from pullback.sequences.text.letters import character_matrix
from pullback.sequences.text.sentences import CONLLU, UNTAGGED, read_conllu, text_lines
from pullback.sequences.text.tokenizer import tokenizer_from
from pullback.sequences.text.words import Words, split_words

_FILES = Kind("text", (".txt", ".text", ".conllu"), ".txt and .conllu files")
_LONGEST = 16  # characters of a word that are looked at
_UNKNOWN, _OTHER = "<unknown>", "\ufffd"

Sentence = Sequence[str]


@dataclass(frozen=True)
class Numbering:
    """What of the sentences to train on all others are numbered by, too."""

    words: Words
    letters: Characters
    classes: tuple[str, ...]

    @classmethod
    def of(cls, sentences: Sequence[Sentence], classes: tuple[str, ...]) -> Numbering:
        """Of words that stand there twice, and characters that stand there three times."""
        words = Words.of(sentences, minimum=2, unknown=_UNKNOWN, lower=True)
        pieces = ("".join(row) for row in sentences)
        return cls(words, Characters.of(pieces, minimum=3, unknown=_OTHER), classes)

    @property
    def fill(self) -> tuple[int, int]:
        """What stands behind the end of a sentence."""
        return 0, len(self.letters)

    @property
    def sizes(self) -> tuple[int, int, int]:
        return len(self.words), len(self.letters), len(self.classes)

    def inputs(self, sentences: Sequence[Sentence]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Of each word its number, (words,), and its characters, (words, longest)."""
        return (
            [self.words.encode(row) for row in sentences],
            [character_matrix([row], self.letters, longest=_LONGEST)[0] for row in sentences],
        )


@dataclass(frozen=True)
class Tagging:
    """The tags of a sentence as numbers, (words,), and how likely each is, (words,)."""

    tags: np.ndarray
    sure: np.ndarray


def taggings(
    model: Layer, numbering: Numbering, inputs: tuple[list[np.ndarray], list[np.ndarray]]
) -> list[Tagging]:
    """The likeliest tagging of each sentence, by its inputs.

    Raises `CircuitError` as `Layer.predict` does.
    """
    count = len(inputs[0])
    found: list[Tagging | None] = [None] * count
    with working("tagging sentences", count, None if count > 1000 else False) as line:
        for which, scores, lengths in answered(model, *inputs, fill=numbering.fill):
            best, _ = viterbi(scores, lengths)
            likely = np.asarray(marginals(scores, lengths).value)
            sure = np.take_along_axis(likely, np.maximum(best, 0)[..., None], axis=2)[..., 0]
            for k, tags, share, length in zip(which, best, sure, lengths, strict=True):
                found[k] = Tagging(tags[:length], np.clip(share[:length], 0.0, 1.0))
            line.advance(len(which))
    return [one for one in found if one is not None]


@final
@register
@dataclass(frozen=True, kw_only=True)
class SequenceTagger(TrainedSequences):
    """A network that tags the words of sentences, with how they are numbered and its tags."""

    numbering: Numbering
    task: ClassVar[str] = "tagging"
    noun: ClassVar[str] = "tagger"

    @property
    def classes(self) -> tuple[str, ...]:
        return self.numbering.classes

    def says(self) -> list[str]:
        return [
            f"tells the tag of each word of a sentence, of {len(self.classes)}: "
            f"{', '.join(self.classes)}",
            f"knows {len(self.numbering.words):,} words, and others by their letters",
            "takes .txt files, a sentence in each line, and .conllu files",
        ]

    def describe(self) -> dict[str, Any]:
        numbering = self.numbering
        return {
            "words": numbering.words.describe(),
            "letters": numbering.letters.describe(),
            "classes": list(numbering.classes),
        }

    @classmethod
    def construct(cls, description: Mapping[str, Any], **common: Any) -> SequenceTagger:
        words, letters = (tokenizer_from(description[name]) for name in ("words", "letters"))
        classes = checked_classes(description["classes"])
        if (
            not isinstance(words, Words)
            or not isinstance(letters, Characters)
            or words.unknown is None
            or letters.unknown is None
        ):
            raise CircuitError("what it tells about its words is not possible")
        return cls(numbering=Numbering(words, letters, classes), **common)

    def check(self) -> None:
        """Raise `CircuitError` where the layers do not take its words, or have other tags."""
        config = self.model.config if isinstance(self.model, Tagger) else {}
        if tuple(config.get(name) for name in ("words", "characters", "tags")) != (
            self.numbering.sizes
        ):
            raise CircuitError("the layers do not take its words, or have other tags")

    def tag(self, sentences: Sequence[Sentence]) -> list[list[tuple[str, str]]]:
        """Words with their tags, of sentences that are divided into words.

        Raises `CircuitError` for a sentence without words.
        """
        empty = next((k for k, row in enumerate(sentences) if not len(row)), None)
        if empty is not None:
            raise CircuitError(f"sentence {empty} has no words: leave it out")
        found = taggings(self.model, self.numbering, self.numbering.inputs(sentences))
        return [
            [(word, self.classes[k]) for word, k in zip(row, one.tags, strict=True)]
            for row, one in zip(sentences, found, strict=True)
        ]

    def answers(self, data: Sequence[str], *, encoding: str | None = None) -> Answers:
        """What it says of the words in files, and in those in folders, named by their paths.

        Of a text, a line is a sentence. How many words are right is told where files have tags.

        Raises `CircuitError` where one cannot be read, or there is no sentence at all.
        """
        files, numbers, sentences, truths = [], [], [], []
        for file in files_named(data, _FILES):
            for number, (words, tags) in enumerate(_sentences(file, encoding), start=1):
                files.append(text_of(file))
                numbers.append(number)
                sentences.append(words)
                truths.append(tags)
        if not sentences:
            raise CircuitError(f"there is no sentence in {', '.join(data)}")
        columns = self._columns(numbers, sentences)
        sizes = [len(words) for words in sentences]
        columns = {"file": np.repeat(np.array(files, object), sizes), **columns}
        told = chain.from_iterable(truths)
        pairs = [(a, b) for a, b in zip(columns["tag"], told, strict=True) if b != UNTAGGED]
        measured = {"words right": float(np.mean([a == b for a, b in pairs]))} if pairs else {}
        judged = f"by the tags of {counted(len(pairs), 'word')}"
        known = set(self.numbering.words.vocabulary)
        own = chain.from_iterable(
            words
            for name, words in zip(files, sentences, strict=True)
            if not name.lower().endswith(CONLLU)
        )
        whole = next((w for w in own if "'" in w[1:] and w.lower() not in known), None)
        notes = []
        if whole is not None:
            notes.append(
                f"words with an apostrophe stay whole, such as {whole!r}, which is none of those "
                "trained on: where these are divided, give a .conllu file that divides them too"
            )
        return Answers(columns, self.classes, measured, judged, tuple(notes))

    def answers_to(self, texts: Sequence[str]) -> Answers:
        """What it says of the words of these sentences.

        Raises `CircuitError` for one without words.
        """
        sentences = [_words(text) for text in texts]
        if [] in sentences:
            raise CircuitError(f"there are no words in {texts[sentences.index([])]!r}")
        return Answers(self._columns(range(1, len(texts) + 1), sentences), self.classes)

    def _columns(
        self, numbers: Sequence[int], sentences: Sequence[Sequence[str]]
    ) -> dict[str, Any]:
        """A table of the words of sentences, which have these numbers."""
        found = taggings(self.model, self.numbering, self.numbering.inputs(sentences))
        return {
            "sentence": np.repeat(numbers, [len(words) for words in sentences]),
            "word": [word for words in sentences for word in words],
            "tag": [self.classes[k] for one in found for k in one.tags],
            "probability": np.concatenate([one.sure for one in found]),
        }


def _sentences(file: Path, encoding: str | None) -> Iterator[tuple[list[str], list[str]]]:
    """The words of each sentence in a file, and their tags, "_" where they are not told."""
    if file.name.lower().endswith(CONLLU):
        data = read_conllu(file)
        for words, tags in zip(data.words, data.tags, strict=True):
            yield list(words), list(tags)
        return
    for _, line in text_lines(file, encoding or "utf-8"):
        if words := _words(line):
            yield words, [UNTAGGED] * len(words)


def _words(line: str) -> list[str]:
    return [word for word in split_words(line) if word != "\n"]
